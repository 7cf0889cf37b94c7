"""Approvals by execution: the one step that waits is found, and only who may answers it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from support.driving import Driver
from support.factories import a_step

from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.errors import (
    AnswerNotAllowed,
    ExecutionNotFound,
    InvalidAnswer,
    NoApprovalWaits,
    SeveralApprovalsWait,
)
from pipeline_engine.scheduler.actions.callback_tokens import CallbackToken, callback_url
from pipeline_engine.services import approvals, inbox
from pipeline_engine.services.approvals import Answer, Answered
from pipeline_engine.services.pages import Page


def waiting(driver: Driver, *ids: str, **fields: Any) -> UUID:
    execution_id = driver.start(*(a_step(one, action="approval", **fields) for one in ids))
    driver.settle()
    return execution_id


def answered(driver: Driver, execution_id: UUID, caller: Caller = SYSTEM, **said: Any) -> Answered:
    given = Answer(**{"approved": True, **said})
    return approvals.answer(caller, driver.runtime, execution_id, given)


@pytest.mark.parametrize(("approved", "status"), [(True, "COMPLETED"), (False, "FAILED")])
def test_the_step_that_waits_is_answered(driver: Driver, approved: bool, status: str) -> None:
    execution_id = waiting(driver, "sign_off")

    found = answered(driver, execution_id, approved=approved, reason="it is late")

    end = driver.finish(execution_id)
    assert (found.step.place, found.receipt.outcome) == ("sign_off", "accepted")
    assert (end.status, end.step("sign_off").outputs["comment"]) == (status, "it is late")


def test_of_several_that_wait_one_has_to_be_named(driver: Driver) -> None:
    execution_id = waiting(driver, "legal", "security")

    with pytest.raises(SeveralApprovalsWait, match="legal, security"):
        answered(driver, execution_id)
    answered(driver, execution_id, step_id="security")
    driver.settle()
    answered(driver, execution_id)

    assert driver.finish(execution_id).status == "COMPLETED"


def test_an_item_of_a_fan_out_is_named_by_its_index(driver: Driver) -> None:
    execution_id = waiting(driver, "deploy", for_each={"items": ["eu", "us"]})

    with pytest.raises(SeveralApprovalsWait, match=r"deploy\[0\], deploy\[1\]"):
        answered(driver, execution_id, step_id="deploy")
    for index in (1, 0):
        answered(driver, execution_id, step_id="deploy", item_index=index)

    assert driver.finish(execution_id).status == "COMPLETED"


@pytest.mark.parametrize("step_id", [None, "sign_off", "other"])
def test_what_does_not_wait_any_more_cannot_be_answered(
    driver: Driver, step_id: str | None
) -> None:
    execution_id = waiting(driver, "sign_off")
    answered(driver, execution_id)
    driver.finish(execution_id)

    with pytest.raises(NoApprovalWaits):
        answered(driver, execution_id, step_id=step_id)


def test_a_user_speaks_for_himself_and_a_service_for_whom_it_says(driver: Driver) -> None:
    execution_id = waiting(driver, "sign_off", params={"approvers": ["alice"]})

    with pytest.raises(AnswerNotAllowed):
        answered(driver, execution_id, by="bob")
    answered(driver, execution_id, by="alice")

    assert driver.finish(execution_id).step("sign_off").outputs["by"] == "alice"


def test_of_the_executions_of_others_nothing_is_told(driver: Driver) -> None:
    execution_id = waiting(driver, "sign_off")

    with pytest.raises(ExecutionNotFound):
        answered(driver, execution_id, caller=Caller(user_id="mallory"))


OPS = Caller(user_id="bob", others=frozenset({"group:ops"}))


def listed(driver: Driver, caller: Caller) -> list[UUID]:
    with driver.runtime.sessions() as session:
        return [one.execution_id for one in approvals.waiting(caller, session, Page()).entries]


@pytest.mark.parametrize("asked", [{"approvers": ["bob"]}, {"approver_groups": ["ops"]}])
def test_who_is_asked_finds_and_answers_the_step_of_another_owner_and_nobody_else_does(
    driver: Driver, asked: dict[str, Any]
) -> None:
    execution_id = waiting(driver, "sign_off", params={"message": "Deploy?", **asked})
    mallory = Caller(user_id="mallory", others=frozenset({"group:dev"}))

    assert (listed(driver, OPS), listed(driver, mallory)) == ([execution_id], [])
    with pytest.raises(ExecutionNotFound):
        answered(driver, execution_id, caller=mallory)
    answered(driver, execution_id, caller=OPS)

    assert driver.finish(execution_id).step("sign_off").outputs["by"] == "bob"
    assert listed(driver, OPS) == []


def test_who_is_only_asked_is_told_that_the_execution_is_not_his_to_read(driver: Driver) -> None:
    execution_id = waiting(driver, "sign_off", params={"approvers": ["bob"]})

    def in_sight(caller: Caller) -> list[bool]:
        with driver.runtime.sessions() as session:
            found = approvals.waiting(caller, session, Page(), execution_id)
            return [one.is_in_sight for one in found.entries]

    assert (in_sight(SYSTEM), in_sight(OPS)) == ([True], [False])


def test_a_token_that_is_bound_to_another_pipeline_is_not_asked(driver: Driver) -> None:
    waiting(driver, "sign_off", params={"approvers": ["bob"]})
    bound = Caller(user_id="bob", only_pipelines=frozenset({UUID(int=7)}))

    assert listed(driver, bound) == []


def test_two_of_a_group_and_a_service_that_names_one(driver: Driver) -> None:
    params = {"approver_groups": ["ops"], "required_approvals": 2}
    execution_id = waiting(driver, "sign_off", params=params)

    with pytest.raises(AnswerNotAllowed):
        answered(driver, execution_id, caller=OPS, groups=("admins",))
    answered(driver, execution_id, caller=OPS)
    driver.settle()
    assert driver.look(execution_id).status == "RUNNING"
    answered(driver, execution_id, by="ann", groups=("ops",))

    decisions = driver.finish(execution_id).step("sign_off").outputs["decisions"]
    assert [one["by"] for one in decisions] == ["bob", "ann"]


def test_a_callback_cannot_say_who_is_signed_in(driver: Driver) -> None:
    execution_id = waiting(driver, "sign_off", params={"approver_groups": ["ops"]})
    step = driver.look(execution_id).step("sign_off")
    settings = driver.runtime.settings
    target = CallbackToken(step.id, step.attempt, is_checked=True)
    key = callback_url(settings, target, valid_for=timedelta(hours=1)).rsplit("/", 1)[-1]
    forged = {"approved": True, "by": "eve", "_sender": {"user_id": "eve", "groups": ["ops"]}}

    with pytest.raises(InvalidAnswer):
        inbox.accept_callback(driver.runtime, key, forged)
    with pytest.raises(AnswerNotAllowed):
        inbox.accept_callback(driver.runtime, key, {"approved": True, "by": "eve"})


def test_a_step_is_decided_when_its_time_is_over(driver: Driver) -> None:
    params = {"on_timeout": "approve", "timeout_seconds": 3600}
    execution_id = waiting(driver, "sign_off", params=params)
    _let_pass(driver, execution_id)

    end = driver.finish(execution_id)

    outputs = end.step("sign_off").outputs
    assert (end.status, outputs["approved"], outputs["expired"]) == ("COMPLETED", True, True)


def _let_pass(driver: Driver, execution_id: UUID) -> None:
    """Let the time of the approvals of an execution be over."""
    with driver.runtime.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE step_executions SET due_at = now() - interval '1 second', outputs ="
                " jsonb_set(outputs, '{deadline}', to_jsonb(now() - interval '1 second'))"
                " WHERE execution_id = :id AND awaiting_event"
            ),
            {"id": execution_id},
        )
