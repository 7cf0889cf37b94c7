/** Fourteen days of what is due, hour by hour; days have the hours that the clocks give them. */

import { SCHEDULES } from "../addresses";
import { get } from "../api/client";
import { serverNow } from "../api/clock";
import type { ScheduleCalendar } from "../api/types";
import { pathWith } from "../parts/address";
import { Listed } from "../parts/Listed";
import { usePolled } from "../parts/usePolled";
import { go, Link, withQuery } from "../router";
import { ZONE } from "../time";
import { Day } from "./Day";
import { dateAfter, isDate, shownIn } from "./days";

const DAYS = 14;
/** Milliseconds: what is due changes when somebody changes a schedule. */
const QUIET = 30_000;

export function Calendar({ query }: { query: URLSearchParams }) {
  const wanted = query.get("zone");
  const zone = wanted && isZone(wanted) ? wanted : ZONE;
  const today = shownIn(zone, serverNow()).date;
  const from = isDate(query.get("from") ?? "") ? String(query.get("from")) : today;
  const request = { from, to: dateAfter(from, DAYS - 1), zone };
  const found = usePolled(
    ["schedules", "calendar", request],
    (signal) => find(pathWith("/schedules/calendar", request), signal),
    QUIET,
  );
  return (
    <>
      <Where from={from} today={today} zone={zone} />
      <Listed found={found} of="days">
        {(calendar) => <Days calendar={calendar} chosen={query.get("day")} today={today} />}
      </Listed>
    </>
  );
}

/** Hours come with a fraction, `24.0`, whose digits are of no interest here. */
async function find(request: string, signal: AbortSignal): Promise<ScheduleCalendar> {
  const calendar = await get<ScheduleCalendar>(request, signal);
  return { ...calendar, days: calendar.days.map((day) => ({ ...day, hours: Number(day.hours) })) };
}

function Where({ from, today, zone }: { from: string; today: string; zone: string }) {
  const to = (date: string) => withQuery({ from: date === today ? null : date, day: null });
  const zones = [...new Set([ZONE, "UTC", zone])];
  return (
    <div className="choices">
      <div className="calendar-where">
        <Link className="button" href={to(dateAfter(from, -DAYS))}>
          Earlier
        </Link>
        <label className="select">
          <span>From</span>
          <input
            type="date"
            value={from}
            onChange={({ target }) => isDate(target.value) && go(to(target.value))}
          />
        </label>
        <Link className="button" href={to(dateAfter(from, DAYS))}>
          Later
        </Link>
        {from !== today && (
          <Link className="button" href={to(today)}>
            Today
          </Link>
        )}
      </div>
      <label className="select">
        <span>Days of</span>
        <select
          value={zone}
          onChange={({ target }) =>
            go(withQuery({ zone: target.value === ZONE ? null : target.value, day: null }))
          }
        >
          {zones.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
    </div>
  );
}

function Days({
  calendar,
  chosen,
  today,
}: {
  calendar: ScheduleCalendar;
  chosen: string | null;
  today: string;
}) {
  const longest = Math.max(24, ...calendar.days.map(({ hours }) => hours));
  return (
    <div className="schedule-calendar">
      <Often days={calendar.days} />
      <div className="calendar-hours" aria-hidden="true">
        {[0, 3, 6, 9, 12, 15, 18, 21].map((hour) => (
          <span key={hour} style={{ left: `${(hour / longest) * 100}%` }}>
            {String(hour).padStart(2, "0")}
          </span>
        ))}
      </div>
      {calendar.days.map((day) => (
        <Day
          key={day.date}
          day={day}
          zone={calendar.zone}
          longest={longest}
          open={chosen === day.date}
          isToday={day.date === today}
        />
      ))}
      {!calendar.is_complete && (
        <p className="muted" role="status">
          There are more schedules than a calendar has room for.
        </p>
      )}
    </div>
  );
}

/** What is due so often that its due times are counted only: said once, and not on each day. */
function Often({ days }: { days: ScheduleCalendar["days"] }) {
  const most = new Map<string, { name: string; count: number }>();
  for (const { schedule_id, name, count } of days.flatMap(({ more }) => more)) {
    if (count > (most.get(schedule_id)?.count ?? 0)) most.set(schedule_id, { name, count });
  }
  if (most.size === 0) return null;
  return (
    <p className="calendar-often">
      Too often to be drawn:{" "}
      {[...most].map(([id, { name, count }]) => (
        <Link key={id} href={`${SCHEDULES}/${id}`}>
          {name} <b>{count.toLocaleString("en-GB")} a day</b>
        </Link>
      ))}
    </p>
  );
}

function isZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}
