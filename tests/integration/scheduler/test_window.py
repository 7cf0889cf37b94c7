"""``max_parallel_steps``: places are taken when a step is queued, and given back when it ends."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from support.driving import Driver, Gate, in_background
from support.factories import a_step, an_action

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.services import executions

WINDOW = {"max_parallel_steps": 2}
OVER = "UPDATE step_executions SET deadline_at = now() WHERE id = %(id)s"
SILENT = "UPDATE step_executions SET leased_until = now() WHERE id = %(id)s"


def counts(driver: Driver, execution_id: UUID) -> tuple[int, int]:
    rows = driver.look(execution_id).rows
    return sum(row.in_window for row in rows), sum(row.held for row in rows)


def work(outcome: ActionResult | None = None, **given: Any) -> Any:
    return an_action("work", lambda context: outcome or ActionResult(success=True), **given)


def steps(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [a_step(f"s{n}", action="work", **fields) for n in range(count)]


def test_no_more_steps_run_at_once_than_the_window_allows(drive):
    gate = Gate()
    driver = drive(an_action("work", gate.execute))
    execution_id = driver.start(*steps(5), settings=WINDOW)
    ids = [row.id for row in driver.look(execution_id).rows]

    with in_background(*[lambda step=step: driver.turn(step) for step in ids]):
        gate.wait_for("s0", "s1")
        assert sorted(gate.entered) == ["s0", "s1"]
        assert counts(driver, execution_id) == (2, 3)
        gate.open()

    assert driver.finish(execution_id).status == "COMPLETED"
    assert len(gate.entered) == 5


def test_a_pipeline_that_cannot_exceed_its_window_has_none(drive):
    driver = drive(work())
    execution_id = driver.start(*steps(2), settings=WINDOW)

    assert counts(driver, execution_id) == (0, 0)


def test_a_cheap_step_takes_no_place(drive):
    driver = drive(work())
    names = [f"c{n}" for n in range(9)]
    execution_id = driver.start(*steps(3), *map(a_step, names), settings=WINDOW)

    assert counts(driver, execution_id) == (2, 1)
    assert driver.finish(execution_id).status == "COMPLETED"


def test_a_step_that_waits_for_its_next_attempt_keeps_its_place(drive):
    driver = drive(work(ActionResult(success=False)))
    retry = {"max_attempts": 2, "backoff_seconds": 0}
    execution_id = driver.start(*steps(4, retry=retry), settings=WINDOW | {"fail_fast": False})

    driver.settle()
    waiting = counts(driver, execution_id)
    end = driver.finish(execution_id)

    assert waiting == (2, 2)
    assert [row.attempt for row in end.rows if row.step_id.startswith("s")] == [2, 2, 2, 2]


@pytest.mark.parametrize("how", ["timeout", "lost worker", "skipped by condition", "poison"])
def test_a_place_is_given_back_however_a_step_ends(drive, how):
    gate = Gate()
    driver = drive(an_action("work", gate.execute, idempotent=how == "poison"), max_lost_attempts=1)
    condition = "params.go" if how == "skipped by condition" else None
    execution_id = driver.start(
        *steps(3, condition=condition),
        settings={"max_parallel_steps": 1, "fail_fast": False},
        params={"go": False},
        parameters=[{"name": "go", "type": "boolean"}],
    )
    if how != "skipped by condition":
        first = driver.look(execution_id).step("s0").id
        with in_background(lambda: driver.turn(first)):
            gate.wait_for("s0")
            driver.change(OVER if how == "timeout" else SILENT, id=first)
            sweep.sweep(driver.runtime)
            assert counts(driver, execution_id) == (1, 1)
            gate.open()

    driver.finish(execution_id)


def test_a_cancelled_execution_gives_all_its_places_back(drive):
    driver = drive(work())
    execution_id = driver.start(*steps(5), settings=WINDOW)

    executions.cancel(SYSTEM, driver.runtime, execution_id)

    assert counts(driver, execution_id) == (0, 0)
    assert driver.look(execution_id).status == "INTERRUPTED"


def test_a_parked_step_keeps_its_place_until_it_is_cancelled(drive):
    def park(context: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_id=context.step_id)

    driver = drive(an_action("work", park, cleanup=lambda context: None))
    execution_id = driver.start(*steps(3), settings=WINDOW)
    driver.settle()
    assert counts(driver, execution_id) == (2, 1)

    executions.cancel(SYSTEM, driver.runtime, execution_id)

    assert driver.finish(execution_id).status == "INTERRUPTED"


def test_steps_that_become_ready_at_the_same_time_do_not_overfill_the_window(drive):
    driver = drive(work())
    execution_id = driver.start(
        *[a_step(f"r{n}") for n in range(8)],
        *[a_step(f"s{n}", f"r{n}", action="work") for n in range(8)],
        settings=WINDOW,
    )
    roots = [row.id for row in driver.look(execution_id).rows if row.step_id.startswith("r")]

    with in_background(*[lambda step=step: driver.turn(step) for step in roots]):
        pass

    assert counts(driver, execution_id) == (2, 6)
    assert driver.finish(execution_id).status == "COMPLETED"


def test_handlers_run_although_the_window_is_small(drive):
    handlers = [a_step(f"h{n}", action="work") for n in range(3)]
    for handler in handlers:
        handler.pop("depends_on")

    end = drive(work()).run(*steps(2), settings={"max_parallel_steps": 1, "finally": handlers})

    assert {end.statuses[f"h{n}"] for n in range(3)} == {"COMPLETED"}


@pytest.mark.parametrize(
    ("rule", "queued"),
    [("all_success", True), ("one_success", False)],
    ids=["each waits for the end of the one before", "it may start before the others have ended"],
)
def test_chains_that_cannot_exceed_the_window_need_no_place(drive, rule, queued):
    driver = drive(an_action("work", lambda context: ActionResult(success=True)))
    chain = [
        a_step("a", action="work"),
        a_step("b", action="work", depends_on=["a"]),
        a_step("c", action="work", depends_on=["b", "a"], trigger_rule=rule),
    ]
    execution_id = driver.start(*chain, settings={"max_parallel_steps": 1})

    assert driver.look(execution_id).step("a").in_window is not queued
    assert driver.finish(execution_id).status == "COMPLETED"
