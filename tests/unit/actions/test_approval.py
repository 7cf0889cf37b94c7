from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pipeline_engine_actions.builtin.approval import META, Approval
from support.contexts import a_context, an_event

from pipeline_engine.sdk import (
    AnswerNotAllowed,
    EventAction,
    InvalidActionParams,
    InvalidAnswer,
    StepStatus,
    read_answer,
)
from pipeline_engine.sdk.senders import Sender

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
    said = {"approved": True, "by": "ann", "comment": "fine"}
    assert {name: verdict.outputs[name] for name in said} == said
    assert [{**one, "at": ""} for one in verdict.outputs["decisions"]] == [{**said, "at": ""}]


def test_a_refusal_fails_the_step_with_a_code_that_steps_can_tell_apart():
    verdict = Approval().on_event(an_event({"approved": False, "by": "ann"}))

    assert (verdict.status, verdict.error_code) == (StepStatus.FAILED, "approval_rejected")
    assert verdict.error == "Refused by ann: no comment"
    assert set(verdict.outputs) <= KEYS


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


def answered(*answers, **params):
    """The verdict about the last of some answers, each merged over what was left before it."""
    outputs: dict = {}
    for by, approved in answers:
        context = an_event({"approved": approved, "by": by}, params=params, step_outputs=outputs)
        verdict = Approval().on_event(context)
        outputs = {**outputs, **verdict.outputs}
    return verdict, outputs


def test_as_many_different_people_as_are_needed_have_to_say_yes():
    needs = {"approvers": ["ann", "bob", "eve"], "required_approvals": 2}

    first, _ = answered(("ann", True), **needs)
    again, _ = answered(("ann", True), ("ann", True), **needs)
    second, outputs = answered(("ann", True), ("ann", True), ("bob", True), **needs)

    assert (first.action, first.progress) == (EventAction.UPDATE_PROGRESS, 50)
    assert again.action is EventAction.UPDATE_PROGRESS
    assert (second.status, outputs["by"]) == (StepStatus.COMPLETED, "bob")
    assert [one["by"] for one in outputs["decisions"]] == ["ann", "bob"]


def test_one_no_is_enough_to_refuse_also_of_one_who_had_said_yes():
    needs = {"approvers": ["ann", "bob"], "required_approvals": 2}

    verdict, outputs = answered(("ann", True), ("ann", False), **needs)

    assert (verdict.status, verdict.error_code) == (StepStatus.FAILED, "approval_rejected")
    assert [one["approved"] for one in outputs["decisions"]] == [False]


def test_who_answers_has_to_be_known_where_several_have_to_say_yes():
    with pytest.raises(InvalidAnswer):
        answered((None, True), required_approvals=2)


@pytest.mark.parametrize(
    ("sender", "is_asked"),
    [
        (Sender(user_id="bob", groups=("ops", "dev")), True),
        (Sender(user_id="bob", groups=("dev",)), False),
        (Sender(user_id="bob"), False),
        (None, False),  # a callback: its words about groups prove nothing
    ],
)
def test_a_member_of_a_group_counts_if_the_door_has_seen_that_he_is_one(sender, is_asked):
    params = {"approver_groups": ["ops"]}
    event = an_event({"approved": True, "by": "bob"}, params=params, sender=sender)

    if is_asked:
        assert Approval().on_event(event).status is StepStatus.COMPLETED
    else:
        with pytest.raises(AnswerNotAllowed):
            Approval().on_event(event)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"approvers": ["ann"], "required_approvals": 2}, "2 of 1 approver"),
        ({"approvers": ["ann", "ann"], "required_approvals": 2}, "2 of 1 approver"),
        ({"approvers": ["ann"], "required_approvals": 1.5}, "whole number"),
        ({"approver_groups": [""]}, "approver_groups has to be"),
    ],
)
def test_what_nobody_could_ever_fulfil_is_refused(params, message):
    assert message in "; ".join(Approval().validate_params(params))
    with pytest.raises(InvalidActionParams, match=message):
        Approval().execute(a_context(params))


def test_more_may_be_needed_than_are_named_if_a_group_is_asked_as_well():
    params = {"approvers": ["ann"], "approver_groups": ["ops"], "required_approvals": 3}

    assert Approval().validate_params(params) == []


def left(seconds: float, **params):
    """A parked approval whose time is over in so many seconds."""
    outputs = Approval().execute(a_context(params)).outputs
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    return a_context(params, stored_outputs={**outputs, "deadline": deadline.isoformat()})


def test_when_the_time_is_over_the_step_decides_as_its_author_has_said():
    approved = Approval().on_wake(left(-1, on_timeout="approve"))
    rejected = Approval().on_wake(left(-1, on_timeout="reject"))

    assert (approved.success, approved.outputs["approved"]) == (True, True)
    assert (rejected.success, rejected.error_code) == (False, "approval_rejected")
    assert rejected.retryable is False
    assert approved.outputs["expired"] is rejected.outputs["expired"] is True
    assert set(approved.outputs) == set(rejected.outputs) == KEYS


def test_until_then_each_wake_up_is_a_reminder_and_the_time_goes_on():
    params = {"remind_every_seconds": 60, "timeout_seconds": 600}

    result = Approval().on_wake(left(90, **params))

    assert (result.awaiting_event, result.awaiting_callback, result.reminder) == (True, True, True)
    assert 0 < (result.wake_at - datetime.now(UTC)).total_seconds() <= 60
    assert 0 < result.timeout_seconds <= 90


def test_no_reminder_comes_after_the_deadline():
    result = Approval().on_wake(left(30, remind_every_seconds=60))

    assert result.wake_at is None


@pytest.mark.parametrize("name", ["decisions", "asked", "deadline", "approved"])
def test_news_of_its_progress_cannot_say_who_was_asked_or_what_they_decided(name):
    event = an_event({"action": "progress", "progress": 5, "outputs": {name: [], "more": 1}})

    with pytest.raises(InvalidAnswer) as caught:
        Approval().check_event(event)
    with pytest.raises(InvalidAnswer):
        Approval().on_answer(event, read_answer(event.event_data))

    assert f"/outputs/{name}" in str(caught.value.__dict__)


def test_a_service_that_names_a_group_and_nobody_does_not_count_as_several_people():
    params = {"approver_groups": ["ops"], "required_approvals": 2}
    sender = Sender(groups=["ops"])

    with pytest.raises(InvalidAnswer):
        Approval().on_event(an_event({"approved": True}, params=params, sender=sender))
