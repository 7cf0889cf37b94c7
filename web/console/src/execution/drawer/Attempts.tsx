import type { Step } from "../../api/types";
import { Time } from "../../parts/Time";
import { duration } from "../../time";
import type { Track } from "../gantt/segments";

/** What each attempt did and how it ended, as the history tells it. */
interface Props {
  row: Step;
  track: Track | undefined;
  now: number;
}

export function Attempts({ row, track, now }: Props) {
  if (!track || track.segments.length === 0) {
    return (
      <p className="empty">
        {row.start_time === null
          ? "No attempt has begun yet."
          : `Attempt ${row.attempt}; the events that are loaded tell no more of it.`}
      </p>
    );
  }
  return (
    <ol className="attempts">
      {track.segments.map((segment) => (
        <li key={segment.from + segment.look}>
          <span className={`chip ${segment.look}`}>{segment.attempt}</span>
          <div>
            {segment.label} · {duration((segment.to ?? now) - segment.from)}
            {segment.to === null && ", goes on"}
            <div className="muted">
              since <Time at={new Date(segment.from).toISOString()} now={now} />
            </div>
            {track.marks
              .filter((mark) => mark.at === segment.to)
              .map((mark) => (
                <div key={mark.label} className={`tint-${mark.look}`}>
                  {mark.label}
                </div>
              ))}
          </div>
        </li>
      ))}
    </ol>
  );
}
