"""What is shown of blocks: their steps in order, how far they are, who waits for a person."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest
from support.driving import Driver
from support.factories import a_block, a_step, an_action
from support.random_blocks import random_actions, random_steps

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.errors import SeveralApprovalsWait
from pipeline_engine.scheduler.start import cancel
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.services import approvals, queries
from pipeline_engine.services.approvals import Answer
from pipeline_engine.services.pages import Page
from pipeline_engine.services.queries import ProgressQuery, StepRecord

RETRY = {"max_attempts": 2, "backoff_seconds": 0}


@pytest.fixture
def driver(drive: Any) -> Driver:
    def fails_at_first(context: ActionContext) -> ActionResult:
        calls.append(context.step_id)
        return ActionResult(success=len(calls) > 1, error="not yet", error_code="flaky")

    def parks(context: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_id="job")

    calls: list[str] = []
    return drive(an_action("flaky", fails_at_first, cheap=True), an_action("parks", parks))


def steps(driver: Driver, execution_id: UUID) -> dict[str, StepRecord]:
    with driver.runtime.sessions() as session:
        found = queries.steps(SYSTEM, session, execution_id)
    return {step.step_id: step for step in found}


def below(driver: Driver, step: StepRecord, **given: Any) -> list[StepRecord]:
    with driver.runtime.sessions() as session:
        page = given.pop("page", Page(1, 100))
        wanted = {"parent_id": step.id, "page": page, **given}
        return list(queries.below(SYSTEM, session, step.execution_id, **wanted).entries)


def places(found: list[StepRecord]) -> list[tuple[str | None, str]]:
    return [(step.within, step.step_id) for step in found]


def progress(driver: Driver, execution_id: UUID) -> Decimal:
    with driver.runtime.sessions() as session:
        found = queries.progress(SYSTEM, session, execution_id, ProgressQuery())
        return found.aggregated.overall_progress


def test_the_steps_of_a_block_are_below_its_row_attempt_by_attempt(driver):
    undo = {"action": "log", "params": {"message": "undone"}}
    end = driver.run(
        a_block(
            "trip",
            a_step("last", "first", action="flaky"),
            a_step("first", compensate=undo),
            retry=RETRY,
        ),
        a_step("after", "trip"),
    )

    shown = steps(driver, end.execution.id)
    trip = shown["trip"]

    assert set(shown) == {"trip", "after"}
    assert (trip.items.total, trip.items.open, trip.inside) == (2, 0, "trip#2")
    assert places(below(driver, trip)) == [
        *(("trip", "last"), ("trip", "first"), ("trip", "compensate:first@trip")),
        *(("trip#2", "last"), ("trip#2", "first")),
    ]
    assert places(below(driver, trip, within=trip.inside)) == [
        ("trip#2", "last"),
        ("trip#2", "first"),
    ]
    assert places(below(driver, trip, page=Page(2, 2))) == [
        ("trip", "compensate:first@trip"),
        ("trip#2", "last"),
    ]


def test_the_items_of_a_fan_out_over_blocks_lead_to_the_steps_of_each(driver):
    end = driver.run(a_block("each", a_step("a"), a_step("b", "a"), for_each=["x", "y"]))

    each = steps(driver, end.execution.id)["each"]
    items = below(driver, each)

    assert each.inside is None
    assert [(item.item_index, item.within, item.inside) for item in items] == [
        (0, None, "each[0]"),
        (1, None, "each[1]"),
    ]
    assert places(below(driver, items[1])) == [("each[1]", "a"), ("each[1]", "b")]


def test_a_block_is_as_far_as_what_is_in_it(driver):
    execution_id = driver.start(
        a_block(
            "outer",
            a_step("a"),
            a_block("inner", a_step("b"), a_step("job", "b", action="parks"), depends_on=["a"]),
        ),
        a_block("each", a_step("c"), a_step("d", "c", action="parks"), for_each=[1, 2]),
    )

    driver.settle()

    # The half of it and a half of the other half; and of each item the half.
    assert progress(driver, execution_id) == Decimal("62.50")


def test_an_approval_in_a_block_is_named_by_its_place(driver):
    execution_id = driver.start(
        a_block("each", a_step("sign_off", action="approval"), for_each=["eu", "us"])
    )
    driver.settle()

    with pytest.raises(SeveralApprovalsWait, match=r"each\[0\]/sign_off, each\[1\]/sign_off"):
        approvals.answer(SYSTEM, driver.runtime, execution_id, Answer(approved=True))
    for within in ("each[1]", "each[0]"):
        said = Answer(approved=True, step_id="sign_off", within=within)
        found = approvals.answer(SYSTEM, driver.runtime, execution_id, said)
        assert found.step.place == f"{within}/sign_off"

    assert driver.finish(execution_id).status == "COMPLETED"


@pytest.mark.parametrize("seed", range(5))
def test_whatever_becomes_of_random_blocks_the_audit_agrees_with_it(drive: Any, seed: int):
    random = Random(seed)
    driver = drive(*random_actions(random))
    settings = {"fail_fast": seed % 2 == 0, "max_parallel_steps": random.choice([1, 10])}

    execution_id = driver.start(*random_steps(random), settings=settings)
    if seed % 3 == 0:
        driver.round()
        cancel(driver.runtime, execution_id, because=None)

    assert driver.finish(execution_id).status in {"COMPLETED", "FAILED", "INTERRUPTED"}
