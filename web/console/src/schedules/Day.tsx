/** One day of the calendar: its hours in a row, and on demand all that is due. */

import { SCHEDULES } from "../addresses";
import { serverNow } from "../api/clock";
import type { ScheduleCalendar } from "../api/types";
import { Icon } from "../parts/Icon";
import { Chip } from "../parts/State";
import { Link, withQuery } from "../router";
import type { State } from "../states";
import { exact, moment } from "../time";
import { hoursOf, shownIn, wordsOfDay } from "./days";

type CalendarDay = ScheduleCalendar["days"][number];
type Firing = CalendarDay["firings"][number];
type Skipped = CalendarDay["skipped"][number];

/** What the change of the clocks has made of a due time. */
type Odd = "repeated" | "shifted" | "missing" | "doubled";

const ODD: Record<Odd, State> = {
  repeated: { word: "Second time: clocks go back", look: "retrying", icon: "retry" },
  shifted: { word: "Moved: clocks leave its time out", look: "retrying", icon: "skip" },
  missing: { word: "Not due: clocks leave its time out", look: "skipped", icon: "cross" },
  doubled: { word: "Not due: clocks have its time twice", look: "skipped", icon: "cross" },
};

/** What stands in a day: due, or left out. */
interface Entry {
  key: string;
  at: number;
  schedule_id: string;
  name: string;
  odd: Odd | null;
  isDue: boolean;
  /** What the clocks of the schedule say. */
  local: string;
  timezone: string;
}

const ofFiring = (firing: Firing): Entry => ({
  ...firing,
  key: `${firing.schedule_id} ${firing.due_at}`,
  at: moment(firing.due_at),
  odd: firing.mark as Odd | null,
  isDue: true,
  local: firing.schedule_local.slice(11, 16),
});

const ofSkipped = (skipped: Skipped): Entry => ({
  ...skipped,
  key: `${skipped.schedule_id} ${skipped.at} not`,
  at: moment(skipped.at),
  odd: skipped.why as Odd,
  isDue: false,
  local: skipped.local.slice(11, 16),
});

export function Day({
  day,
  zone,
  longest,
  open,
  isToday,
}: {
  day: CalendarDay;
  zone: string;
  /** Hours of the longest day in sight: all days have one scale. */
  longest: number;
  open: boolean;
  isToday: boolean;
}) {
  const entries = [...day.firings.map(ofFiring), ...day.skipped.map(ofSkipped)].sort(
    (one, other) => one.at - other.at,
  );
  const due = day.firings.length;
  const isOdd = day.hours !== 24;
  const words = wordsOfDay(day.date, serverNow());
  return (
    <section className="calendar-day" aria-label={words} data-open={open || undefined}>
      <Link
        className="calendar-date"
        aria-expanded={open}
        href={withQuery({ day: open ? null : day.date })}
      >
        <b>{words}</b>
        {isToday && <span> today</span>}
        <span className="sub">
          {due === 0 ? "nothing due" : `${due} due`}
          {isOdd && <span className="calendar-odd"> · {day.hours} hours</span>}
        </span>
      </Link>
      <Strip day={day} zone={zone} longest={longest} entries={entries} />
      {open && <Entries day={day} entries={entries} zone={zone} />}
    </section>
  );
}

function Strip({
  day,
  zone,
  longest,
  entries,
}: {
  day: CalendarDay;
  zone: string;
  longest: number;
  entries: Entry[];
}) {
  const hours = hoursOf(day, zone, entries, ({ at }) => at);
  return (
    <ol
      className="calendar-strip"
      style={{ width: `${(day.hours / longest) * 100}%` }}
      data-odd={day.hours !== 24 || undefined}
    >
      {hours.map(({ time, length, entries: within }, index) => {
        const due = within.filter(({ isDue }) => isDue);
        const odd = within.find((entry) => entry.odd)?.odd ?? null;
        return (
          <li
            // biome-ignore lint/suspicious/noArrayIndexKey: hours have no other name, two have the same time
            key={index}
            style={{ flexGrow: length }}
            data-due={due.length > 0 || undefined}
            data-many={due.length > 2 || undefined}
            title={within.length > 0 ? wordsOf(within, zone) : `${time}: nothing`}
          >
            {day.hours !== 24 && <span className="calendar-time">{time.slice(0, 2)}</span>}
            {odd && (
              <span className={`calendar-mark ${ODD[odd].look}`}>
                <Icon name={ODD[odd].icon} />
                <span className="unseen">{ODD[odd].word}</span>
              </span>
            )}
            {due.length > 0 && <span className="calendar-count">{due.length}</span>}
          </li>
        );
      })}
    </ol>
  );
}

const wordsOf = (entries: Entry[], zone: string): string =>
  entries
    .map(({ at, name, odd }) => {
      const { time } = shownIn(zone, at);
      return `${time} ${name}${odd ? ` (${ODD[odd].word.toLowerCase()})` : ""}`;
    })
    .join("\n");

function Entries({ day, entries, zone }: { day: CalendarDay; entries: Entry[]; zone: string }) {
  if (entries.length === 0 && day.more.length === 0) {
    return <p className="calendar-entries muted">Nothing is due on this day.</p>;
  }
  return (
    <ul className="calendar-entries">
      {entries.map((entry) => (
        <li key={entry.key}>
          <time dateTime={new Date(entry.at).toISOString()} title={exact(entry.at)}>
            {entry.isDue ? shownIn(zone, entry.at).time : entry.local}
          </time>
          <Link href={`${SCHEDULES}/${entry.schedule_id}`}>{entry.name}</Link>
          {entry.timezone !== zone && (
            <span className="muted">
              {entry.local} in {entry.timezone}
            </span>
          )}
          {entry.odd && <Chip state={ODD[entry.odd]} />}
        </li>
      ))}
      {day.more.map(({ schedule_id, name, count }) => (
        <li key={schedule_id}>
          <time>often</time>
          <Link href={`${SCHEDULES}/${schedule_id}`}>{name}</Link>
          <span className="muted">{count.toLocaleString("en-GB")} times</span>
        </li>
      ))}
    </ul>
  );
}
