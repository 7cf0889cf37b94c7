import { Time } from "../parts/Time";
import { useNow } from "../parts/useNow";
import { day, exact, moment, ZONE } from "../time";
import { wordsOfDay } from "./days";

/** Due times to come: as the clocks of the zone say them, and on the viewer's. */
export function DueTimes({
  instants,
  local,
  zone,
}: {
  instants: string[];
  local: string[];
  zone: string;
}) {
  const now = useNow(true);
  if (instants.length === 0) return <p className="muted">Nothing is due any more.</p>;
  return (
    <ol className="moments">
      {instants.map((instant, index) => {
        const there = local[index] ?? instant;
        return (
          <li key={instant}>
            <time dateTime={instant} title={there}>
              {wordsOfDay(there.slice(0, 10), now)} {there.slice(11, 16)}
            </time>
            <span className="muted">{there.slice(19)}</span>
            {zone !== ZONE && (
              <span className="muted" title={exact(moment(instant))}>
                {day(moment(instant), now)} here
              </span>
            )}
            <span className="muted">
              <Time at={instant} now={now} relative />
            </span>
          </li>
        );
      })}
    </ol>
  );
}
