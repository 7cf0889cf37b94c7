from __future__ import annotations

import pytest
from contexts import RecordingDoor, a_context, an_event
from pipeline_engine_actions.builtin.run_pipeline import RunPipeline

from pipeline_engine.sdk import EventAction, InvalidActionParams, StepStatus

PARAMS = {"pipeline": "check", "params": {"deep": True}}


def test_the_step_parks_on_the_end_of_the_execution_that_it_started():
    door = RecordingDoor()

    result = RunPipeline().execute(a_context(PARAMS, engine=door))

    assert door.started == [("check", {"deep": True}, "key-1")]
    assert result.external_workflow_ids == ("execution:child-1",)
    assert result.outputs == {
        "execution_id": "child-1",
        "status": "RUNNING",
        "outputs": {},
        "error": None,
    }


def test_without_waiting_the_step_ends_with_the_start():
    result = RunPipeline().execute(a_context(PARAMS | {"wait": False}, engine=RecordingDoor()))

    assert (result.success, result.awaiting_event) == (True, False)
    assert result.outputs["execution_id"] == "child-1"


def test_a_pipeline_that_ends_well_hands_its_outputs_over():
    event = {"type": "execution_ended", "status": "COMPLETED", "outputs": {"n": 1}, "error": None}

    verdict = RunPipeline().on_event(an_event(event, external_workflow_id="execution:child-1"))

    assert (verdict.action, verdict.status) == (EventAction.COMPLETE, StepStatus.COMPLETED)
    assert verdict.outputs["outputs"] == {"n": 1}
    assert verdict.outputs["execution_id"] == "child-1"


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [("FAILED", "broke", "broke"), ("INTERRUPTED", None, "The pipeline ended INTERRUPTED")],
)
def test_a_pipeline_that_ends_badly_fails_the_step(status, error, reason):
    event = {"type": "execution_ended", "status": status, "outputs": None, "error": error}

    verdict = RunPipeline().on_event(an_event(event))

    assert (verdict.status, verdict.error) == (StepStatus.FAILED, reason)
    assert verdict.error_code == "child_execution_failed"


def test_other_events_say_nothing_about_the_end():
    assert RunPipeline().on_event(an_event({"type": "hello"})).action is EventAction.IGNORE


def test_cleaning_up_cancels_the_execution():
    door = RecordingDoor()

    RunPipeline().cleanup(
        a_context(PARAMS, engine=door, external_workflow_ids=("execution:child-1",))
    )

    assert door.cancelled == ["child-1"]


def test_params_have_to_be_an_object():
    with pytest.raises(InvalidActionParams):
        RunPipeline().execute(a_context({"pipeline": "x", "params": [1]}, engine=RecordingDoor()))
