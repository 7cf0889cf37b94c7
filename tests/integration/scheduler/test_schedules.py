"""A due time is decided once: started, skipped or merged, and written down with the reason.

Rows B1 to B12 are pitfalls that others have met; the clock is the test's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session
from support.driving import Driver, in_background
from support.factories import a_document, a_step
from support.meeting import wait_for_blocked
from support.schedules import ADA, Clockwork, at

from pipeline_engine.domain.schedules import ScheduleStatus
from pipeline_engine.errors import (
    InvalidSchedule,
    PipelineArchived,
    ScheduleEnded,
    TooManySchedules,
)
from pipeline_engine.scheduler.schedules import bells, look
from pipeline_engine.services import archive, pipelines, schedules
from pipeline_engine.services.pipelines import PipelineRequest

FIRED, SKIPPED, MERGED = "fired", "skipped", "merged"


@pytest.fixture
def clockwork(drive: Callable[..., Driver], session: Session) -> Clockwork:
    return Clockwork(drive(), session)


def test_a_due_time_starts_an_execution_of_its_owner_that_is_told_why(
    clockwork: Clockwork,
) -> None:
    says = a_step("say", params={"message": "{{ params._trigger.scheduled_at }}"})
    pipeline_id = clockwork.pipeline(says)
    given = {"callback_topics": ["news"], "subscriber_ids": "s-1"}
    schedule_id = clockwork.schedule("0 * * * *", "12:30", pipeline_id=pipeline_id, **given)

    (fired,) = clockwork.tick("13:00:02")

    end = clockwork.driver.finish(fired.fire.execution_id)
    trigger = end.execution.params["_trigger"]
    assert (end.status, end.execution.initiator) == ("COMPLETED", "scheduled")
    assert (end.execution.user_id, end.execution.subscriber_ids) == ("ada", "s-1")
    assert end.execution.callback_topics == ["news"]
    assert trigger["schedule_id"] == str(schedule_id)
    assert trigger["scheduled_at"] == "2026-01-05T13:00:00+00:00"
    row = clockwork.row(schedule_id)
    assert (row.run_count, row.last_execution_id) == (1, fired.fire.execution_id)
    assert row.next_due_at == at("14:00")
    assert row.updated_at == row.created_at, "nobody has changed what it says"
    assert [one.late_seconds for one in clockwork.rows(schedule_id)] == [2.0]


def test_nothing_is_due_before_its_time_nor_twice(clockwork: Clockwork) -> None:
    schedule_id = clockwork.schedule("0 0 * * *", "23:55")

    clockwork.tick_all("23:55", "23:59:59", "2026-01-06 00:00", "2026-01-06 00:00:01")

    assert clockwork.ledger(schedule_id) == [("00:00", FIRED)]


# ── B1: intervals are real time ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("anchor", "due"),
    [("2026-03-07 17:00", "2026-03-08 17:00"), ("2026-10-31 16:00", "2026-11-01 16:00")],
)
def test_every_24_hours_is_24_hours_also_when_the_clocks_change(
    clockwork: Clockwork, anchor: str, due: str
) -> None:
    schedule_id = clockwork.schedule("@every 24h", anchor, timezone="America/New_York")

    assert clockwork.row(schedule_id).next_due_at == at(due)


def test_an_interval_keeps_its_phase_over_an_outage(clockwork: Clockwork) -> None:
    schedule_id = clockwork.schedule("@every 45m", "00:00")
    clockwork.tick("09:45")

    clockwork.tick("13:50")

    assert clockwork.ledger(schedule_id)[-2:] == [("12:45", MERGED), ("13:30", FIRED)]
    assert clockwork.row(schedule_id).next_due_at == at("14:15")


# ── B2: two years are missed ─────────────────────────────────────────────────────────────

MISSED = 1_052_640  # minutes of 2024 and 2025, and the one at which everybody is back
BACK = "2026-01-01 00:00:30"


@pytest.mark.parametrize(
    ("misfire", "runs", "rows", "older"),
    [("skip", 0, 101, SKIPPED), ("last", 1, 101, MERGED), ("all", 100, 101, SKIPPED)],
)
def test_a_million_missed_due_times_are_counted_and_not_walked_through(
    clockwork: Clockwork, misfire: str, runs: int, rows: int, older: str
) -> None:
    schedule_id = clockwork.schedule("* * * * *", "2024-01-01 00:00", misfire=misfire)

    began = time.thread_time()  # others use this machine, too
    clockwork.tick(BACK)
    seconds = time.thread_time() - began

    found = clockwork.rows(schedule_id)
    assert seconds < 1
    assert len(clockwork.executions()) == runs
    assert len(found) == rows
    assert (found[0].outcome, found[0].count) == (older, MISSED - 100)
    assert found[0].until_at == found[1].due_at - timedelta(minutes=1)
    assert sum(one.count for one in found) == MISSED
    assert found[-1].due_at == at("2026-01-01 00:00")
    assert clockwork.row(schedule_id).next_due_at == at("2026-01-01 00:01")


# ── B3: a pause is an intention ──────────────────────────────────────────────────────────


def by_resume(clockwork: Clockwork, schedule_id: Any, now: datetime) -> None:
    given = (clockwork.caller, clockwork.session, clockwork.runtime, schedule_id)
    schedules.resume(*given, now=now)


def by_change(clockwork: Clockwork, schedule_id: Any, now: datetime) -> None:
    given = (clockwork.caller, clockwork.session, clockwork.runtime, schedule_id)
    schedules.change(*given, {"enabled": True}, now=now)


@pytest.mark.parametrize("road", [by_resume, by_change])
def test_what_passed_while_it_was_paused_is_not_made_up_for_whoever_resumes_it(
    clockwork: Clockwork, road: Callable[..., None]
) -> None:
    schedule_id = clockwork.schedule("0 * * * *", "00:10")
    schedules.pause(ADA, clockwork.session, clockwork.runtime, schedule_id)
    clockwork.session.commit()
    clockwork.tick("03:00")

    road(clockwork, schedule_id, at("05:10"))
    clockwork.session.commit()
    clockwork.tick_all("05:10", "06:00")

    assert clockwork.ledger(schedule_id) == [("06:00", FIRED)]


# ── B4: an edit counts from when it is made ──────────────────────────────────────────────


@pytest.mark.parametrize(
    ("before", "after", "edited", "due"),
    [
        ("30 13 * * *", "0 16 * * *", "12:20", "2026-01-05 16:00"),
        ("0 14 * * *", "0 13 * * *", "13:30", "2026-01-06 13:00"),
        ("0 * * * *", "0 */3 * * *", "16:20", "2026-01-05 18:00"),
    ],
)
def test_a_changed_time_is_due_after_the_change_and_neither_at_once_nor_by_the_old_rule(
    clockwork: Clockwork, before: str, after: str, edited: str, due: str
) -> None:
    schedule_id = clockwork.schedule(before, "2026-01-04 13:00")
    clockwork.tick(edited)
    known = clockwork.ledger(schedule_id)

    given = (ADA, clockwork.session, clockwork.runtime, schedule_id)
    schedules.change(*given, {"expression": after}, now=at(edited))
    clockwork.session.commit()
    clockwork.tick_all(edited, f"{due}:00")

    assert clockwork.ledger(schedule_id)[len(known) :] == [(due[-5:], FIRED)]
    assert clockwork.rows(schedule_id)[-1].schedule_version == 2


def test_an_edit_and_a_fire_at_the_same_moment_make_one_row_that_names_its_version(
    clockwork: Clockwork,
) -> None:
    schedule_id = clockwork.schedule("30 13 * * *", "12:00")

    def edit() -> None:
        with clockwork.runtime.sessions.begin() as session:
            given = (ADA, session, clockwork.runtime, schedule_id)
            schedules.change(*given, {"misfire": "skip"}, now=at("13:30"))

    with in_background(edit, lambda: clockwork.tick("13:30"), lambda: clockwork.tick("13:30")):
        pass
    clockwork.tick("13:30:01")

    (row,) = clockwork.rows(schedule_id)
    assert (row.outcome, row.schedule_version in {1, 2}) == (FIRED, True)


# ── B7: overlaps ─────────────────────────────────────────────────────────────────────────


def live(clockwork: Clockwork, schedule_id: Any, *, minutes: int) -> None:
    """Half an hour, minute by minute; each execution takes 12 minutes."""
    ends: dict[int, list[Any]] = {}
    for minute in range(minutes):
        for execution_id in ends.pop(minute, []):
            clockwork.end(execution_id)
        now = at(f"00:{minute:02}")
        found = look.start_queued(clockwork.runtime, now=now).fired
        found = [*found, *look.fire_due(clockwork.runtime, now=now).fired]
        started = [one.fire.execution_id for one in found if one.fire.outcome == FIRED]
        ends.setdefault(minute + 12, []).extend(started)


@pytest.mark.parametrize(
    ("overlap", "started", "rest"),
    [
        ("skip", ["00:00", "00:15", "00:30"], {SKIPPED}),
        ("queue", ["00:00", "00:05", "00:15", "00:25"], {SKIPPED}),
        ("allow", ["00:00", "00:05", "00:10", "00:15", "00:20", "00:25", "00:30"], set()),
    ],
)
def test_an_execution_that_outlasts_its_interval_meets_the_next_due_time(
    clockwork: Clockwork, overlap: str, started: list[str], rest: set[str]
) -> None:
    schedule_id = clockwork.schedule("*/5 * * * *", "2026-01-04 23:58", overlap=overlap)

    live(clockwork, schedule_id, minutes=37)

    found = dict(clockwork.ledger(schedule_id))
    assert [due for due, outcome in found.items() if outcome == FIRED] == [
        *started,
        *(["00:35"] if overlap == "allow" else []),
    ]
    assert len(found) == 8
    assert set(found.values()) - {FIRED, "queued"} == rest


def test_an_execution_that_was_started_by_hand_counts_for_the_overlap(
    clockwork: Clockwork,
) -> None:
    schedule_id = clockwork.schedule("0 * * * *", "12:30", overlap="skip")
    started = schedules.trigger(ADA, clockwork.runtime, schedule_id, {}, now=at("12:59"))

    clockwork.tick("13:00")
    clockwork.end(started.execution_id)
    clockwork.tick("14:00")

    assert [*dict(clockwork.ledger(schedule_id)).values()] == [FIRED, SKIPPED, FIRED]
    assert clockwork.row(schedule_id).run_count == 1


def test_an_old_execution_makes_room_for_the_next_one(clockwork: Clockwork) -> None:
    approve = clockwork.pipeline(a_step("wait", action="approval"))
    wanted = {"pipeline_id": approve, "overlap": "cancel_old"}
    schedule_id = clockwork.schedule("0 * * * *", "12:30", **wanted)
    (first,) = clockwork.tick("13:00")
    clockwork.driver.settle()

    (second,) = clockwork.tick("14:00")

    assert clockwork.driver.finish(first.fire.execution_id).status == "INTERRUPTED"
    assert clockwork.driver.look(second.fire.execution_id).execution.finished_at is None
    assert clockwork.ledger(schedule_id) == [("13:00", FIRED), ("14:00", FIRED)]


def test_what_waits_for_its_turn_is_given_up_by_a_pause(clockwork: Clockwork) -> None:
    schedule_id = clockwork.schedule("0 * * * *", "12:30", overlap="queue")
    clockwork.tick_all("13:00", "14:00")

    schedules.pause(ADA, clockwork.session, clockwork.runtime, schedule_id)
    clockwork.session.commit()

    assert clockwork.ledger(schedule_id) == [("13:00", FIRED), ("14:00", SKIPPED)]
    assert clockwork.rows(schedule_id)[-1].reason == "paused"


def test_what_waits_does_not_start_after_failures_that_pause_its_schedule(
    clockwork: Clockwork,
) -> None:
    wanted = {"overlap": "queue", "pause_after_failures": 1}
    schedule_id = clockwork.schedule("0 * * * *", "12:30", **wanted)
    (failed,) = clockwork.tick("13:00")
    clockwork.tick("14:00")
    clockwork.end(failed.fire.execution_id, "FAILED")

    look.start_queued(clockwork.runtime, now=at("14:10"))

    row = clockwork.row(schedule_id)
    assert clockwork.ledger(schedule_id) == [("13:00", FIRED), ("14:00", SKIPPED)]
    assert clockwork.rows(schedule_id)[-1].reason == "failures"
    assert (row.status, row.disabled_reason) == (ScheduleStatus.PAUSED, "failures")


def test_what_waits_is_given_up_when_its_pipeline_is_archived(clockwork: Clockwork) -> None:
    pipeline_id = clockwork.pipeline()
    wanted = {"overlap": "queue", "pipeline_id": pipeline_id}
    schedule_id = clockwork.schedule("0 * * * *", "12:30", **wanted)
    (first,) = clockwork.tick("13:00")
    clockwork.tick("14:00")
    archive.archive(ADA, clockwork.session, pipeline_id)
    clockwork.session.commit()
    clockwork.end(first.fire.execution_id)

    look.start_queued(clockwork.runtime, now=at("14:10"))

    assert clockwork.ledger(schedule_id) == [("13:00", FIRED), ("14:00", SKIPPED)]
    assert clockwork.rows(schedule_id)[-1].reason == "paused"


# ── B8: many at once ─────────────────────────────────────────────────────────────────────


def test_those_that_wait_because_many_are_due_are_not_late(
    drive: Callable[..., Driver], session: Session
) -> None:
    clockwork = Clockwork(drive(scheduler_max_concurrent_jobs=2), session)
    pipeline_id = clockwork.pipeline()
    wanted = {"pipeline_id": pipeline_id, "misfire": "skip"}
    midnight = [clockwork.schedule("0 0 * * *", "23:00", **wanted) for _ in range(7)]
    minutely = clockwork.schedule("* * * * *", "2026-01-06 00:00", **wanted)

    clockwork.tick("2026-01-06 00:00")  # all of them were seen now
    clockwork.tick("2026-01-06 00:01")
    first_minute = clockwork.ledger(minutely)
    clockwork.tick_all("2026-01-06 00:01:30", "2026-01-06 00:01:31")

    assert first_minute == [("00:01", FIRED)], "what is due just now waits for a batch only"
    assert [clockwork.ledger(one) for one in midnight] == [[("00:00", FIRED)]] * 7
    assert len({one.id for one in clockwork.executions()}) == 8


def test_two_that_look_at_once_share_what_is_due(clockwork: Clockwork) -> None:
    pipeline_id = clockwork.pipeline()
    ids = [clockwork.schedule("0 13 * * *", "12:00", pipeline_id=pipeline_id) for _ in range(12)]

    with in_background(*[lambda: clockwork.tick("13:00")] * 4):
        pass
    clockwork.tick("13:00:01")

    assert [clockwork.ledger(one) for one in ids] == [[("13:00", FIRED)]] * 12
    assert len(clockwork.executions()) == 12


# ── B10: ends ────────────────────────────────────────────────────────────────────────────


def test_a_one_time_schedule_runs_once_and_is_completed(clockwork: Clockwork) -> None:
    wanted = {"kind": "one_time", "run_at": at("2026-06-01 10:00")}
    ids = [clockwork.schedule(None, "12:00", **wanted) for _ in range(2)]

    clockwork.tick_all("2026-06-01 10:00:01", "2026-06-01 10:00:10")

    assert [clockwork.ledger(one) for one in ids] == [[("10:00", FIRED)]] * 2
    assert {clockwork.row(one).status for one in ids} == {ScheduleStatus.COMPLETED}
    assert {clockwork.row(one).next_due_at for one in ids} == {None}


@pytest.mark.parametrize(
    ("zone", "said", "due"),
    [
        ("America/New_York", datetime(2026, 3, 8, 2, 30), "2026-03-08 07:00"),  # noqa: DTZ001
        ("UTC", datetime.fromisoformat("2026-11-01T01:30:00-05:00"), "2026-11-01 06:30"),
    ],
)
def test_a_one_time_schedule_is_a_local_time_unless_an_offset_is_said(
    clockwork: Clockwork, zone: str, said: datetime, due: str
) -> None:
    wanted = {"kind": "one_time", "run_at": said, "timezone": zone}
    schedule_id = clockwork.schedule(None, "12:00", **wanted)

    row = clockwork.row(schedule_id)
    assert (row.run_at, row.next_due_at) == (at(due), at(due))


def test_a_time_that_has_passed_is_refused_when_it_is_saved(clockwork: Clockwork) -> None:
    with pytest.raises(InvalidSchedule):
        clockwork.schedule(None, "12:00", kind="one_time", run_at=at("11:59"))


def test_skipped_due_times_do_not_count_for_max_runs(clockwork: Clockwork) -> None:
    schedule_id = clockwork.schedule("* * * * *", "12:00", max_runs=3, overlap="skip")

    (first,) = clockwork.tick("12:01")
    clockwork.tick("12:02")
    clockwork.end(first.fire.execution_id)
    for minute in range(3, 8):
        for fired in clockwork.tick(f"12:0{minute}"):
            clockwork.end(fired.fire.execution_id)

    outcomes = [outcome for _, outcome in clockwork.ledger(schedule_id)]
    row = clockwork.row(schedule_id)
    assert outcomes == [FIRED, SKIPPED, FIRED, FIRED]
    assert (row.status, row.next_due_at) == (ScheduleStatus.COMPLETED, None)
    with pytest.raises(ScheduleEnded, match="Cannot resume completed schedule"):
        by_resume(clockwork, schedule_id, at("12:30"))


def test_a_schedule_expires_at_its_time_and_fires_nothing_from_then_on(
    clockwork: Clockwork,
) -> None:
    schedule_id = clockwork.schedule("0 * * * *", "12:30", expires_at=at("14:00"))

    clockwork.tick_all("13:00", "13:59")
    before = clockwork.row(schedule_id).status
    clockwork.tick("14:00")

    assert clockwork.ledger(schedule_id) == [("13:00", FIRED)]
    assert (before, clockwork.row(schedule_id).status) == ("active", "expired")


def test_a_schedule_begins_at_its_start(clockwork: Clockwork) -> None:
    hourly = clockwork.schedule("0 * * * *", "12:30", starts_at=at("15:00"))
    every = clockwork.schedule("@every 2h", "12:30", starts_at=at("15:10"))

    assert clockwork.row(hourly).next_due_at == at("15:00")
    assert clockwork.row(every).next_due_at == at("15:10")


@pytest.mark.parametrize(
    ("expression", "wanted", "wrong"),
    [
        ("0 * * * *", {"starts_at": datetime.max.replace(tzinfo=UTC)}, "/starts_at"),
        ("0 * * * *", {"starts_at": at("13:10"), "expires_at": at("13:50")}, "/expires_at"),
        (None, {"run_at": at("13:00"), "starts_at": at("14:00")}, "/starts_at"),
        (None, {"run_at": at("13:00"), "expires_at": at("12:40")}, "/expires_at"),
    ],
)
def test_a_schedule_of_which_nothing_is_due_within_its_bounds_is_refused(
    clockwork: Clockwork, expression: str | None, wanted: dict[str, Any], wrong: str
) -> None:
    kind = {} if expression else {"kind": "one_time"}

    with pytest.raises(InvalidSchedule) as refused:
        clockwork.schedule(expression, "12:30", **kind, **wanted)

    (problem,) = refused.value.facts["problems"]
    assert (problem.pointer, problem.code) == (wrong, "never_fires")


def test_the_first_moment_of_the_calendar_is_a_start_like_any_other(clockwork: Clockwork) -> None:
    first = datetime.min.replace(tzinfo=UTC)
    schedule_id = clockwork.schedule("0 * * * *", "12:30", starts_at=first)

    given: dict[str, Any] = {"since": first, "until": at("12:00"), "now": at("12:30"), "most": 1}
    planned = schedules.backfill(ADA, clockwork.runtime, schedule_id, **given)

    assert clockwork.row(schedule_id).next_due_at == at("13:00")
    assert len(planned) == 1


def test_one_that_was_saved_although_nothing_is_due_is_completed_and_looked_at_no_more(
    clockwork: Clockwork,
) -> None:
    schedule_id = clockwork.schedule(None, "12:30", kind="one_time", run_at=at("13:00"))
    clockwork.driver.change(
        "UPDATE schedules SET starts_at = %(at)s, next_due_at = NULL, next_fire_at = NULL",
        at=at("14:00"),
    )

    bells.mend(clockwork.runtime)

    assert clockwork.row(schedule_id).status == ScheduleStatus.COMPLETED


def test_other_rules_of_a_zone_lose_no_due_time_of_a_schedule_that_has_expired_meanwhile(
    clockwork: Clockwork,
) -> None:
    schedule_id = clockwork.schedule("0 * * * *", "12:30", expires_at=at("14:00"))
    clockwork.driver.change("UPDATE schedules SET zone_release = '2019a'")

    bells.mend(clockwork.runtime)  # it is years later by now
    clockwork.tick("14:30")

    assert clockwork.ledger(schedule_id) == [("13:00", FIRED)]
    assert clockwork.row(schedule_id).status == ScheduleStatus.EXPIRED


# ── B11: the clock is wrong ──────────────────────────────────────────────────────────────


def test_a_clock_that_was_set_back_fires_nothing_again_and_misses_nothing(
    clockwork: Clockwork,
) -> None:
    schedule_id = clockwork.schedule("*/5 * * * *", "11:57")
    clockwork.tick_all("12:00", "12:05")

    clockwork.tick_all("11:55", "12:00", "12:05", "12:10")

    assert clockwork.ledger(schedule_id) == [
        ("12:00", FIRED),
        ("12:05", FIRED),
        ("12:10", FIRED),
    ]


def test_a_clock_that_was_ahead_for_a_while_loses_no_due_time(clockwork: Clockwork) -> None:
    schedule_id = clockwork.schedule("*/5 * * * *", "2126-01-05 12:12")
    clockwork.tick("2126-01-05 13:16")

    # By the clock of the database all of this is still to come.
    bells.mend(clockwork.runtime)
    settled = clockwork.row(schedule_id).settled_at
    clockwork.driver.change("UPDATE schedules SET settled_at = %(at)s", at=at("2126-01-05 12:16"))
    clockwork.tick("2126-01-05 12:20")

    found = dict(clockwork.ledger(schedule_id))
    assert settled < datetime.now(UTC) + timedelta(minutes=1)
    assert (found["12:20"], found["13:15"], found["12:25"]) == (FIRED, FIRED, MERGED)


# ── B12: its pipeline is gone ────────────────────────────────────────────────────────────


def test_a_schedule_of_a_deleted_pipeline_is_paused_with_that_reason(
    clockwork: Clockwork,
) -> None:
    pipeline_id = clockwork.pipeline()
    schedule_id = clockwork.schedule("* * * * *", "12:00", pipeline_id=pipeline_id)
    other = clockwork.schedule("* * * * *", "12:00")
    clockwork.tick("12:01")

    pipelines.delete(ADA, clockwork.session, pipeline_id)
    clockwork.session.commit()
    clockwork.tick("12:02")

    row = clockwork.row(schedule_id)
    assert clockwork.ledger(schedule_id) == [("12:01", FIRED)]
    assert (row.status, row.disabled_reason) == ("paused", "pipeline_deleted")
    assert clockwork.ledger(other) == [("12:01", FIRED), ("12:02", FIRED)]


def test_a_schedule_whose_pipeline_somebody_is_changing_is_looked_at_again(
    clockwork: Clockwork,
) -> None:
    """Whoever deletes a pipeline has locked it, and waits for its schedules."""
    pipeline_id = clockwork.pipeline()
    schedule_id = clockwork.schedule("0 * * * *", "12:30", pipeline_id=pipeline_id)
    other = clockwork.schedule("0 * * * *", "12:30")

    with clockwork.runtime.engine.begin() as connection:
        lock = "SELECT 1 FROM pipelines WHERE id = %(id)s FOR UPDATE"
        connection.exec_driver_sql(lock, {"id": str(pipeline_id)})
        clockwork.tick("13:00")
        meanwhile = clockwork.ledger(schedule_id), clockwork.ledger(other)
    clockwork.tick("13:00:01")

    assert meanwhile == ([], [("13:00", FIRED)])
    assert clockwork.ledger(schedule_id) == [("13:00", FIRED)]


def test_a_schedule_of_an_archived_pipeline_is_renamed_but_not_resumed(
    clockwork: Clockwork,
) -> None:
    pipeline_id = clockwork.pipeline()
    schedule_id = clockwork.schedule("0 * * * *", "12:30", pipeline_id=pipeline_id)
    archive.archive(ADA, clockwork.session, pipeline_id)
    clockwork.session.commit()

    for by in (by_resume, by_change):
        with pytest.raises(PipelineArchived):
            by(clockwork, schedule_id, at("12:40"))
        clockwork.session.rollback()
    given = (ADA, clockwork.session, clockwork.runtime, schedule_id)
    renamed = schedules.change(*given, {"name": "old", "enabled": False}).schedule

    assert (renamed.name, renamed.status) == ("old", ScheduleStatus.PAUSED)


def test_a_schedule_that_is_resumed_while_its_pipeline_is_archived_is_refused(
    clockwork: Clockwork,
) -> None:
    """Whoever archives it is not seen yet; without a wait it would be enabled for ever."""
    pipeline_id = clockwork.pipeline()
    schedule_id = clockwork.schedule("0 * * * *", "12:30", pipeline_id=pipeline_id, enabled=False)
    archive.archive(ADA, clockwork.session, pipeline_id)
    refused: list[type] = []

    def resume() -> None:
        with clockwork.runtime.sessions() as session:
            try:
                schedules.resume(ADA, session, clockwork.runtime, schedule_id)
            except PipelineArchived as error:
                refused.append(type(error))

    with in_background(resume):
        wait_for_blocked(clockwork.driver)
        clockwork.session.commit()

    assert refused == [PipelineArchived]


# ── What cannot start ────────────────────────────────────────────────────────────────────


def test_a_due_time_at_which_nothing_can_start_says_why_and_is_not_tried_for_ever(
    clockwork: Clockwork,
) -> None:
    pipeline_id = clockwork.pipeline(name="changes")
    schedule_id = clockwork.schedule("0 * * * *", "12:30", pipeline_id=pipeline_id)
    wants_more = a_document(parameters=[{"name": "version", "required": True}])
    request = PipelineRequest(document=wants_more | {"name": "changes"})
    given = (ADA, clockwork.session, clockwork.runtime, pipeline_id, request)
    pipelines.update(*given, versions=None)
    clockwork.session.commit()

    (failed,) = clockwork.tick("13:00")
    clockwork.tick("13:00:01")

    (row,) = clockwork.rows(schedule_id)
    assert (row.outcome, row.reason, row.execution_id) == ("failed", "invalid_params", None)
    assert failed.message
    assert clockwork.row(schedule_id).next_due_at == at("14:00")


def test_one_row_that_cannot_be_read_keeps_no_other_schedule_from_its_time(
    clockwork: Clockwork,
) -> None:
    good = [clockwork.schedule("* * * * *", "12:00") for _ in range(3)]
    bad = clockwork.schedule("* * * * *", "12:00")
    clockwork.driver.change(
        "UPDATE schedules SET timezone = 'Mars/Phobos' WHERE id = %(id)s", id=str(bad)
    )

    clockwork.tick_all("12:01", "12:02")

    row = clockwork.row(bad)
    assert [len(clockwork.ledger(one)) for one in good] == [2, 2, 2]
    assert (row.status, row.disabled_reason) == ("paused", "invalid_schedule")
    assert clockwork.ledger(bad) == [("12:01", "failed")]


def test_a_schedule_whose_executions_fail_in_a_row_is_paused_with_that_reason(
    clockwork: Clockwork,
) -> None:
    schedule_id = clockwork.schedule("* * * * *", "12:00", pause_after_failures=2)

    for minute, status in enumerate(["FAILED", "COMPLETED", "FAILED", "FAILED"], start=1):
        (fired,) = clockwork.tick(f"12:0{minute}")
        clockwork.end(fired.fire.execution_id, status)
    clockwork.tick("12:05")

    row = clockwork.row(schedule_id)
    assert (row.status, row.disabled_reason) == ("paused", "failures")
    assert clockwork.ledger(schedule_id)[-1] == ("12:05", SKIPPED)

    by_resume(clockwork, schedule_id, at("2126-01-05 12:00"))
    clockwork.session.commit()
    clockwork.tick("2126-01-05 12:01")
    assert clockwork.ledger(schedule_id)[-1] == ("12:01", FIRED)


# ── Time zones, jitter ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("zone", "created", "stale", "due"),
    [
        ("America/Asuncion", "2025-07-01 00:00", "2025-07-01 13:00", "2025-07-01 12:00"),
        ("America/Mexico_City", "2023-06-01 00:00", "2023-06-01 14:00", "2023-06-01 15:00"),
    ],
)
def test_a_next_time_that_older_rules_of_a_zone_gave_is_computed_again(
    clockwork: Clockwork, zone: str, created: str, stale: str, due: str
) -> None:
    schedule_id = clockwork.schedule("0 9 * * *", created, timezone=zone)
    clockwork.driver.change(
        "UPDATE schedules SET next_due_at = %(at)s, next_fire_at = %(at)s, zone_release = '2019a'",
        at=at(stale),
    )

    bells.mend(clockwork.runtime)
    clockwork.tick_all(*sorted([due, stale]))

    assert clockwork.ledger(schedule_id, "%Y-%m-%d %H:%M") == [(due, FIRED)]


def test_jitter_puts_a_fire_off_by_the_same_amount_for_everybody(clockwork: Clockwork) -> None:
    ids = [clockwork.schedule("0 * * * *", "12:30", jitter_seconds=600) for _ in range(3)]
    rows = [clockwork.row(one) for one in ids]
    delays = [row.next_fire_at - at("13:00") for row in rows if row.next_fire_at]

    clockwork.tick("13:00")
    clockwork.tick("13:10")

    assert len(set(delays)) == 3
    assert all(timedelta(0) <= one < timedelta(minutes=10) for one in delays)
    assert [clockwork.ledger(one) for one in ids] == [[("13:00", FIRED)]] * 3


# ── How many ─────────────────────────────────────────────────────────────────────────────


def test_an_owner_has_so_many_schedules_and_no_more_whatever_they_are_up_to(
    drive: Callable[..., Driver], session: Session
) -> None:
    clockwork = Clockwork(drive(max_schedules=2), session)
    pipeline_id = clockwork.pipeline()
    for enabled in (True, False):
        clockwork.schedule("0 * * * *", "12:30", pipeline_id=pipeline_id, enabled=enabled)

    with pytest.raises(TooManySchedules) as refused:
        clockwork.schedule("0 * * * *", "12:30", pipeline_id=pipeline_id)

    assert refused.value.facts == {"quota": "schedules", "limit": 2, "used": 2}


# ── Catching up ──────────────────────────────────────────────────────────────────────────


def test_all_that_was_missed_within_bounds_is_made_up_for(clockwork: Clockwork) -> None:
    wanted = {"misfire": "all", "catch_up_seconds": 7200}
    schedule_id = clockwork.schedule("0 * * * *", "08:30", **wanted)

    clockwork.tick("12:30")

    assert clockwork.ledger(schedule_id) == [
        ("09:00", SKIPPED),
        ("10:00", SKIPPED),
        ("11:00", FIRED),
        ("12:00", FIRED),
    ]


def test_a_backfill_says_what_it_would_do_and_does_it_once(clockwork: Clockwork) -> None:
    schedule_id = clockwork.schedule("0 * * * *", "08:30", misfire="skip")
    clockwork.tick_all("10:00", "11:30")
    given: dict[str, Any] = {"since": at("08:00"), "until": at("12:00"), "now": at("11:40")}

    planned = schedules.backfill(ADA, clockwork.runtime, schedule_id, **given)
    done = schedules.backfill(ADA, clockwork.runtime, schedule_id, **given, dry_run=False)
    again = schedules.backfill(ADA, clockwork.runtime, schedule_id, **given, dry_run=False)

    starts = [(f"{one.due_at:%H:%M}", one.starts) for one in planned]
    assert starts == [("08:00", True), ("09:00", True), ("10:00", False), ("11:00", True)]
    assert [one.execution_id is not None for one in done] == [True, True, False, True]
    assert not any(one.starts for one in again)
    assert len(clockwork.executions()) == 4
    assert {outcome for _, outcome in clockwork.ledger(schedule_id)} == {FIRED}


def test_a_backfill_takes_due_times_out_of_the_range_that_stands_for_them(
    clockwork: Clockwork,
) -> None:
    schedule_id = clockwork.schedule("* * * * *", "00:00", misfire="skip")
    clockwork.tick("02:00:30")  # 120 were missed: the first 20 share a row

    for since, until in (("00:10", "00:10"), ("00:01", "00:02"), ("00:20", "00:20")):
        given = {"since": at(since), "until": at(until), "now": at("02:10"), "dry_run": False}
        made_up = schedules.backfill(ADA, clockwork.runtime, schedule_id, **given)
        again = schedules.backfill(ADA, clockwork.runtime, schedule_id, **given)
        assert (all(one.starts for one in made_up), any(one.starts for one in again)) == (
            True,
            False,
        )

    rows = [(f"{one.due_at:%H:%M}", one.outcome, one.count) for one in clockwork.rows(schedule_id)]
    assert rows[:5] == [
        ("00:01", FIRED, 1),
        ("00:02", FIRED, 1),
        ("00:03", SKIPPED, 7),
        ("00:10", FIRED, 1),
        ("00:11", SKIPPED, 9),
    ]
    assert rows[5] == ("00:20", FIRED, 1)
    assert sum(count for _, _, count in rows) == 120
    assert clockwork.rows(schedule_id)[4].until_at == at("00:19")
