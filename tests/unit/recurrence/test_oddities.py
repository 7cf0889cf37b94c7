"""What the clocks do to single due times, and that the count of what is due stays the same."""

from __future__ import annotations

import pytest
from support.due_times import cron, moment, said

SPRING = ("2027-03-27T23:00", "2027-03-28T22:00")  # 28 March 2027 in Berlin, 23 hours
AUTUMN = ("2027-10-30T22:00", "2027-10-31T23:00")  # 31 October 2027, 25 hours
LORD_HOWE_SPRING = ("2027-10-02T13:30", "2027-10-03T13:00")  # half an hour is left out
LORD_HOWE_AUTUMN = ("2027-04-03T13:00", "2027-04-04T13:30")  # half an hour comes twice


def told(expression: str, day: tuple[str, str], zone: str, **words: str) -> list[tuple[str, ...]]:
    after, until = map(moment, day)
    return [
        (f"{one.at:%H:%M}", f"{one.local:%H:%M}", one.why.value, "due" if one.is_due else "not due")
        for one in cron(expression, zone, **words).oddities(after, until)
    ]


@pytest.mark.parametrize(
    ("expression", "day", "words", "odd"),
    [
        ("30 2 * * *", SPRING, {}, [("01:00", "02:30", "missing", "due")]),
        (
            "30 2 * * *",
            SPRING,
            {"dst_missing": "skip"},
            [("01:00", "02:30", "missing", "not due")],
        ),
        ("15,45 2 * * *", SPRING, {}, [("01:00", "02:15", "missing", "due")]),
        ("0 * * * *", SPRING, {}, [("01:00", "02:00", "missing", "not due")]),
        ("0 7,9 * * *", SPRING, {}, []),
        ("30 2 * * *", AUTUMN, {}, [("01:30", "02:30", "doubled", "not due")]),
        (
            "30 2 * * *",
            AUTUMN,
            {"dst_doubled": "skip"},
            [("00:30", "02:30", "doubled", "not due"), ("01:30", "02:30", "doubled", "not due")],
        ),
        ("0 * * * *", AUTUMN, {}, [("01:00", "02:00", "doubled", "due")]),
        ("0 7,9 * * *", AUTUMN, {}, []),
    ],
)
def test_a_changed_hour_of_berlin_says_what_becomes_of_its_times(
    expression: str, day: tuple[str, str], words: dict[str, str], odd: list[tuple[str, ...]]
) -> None:
    assert told(expression, day, "Europe/Berlin", **words) == odd


def test_a_change_by_half_an_hour_touches_that_half_hour_alone() -> None:
    zone = "Australia/Lord_Howe"

    assert told("*/20 * * * *", LORD_HOWE_SPRING, zone) == [
        ("15:30", "02:00", "missing", "not due"),
        ("15:30", "02:20", "missing", "not due"),
    ]
    assert told("45 1 * * *", LORD_HOWE_AUTUMN, zone) == [("15:15", "01:45", "doubled", "not due")]
    assert told("15 1 * * *", LORD_HOWE_AUTUMN, zone) == []


def test_what_is_odd_and_due_is_among_what_is_due() -> None:
    after, until = map(moment, AUTUMN)
    hourly = cron("0 * * * *", "Europe/Berlin")

    due = hourly.between(after, until, 30)

    (odd,) = hourly.oddities(after, until)
    assert odd.at in due
    assert len(said(due)) == 25


def test_what_counts_in_real_time_has_no_odd_times() -> None:
    assert cron("0 * * * *", "UTC").oddities(*map(moment, AUTUMN)) == []
