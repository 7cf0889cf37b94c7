"""Faults of other schedulers, each with the input that showed it and the right answer.

The letters are those of the reports that were collected (Appendix 1: one case under three rules).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from support.due_times import ANCHOR, cron, due, moment, said

from pipeline_engine.domain.recurrence import Recurrence

NEW_YORK, LORD_HOWE, TROLL = "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll"
DUBLIN, CASABLANCA, CHATHAM = "Europe/Dublin", "Africa/Casablanca", "Pacific/Chatham"

#: What it is, the expression, the zone, a moment, and what is due next (UTC).
CASES = [
    ("A1", "30 2 * * *", NEW_YORK, "2026-03-07T12:00", "03-08T07:00 03-09T06:30 03-10T06:30"),
    ("A1 rhythm", "*/15 2 * * *", NEW_YORK, "2026-03-08T05:00", "03-09T06:00"),
    ("A2", "0 * * * *", "America/Los_Angeles", "2026-11-01T07:59", "11-01T08:00 09:00 10:00"),
    ("A2 fixed", "30 1 * * *", NEW_YORK, "2026-11-01T00:00", "11-01T05:30 11-02T06:30"),
    ("A3 a", "* * * * *", NEW_YORK, "2026-11-01T06:30:15", "11-01T06:31"),
    ("A3 b", "30 1 * * *", NEW_YORK, "2026-11-01T06:15", "11-02T06:30"),
    ("A3 c", "30 * * * *", "Europe/Helsinki", "2017-10-29T01:45", "10-29T02:30 03:30"),
    ("A3 d", "10 0 * * *", "America/Toronto", "2023-03-12T05:10:02", "03-13T04:10"),
    ("A4", "15 2 * * *", LORD_HOWE, "2025-10-03T00:00", "10-03T15:45 10-04T15:30 10-05T15:15"),
    ("A4 hourly", "0 * * * *", LORD_HOWE, "2025-10-04T14:00", "10-04T14:30 16:00"),
    ("A4 autumn", "45 1 * * *", LORD_HOWE, "2026-04-04T00:00", "04-04T14:45 04-05T15:15"),
    ("A4 hourly in autumn", "0 * * * *", LORD_HOWE, "2026-04-04T13:30", "04-04T14:00 15:30"),
    ("A6 one instant", "0,30 2 * * *", NEW_YORK, "2026-03-08T00:00", "03-08T07:00 03-09T06:00"),
    ("A6 and a real one", "0 2,3 * * *", NEW_YORK, "2026-03-08T00:00", "03-08T07:00 03-09T06:00"),
    ("A6 two hours", "30 1,2 * * *", TROLL, "2026-03-28T12:00", "03-29T01:00 23:30"),
    ("A6 autumn", "30 1 * * *", TROLL, "2026-10-24T12:00", "10-24T23:30 10-26T01:30"),
    ("A6 rhythm", "30 * * * *", TROLL, "2026-10-24T23:00", "10-24T23:30 10-25T00:30 01:30 02:30"),
    ("A8", "30 1 * * *", DUBLIN, "2026-10-25T00:00", "10-25T00:30 10-26T01:30"),
    ("A8 1971", "30 2 * * *", DUBLIN, "1971-10-31T00:00", "10-31T01:30 11-01T02:30"),
    ("A8 Ramadan", "30 2 * * *", CASABLANCA, "2026-02-15T00:00", "02-15T01:30 02-16T02:30"),
    ("A8 after it", "30 2 * * *", CASABLANCA, "2026-03-22T00:00", "03-22T02:00 03-23T01:30"),
    ("A8 no gap", "0 9 * * *", "Africa/El_Aaiun", "2026-02-14T00:00", "02-14T08:00 02-15T09:00"),
    ("A8 nor here", "0 9 * * *", "Africa/El_Aaiun", "2026-03-21T00:00", "03-21T09:00 03-22T08:00"),
    ("A8 Gaza", "30 2 * * *", "Asia/Gaza", "2026-03-27T12:00", "03-28T00:00"),
    ("A9", "0 * * * *", "Asia/Kathmandu", "2026-01-01T00:00", "01-01T00:15 01:15 02:15"),
    ("A9 daily", "0 9 * * *", "Asia/Kathmandu", "2026-01-01T00:00", "01-01T03:15"),
    ("A9 half", "0 * * * *", "Asia/Kolkata", "2026-02-17T13:01", "02-17T13:30 14:30"),
    ("A9 gap", "0 3 * * *", CHATHAM, "2025-09-27T00:00", "09-27T14:00"),
    ("A9 doubled", "0 3 * * *", CHATHAM, "2026-04-04T00:00", "04-04T13:15 04-05T14:15"),
    ("A9 preset", "@yearly", "Pacific/Kiritimati", "2026-06-01T00:00", "12-31T10:00"),
    ("A9 weekly", "@weekly", "UTC", "2026-01-01T00:00", "01-04T00:00"),
    ("A10", "0 9 * * *", "America/Asuncion", "2025-07-01T00:00", "07-01T12:00 07-02T12:00"),
    ("A10 Mexico", "0 9 * * *", "America/Mexico_City", "2023-06-01T00:00", "06-01T15:00"),
    ("A12 or", "0 0 13 * 5", "UTC", "2026-01-01T00:00", "01-02 01-09 01-13 01-16 01-23 01-30"),
    ("A12 and", "0 0 */2 * 1", "UTC", "2026-01-01T00:00", "01-05 01-19 02-09"),
    ("A12 no star", "0 0 1-31/2 * 1", "UTC", "2026-01-06", "01-07 01-09 01-11 01-12 01-13 01-15"),
    ("A13 or", "0 0 31 2 1", "UTC", "2026-01-01T00:00", "02-02 02-09 02-16 02-23"),
    ("A15 steps", "0 0 * * 4-7/3", "UTC", "2026-01-05", "01-08 01-11 01-15"),
    ("A15 from", "0 0 * * 2/2", "UTC", "2026-01-05", "01-06 01-08 01-10 01-13"),
    ("A15 all", "0 0 * * 1-7", "UTC", "2026-01-09", "01-10 01-11 01-12 01-13"),
    ("A15 quarter", "30 12 * * */4", "UTC", "2026-01-01T13:00", "01-04T12:30 01-08T12:30"),
    ("A15 sevens", "*/7 * * * *", "UTC", "2026-01-01T00:48", "01-01T00:49 00:56 01:00 01:07"),
    ("A15 forty", "*/40 * * * *", "UTC", "2026-01-01T00:00", "01-01T00:40 01:00 01:40"),
    ("A15 hours", "0 */5 * * *", "UTC", "2026-01-01T12:00", "01-01T15:00 20:00 01-02 05:00"),
    ("A15 names", "0 0 1 jan-mar *", "UTC", "2026-01-01T00:00", "02-01 03-01"),
    ("A15 any case", "0 0 * * mon,WED,sun", "UTC", "2026-01-04T00:00", "01-05 01-07 01-11"),
    ("up to Sunday", "0 0 * * fri-SUN", "UTC", "2026-01-05T00:00", "01-09 01-10 01-11 01-16"),
    ("last day", "0 0 L * *", "UTC", "2026-01-05T00:00", "01-31 02-28 03-31"),
    ("last Friday", "0 0 * * 5L", "UTC", "2026-01-05T00:00", "01-30 02-27"),
    ("second Monday", "0 0 * * MON#2", "UTC", "2026-01-05T00:00", "01-12 02-09"),
    ("lists of ranges", "0 0 1-3,10,20-31/5 * *", "UTC", "2026-01-02", "01-03 01-10 01-20 01-25"),
]  # fmt: skip

#: Expression, zone, a moment before, and what is due in the twelve hours after it, all in UTC:
#: under the rule of cron, and literally.
APPENDIX = [
    ("30 2 * * *", NEW_YORK, "2026-03-08T05", "03-08T07:00", ""),
    ("30 1 * * *", NEW_YORK, "2026-11-01T00", "11-01T05:30", "11-01T05:30 06:30"),
    ("0,30 2 * * *", NEW_YORK, "2026-03-08T05", "03-08T07:00", ""),
    ("30 2,3 * * *", NEW_YORK, "2026-03-08T05", "03-08T07:00 07:30", "03-08T07:30"),
    ("15 2 * * *", LORD_HOWE, "2025-10-04T12", "10-04T15:30", ""),
    ("45 1 * * *", LORD_HOWE, "2026-04-04T12", "04-04T14:45", "04-04T14:45 15:15"),
    ("30 2 * * *", CASABLANCA, "2026-02-15T00", "02-15T01:30", "02-15T01:30 02:30"),
    ("30 2 * * *", CASABLANCA, "2026-03-22T00", "03-22T02:00", ""),
    ("0 3 * * *", CHATHAM, "2025-09-27T12", "09-27T14:00", ""),
    ("0 3 * * *", CHATHAM, "2026-04-04T12", "04-04T13:15", "04-04T13:15 14:15"),
    ("30 2 * * *", "Asia/Gaza", "2026-03-27T20", "03-28T00:00", ""),
    ("30 1 * * *", TROLL, "2026-03-29T00", "03-29T01:00", ""),
    ("30 1,2 * * *", TROLL, "2026-03-29T00", "03-29T01:00", ""),
    ("30 1 * * *", TROLL, "2026-10-24T20", "10-24T23:30", "10-24T23:30 10-25T01:30"),
    ("30 1 * * *", DUBLIN, "2026-10-25T00", "10-25T00:30", "10-25T00:30 01:30"),
    ("30 1 * * *", DUBLIN, "2026-03-29T00", "03-29T01:00", ""),
    ("30 2 * * *", DUBLIN, "1971-10-31T00", "10-31T01:30", "10-31T01:30 02:30"),
    ("30 2 * * *", "Europe/Berlin", "2026-03-29T00", "03-29T01:00", ""),
]


def written_out(year: str, times: str) -> list[str]:
    """Times such as ``01-02T09:00 10:30 01-03``: the second is of the first's day."""
    found, day = [], ""
    for one in times.split():
        day, _, clock = one.partition("T") if "-" in one else (day, "", one)
        found.append(f"{year}-{day}T{clock or '00:00'}")
    return found


