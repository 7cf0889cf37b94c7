"""A time limit belongs to what it names: an attempt, an item, a fan-out, an execution."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session
from support.driving import Driver, Gate, in_background
from support.factories import a_pipeline, a_step, an_action
from support.waiting import wait_until

from pipeline_engine.registry import RegisteredAction
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import ActionContext, ActionResult

MODELS = [{"rule_id": "r", "model_uri": "m", "model_id": "i"}]
CREDENTIAL = "11111111-1111-1111-1111-111111111111"


def a_call(**given: Any) -> RegisteredAction:
    """An action that asks for a minute at most for one call."""
    return an_action("call", lambda context: ActionResult(success=True), **given, **MINUTE)


MINUTE = {"timeout_seconds": 60}


def limit_of(row: Any) -> float | None:
    """Seconds that a row has, from its last move."""
    found = row.deadline_at and row.deadline_at - row.updated_at
    return found and found.total_seconds()


def expire(driver: Driver, condition: str) -> None:
    statement = "UPDATE step_executions SET deadline_at = now() WHERE deadline_at IS NOT NULL"
    assert driver.change(f"{statement} AND {condition}") > 0


# ── Fan-outs ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "step",
    [
        {"action": "call", "for_each": [1, 2, 3]},
        {"action": "for_each", "params": {"items": [1], "action": "call"}},
        {"action": "while", "params": {"condition": "iteration < 2", "action": "call"}},
        {"action": "run_pipeline", "params": {"pipeline": "child"}, "for_each": [1]},
        {
            "action": "guardrail_batch_onboard_models",
            "params": {"models": MODELS, "credential_id": CREDENTIAL},
        },
        {
            "action": "guardrail_parallel_simulate",
            "params": {"models": MODELS, "hardware_mode": "shared"},
        },
    ],
    ids=lambda step: step["action"],
)
@pytest.mark.parametrize("given", [None, 7])
def test_a_fan_out_has_no_time_limit_but_the_one_that_its_author_gave_it(drive, step, given):
    driver = drive(a_call())
    fields = {**step, **({} if given is None else {"timeout_seconds": given})}
    execution_id = driver.start(a_step("each", **fields))

    driver.settle_only(execution_id)

    row = driver.look(execution_id).step("each")
    assert (row.items_total is not None, limit_of(row)) == (True, given)


@pytest.mark.parametrize(
    ("step", "seconds"),
    [
        ({"action": "gate", "for_each": [1]}, 60),
        ({"action": "gate", "for_each": [1], "timeout_seconds": 900}, 60),
        ({"action": "gate", "for_each": {"items": [1], "item_timeout_seconds": 9}}, 9),
        ({"action": "for_each", "params": {"items": [1], "action": "gate"}}, 60),
        (
            {
                "action": "for_each",
                "params": {"items": [1], "action": "gate", "item_timeout_seconds": 9},
            },
            9,
        ),
        (
            {
                "action": "while",
                "timeout_seconds": 900,
                "params": {"condition": "true", "action": "gate", "iteration_timeout_seconds": 9},
            },
            9,
        ),
        ({"action": "while", "params": {"condition": "iteration < 1", "action": "gate"}}, 60),
    ],
)
def test_an_attempt_of_an_item_has_the_time_of_its_action_or_of_an_item(drive, step, seconds):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute, **MINUTE))
    execution_id = driver.start(a_step("each", **step))
    driver.turn(driver.look(execution_id).step("each").id)

    with in_background(lambda: driver.turn(driver.look(execution_id).items("each")[0].id)):
        gate.wait_for("each")
        item = driver.look(execution_id).items("each")[0]
        gate.open()

    assert limit_of(item) == seconds


def test_a_parked_item_has_the_limit_of_an_item_too(drive):
    def park(context: ActionContext) -> ActionResult:
        return ActionResult(
            success=True, awaiting_event=True, external_workflow_id=context.idempotency_key
        )

    driver = drive(an_action("park", park, **MINUTE))
    plain = driver.start(a_step("each", action="park", for_each=[1], timeout_seconds=5))
    named = driver.start(
        a_step("each", action="park", for_each={"items": [1], "item_timeout_seconds": 9})
    )

    driver.settle()

    found = [driver.look(execution).items("each")[0] for execution in (plain, named)]
    assert [limit_of(item) for item in found] == [60, 9]


def test_an_item_that_is_over_its_time_is_a_failed_item_and_its_neighbours_go_on(drive):
    gate = Gate()

    def some_are_slow(context: ActionContext) -> ActionResult:
        return gate.execute(context) if context.item == "slow" else ActionResult(success=True)

    driver = drive(an_action("work", some_are_slow))
    loop = {"items": ["quick", "slow", "quick"], "tolerated_failures": 1, "max_concurrency": 1}
    execution_id = driver.start(a_step("each", action="work", for_each=loop))

    with in_background(driver.settle):
        gate.wait_for("each")
        expire(driver, "parent_id IS NOT NULL")
        end = driver.finish(execution_id)
        gate.open()

    assert [item.status for item in end.items("each")] == ["COMPLETED", "TIMEOUT", "COMPLETED"]
    outputs = end.step("each").outputs
    assert (end.status, outputs["failed"], outputs["completed"]) == ("COMPLETED", 1, 2)


def test_pauses_between_the_retries_of_items_are_nobodys_time(drive):
    tries: list[int] = []

    def moody(context: ActionContext) -> ActionResult:
        tries.append(context.attempt)
        return ActionResult(success=len(tries) > 1)

    driver = drive(an_action("moody", moody, **MINUTE))
    retry = {"max_attempts": 2, "backoff_seconds": 3600}
    execution_id = driver.start(a_step("each", action="moody", for_each=[1], retry=retry))
    driver.settle()
    sweep.sweep(driver.runtime)

    between = driver.look(execution_id)
    driver.change("UPDATE step_executions SET due_at = now() WHERE status = 'RETRYING'")

    assert [between.step("each").deadline_at, between.items("each")[0].deadline_at] == [None, None]
    assert driver.finish(execution_id).status == "COMPLETED"


def test_the_time_of_a_fan_out_is_that_of_all_its_items_retries_and_pauses(drive):
    driver = drive(an_action("bad", lambda context: ActionResult(success=False)))
    retry = {"max_attempts": 2, "backoff_seconds": 3600}
    execution_id = driver.start(
        a_step("each", action="bad", for_each=[1, 2], retry=retry, timeout_seconds=60)
    )
    driver.settle()
    expire(driver, "parent_id IS NULL")

    end = driver.finish(execution_id)

    assert (end.status, end.step("each").status) == ("FAILED", "TIMEOUT")
    assert {item.status for item in end.items("each")} == {"SKIPPED"}


def test_a_pipeline_that_runs_for_an_item_has_its_own_time(drive, session: Session):
    a_pipeline(
        session,
        a_step("wait", action="wait_for_event", params={"event_key": "never"}),
        name="child",
        settings={"timeout_seconds": 500},
    )
    driver = drive()
    execution_id = driver.start(
        a_step("each", action="run_pipeline", params={"pipeline": "child"}, for_each=[1]),
        settings={"timeout_seconds": 100},
    )
    driver.settle()

    item = driver.look(execution_id).items("each")[0]

    assert limit_of(item) == driver.runtime.settings.parked_timeout_seconds


# ── Steps ────────────────────────────────────────────────────────────────────────────────


def test_each_attempt_of_a_step_has_its_time_anew(drive):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute))
    retry = {"max_attempts": 2, "backoff_seconds": 0}
    execution_id = driver.start(a_step("a", action="gate", timeout_seconds=60, retry=retry))
    step = driver.look(execution_id).step("a").id

    with in_background(lambda: driver.turn(step)):
        gate.wait_for("a")
        expire(driver, "true")
        sweep.sweep(driver.runtime)
        between = driver.look(execution_id).step("a")
        sweep.sweep(driver.runtime)
        with in_background(lambda: driver.turn(step)):
            second = wait_for_attempt(driver, execution_id, 2)
            gate.open()

    assert (between.status, between.deadline_at) == ("RETRYING", None)
    assert limit_of(second) == 60
    assert driver.finish(execution_id).status == "COMPLETED"


def wait_for_attempt(driver: Driver, execution_id: Any, attempt: int) -> Any:
    def begun() -> bool:
        row = driver.look(execution_id).step("a")
        return (row.attempt, row.status) == (attempt, "RUNNING")

    wait_until(begun, what=f"attempt {attempt}")
    return driver.look(execution_id).step("a")
