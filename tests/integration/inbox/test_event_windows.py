"""Events that fire together, or not again: keys, quiet times and the longest wait (C10)."""

from __future__ import annotations

from datetime import timedelta

from support.event_triggers import (
    ADA,
    a_trigger,
    at,
    executions,
    outcomes,
    reasons,
    send,
    send_at,
)

from pipeline_engine.scheduler import sweep
from pipeline_engine.services import event_triggers


def test_events_with_the_same_key_fire_once_and_those_without_one_each_time(
    driver, session, release
):
    trigger_id = a_trigger(driver, session, release, dedupe_key="{{ event.order }}")

    for order in ("7", "7", "8", None, None):
        send(driver, **({"order": order} if order else {}), n=len(outcomes(session, trigger_id)))
        driver.offer()

    assert outcomes(session, trigger_id) == ["fired", "duplicate", "fired", "fired", "fired"]


def test_a_key_counts_for_as_long_as_is_said(driver, session, release):
    trigger_id = a_trigger(
        driver, session, release, dedupe_key="{{ event.host }}", dedupe_seconds=60
    )

    for seconds in (0, 59, 60, 119):
        send_at(driver, seconds, host="h")
        driver.offer()

    assert outcomes(session, trigger_id) == ["fired", "duplicate", "fired", "duplicate"]


def test_a_steady_stream_fires_when_the_longest_wait_is_over_and_loses_no_event(
    driver, session, release
):
    """C10: two runs, at t = 29 with 15 events and at t = 45 with 6."""
    trigger_id = a_trigger(driver, session, release, quiet_seconds=5, max_wait_seconds=29)
    fired_at: list[int] = []

    for second in range(60):
        if second <= 40 and second % 2 == 0:
            send_at(driver, second)
        before = len(executions(session))
        driver.offer(now=at(second))
        fired_at += [second] * (len(executions(session)) - before)

    first, second = (row.params["_trigger"] for row in executions(session))
    assert fired_at == [29, 45]
    assert [(one["count"], one["received_at"]) for one in (first, second)] == [
        (15, at(28).isoformat()),
        (6, at(40).isoformat()),
    ]
    assert outcomes(session, trigger_id) == [*["merged"] * 14, "fired", *["merged"] * 5, "fired"]


def test_what_came_while_no_worker_lived_is_collected_as_if_one_had(driver, session, release):
    """C10: killed at t = 3 and back at t = 20; the window survives, and so do the events."""
    a_trigger(driver, session, release, quiet_seconds=5, max_wait_seconds=29)
    for second in (0, 2):
        send_at(driver, second)
        driver.offer(now=at(second))
    for second in (4, 6, 18):
        send_at(driver, second)

    driver.offer(now=at(20))
    driver.offer(now=at(23))

    first, second = (row.params["_trigger"] for row in executions(session))
    assert (first["count"], second["count"]) == (4, 1), "6 + 5 is before 18"


def test_a_window_that_was_left_open_fires_when_a_worker_is_back(driver, session, release):
    a_trigger(driver, session, release, quiet_seconds=5, max_wait_seconds=29)
    for second in (0, 2):
        send_at(driver, second)
        driver.offer(now=at(second))

    sweep.sweep(driver.runtime)  # by the clock of today

    (row,) = executions(session)
    assert row.params["_trigger"]["count"] == 2


def test_keys_have_windows_of_their_own(driver, session, release):
    a_trigger(driver, session, release, quiet_seconds=5, dedupe_key="{{ event.repo }}")
    for second, repo in ((0, "a"), (1, "b"), (4, "a"), (7, "b")):
        send_at(driver, second, repo=repo)
        driver.offer(now=at(second))

    driver.offer(now=at(12))

    told = [
        (row.params["event"]["repo"], row.params["_trigger"]["count"])
        for row in executions(session)
    ]
    assert sorted(told) == [("a", 2), ("b", 1), ("b", 1)]


def test_an_open_window_ends_as_it_was_opened(driver, session, release):
    """C10: the delay is changed to 60 s while it is open."""
    trigger_id = a_trigger(driver, session, release, quiet_seconds=5)
    send_at(driver, 0)
    driver.offer(now=at(0))
    event_triggers.update(
        ADA, session, driver.runtime, trigger_id, {"config": {"quiet_seconds": 60}}
    )
    session.commit()

    driver.offer(now=at(5))
    send_at(driver, 10)
    driver.offer(now=at(16))

    assert outcomes(session, trigger_id) == ["fired", "collected"]


def test_a_window_that_ends_while_the_trigger_is_disabled_starts_nothing(driver, session, release):
    trigger_id = a_trigger(driver, session, release, quiet_seconds=5)
    send_at(driver, 0)
    driver.offer(now=at(0))
    event_triggers.update(ADA, session, driver.runtime, trigger_id, {"enabled": False})
    session.commit()

    driver.offer(now=at(6))

    assert (outcomes(session, trigger_id), reasons(session, trigger_id)) == (
        ["skipped"],
        ["disabled"],
    )


def test_the_clock_of_a_worker_knows_when_a_window_ends(driver, session, release):
    a_trigger(driver, session, release, quiet_seconds=3600)
    send(driver)
    driver.offer()

    far = sweep.clock(driver.runtime, within=timedelta(seconds=1))
    near = sweep.clock(driver.runtime, within=timedelta(hours=2))

    assert (far.is_due, far.next_in) == (False, None)
    assert near.next_in is not None
    assert 3500 < near.next_in <= 3600
    driver.change("UPDATE event_trigger_windows SET due_at = now()")
    assert sweep.clock(driver.runtime, within=timedelta(seconds=1)).is_due
    sweep.wake_due(driver.runtime)
    assert len(executions(session)) == 1
