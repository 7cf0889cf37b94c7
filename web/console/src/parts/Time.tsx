import { ago, clock, day, exact, moment } from "../time";

const TODAY = 20 * 3_600_000;

/** A moment in words; the exact one on hover. */
export function Time({
  at,
  now,
  relative = false,
}: {
  at: string;
  now: number;
  relative?: boolean;
}) {
  const when = moment(at);
  const words = relative ? ago(when, now) : now - when < TODAY ? clock(when) : day(when, now);
  return (
    <time dateTime={at} title={exact(when)}>
      {words}
    </time>
  );
}
