"""Approvals by execution: the one step that waits is found, and only who may answers it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from support.driving import Driver
from support.factories import a_step

from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.errors import (
    AnswerNotAllowed,
    ExecutionNotFound,
    NoApprovalWaits,
    SeveralApprovalsWait,
)
from pipeline_engine.services import approvals
from pipeline_engine.services.approvals import Answer, Answered


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
