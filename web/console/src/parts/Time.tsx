import { clock, day, exact, fromNow, moment, TODAY } from "../time";

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
  const isNear = Math.abs(now - when) < TODAY;
  const words = relative ? fromNow(when, now) : isNear ? clock(when) : day(when, now);
  return (
    <time dateTime={at} title={exact(when)}>
      {words}
    </time>
  );
}

/** How far away a moment is, and below it when that is. */
export function Dated({ at, now }: { at: string; now: number }) {
  return (
    <>
      <Time at={at} now={now} relative />
      <span className="sub">{day(moment(at), now)}</span>
    </>
  );
}