@pytest.mark.parametrize(("name", "expression", "zone", "after", "expected"), CASES)
def test_what_went_wrong_elsewhere_is_due_at_the_right_times(
    name, expression, zone, after, expected
):
    wanted = written_out(after[:4], expected)

    assert due(expression, zone, after, len(wanted)) == wanted


@pytest.mark.parametrize(("expression", "zone", "after", "by_cron", "literally"), APPENDIX)
def test_a_schedule_says_what_becomes_of_times_that_a_clock_leaves_out_or_has_twice(
    expression, zone, after, by_cron, literally
):
    start = moment(f"{after}:00")
    end = start + timedelta(hours=12)

    default = cron(expression, zone).between(start, end, 9)
    literal = cron(expression, zone, dst_missing="skip", dst_doubled="both").between(start, end, 9)

    assert said(default) == written_out(after[:4], by_cron)
    assert said(literal) == written_out(after[:4], literally)


def test_a_leap_day_is_found_across_the_year_2100():
    assert due("0 0 29 2 *", "UTC", "2025-01-01", 1) == ["2028-02-29T00:00"]
    assert due("0 0 29 2 *", "UTC", "2096-03-01", 1) == ["2104-02-29T00:00"]


def test_a_leap_day_on_a_day_of_the_week_is_found_after_forty_years():
    fifth_fridays = due("0 0 * 2 5#5", "UTC", "2026-01-01", 4)
    sundays = due("0 0 29 2 */7", "UTC", "2026-01-01", 4)

    assert [day[:4] for day in fifth_fridays] == ["2036", "2064", "2092", "2104"]
    assert [day[:4] for day in sundays] == ["2032", "2060", "2088", "2128"]


