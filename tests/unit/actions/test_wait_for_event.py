from __future__ import annotations

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
