from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pipeline_engine_actions.builtin.delay import META, Delay
from support.contexts import a_context, an_event

from pipeline_engine.sdk import StepStatus, check_params


def delayed(**params):
    return Delay().execute(a_context(params))


@pytest.mark.parametrize(("params", "seconds"), [({}, 1), ({"duration_seconds": 90}, 90)])
def test_a_delay_parks_until_its_time_and_holds_no_worker(params, seconds):
    before = datetime.now(UTC)

    result = delayed(**params, reason="cache")

    assert result.awaiting_event
    assert (
        before + timedelta(seconds=seconds)
        <= result.wake_at
        <= datetime.now(UTC) + timedelta(seconds=seconds)
    )
    assert result.outputs == {"delayed": False, "duration_seconds": seconds, "reason": "cache"}


def test_a_delay_of_nothing_is_over_at_once():
    result = delayed(duration_seconds=0)

    assert (result.awaiting_event, result.outputs["delayed"]) == (False, True)


def test_the_time_and_a_callback_end_it_with_the_same_outputs():
    stored = {"delayed": False, "duration_seconds": 5, "reason": ""}

    woken = Delay().on_wake(a_context(stored_outputs=stored))
    called = Delay().on_event(an_event({}, step_outputs=stored))

    assert woken.outputs == {**stored, **called.outputs} == {**stored, "delayed": True}
    assert called.status is StepStatus.COMPLETED


@pytest.mark.parametrize("seconds", [-1, 3601, "soon"])
def test_what_is_no_time_of_up_to_an_hour_is_refused(seconds):
    assert check_params(META, {"duration_seconds": seconds}) != []
