"""A thread claims its next blocking step in the transaction that ends the one before."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from support.driving import Driver, Gate, in_background
from support.factories import a_hostile_param, a_step, an_action

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.domain.queues import QueueName
from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.claim.turn import Turn
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.services import executions

MOVES = """
SELECT s.step_id, e.event_type, e.xmin::text FROM events e
JOIN step_executions s ON s.id = e.step_execution_id
WHERE e.execution_id = %(id)s AND e.event_type IN ('step_started', 'step_completed', 'step_failed')
"""


class Seen:
    """A blocking action that remembers which steps it ran for."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def execute(self, context: ActionContext) -> ActionResult:
        self.steps.append(context.step_id)
        return ActionResult(success=True)


def moves(driver: Driver, execution_id: UUID) -> dict[tuple[str, str], str]:
    """In which transaction each step began and ended."""
    with driver.runtime.engine.connect() as connection:
        rows = connection.exec_driver_sql(MOVES, {"id": execution_id}).all()
    return {(step_id, event): transaction for step_id, event, transaction in rows}


def ids_of(driver: Driver, execution_id: UUID, *step_ids: str) -> list[int]:
    look = driver.look(execution_id)
    return [look.step(step_id).id for step_id in step_ids]


def in_a_row(*names: str, **fields: Any) -> list[dict[str, Any]]:
    first, *rest = [a_step(name, **fields) for name in names]
    pairs = zip(names, rest, strict=False)
    return [first, *({**step, "depends_on": [before]} for before, step in pairs)]


def test_in_a_chain_the_end_of_a_step_and_the_claim_of_the_next_are_one_transaction(drive):
    driver = drive(an_action("work", (seen := Seen()).execute))
    execution_id = driver.start(*in_a_row("a", "b", "c", action="work"))

    driver.turn(*ids_of(driver, execution_id, "a"), queue="io")

    found = moves(driver, execution_id)
    assert seen.steps == ["a", "b", "c"]
    for before, after in pairwise("abc"):
        assert found[before, "step_completed"] == found[after, "step_started"]
    assert driver.finish(execution_id).status == "COMPLETED"


def test_of_what_is_in_hand_one_step_is_claimed_at_a_time(drive):
    gate = Gate()
    driver = drive(an_action("work", gate.execute))
    execution_id = driver.start(*(a_step(name, action="work") for name in "abc"))
    ids = ids_of(driver, execution_id, *"abc")

    with in_background(lambda: driver.turn(*ids, queue="io")):
        gate.wait_for("a")
        statuses = driver.look(execution_id).statuses
        gate.open()

    assert statuses == {"a": "RUNNING", "b": "PENDING", "c": "PENDING"}
    found = moves(driver, execution_id)
    for before, after in pairwise("abc"):
        assert found[before, "step_completed"] == found[after, "step_started"]


def test_what_somebody_else_has_claimed_or_stopped_is_not_run_again(drive):
    gate, seen = Gate(), Seen()
    driver = drive(an_action("gate", gate.execute), an_action("work", seen.execute))
    execution_id = driver.start(
        a_step("long", action="gate"), *(a_step(name, action="work") for name in "abc")
    )
    ids = ids_of(driver, execution_id, "long", *"abc")

    with in_background(lambda: driver.turn(*ids, queue="io")):
        gate.wait_for("long")
        driver.turn(ids[1], queue="io")
        driver.change(
            "UPDATE step_executions SET status = 'SKIPPED', queued_at = NULL, finished_at = now()"
            " WHERE id = %(id)s",
            id=ids[2],
        )
        gate.open()

    assert seen.steps == ["a", "c"]


def test_a_cancel_while_a_step_runs_leaves_nothing_in_hand_to_be_run(drive):
    gate = Gate()
    driver = drive(an_action("work", gate.execute))
    execution_id = driver.start(*(a_step(name, action="work") for name in "abc"))
    ids = ids_of(driver, execution_id, *"abc")

    with in_background(lambda: driver.turn(*ids, queue="io")):
        gate.wait_for("a")
        executions.cancel(SYSTEM, driver.runtime, execution_id)
        gate.open()

    assert gate.entered == ["a"]
    assert driver.finish(execution_id).status == "INTERRUPTED"


def test_what_cannot_run_ends_and_the_next_one_is_claimed(drive):
    driver = drive(an_action("work", (seen := Seen()).execute, params=["n"]))
    bad = a_step("b", action="work", params={"n": "{{ 1 // 0 }}"}, on_failure="continue")
    never = a_step("c", action="work", condition="false")
    execution_id = driver.start(a_step("a", action="work"), bad, never, a_step("d", action="work"))

    driver.turn(*ids_of(driver, execution_id, *"abcd"), queue="io")

    assert seen.steps == ["a", "d"]
    assert driver.finish(execution_id).statuses == {
        "a": "COMPLETED",
        "b": "FAILED",
        "c": "SKIPPED",
        "d": "COMPLETED",
    }


