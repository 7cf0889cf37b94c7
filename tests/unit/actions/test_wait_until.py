from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pipeline_engine_actions.builtin.wait_until import META, WaitUntil, wake_time
from support.contexts import a_context, an_event

from pipeline_engine.sdk import EventAction, InvalidActionParams, StepStatus

NOW = datetime(2026, 3, 28, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"duration_seconds": 90}, "2026-03-28T20:01:30+00:00"),
        ({"duration_seconds": 1, "duration_hours": 1}, "2026-03-28T20:00:01+00:00"),
        ({"duration_hours": 1.5}, "2026-03-28T21:30:00+00:00"),
        ({"duration_hours": "0.5"}, "2026-03-28T20:30:00+00:00"),
        ({"until_time": "2026-03-29T06:00"}, "2026-03-29T06:00:00+00:00"),
        ({"until_time": "2026-03-29T06:00Z"}, "2026-03-29T06:00:00+00:00"),
        ({"until_time": "2026-03-29T06:00+02:00"}, "2026-03-29T04:00:00+00:00"),
        ({"until_time": "21:00"}, "2026-03-28T21:00:00+00:00"),
        ({"until_time": "9:30"}, "2026-03-29T09:30:00+00:00"),
        ({"until_time": "19:00:30"}, "2026-03-29T19:00:30+00:00"),
        # Summer time begins in this night: ten o'clock is 8:00 UTC then, not 9:00.
        ({"until_time": "10:00", "timezone": "Europe/Berlin"}, "2026-03-29T08:00:00+00:00"),
        (
            {"until_time": "2026-03-29T10:00", "timezone": "Asia/Kolkata"},
            "2026-03-29T04:30:00+00:00",
        ),
        ({"duration_hours": 1, "until_time": "23:00"}, "2026-03-28T21:00:00+00:00"),
    ],
)
def test_the_time_to_wake_follows_the_zone_and_the_clock(params, expected):
    assert wake_time(params, NOW).astimezone(UTC).isoformat() == expected


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "Either duration_hours or until_time must be specified"),
        ({"duration_seconds": 0}, "duration_seconds must be 1 to 604800"),
        ({"duration_seconds": 604_801}, "duration_seconds must be 1 to 604800"),
        ({"duration_seconds": "soon"}, "duration_seconds must be a number, got 'soon'"),
        ({"duration_hours": 0.001}, "duration_hours must be at least 0.0167 (1 minute)"),
        ({"duration_hours": float("nan")}, "duration_hours must be at least 0.0167 (1 minute)"),
        ({"duration_hours": 169}, "duration_hours cannot exceed 168 (1 week)"),
        ({"duration_hours": "soon"}, "duration_hours must be a number, got 'soon'"),
        ({"until_time": "2026-03-28T19:00"}, "until_time must be in the future"),
        ({"until_time": "2026-05-28T19:00"}, "until_time cannot be more than 168 hours"),
        ({"until_time": "tomorrow"}, "Unrecognized time format: 'tomorrow'"),
        ({"until_time": "25:00"}, "Unrecognized time format: '25:00'"),
        ({"until_time": "2026-13-28T19:00"}, "Unrecognized time format: '2026-13-28T19:00'"),
        ({"until_time": "10:00", "timezone": "Mars/Base"}, "Invalid timezone: 'Mars/Base'"),
        ({"until_time": "10:00", "timezone": "../etc"}, "Invalid timezone: '../etc'"),
    ],
)
def test_what_no_clock_will_show_is_refused_with_words(params, message):
    with pytest.raises(InvalidActionParams) as refusal:
        wake_time(params, NOW)

    assert message in str(refusal.value)
    assert (refusal.value.error_code, refusal.value.retryable) == ("invalid_params", False)


def test_the_step_parks_with_a_time_to_wake_and_an_id_that_events_can_name():
    result = WaitUntil().execute(a_context({"duration_hours": 1}))

    assert result.awaiting_event
    assert result.external_workflow_ids == ("wait_until:7",)
    assert result.wake_at is not None
    assert timedelta(minutes=59) < result.wake_at - datetime.now(UTC) <= timedelta(hours=1)
    assert result.outputs["wait_duration_seconds"] == 3600
    assert (result.outputs["waited"], result.outputs["actual_wake_time"]) == (False, None)


def test_waking_keeps_what_was_planned_and_adds_what_happened():
    parked = WaitUntil().execute(a_context({"duration_hours": 1}))

    woken = WaitUntil().on_wake(a_context(stored_outputs=parked.outputs))

    assert set(woken.outputs) == set(parked.outputs) == {output.name for output in META.outputs}
    assert woken.outputs["scheduled_wake_time"] == parked.outputs["scheduled_wake_time"]
    assert woken.outputs["waited"] is True
    assert woken.outputs["actual_wake_time"]


def test_any_event_for_its_id_ends_the_wait_early():
    verdict = WaitUntil().on_event(an_event({"hurry": True}))

    assert (verdict.action, verdict.status) == (EventAction.COMPLETE, StepStatus.COMPLETED)
    assert verdict.outputs["waited"] is True


def test_only_validation_minds_that_both_were_given():
    both = {"duration_hours": 1, "until_time": "10:00"}

    assert WaitUntil().validate_params(both) == [
        "Specify either duration_hours or until_time, not both"
    ]
    assert WaitUntil().validate_params({"duration_hours": "{{ params.h }}"}) == []
    assert WaitUntil().validate_params({}) == [
        "Either duration_hours or until_time must be specified"
    ]
