/** Days as the clocks of a zone count them. When something is due says the API alone. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** No zone is further from UTC, so a day begins within this of its midnight there. */
const FURTHEST = 16 * 60;

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  });
  clocks.set(zone, made);
  return made;
}

/** What the clocks of a zone show: `2027-03-28` and `01:30`. */
export function shownIn(zone: string, at: number): { date: string; time: string } {
  const parts = Object.fromEntries(
    clockOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const { year, month, day, hour, minute } = parts;
  return { date: `${year}-${month}-${day}`, time: `${hour}:${minute}` };
}

/** The instant at which a day begins; where midnight is left out that is later than 00:00. */
export function startOfDay(date: string, zone: string): number {
  const midnight = Date.parse(`${date}T00:00:00Z`) / MINUTE;
  let [before, from] = [midnight - FURTHEST, midnight + FURTHEST];
  while (from - before > 1) {
    const middle = Math.floor((before + from) / 2);
    if (shownIn(zone, middle * MINUTE).date < date) before = middle;
    else from = middle;
  }
  return from * MINUTE;
}

export const dateAfter = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * 24 * HOUR).toISOString().slice(0, 10);

/** `Sun 28 Mar`; the year only if it is another one than now. */
export function wordsOfDay(date: string, now: number): string {
  const at = new Date(`${date}T00:00:00Z`);
  const part = (options: Intl.DateTimeFormatOptions) =>
    at.toLocaleString("en-GB", { ...options, timeZone: "UTC" });
  const year = at.getUTCFullYear() === new Date(now).getFullYear() ? "" : ` ${date.slice(0, 4)}`;
  return `${part({ weekday: "short" })} ${at.getUTCDate()} ${part({ month: "short" })}${year}`;
}

export const isDate = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`));

/** One hour of a day, or what is left of it where clocks change by half of one. */
export interface Hour<Entry> {
  /** What the clocks show when it begins. */
  time: string;
  /** 1, or the part of an hour. */
  length: number;
  entries: Entry[];
}

/** A day cut into as many hours as it has, each with what falls into it. */
export function hoursOf<Entry>(
  { date, hours }: { date: string; hours: number },
  zone: string,
  entries: readonly Entry[],
  at: (entry: Entry) => number,
): Hour<Entry>[] {
  const start = startOfDay(date, zone);
  const cut = Array.from({ length: Math.ceil(hours) }, (_, index): Hour<Entry> => {
    const { time } = shownIn(zone, start + index * HOUR);
    return { time, length: Math.min(1, hours - index), entries: [] };
  });
  for (const entry of entries) {
    const index = Math.floor((at(entry) - start) / HOUR);
    cut[Math.min(Math.max(index, 0), cut.length - 1)]?.entries.push(entry);
  }
  return cut;
}