def test_a_fault_in_the_next_step_does_not_keep_the_one_before_from_its_end(drive):
    hostile = an_action("hostile", Seen().execute, params=[a_hostile_param("word")])
    driver = drive(an_action("work", (seen := Seen()).execute), hostile, max_lost_attempts=2)
    bad = a_step("b", action="hostile", params={"word": "{{ 'x' }}"}, depends_on=["a"])
    execution_id = driver.start(a_step("a", action="work"), bad)

    driver.turn(*ids_of(driver, execution_id, "a"), queue="io")

    assert driver.look(execution_id).step("a").status == "COMPLETED"
    end = driver.finish(execution_id)
    assert (end.step("b").error_code, end.step("a").attempt) == ("engine_error", 1)
    assert seen.steps == ["a"]


def test_celery_hears_of_a_step_that_ended_when_it_was_to_be_claimed(drive):
    driver = drive(an_action("work", (seen := Seen()).execute, params=["n"]))
    bad = a_step("b", action="work", params={"n": "{{ 1 // 0 }}"}, depends_on=["a"])
    execution_id = driver.start(a_step("a", action="work"), bad)
    turn = Turn(driver.runtime, task_id="task", queue="io")

    turn.run(ids_of(driver, execution_id, "a"))

    assert seen.steps == ["a"]
    assert len(turn.failures) == 1
    assert turn.failures[0].startswith(f"{execution_id}/b: ")


def test_a_task_that_can_be_ended_by_force_goes_on_with_no_other_step(drive):
    driver = drive(an_action("train", (seen := Seen()).execute, queue=QueueName.CPU))
    execution_id = driver.start(*in_a_row("a", "b", action="train"))

    driver.turn(*ids_of(driver, execution_id, "a"), queue="cpu")

    assert seen.steps == ["a"]
    assert driver.look(execution_id).step("b").queued_at


def test_a_turn_that_is_over_hands_over_what_it_has_in_hand(drive):
    driver = drive(an_action("work", (seen := Seen()).execute))
    execution_id = driver.start(*(a_step(name, action="work") for name in "abc"))

    Turn(driver.runtime, task_id="task", queue="io", ends_at=0.0).run(
        ids_of(driver, execution_id, *"abc")
    )

    assert seen.steps == ["a"]
    assert driver.runtime.dispatch.waiting("io") > 0, "a message has the others"
    assert driver.finish(execution_id).status == "COMPLETED"


# ── Who is idle helps ────────────────────────────────────────────────────────────────────


@pytest.fixture
def two_hands(drive) -> tuple[Driver, UUID, Gate, Seen]:
    """One step that takes long, and three that do not."""
    gate, seen = Gate(), Seen()
    driver = drive(
        an_action("gate", gate.execute),
        an_action("work", seen.execute),
        republish_after_seconds=60,
    )
    execution_id = driver.start(
        a_step("long", action="gate"), *(a_step(name, action="work") for name in "abc")
    )
    drain(driver)
    return driver, execution_id, gate, seen


def drain(driver: Driver) -> None:
    """Lose all messages."""
    with driver.runtime.dispatch.app.connection_for_write() as connection:
        connection.default_channel.queue_purge("io")


def test_who_has_nothing_left_takes_what_others_have_in_hand(two_hands):
    driver, execution_id, gate, seen = two_hands
    long, a, b, c = ids_of(driver, execution_id, "long", *"abc")

    with in_background(lambda: driver.turn(long, a, b, queue="io")):
        gate.wait_for("long")
        driver.turn(c, queue="io")
        done = list(seen.steps)
        gate.open()

    assert done == ["c", "a", "b"]


def test_who_is_idle_is_woken_for_what_a_busy_worker_has_in_hand(two_hands):
    driver, execution_id, gate, _ = two_hands
    ids = ids_of(driver, execution_id, "long", *"abc")

    with in_background(lambda: driver.turn(*ids, queue="io")):
        gate.wait_for("long")
        at_once = sweep.sweep(driver.runtime).stranded
        driver.change("UPDATE step_executions SET queued_at = queued_at - interval '2 s'")
        later = sweep.sweep(driver.runtime).stranded
        again = sweep.sweep(driver.runtime).stranded
        gate.open()

    assert (at_once, later, again) == (0, 3, 0), "once, as long as nobody has taken the messages"
