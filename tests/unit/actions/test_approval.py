from __future__ import annotations

import pytest
from pipeline_engine_actions.builtin.approval import META, Approval
from support.contexts import a_context, an_event

from pipeline_engine.sdk import (
    AnswerNotAllowed,
    EventAction,
    InvalidActionParams,
    InvalidAnswer,
    StepStatus,
)

KEYS = {output.name for output in META.outputs}


def test_the_step_parks_on_its_callback():
    result = Approval().execute(a_context({"message": "Deploy?", "timeout_seconds": 60}))

    assert (result.awaiting_event, result.awaiting_callback) == (True, True)
    assert (result.external_workflow_ids, result.timeout_seconds) == ((), 60)
    assert set(result.outputs) == KEYS


def test_the_address_of_the_callback_stays_out_of_the_outputs_because_whoever_has_it_may_approve():
    result = Approval().execute(a_context(callback_url="https://engine/callbacks/secret"))

    assert "secret" not in str(result.outputs)


def test_an_approval_completes_the_step():
    verdict = Approval().on_event(an_event({"approved": True, "by": "ann", "comment": "fine"}))

    assert verdict.status is StepStatus.COMPLETED
    assert verdict.outputs == {"approved": True, "by": "ann", "comment": "fine"}


def test_a_refusal_fails_the_step_with_a_code_that_steps_can_tell_apart():
    verdict = Approval().on_event(an_event({"approved": False, "by": "ann"}))

    assert (verdict.status, verdict.error_code) == (StepStatus.FAILED, "approval_rejected")
    assert verdict.error == "Refused by ann: no comment"
    assert set(verdict.outputs) == KEYS


@pytest.mark.parametrize(
    "event", [{}, {"approved": "yes"}, {"approved": 1}, {"approved": None}, {"action": "maybe"}]
)
def test_an_answer_that_is_neither_yes_nor_no_is_no_answer(event):
    with pytest.raises(InvalidAnswer):
        Approval().on_event(an_event(event))


@pytest.mark.parametrize("approvers", ["ann", ["ann", "eve"]])
@pytest.mark.parametrize("by", ["bob", "an", "", None])
def test_only_named_approvers_count(approvers, by):
    params = {"approvers": approvers}

    approver = Approval().on_event(an_event({"approved": True, "by": "ann"}, params=params))

    assert approver.action is EventAction.COMPLETE
    with pytest.raises(AnswerNotAllowed):
        Approval().on_event(an_event({"approved": True, "by": by}, params=params))


@pytest.mark.parametrize("approvers", ["", " ", [""], [7], {"ann": 1}, True])
def test_approvers_that_are_no_names_are_refused_when_they_are_saved_and_when_they_are_known(
    approvers,
):
    assert Approval().validate_params({"approvers": approvers}) != []
    with pytest.raises(InvalidActionParams):
        Approval().execute(a_context({"approvers": approvers}))


@pytest.mark.parametrize("approvers", [None, [], "ann", ["ann"], "{{ params.approvers }}"])
def test_names_one_name_and_none_are_approvers(approvers):
    assert Approval().validate_params({"approvers": approvers}) == []
