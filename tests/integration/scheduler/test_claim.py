"""Claims and fences: a step's result is recorded once, whoever comes twice, late or back."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from support.driving import Driver, Gate, in_background
from support.factories import a_step, an_action
from support.waiting import wait_until

from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.claim.turn import Turn
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.storage import locking, transitions
from pipeline_engine.storage.moves import Claim

SHARED = 300  #: a wave that is too wide for one worker

LEASE = timedelta(seconds=15)


def id_of(driver: Driver, execution_id: Any, step_id: str) -> int:
    return driver.look(execution_id).step(step_id).id


def expire_leases(driver: Driver) -> None:
    driver.change(
        "UPDATE step_executions SET leased_until = now() - interval '1 second'"
        " WHERE leased_until IS NOT NULL"
    )


def test_a_redelivered_message_does_not_run_a_step_twice(drive):
    gate = Gate(outputs={"done": True})
    driver = drive(an_action("gate", gate.execute))
    execution_id = driver.start(a_step("a", action="gate"))
    step = id_of(driver, execution_id, "a")

    with in_background(lambda: driver.turn(step)):
        gate.wait_for("a")
        driver.turn(step, step)
        gate.open()
    driver.turn(step)

    assert gate.entered == ["a"]
    assert driver.finish(execution_id).step("a").attempt == 1


@pytest.mark.parametrize("cheap", [True, False])
def test_of_many_workers_with_the_same_message_one_runs_the_step(drive, cheap):
    runs: Counter[str] = Counter()

    def count(context: ActionContext) -> ActionResult:
        runs[context.step_id] += 1
        return ActionResult(success=True)

    driver = drive(an_action("count", count, cheap=cheap))
    execution_id = driver.start(*[a_step(f"s{n}", action="count") for n in range(10)])
    ids = [row.id for row in driver.look(execution_id).rows]

    with in_background(*[lambda: driver.turn(*ids) for _ in range(6)]):
        pass

    assert driver.finish(execution_id).status == "COMPLETED"
    assert set(runs.values()) == {1}
    assert len(runs) == 10


def test_a_message_that_names_a_step_too_early_finds_nothing_to_do(drive):
    driver = drive()
    execution_id = driver.start(a_step("a"), a_step("b", "a"))

    driver.turn(id_of(driver, execution_id, "b"), 10**15)

    assert driver.look(execution_id).statuses == {"a": "PENDING", "b": "PENDING"}


def test_a_claim_counts_the_attempt_and_leaves_a_lease_a_deadline_and_a_name(drive):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute))
    execution_id = driver.start(a_step("a", action="gate", timeout_seconds=60))

    with in_background(lambda: driver.turn(id_of(driver, execution_id, "a"))):
        gate.wait_for("a")
        row = driver.look(execution_id).step("a")
        gate.open()

    assert (row.status, row.attempt, row.queued_at, row.task_id) == ("RUNNING", 1, None, "task")
    assert row.leased_until - row.updated_at == LEASE
    assert row.deadline_at - row.updated_at == timedelta(seconds=60)
    assert ":" in row.worker


def test_a_step_that_ended_meanwhile_is_not_claimed(drive):
    driver = drive(an_action("work", lambda context: ActionResult(success=True)))
    execution_id = driver.start(a_step("a", action="work"))
    with driver.runtime.engine.begin() as connection:
        (row,) = locking.lock_queued(connection, [id_of(driver, execution_id, "a")])
    driver.finish(execution_id)

    with driver.runtime.engine.begin() as connection:
        claimed = transitions.claim(connection, [Claim(row, None)], worker="late", lease=LEASE)

    assert claimed == set()
    assert driver.look(execution_id).events("a") == ["step_started", "step_completed"]


def test_a_lease_is_renewed_for_as_long_as_the_action_runs(drive):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute), lease_seconds=0.9)
    execution_id = driver.start(a_step("a", action="gate"))

    with in_background(lambda: driver.turn(id_of(driver, execution_id, "a"))):
        gate.wait_for("a")
        first = driver.look(execution_id).step("a").leased_until
        wait_until(
            lambda: (driver.look(execution_id).step("a").leased_until - first).total_seconds() > 1
        )
        swept = sweep.sweep(driver.runtime)
        gate.open()

    assert swept.lost_workers == 0
    assert driver.finish(execution_id).step("a").attempt == 1


def done(context):
    return ActionResult(success=True)


def test_what_waits_behind_a_long_step_of_its_message_may_be_run_by_anybody(drive):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute), an_action("work", done))
    execution_id = driver.start(a_step("a", action="gate"), a_step("b", action="work"))
    ids = [row.id for row in driver.look(execution_id).rows if row.queued_at]

    with in_background(lambda: driver.turn(*ids, queue="io")):
        gate.wait_for("a")
        driver.turn(id_of(driver, execution_id, "b"))
        statuses = driver.look(execution_id).statuses
        gate.open()

    assert statuses == {"a": "RUNNING", "b": "COMPLETED"}
    assert driver.finish(execution_id).step("b").attempt == 1


# ── The worker that was not dead ─────────────────────────────────────────────────────────


class Returning:
    """An action whose first attempt comes back late, as *answer* says."""

    def __init__(self, answer: ActionResult) -> None:
        self.gate = Gate()
        self.answer = answer

    def execute(self, context: ActionContext) -> ActionResult:
        if context.attempt > 1:
            return ActionResult(success=True, outputs={"by": context.attempt})
        self.gate.execute(context)
        return self.answer


LATE = [
    ActionResult(success=True, outputs={"by": 1}),
    ActionResult(success=False, error="late failure"),
    ActionResult(success=True, awaiting_event=True, external_workflow_id="late"),
]


@pytest.mark.parametrize("answer", LATE, ids=["success", "failure", "parking"])
@pytest.mark.parametrize("successor", ["has ended", "has not begun"])
def test_a_worker_that_comes_back_from_the_dead_changes_nothing(drive, answer, successor):
    late = Returning(answer)
    driver = drive(an_action("late", late.execute), lease_seconds=3600)
    execution_id = driver.start(
        a_step("a", action="late", retry={"max_attempts": 2, "backoff_seconds": 0})
    )
    step = id_of(driver, execution_id, "a")

    with in_background(lambda: driver.turn(step)):
        late.gate.wait_for("a")
        expire_leases(driver)
        assert sweep.sweep(driver.runtime).lost_workers == 1
        if successor == "has ended":
            driver.turn(step)
        before = driver.look(execution_id)
        late.gate.open()
    after = driver.look(execution_id)

    assert (after.statuses, after.events()) == (before.statuses, before.events())
    end = driver.finish(execution_id).step("a")
    assert (end.outputs, end.attempt, end.retry_count) == ({"by": 2}, 2, 0)


@pytest.mark.parametrize("answer", LATE, ids=["success", "failure", "parking"])
def test_an_attempt_that_timed_out_cannot_end_or_count_again(drive, answer):
    late = Returning(answer)
    driver = drive(an_action("late", late.execute))
    execution_id = driver.start(
        a_step(
            "a",
            action="late",
            timeout_seconds=60,
            retry={"max_attempts": 3, "backoff_seconds": 3600, "max_backoff_seconds": 3600},
        )
    )

    with in_background(lambda: driver.turn(id_of(driver, execution_id, "a"))):
        late.gate.wait_for("a")
        driver.change("UPDATE step_executions SET deadline_at = now() WHERE status = 'RUNNING'")
        assert sweep.sweep(driver.runtime).timed_out_steps == 1
        late.gate.open()
    row = driver.look(execution_id).step("a")

    assert (row.status, row.retry_count, row.attempt) == ("RETRYING", 1, 1)


def test_progress_of_a_superseded_attempt_is_not_stored(drive):
    gate = Gate()

    def report(context: ActionContext) -> ActionResult:
        gate.execute(context)
        context.progress(70)
        return ActionResult(success=True)

    driver = drive(an_action("report", report))
    execution_id = driver.start(a_step("a", action="report"))
    step = id_of(driver, execution_id, "a")

    with in_background(lambda: driver.turn(step)):
        gate.wait_for("a")
        driver.change("UPDATE step_executions SET attempt = 2 WHERE id = %(id)s", id=step)
        gate.open()

    assert driver.look(execution_id).step("a").progress_percentage == 0


# ── One turn ─────────────────────────────────────────────────────────────────────────────


def test_a_worker_goes_on_with_what_it_has_set_free_without_another_message(drive):
    driver = drive()
    execution_id = driver.start(a_step("a"), a_step("b", "a"), a_step("c", "b"))

    driver.turn(id_of(driver, execution_id, "a"))

    assert driver.look(execution_id).status == "COMPLETED"


def test_a_worker_takes_blocking_work_of_its_own_queue_only(drive):
    driver = drive(an_action("work", lambda context: ActionResult(success=True)))
    execution_id = driver.start(
        a_step("a", action="work"),
        a_step("same", "a", action="work"),
        a_step("other", "a", action="work", queue="cpu"),
    )

    driver.turn(id_of(driver, execution_id, "a"), queue="io")

    assert driver.look(execution_id).statuses == {
        "a": "COMPLETED",
        "same": "COMPLETED",
        "other": "PENDING",
    }


def test_a_turn_that_is_over_hands_its_work_to_others(drive):
    driver = drive(chunk_size=32)
    execution_id = driver.start(a_step("a"), *[a_step(f"b{n}", "a") for n in range(SHARED)])

    Turn(driver.runtime, ends_at=0).run([id_of(driver, execution_id, "a")])

    assert set(driver.look(execution_id).statuses.values()) == {"COMPLETED", "PENDING"}
    assert driver.finish(execution_id).status == "COMPLETED"


def test_a_cheap_step_that_had_to_be_claimed_may_look_at_other_steps(drive):
    """It runs outside of the transaction that claimed it."""

    def look(context: ActionContext) -> ActionResult:
        return ActionResult(success=True, outputs={"saw": context.step_outputs["first"]["message"]})

    driver = drive(an_action("look", look, cheap=True))
    execution_id = driver.start(a_step("first"), a_step("a", "first", action="look"))
    driver.change("UPDATE step_executions SET lost_count = 1 WHERE step_id = 'a'")

    end = driver.finish(execution_id)

    assert end.step("a").outputs == {"saw": "first"}
    assert end.events("a") == ["step_started", "step_completed"]  # the claim was not lost


def test_a_step_that_cannot_be_taken_does_not_take_its_batch_with_it(drive):
    """Its definition may come from a newer version of the engine, for instance."""
    driver = drive()
    bad, good = driver.start(a_step("a")), driver.start(a_step("a"))
    driver.change(
        "UPDATE pipeline_revisions SET document = '{\"steps\": [{}]}' WHERE id ="
        " (SELECT revision_id FROM executions WHERE id = %(id)s)",
        id=str(bad),
    )
    ids = [driver.look(execution_id).step("a").id for execution_id in (bad, good)]

    drive().turn(*ids)  # a process that has not read the definitions yet

    assert (driver.look(bad).status, driver.look(good).status) == ("PENDING", "COMPLETED")


def test_what_a_batch_sets_free_does_not_wait_behind_an_action_of_the_same_batch(drive, redis):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute), chunk_size=32)
    execution_id = driver.start(
        a_step("a", action="gate"), a_step("b"), *[a_step(f"c{n}", "b") for n in range(SHARED)]
    )
    rows = driver.look(execution_id)
    redis.flushdb()

    with in_background(lambda: driver.turn(rows.step("a").id, rows.step("b").id)):
        gate.wait_for("a")
        messages = redis.llen("pe:fast")
        gate.open()

    assert messages > 0
