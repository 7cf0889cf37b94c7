from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pipeline_engine_actions.builtin.wait_for_event import WaitForEvent
from support.contexts import a_context, an_event

from pipeline_engine.sdk import EventAction, InvalidActionParams, StepStatus

EVENT = {"type": "build", "payload": {"status": "green", "jobs": [{"name": "unit"}]}, "a.b": 1}


def test_the_step_parks_on_the_key_of_the_author():
    result = WaitForEvent().execute(a_context({"event_key": " build-1 ", "timeout_seconds": 5}))

    assert (result.event_keys, result.timeout_seconds) == (("build-1",), 5)
    assert result.outputs == {"event": None}


@pytest.mark.parametrize(
    "match",
    [
        {},
        None,
        {"payload.status": "green"},
        {"payload.jobs.0.name": "unit", "type": "build"},
        {"a.b": 1},
        {"payload.absent": None},
    ],
)
def test_an_event_that_matches_ends_the_wait_and_is_the_output(match):
    verdict = WaitForEvent().on_event(an_event(EVENT, params={"match": match}))

    assert (verdict.action, verdict.status) == (EventAction.COMPLETE, StepStatus.COMPLETED)
    assert verdict.outputs == {"event": EVENT}


@pytest.mark.parametrize(
    "match",
    [
        {"payload.status": "red"},
        {"payload.status.deeper": "green"},
        {"payload.jobs.7.name": "unit"},
        {"type": "build", "payload.status": "red"},
    ],
)
def test_other_events_are_ignored(match):
    verdict = WaitForEvent().on_event(an_event(EVENT, params={"match": match}))

    assert verdict.action is EventAction.IGNORE


@pytest.mark.parametrize("params", [{}, {"event_key": " "}, {"event_key": "k", "match": [1]}])
def test_without_a_key_nothing_could_ever_come(params):
    with pytest.raises(InvalidActionParams):
        WaitForEvent().execute(a_context(params))


# ── Several events ───────────────────────────────────────────────────────────────────────

MORNING = datetime(2026, 3, 1, 8, tzinfo=UTC)
BOTH: dict[str, Any] = {"event_keys": ["legal", "ops"], "wait_for": "all"}


def fed(params: dict[str, Any], *letters: tuple[str, Any, int]) -> tuple[list[str], dict[str, Any]]:
    """What a step says to letters, of a key, a content and a second, and what it has then left."""
    action, said = WaitForEvent(), []
    outputs = dict(action.execute(a_context(params)).outputs)
    for key, n, second in letters:
        event = an_event(
            {"n": n},
            external_workflow_id=key,
            params=params,
            step_outputs=outputs,
            received_at=MORNING + timedelta(seconds=second),
            scope={"event": {"n": n}},
        )
        verdict = action.on_event(event)
        said.append(verdict.action.value)
        outputs |= verdict.outputs
    return said, outputs


def test_a_wait_for_several_events_collects_them_and_ends_with_the_last():
    said, left = fed({"event_key": "k", "count": 3}, ("k", 1, 0), ("k", 2, 1), ("k", 3, 2))

    assert said == ["update_outputs", "update_outputs", "complete"]
    assert left["events"] == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert left["event"] == {"n": 3}
    assert left["received_at"][0] == "2026-03-01T08:00:00.000000+00:00"


def test_a_condition_decides_which_of_them_count():
    params = {"event_key": "k", "count": 2, "condition": "{{ event.n > 38 }}"}

    said, left = fed(params, ("k", 37, 0), ("k", 39, 1), ("k", 36, 2), ("k", 40, 3))

    assert said == ["ignore", "update_outputs", "ignore", "complete"]
    assert left["events"] == [{"n": 39}, {"n": 40}]


def test_any_of_several_keys_ends_the_wait_and_says_which_it_was():
    said, left = fed({"event_keys": ["done", "failed"]}, ("failed", 1, 0))

    assert said == ["complete"]
    assert left["by_key"] == {"done": None, "failed": {"n": 1}}
    assert left["events"] == [{"n": 1}]


def test_all_of_several_keys_take_one_event_each_and_leave_the_others_to_others():
    said, left = fed(BOTH, ("legal", 1, 0), ("legal", 2, 1), ("ops", 3, 2))

    assert said == ["update_outputs", "ignore", "complete"]
    assert left["by_key"] == {"legal": {"n": 1}, "ops": {"n": 3}}


def test_events_stand_in_the_order_in_which_they_arrived_whichever_mailbox_is_read_first():
    params = {"event_keys": ["a", "b"], "count": 3}

    _, left = fed(params, ("b", 2, 2), ("b", 3, 3), ("a", 1, 1))

    assert left["events"] == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert left["received_at"] == sorted(left["received_at"])


def test_another_attempt_goes_on_with_what_the_one_before_has_used_up():
    params = {"event_key": "k", "count": 2}
    _, before = fed(params, ("k", 1, 0))

    again = WaitForEvent().execute(a_context(params, stored_outputs=before, retry_count=1))

    assert again.outputs == before


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({}, "event_key is required"),
        ({"event_key": "k", "event_keys": ["l"]}, "event_keys stands in place of event_key"),
        ({"event_keys": ["k", " "]}, "event_keys must be texts, and none of them empty"),
        ({"event_keys": [["k"]]}, "event_keys must be texts, and none of them empty"),
        ({"event_keys": "k"}, "event_keys must be a list"),
        ({"event_key": "k", "count": 1.5}, "count must be a whole number, got 1.5"),
        (BOTH | {"count": 2}, "count goes with wait_for any"),
    ],
)
def test_what_cannot_be_waited_for_is_said_when_it_is_saved_and_when_it_runs(params, problem):
    [said] = WaitForEvent().validate_params(params)

    assert said.startswith(problem)
    with pytest.raises(InvalidActionParams, match=problem):
        WaitForEvent().execute(a_context(params))
