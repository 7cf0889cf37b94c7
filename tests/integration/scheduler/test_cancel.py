"""Cancel is a stored intent: what waits never starts, what runs is fenced and cleaned up."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from support.driving import Driver, Gate, in_background
from support.factories import a_step, an_action

from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.errors import AlreadyFinal, AlreadyStopped, ExecutionNotFound
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.resume.cleanup import clean_up
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    StepStatus,
)
from pipeline_engine.services import executions, inbox
from pipeline_engine.services.inbox import Arrival


class Job:
    """An action that parks on a job and can call it off."""

    def __init__(self, *, fails: bool = False) -> None:
        self.called_off: list[tuple[str, ...]] = []
        self.attempts: list[int] = []
        self._fails = fails

    def park(self, context: ActionContext) -> ActionResult:
        job = f"job:{context.idempotency_key}"
        outputs = {"job": job}
        return ActionResult(
            success=True, awaiting_event=True, external_workflow_id=job, outputs=outputs
        )

    def on_event(self, context: EventContext) -> EventResult:
        return EventResult(action=EventAction.COMPLETE, status=StepStatus.COMPLETED)

    def cleanup(self, context: ActionContext) -> None:
        self.called_off.append(context.external_workflow_ids)
        self.attempts.append(context.attempt)
        assert context.stored_outputs["job"] in context.external_workflow_ids
        if self._fails:
            raise ConnectionError("the peer is away \x00")

    def action(self, name: str = "job", **meta: Any) -> RegisteredAction:
        return an_action(name, self.park, on_event=self.on_event, cleanup=self.cleanup, **meta)


def cancel(driver: Driver, execution_id: Any, **reason: str) -> None:
    executions.cancel(SYSTEM, driver.runtime, execution_id, **reason)


def test_nobody_cancels_what_he_does_not_see_and_who_does_is_told_what_became_of_it(drive):
    driver = drive()
    hers = driver.start(a_step("a"), user_id="alice")

    with pytest.raises(ExecutionNotFound):
        executions.cancel(Caller("bob"), driver.runtime, hers)
    assert driver.look(hers).status == "PENDING"
    told = executions.cancel(Caller("alice"), driver.runtime, hers, reason="enough")

    assert (told.id, told.status, told.abort_reason) == (hers, "INTERRUPTED", "cancelled")


def test_what_never_started_is_skipped_at_once(drive):
    driver = drive()
    execution_id = driver.start(a_step("a"), a_step("b", "a"))

    cancel(driver, execution_id, reason="not needed any more")

    end = driver.look(execution_id)
    assert (end.status, end.statuses) == ("INTERRUPTED", {"a": "SKIPPED", "b": "SKIPPED"})
    assert end.execution.error == {"code": "cancelled", "message": "not needed any more"}
    assert end.execution.cancel_requested_at is not None
    assert end.events() == [
        "cancel_requested",
        "step_skipped",
        "step_skipped",
        "workflow_interrupted",
    ]


def test_a_message_that_comes_after_the_cancel_runs_nothing(drive):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute))
    execution_id = driver.start(a_step("a", action="gate"))
    step = driver.look(execution_id).step("a").id
    cancel(driver, execution_id)

    driver.turn(step)

    assert gate.entered == []


def test_a_parked_step_is_called_off_before_the_execution_ends(drive):
    job = Job()
    driver = drive(job.action())
    execution_id = driver.start(a_step("a", action="job"), a_step("b", "a"))
    driver.settle()

    cancel(driver, execution_id)

    between = driver.look(execution_id)
    assert (between.status, between.statuses) == ("RUNNING", {"a": "RUNNING", "b": "SKIPPED"})
    end = driver.finish(execution_id)
    assert (end.status, end.statuses["a"]) == ("INTERRUPTED", "SKIPPED")
    assert job.called_off == [(f"job:{execution_id}:a",)]


def test_a_running_step_is_fenced_and_cleaned_up(drive):
    gate, cleaned = Gate(outputs={"late": True}), []
    action = an_action("gate", gate.execute, cleanup=lambda context: cleaned.append(1))
    driver = drive(action)
    execution_id = driver.start(a_step("a", action="gate"), a_step("b", "a"))

    with in_background(lambda: driver.turn(driver.look(execution_id).step("a").id)):
        gate.wait_for("a")
        cancel(driver, execution_id)
        end = driver.finish(execution_id)
        gate.open()

    assert (end.status, cleaned) == ("INTERRUPTED", [1])
    late = driver.look(execution_id)
    assert (late.statuses, late.step("a").outputs) == ({"a": "SKIPPED", "b": "SKIPPED"}, None)


def test_what_an_action_started_while_it_was_cancelled_is_called_off(drive):
    gate, job, called_off = Gate(), Job(), []

    def park(context: ActionContext) -> ActionResult:
        gate.execute(context)
        return job.park(context)

    def cleanup(context: ActionContext) -> None:
        called_off.append((context.external_workflow_ids, context.stored_outputs.get("job")))

    driver = drive(an_action("late", park, cleanup=cleanup))
    execution_id = driver.start(a_step("a", action="late"))

    with in_background(lambda: driver.turn(driver.look(execution_id).step("a").id)):
        gate.wait_for("a")
        cancel(driver, execution_id)
        gate.open()

    row = driver.look(execution_id).step("a")
    assert (row.awaiting_event, row.cancelling) == (False, True), "it is not parked"
    started = f"job:{execution_id}:a"
    assert called_off == [((started,), started)]
    assert driver.finish(execution_id).status == "INTERRUPTED"


def test_a_step_that_waits_for_its_next_attempt_never_gets_it(drive):
    driver = drive()
    retry = {"max_attempts": 2, "backoff_seconds": 3600}
    execution_id = driver.start(a_step("a", action="fail", retry=retry))
    driver.settle()

    cancel(driver, execution_id)

    assert driver.look(execution_id).statuses == {"a": "SKIPPED"}
    assert driver.look(execution_id).status == "INTERRUPTED"


def test_a_clean_up_that_fails_does_not_keep_the_execution_alive(drive):
    driver = drive(Job(fails=True).action())
    execution_id = driver.start(a_step("a", action="job"))
    driver.settle()

    cancel(driver, execution_id)

    end = driver.finish(execution_id)
    assert (end.status, end.statuses) == ("INTERRUPTED", {"a": "SKIPPED"})
    assert "the peer is away" in end.step("a").error_message


def test_a_clean_up_is_an_attempt_of_its_own_and_happens_once(drive):
    job = Job()
    driver = drive(job.action())
    execution_id = driver.start(a_step("a", action="job"))
    driver.settle()
    cancel(driver, execution_id)
    step = driver.look(execution_id).step("a").id

    with in_background(*[lambda: driver.clean_up(step) for _ in range(5)]):
        pass

    assert job.attempts == [3], "1 parked, 2 fenced it, 3 cleans up"
    assert driver.look(execution_id).status == "INTERRUPTED"


def test_items_that_wait_are_skipped_and_items_that_are_parked_are_called_off(drive):
    job = Job()
    driver = drive(job.action())
    execution_id = driver.start(
        a_step("each", action="job", for_each={"items": [1, 2, 3, 4], "max_concurrency": 2}),
        a_step("after", "each"),
    )
    driver.settle()

    cancel(driver, execution_id)

    end = driver.finish(execution_id)
    assert {item.status for item in end.items("each")} == {"SKIPPED"}
    assert end.statuses == {"each": "SKIPPED", "after": "SKIPPED"}
    assert len(job.called_off) == 2


def test_items_of_a_failed_fan_out_are_called_off_although_the_execution_is_given_up_too(drive):
    job = Job()
    flaky = an_action(
        "mixed",
        lambda context: job.park(context) if context.item else ActionResult(success=False),
        cleanup=job.cleanup,
    )
    driver = drive(flaky, an_action("bad", lambda context: ActionResult(success=False)))
    execution_id = driver.start(
        a_step("each", action="mixed", for_each=[1, 2, 0]), a_step("other", action="bad")
    )
    rows = driver.look(execution_id)
    driver.turn(rows.step("each").id)
    for item in driver.look(execution_id).items("each"):
        driver.turn(item.id)  # two park, the third fails: the others are to be called off

    driver.turn(rows.step("other").id)

    end = driver.finish(execution_id)
    assert len(job.called_off) == 2
    assert [item.status for item in end.items("each")] == ["SKIPPED", "SKIPPED", "FAILED"]


def test_an_event_for_a_step_that_is_being_called_off_changes_nothing(drive):
    job = Job()
    driver = drive(job.action())
    execution_id = driver.start(a_step("a", action="job"))
    driver.settle()
    cancel(driver, execution_id)

    body = {"workflow_id": f"job:{execution_id}:a"}
    inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body=body))
    driver.deliver()

    assert driver.look(execution_id).statuses == {"a": "RUNNING"}
    end = driver.finish(execution_id)
    driver.deliver()
    assert end.status == "INTERRUPTED"
    with driver.runtime.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT disposition FROM inbox").scalar_one()
    assert found == "pending", "it is kept for whoever waits for that key next"


def test_a_step_that_must_run_survives_the_cancel(drive):
    driver = drive()
    execution_id = driver.start(
        a_step("a"), a_step("b", "a"), a_step("always", "b", trigger_rule="always")
    )

    cancel(driver, execution_id)

    end = driver.finish(execution_id)
    assert end.statuses == {"a": "SKIPPED", "b": "SKIPPED", "always": "COMPLETED"}
    assert end.status == "INTERRUPTED"


def test_a_second_cancel_stops_more_and_a_third_is_refused(drive):
    driver = drive(Job().action())
    execution_id = driver.start(a_step("a", action="job"))
    driver.settle()
    cancel(driver, execution_id, reason="first")
    cancel(driver, execution_id, reason="second")
    with pytest.raises(AlreadyStopped):
        cancel(driver, execution_id)
    driver.finish(execution_id)

    with pytest.raises(AlreadyFinal):
        cancel(driver, execution_id)
    end = driver.look(execution_id)
    assert end.execution.error["message"] == "first"
    assert end.events().count("cancel_requested") == 2


def test_nothing_can_be_cancelled_that_does_not_exist(drive):
    with pytest.raises(ExecutionNotFound):
        cancel(drive(), "00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize("round_number", range(3))
def test_a_cancel_and_the_end_of_the_last_step_agree_on_one_end(drive, round_number):
    driver = drive(an_action("work", lambda context: ActionResult(success=True)))
    names = [f"s{n}" for n in range(6)]
    execution_id = driver.start(*[a_step(n, action="work") for n in names], a_step("z", *names))
    ids = [row.id for row in driver.look(execution_id).rows]

    def cancel_it() -> None:
        with suppress(AlreadyFinal):
            cancel(driver, execution_id)

    with in_background(lambda: driver.turn(*ids[:3]), lambda: driver.turn(*ids[3:]), cancel_it):
        pass

    ends = [e for e in driver.finish(execution_id).events() if e.startswith("workflow_")]
    assert ends in (
        ["workflow_started", "workflow_completed"],
        ["workflow_started", "workflow_interrupted"],
        ["workflow_interrupted"],
    )


def test_a_join_that_was_on_its_way_does_nothing_after_the_cancel(drive):
    driver = drive(an_action("work", lambda context: ActionResult(success=True)))
    execution_id = driver.start(a_step("each", action="work", for_each=[1, 2]))
    step = driver.look(execution_id).step("each").id
    driver.turn(step)
    driver.turn(*[item.id for item in driver.look(execution_id).items("each")])
    cancel(driver, execution_id)
    before = driver.look(execution_id)

    driver.join(step)

    assert (before.status, before.statuses) == ("INTERRUPTED", {"each": "SKIPPED"})
    assert driver.look(execution_id).events() == before.events()


def test_a_clean_up_that_kills_its_workers_is_given_up(drive):
    """Otherwise one step could go on killing workers for ever."""
    driver = drive(Job().action(), max_lost_attempts=2)
    execution_id = driver.start(a_step("a", action="job"))
    driver.settle()
    cancel(driver, execution_id)
    step = driver.look(execution_id).step("a").id
    driver.change("UPDATE step_executions SET lost_count = 2 WHERE id = %(id)s", id=step)

    driver.clean_up(step)

    end = driver.look(execution_id)
    assert (end.status, end.statuses) == ("INTERRUPTED", {"a": "SKIPPED"})
    assert "workers died" in end.step("a").error_message


def test_a_clean_up_may_look_at_other_steps(drive):
    seen: list[Any] = []
    action = an_action(
        "work",
        lambda context: ActionResult(success=True, awaiting_event=True, external_workflow_id="x"),
        cleanup=lambda context: seen.append(context.step_outputs["first"]["message"]),
    )
    driver = drive(action)
    execution_id = driver.start(a_step("first"), a_step("a", "first", action="work"))
    driver.settle()

    cancel(driver, execution_id)

    assert driver.finish(execution_id).step("a").error_message == "Workflow aborted"
    assert seen == ["first"]


def test_a_forged_clean_up_does_not_end_a_fan_out_before_its_items(drive):
    driver = drive(Job().action())
    execution_id = driver.start(a_step("each", action="job", for_each=[1, 2]))
    driver.settle()
    cancel(driver, execution_id)

    driver.clean_up(driver.look(execution_id).step("each").id)

    assert driver.look(execution_id).step("each").status == "RUNNING"
    assert driver.finish(execution_id).status == "INTERRUPTED"


def test_a_lost_clean_up_is_found_by_the_sweep(drive):
    driver = drive(Job().action())
    execution_id = driver.start(a_step("a", action="job"))
    driver.settle()
    cancel(driver, execution_id)
    driver.change("UPDATE step_executions SET due_at = now() WHERE cancelling")

    assert sweep.sweep(driver.runtime).clean_ups == 1
    assert clean_up(driver.runtime, driver.look(execution_id).step("a").id).ready == []
    assert driver.look(execution_id).status == "INTERRUPTED"