def test_a_day_has_24_hours_also_when_the_clocks_change():
    spring = Recurrence.of(
        "interval", anchor=moment("2026-03-07T12:00-05:00"), expression="@every 24h"
    )
    autumn = Recurrence.of(
        "interval", anchor=moment("2026-10-31T12:00-04:00"), expression="@every 24h"
    )

    assert said([spring.next_after(moment("2026-03-07T17:00"))]) == ["2026-03-08T17:00"]
    assert said([autumn.next_after(moment("2026-10-31T16:00"))]) == ["2026-11-01T16:00"]


def test_an_interval_keeps_its_phase_over_an_outage():
    every = Recurrence.of("interval", anchor=ANCHOR, expression="@every 45m")
    down, back = moment("2026-01-01T10:10"), moment("2026-01-01T13:50")

    assert said([every.last_before(down)]) == ["2026-01-01T09:45"]
    assert said([every.last_before(back)]) == ["2026-01-01T13:30"]
    assert said([every.next_after(back)]) == ["2026-01-01T14:15"]
    assert every.count_between(down, back, 100) == 5


def test_two_years_of_missed_minutes_are_counted_at_once():
    every_minute = cron("* * * * *")

    missed = every_minute.count_between(moment("2024-01-01"), moment("2026-01-01T00:00:30"), 10**9)

    assert missed == 1_052_640
    assert every_minute.count_between(moment("2024-01-01"), moment("2026-01-01"), 100) == 100


@pytest.mark.parametrize(
    ("run_at", "zone", "expected"),
    [
        ("2026-03-08T02:30", NEW_YORK, "2026-03-08T07:00"),
        ("2026-11-01T01:30:00-05:00", NEW_YORK, "2026-11-01T06:30"),
        ("2026-11-01T01:30", NEW_YORK, "2026-11-01T05:30"),
        ("2026-06-01T10:00", "Asia/Kathmandu", "2026-06-01T04:15"),
        ("2026-06-01T10:00Z", "Asia/Kathmandu", "2026-06-01T10:00"),
    ],
)
def test_a_moment_without_offset_is_one_of_the_zone(run_at, zone, expected):
    at = datetime.fromisoformat(run_at)

    once = Recurrence.of("one_time", anchor=ANCHOR, run_at=at, timezone=zone)

    assert said([once.run_at]) == [expected]
    assert once.next_after(ANCHOR) == once.run_at
    assert once.next_after(once.run_at) is None
