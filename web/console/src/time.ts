/** Times and durations in words. Units fit the length; clocks are the viewer's, 24 hours. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `5 ms`, `4.2 s`, `31 s`, `2 min 5 s`, `3 h 10 min`, `2 d 4 h`. */
export function duration(milliseconds: number): string {
  const span = Math.max(0, milliseconds);
  if (span < SECOND) return `${Math.round(span)} ms`;
  if (span < 9.95 * SECOND) return `${(span / SECOND).toFixed(1)} s`;
  if (span < 59.5 * SECOND) return `${Math.round(span / SECOND)} s`;
  if (span < HOUR - 500) return pair(Math.round(span / SECOND), 60, "min", "s");
  if (span < DAY - 30 * SECOND) return pair(Math.round(span / MINUTE), 60, "h", "min");
  return pair(Math.round(span / HOUR), 24, "d", "h");
}

function pair(small: number, base: number, big: string, unit: string): string {
  const rest = small % base;
  return `${Math.floor(small / base)} ${big}${rest ? ` ${rest} ${unit}` : ""}`;
}

/** `just now`, `12 s ago`, `5 min ago`, `yesterday`: one unit, because it changes under the eye. */
export function ago(at: number, now: number): string {
  const span = now - at;
  if (span < 5 * SECOND) return "just now";
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s ago`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min ago`;
  if (span < DAY) return `${Math.floor(span / HOUR)} h ago`;
  return `${Math.floor(span / DAY)} d ago`;
}

/** The same for what is still to come: `in 12 s`, `in 5 min`, `in 3 h`, `in 2 d`. */
export function fromNow(at: number, now: number): string {
  const span = at - now;
  if (span <= 0) return ago(at, now);
  if (span < MINUTE) return `in ${Math.ceil(span / SECOND)} s`;
  if (span < HOUR) return `in ${Math.round(span / MINUTE)} min`;
  if (span < 2 * DAY) return `in ${Math.round(span / HOUR)} h`;
  return `in ${Math.round(span / DAY)} d`;
}

/** What is longer ago than this is shown with its day. */
export const TODAY = 20 * HOUR;

const two = (value: number) => String(value).padStart(2, "0");

/** `14:02:31`, or with *digits* `14:02:31.4`. */
export function clock(at: number, digits = 0): string {
  const date = new Date(at);
  const whole = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  if (digits === 0) return whole;
  return `${whole}.${String(date.getMilliseconds()).padStart(3, "0").slice(0, digits)}`;
}

/** `28 Nov 14:02`; the year only if it is another one. */
export function day(at: number, now: number): string {
  const date = new Date(at);
  const month = date.toLocaleString("en-GB", { month: "short" });
  const year = date.getFullYear() === new Date(now).getFullYear() ? "" : ` ${date.getFullYear()}`;
  return `${date.getDate()} ${month}${year} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** ISO 8601 in the viewer's zone, with its offset: what nobody can misread. */
export function exact(at: number): string {
  const date = new Date(at);
  const offset = -date.getTimezoneOffset();
  const days = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  const sign = offset < 0 ? "-" : "+";
  const zone = `${sign}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${days}T${clock(at, 3)}${zone}`;
}

/** Round steps for an axis of this length: as many as have room, at most *room*. */
export function tickStep(span: number, room: number): number {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4]
    .concat([1, 2, 5, 10, 15, 30].map((count) => count * MINUTE))
    .concat([1, 2, 3, 6, 12].map((count) => count * HOUR))
    .concat([1, 2, 7, 14, 30, 90, 365].map((count) => count * DAY));
  return steps.find((step) => span / step <= room) ?? 365 * DAY;
}

export const moment = (text: string): number => Date.parse(text);

/** Moments that the server has put in words, on the viewer's clock, as all others are. */
export function inThisZone(text: string): string {
  return text.replaceAll(/(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC/g, (_, date, time) =>
    exact(Date.parse(`${date}T${time}Z`))
      .slice(0, 19)
      .replace("T", " "),
  );
}

export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
