from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipeline_engine.sdk import (
    ActionResult,
    ContradictoryResult,
    EventAction,
    EventResult,
    StepStatus,
)

SOON = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_parked_step_has_to_have_succeeded_in_starting():
    with pytest.raises(ValueError, match="awaiting_event requires success"):
        ActionResult(success=False, awaiting_event=True, external_workflow_id="1")


def test_a_parked_step_that_nothing_could_wake_is_refused():
    with pytest.raises(ValueError, match="awaiting_event requires external_workflow_id"):
        ActionResult(success=True, awaiting_event=True)


@pytest.mark.parametrize(
    "wakes",
    [
        {"external_workflow_id": "1"},
        {"external_workflow_ids": ["1", "2"]},
        {"awaiting_callback": True},
        {"event_keys": ["sign-off"]},
        {"wake_at": SOON},
    ],
)
def test_an_id_a_callback_or_a_time_can_wake_a_step(wakes):
    assert ActionResult(success=True, awaiting_event=True, **wakes).awaiting_event


def test_external_ids_are_texts_without_doubles_and_the_single_one_comes_first():
    result = ActionResult(
        success=True, awaiting_event=True, external_workflow_id=7, external_workflow_ids=["8", 7]
    )

    assert result.external_workflow_ids == ("7", "8")


@pytest.mark.parametrize(
    "says",
    [
        {"success": True, "awaiting_callback": True},
        {"success": True, "event_keys": ["sign-off"]},
        {"success": True, "external_workflow_ids": ["7"]},
        {"success": True, "wake_at": SOON},
        {"success": False, "error": "no", "awaiting_callback": True},
        {"success": True, "awaiting_event": True, "wake_at": SOON, "skip_targets": ["b"]},
        {"success": False, "error": "no", "skip_targets": ["b"]},
    ],
    ids=str,
)
def test_a_result_that_contradicts_itself_is_refused_before_a_step_ends_on_it(says):
    with pytest.raises(ContradictoryResult) as refused:
        ActionResult(**says)

    assert (refused.value.code, refused.value.retryable) == ("contradictory_result", False)


def test_the_id_of_a_job_may_stand_beside_an_end_as_in_the_older_guide():
    result = ActionResult(success=True, external_workflow_id="7")

    assert replace(result, outputs={"n": 1}).external_workflow_ids == ("7",)


@pytest.mark.parametrize(
    "says",
    [
        {"action": EventAction.UPDATE_OUTPUTS, "status": StepStatus.COMPLETED},
        {"action": EventAction.IGNORE, "status": StepStatus.FAILED},
    ],
    ids=str,
)
def test_an_answer_to_an_event_that_contradicts_itself_is_refused(says):
    with pytest.raises(ContradictoryResult):
        EventResult(**says)


@pytest.mark.parametrize("status", [None, StepStatus.RUNNING, StepStatus.SKIPPED])
def test_completing_needs_to_say_how(status):
    with pytest.raises(ValueError, match="COMPLETE requires status"):
        EventResult(action=EventAction.COMPLETE, status=status)


def test_progress_needs_a_number():
    with pytest.raises(ValueError, match="UPDATE_PROGRESS requires progress or eta_seconds"):
        EventResult(action=EventAction.UPDATE_PROGRESS)

    assert EventResult(action=EventAction.UPDATE_PROGRESS, eta_minutes=0).eta_minutes == 0
    assert EventResult(action=EventAction.UPDATE_OUTPUTS, progress=5).progress == 5


@pytest.mark.parametrize(
    ("given", "awaited"),
    [
        ("wf-1,wf-2", ("wf-1", "wf-2")),
        (" wf-1 , wf-1,", ("wf-1",)),
        ("wf-1", ("wf-1",)),
        (",", (",",)),
    ],
)
def test_commas_join_several_ids_since_no_event_ever_names_all_of_them(given, awaited):
    result = ActionResult(success=True, awaiting_event=True, external_workflow_id=given)

    assert result.awaited == awaited


def test_an_id_with_a_comma_can_be_waited_for_where_several_are_named():
    result = ActionResult(success=True, awaiting_event=True, external_workflow_ids=["a,b"])

    assert result.awaited == ("a,b",)
