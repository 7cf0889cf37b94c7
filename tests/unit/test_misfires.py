"""What becomes of late due times, and how far back one looks for them."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from support.schedules import at

from pipeline_engine.domain.misfires import judge
from pipeline_engine.domain.schedules import Misfire, Timing, document_of, timing_of


def a_timing(expression: str, **changed: object) -> SimpleNamespace:
    """What a row says of its time."""
    row = {
        "id": "0199d0a0-0000-7000-8000-000000000001",
        "kind": "interval" if expression.startswith("@every ") else "cron",
        "expression": expression,
        "timezone": "UTC",
        "anchor_at": at("00:00"),
        "jitter_seconds": 0,
    }
    nothing = ("run_at", "dst_missing", "dst_doubled", "starts_at", "expires_at")
    return SimpleNamespace(**dict.fromkeys(nothing) | row | changed)


@pytest.mark.parametrize(
    ("misfire", "catch_up_seconds", "seen", "starts"),
    [
        # Hourly from 09:00 to 12:00; 12:00:15 is on time for the last of them.
        ("skip", None, "12:00:15", ["12:00"]),
        ("skip", None, "12:00:16", []),
        ("skip", 60, "12:01", ["12:00"]),
        ("skip", 60, "12:01:01", []),
        ("last", None, "12:30", ["12:00"]),
        ("last", 60, "12:30", []),
        ("all", None, "12:30", ["09:00", "10:00", "11:00", "12:00"]),
        ("all", 7200, "12:30", ["11:00", "12:00"]),
    ],
)
def test_a_policy_says_which_late_due_times_start_something(
    misfire: str, catch_up_seconds: int | None, seen: str, starts: list[str]
) -> None:
    passed = Timing.of(a_timing("0 9-12 * * *")).passed(at("08:30"), at("12:30"))

    found = judge(
        passed,
        misfire=Misfire(misfire),
        catch_up_seconds=catch_up_seconds,
        seen_at=at(seen),
    )

    assert [f"{due.due_at:%H:%M}" for due in found.starting] == starts


def test_what_is_due_every_second_is_on_time_for_some_seconds() -> None:
    passed = Timing.of(a_timing("@every 1s")).passed(at("12:00"), at("12:00:05"))

    found = judge(passed, misfire=Misfire.LAST, catch_up_seconds=None, seen_at=at("12:00:05"))

    assert len(found.starting) == 5


def test_of_a_long_time_the_newest_due_times_are_told_singly_and_the_others_counted() -> None:
    timing = Timing.of(a_timing("*/7 9-10 * * 1-5"))

    passed = timing.passed(at("2024-01-01 00:00"), at("2026-01-05 12:00"))

    assert len(passed.singles) == 100
    assert passed.count + 100 == timing.recurrence.count_between(
        at("2024-01-01 00:00"), at("2026-01-05 12:00"), 10**9
    )
    assert passed.last is not None
    assert timing.next_after(passed.last) == passed.singles[0]
    assert passed.singles[-1].due_at == at("2026-01-05 10:56")


def test_a_fire_is_put_off_by_its_jitter_and_never_past_the_next_due_time() -> None:
    wide, narrow = (a_timing("* * * * *", jitter_seconds=s) for s in (3600, 5))

    for row, most in ((wide, 60), (narrow, 5)):
        due = [Timing.of(row).next_after(at(f"12:{minute:02}")) for minute in range(30)]
        delays = [one.fire_at - one.due_at for one in due if one]
        assert len(set(delays)) == 30
        assert all(timedelta(0) <= one < timedelta(seconds=most) for one in delays)


def test_what_was_put_off_is_not_due_before_that() -> None:
    timing = Timing.of(a_timing("0 * * * *", jitter_seconds=1800))
    due = timing.next_after(at("12:30"))
    assert due is not None

    early = timing.passed(at("12:30"), due.fire_at - timedelta(milliseconds=1))
    now = timing.passed(at("12:30"), due.fire_at)

    assert early.is_empty
    assert [*now.singles] == [due]


def test_the_bounds_of_a_schedule_are_its_start_with_and_its_end_without() -> None:
    timing = Timing.of(a_timing("0 * * * *", starts_at=at("10:00"), expires_at=at("12:00")))

    assert timing.between(at("08:00"), at("23:00"), 9) == [at("10:00"), at("11:00")]
    assert timing.next_after(at("11:00")) is None
    assert timing.upcoming(at("00:00"), 5) == [at("10:00"), at("11:00")]


def test_whoever_has_no_row_computes_the_same_from_its_document() -> None:
    row = a_timing(
        "30 2 * * *",
        timezone="America/New_York",
        dst_missing="skip",
        jitter_seconds=90,
        expires_at=at("2026-12-31 00:00"),
    )

    read = timing_of(document_of(row))

    assert read.next_after(at("2026-03-08 00:00")) == Timing.of(row).next_after(
        at("2026-03-08 00:00")
    )
