from __future__ import annotations

import pytest
from pipeline_engine_actions.builtin.run_pipeline import RunPipeline
from support.contexts import RecordingDoor, a_context, an_event

from pipeline_engine.sdk import EventAction, InvalidActionParams, StepStatus

PARAMS = {"pipeline": "check", "params": {"deep": True}}


def test_the_step_parks_on_the_end_of_the_execution_that_it_started():
    door = RecordingDoor()

    result = RunPipeline().execute(a_context(PARAMS, engine=door))

    ((pipeline, params, key),) = door.started
    assert (pipeline, params) == ("check", {"deep": True})
    assert key.startswith("key-1:"), "the same on every attempt, and another for another call"
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


CHILD = "0191f3a0-0000-7000-8000-000000000001"
DEEP = "0191f3a0-0000-7000-8000-000000000002"


@pytest.mark.parametrize(
    ("status", "error", "reason", "code"),
    [
        ("FAILED", "broke", f"Execution {CHILD} failed: broke", "child_execution_failed"),
        ("FAILED", None, f"Execution {CHILD} failed", "child_execution_failed"),
        ("INTERRUPTED", None, f"Execution {CHILD} ended INTERRUPTED", "child_execution_failed"),
        (
            "FAILED",
            {"code": "declined", "message": "No money", "step_id": "pay"},
            f"Step 'pay' of execution {CHILD} failed: No money",
            "declined",
        ),
        (
            "INTERRUPTED",
            {"code": "cancelled", "message": "Execution cancelled"},
            f"Execution {CHILD} ended INTERRUPTED: Execution cancelled",
            "cancelled",
        ),
        *(
            (
                "FAILED",
                {"code": "declined", "message": f"{told} No money", "step_id": "call"},
                f"{told} No money",
                "declined",
            )
            for told in (
                f"Step 'pay' of execution {DEEP} failed:",
                f"Execution {DEEP} failed:",
                f"Execution {DEEP} ended INTERRUPTED:",
            )
        ),
    ],
)
def test_a_pipeline_that_ends_badly_fails_the_step_with_its_own_words(status, error, reason, code):
    event = {"type": "execution_ended", "status": status, "outputs": None, "error": error}

    verdict = RunPipeline().on_event(an_event(event, external_workflow_id=f"execution:{CHILD}"))

    assert (verdict.status, verdict.error, verdict.error_code) == (StepStatus.FAILED, reason, code)
    assert verdict.outputs["execution_id"] == CHILD


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
