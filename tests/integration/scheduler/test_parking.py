"""Parked steps: they hold no worker, and an event, a deadline or the clock ends them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from support.driving import Gate, in_background
from support.factories import a_step, an_action

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    StepStatus,
)
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Arrival


def parking(*jobs: str, **given: Any) -> RegisteredAction:
    """An action that parks on these external ids and ends as an event says."""
    result = {name: given.pop(name) for name in ("timeout_seconds", "wake_at") if name in given}

    def park(context: ActionContext) -> ActionResult:
        return ActionResult(
            success=True,
            awaiting_event=True,
            external_workflow_ids=jobs,
            outputs={"started": context.attempt},
            **result,
        )

    def on_event(context: EventContext) -> EventResult:
        status = StepStatus(context.event_data.get("status", "COMPLETED"))
        return EventResult(
            action=EventAction.COMPLETE, status=status, outputs={"by": context.external_workflow_id}
        )

    return an_action("park", park, **{"on_event": on_event, **given})


def send(driver: Any, job: str, **body: Any) -> None:
    arrival = Arrival(source="tests", body={"workflow_id": job, **body})
    inbox.accept(SYSTEM, driver.runtime, arrival)


def parked(driver: Any, **fields: Any) -> Any:
    execution_id = driver.start(a_step("a", action="park", **fields))
    driver.settle()
    return execution_id


@pytest.mark.parametrize("cheap", [True, False])
def test_a_parked_step_is_running_and_holds_no_worker_and_no_lease(drive, cheap):
    driver = drive(parking("job", cheap=cheap))

    row = driver.look(parked(driver)).step("a")

    assert (row.status, row.awaiting_event, row.attempt) == ("RUNNING", True, 1)
    assert (row.leased_until, row.worker, row.task_id, row.queued_at) == (None,) * 4
    assert (row.external_workflow_id, row.outputs) == ("job", {"started": 1})


def test_the_siblings_of_a_parked_step_run_meanwhile(drive):
    """[!] 3.3: the whole run used to stop until the first event came."""
    driver = drive(parking("job"))
    execution_id = driver.start(
        a_step("a", action="park"), a_step("b"), a_step("c", "b"), a_step("d", "a", "c")
    )

    driver.settle()

    assert driver.look(execution_id).statuses == {
        "a": "RUNNING",
        "b": "COMPLETED",
        "c": "COMPLETED",
        "d": "PENDING",
    }


def test_outputs_of_the_event_are_merged_over_those_of_the_start(drive):
    driver = drive(parking("one", "two"))
    execution_id = parked(driver)

    send(driver, "two")

    end = driver.finish(execution_id)
    assert end.step("a").outputs == {"started": 1, "by": "two"}
    assert end.events("a")[-2:] == ["step_parked", "step_completed"]


def test_what_follows_an_event_obeys_the_whole_definition(drive):
    """[!] 3.4: the reference ignores conditions, retries, defaults and ``continue`` here."""
    driver = drive(parking("job"))
    execution_id = driver.start(
        a_step("a", action="park"),
        a_step("no", "a", condition="params.go"),
        a_step("bad", "a", action="fail", retry={"max_attempts": 2, "backoff_seconds": 0}),
        a_step("after", "bad", trigger_rule="all_done", params={"message": "{{ params.word }}"}),
        settings={"fail_fast": False},
        parameters=[
            {"name": "go", "type": "boolean", "default": False},
            {"name": "word", "default": "default"},
        ],
    )
    driver.settle()

    send(driver, "job")

    end = driver.finish(execution_id)
    assert end.statuses == {
        "a": "COMPLETED",
        "no": "SKIPPED",
        "bad": "FAILED",
        "after": "COMPLETED",
    }
    assert (end.step("bad").attempt, end.step("after").outputs["message"]) == (2, "default")


def test_a_failure_that_an_event_reports_is_tried_again(drive):
    driver = drive(parking("job"))
    execution_id = parked(driver, retry={"max_attempts": 2, "backoff_seconds": 0})
    send(driver, "job", status="FAILED", number=1)
    driver.settle()
    waiting = driver.look(execution_id).step("a")
    sweep.sweep(driver.runtime)
    driver.settle()

    send(driver, "job", status="COMPLETED", number=2)

    end = driver.finish(execution_id)
    assert (waiting.status, waiting.awaiting_event) == ("RETRYING", False)
    assert (end.step("a").status, end.step("a").outputs["started"]) == ("COMPLETED", 2)


def test_a_failure_that_an_event_reports_ends_the_execution(drive):
    """[!] 3.4: there the execution stays RUNNING for ever."""
    driver = drive(parking("job"))
    execution_id = driver.start(a_step("a", action="park"), a_step("b", "a"))
    driver.settle()

    send(driver, "job", status="FAILED")

    end = driver.finish(execution_id)
    assert (end.status, end.statuses) == ("FAILED", {"a": "FAILED", "b": "SKIPPED"})


# ── Deadlines ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("step", "result", "meta", "seconds"),
    [
        ({}, {}, {}, 1800),
        ({"timeout_seconds": 60}, {}, {}, 60),
        ({}, {"timeout_seconds": 90}, {}, 90),
        ({"timeout_seconds": 60}, {"timeout_seconds": 90}, {}, 60),
        ({"timeout_seconds": 90}, {"timeout_seconds": 60}, {}, 60),
        ({}, {}, {"timeout_seconds": 7}, 7),
    ],
)
def test_a_parked_step_waits_until_the_nearest_limit(drive, step, result, meta, seconds):
    driver = drive(parking("job", **result))
    if meta:
        driver = drive(_with_meta(parking("job"), **meta))

    row = driver.look(parked(driver, **step)).step("a")

    assert row.deadline_at - row.updated_at == timedelta(seconds=seconds)


def _with_meta(action: RegisteredAction, **meta: Any) -> RegisteredAction:
    return replace(action, meta=replace(action.meta, **meta))


def expire(driver: Any) -> None:
    driver.change("UPDATE step_executions SET deadline_at = now() WHERE status = 'RUNNING'")


def test_nobody_answers_in_time(drive):
    driver = drive(parking("job"))
    execution_id = driver.start(a_step("a", action="park"), a_step("b", "a"))
    driver.settle()
    expire(driver)

    end = driver.finish(execution_id)

    assert (end.status, end.statuses) == ("FAILED", {"a": "TIMEOUT", "b": "SKIPPED"})
    assert end.step("a").error_code == "timeout"
    assert end.execution.error["step_id"] == "a"


def test_a_deadline_obeys_on_failure(drive):
    """[!] 6.5: there a time-out ignores it."""
    driver = drive(parking("job"))
    execution_id = driver.start(a_step("a", action="park", on_failure="continue"), a_step("b", "a"))
    driver.settle()
    expire(driver)

    assert driver.finish(execution_id).statuses == {"a": "TIMEOUT", "b": "COMPLETED"}


def test_each_attempt_of_a_parked_step_has_a_deadline_of_its_own(drive):
    driver = drive(parking("job"))
    execution_id = parked(
        driver, timeout_seconds=60, retry={"max_attempts": 2, "backoff_seconds": 0}
    )
    expire(driver)
    sweep.sweep(driver.runtime)
    assert driver.look(execution_id).step("a").status == "RETRYING"

    sweep.sweep(driver.runtime)
    driver.settle()

    row = driver.look(execution_id).step("a")
    assert (row.attempt, row.awaiting_event) == (2, True)
    assert row.deadline_at - row.updated_at == timedelta(seconds=60)


def test_an_event_and_the_deadline_at_the_same_moment_give_one_result(drive):
    driver = drive(parking("job"))
    ids = [parked(driver) for _ in range(5)]
    expire(driver)

    with in_background(
        lambda: send(driver, "job"),
        driver.deliver,
        lambda: sweep.sweep(driver.runtime),
        lambda: sweep.sweep(driver.runtime),
    ):
        pass

    for execution_id in ids:
        ends = [e for e in driver.finish(execution_id).events("a") if e.endswith(("ted", "out"))]
        assert len(ends) == 2, "one start and one end"


# ── The clock ────────────────────────────────────────────────────────────────────────────


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=0.15)


@pytest.mark.parametrize("cheap", [True, False])
def test_the_clock_wakes_a_step(drive, cheap):
    driver = drive(parking(wake_at=soon(), cheap=cheap))
    execution_id = parked(driver)
    row = driver.look(execution_id).step("a")
    assert (row.awaiting_event, row.deadline_at) == (True, None)

    end = driver.finish(execution_id)

    assert end.step("a").outputs == {"started": 1}
    assert end.step("a").finished_at >= row.due_at


def test_what_the_clock_wakes_may_fail_and_be_tried_again(drive):
    answers = [ActionResult(success=False), ActionResult(success=True, outputs={"woken": True})]
    driver = drive(parking(wake_at=soon(), on_wake=lambda context: answers.pop(0)))
    execution_id = parked(driver, retry={"max_attempts": 2, "backoff_seconds": 0})

    end = driver.finish(execution_id)

    assert (end.step("a").outputs, end.step("a").attempt) == ({"woken": True}, 2)


def test_what_the_clock_wakes_may_go_on_waiting(drive):
    wakes: list[int] = []

    def on_wake(context: ActionContext) -> ActionResult:
        wakes.append(1)
        if len(wakes) < 3:
            return ActionResult(success=True, awaiting_event=True, wake_at=soon())
        return ActionResult(success=True)

    driver = drive(parking(wake_at=soon(), on_wake=on_wake))

    end = driver.finish(parked(driver))

    assert (len(wakes), end.step("a").attempt) == (3, 1)


def test_progress_reported_while_the_row_is_locked_does_not_wait_for_itself(drive):
    def on_wake(context: ActionContext) -> ActionResult:
        context.progress(50)
        return ActionResult(success=True, outputs={"woken": True})

    driver = drive(parking(wake_at=soon(), on_wake=on_wake))

    end = driver.finish(parked(driver), within=5)

    assert end.step("a").outputs == {"woken": True}


def test_a_step_that_is_being_parked_does_not_miss_an_event_of_that_moment(drive):
    """The step's row is locked, its parking not yet committed, when the event comes."""
    gate = Gate()

    def park(context: ActionContext) -> ActionResult:
        gate.execute(context)
        return ActionResult(success=True, awaiting_event=True, external_workflow_id="job")

    done = EventResult(action=EventAction.COMPLETE, status=StepStatus.COMPLETED)
    driver = drive(an_action("park", park, on_event=lambda context: done, cheap=True))
    execution_id = driver.start(a_step("a", action="park"))

    with in_background(lambda: driver.turn(driver.look(execution_id).step("a").id)):
        gate.wait_for("a")
        send(driver, "job")
        driver.deliver()
        gate.open()

    assert driver.finish(execution_id).status == "COMPLETED"


def test_a_step_is_not_woken_too_early_because_its_transaction_had_begun_before(drive):
    wanted: list[datetime] = []

    def park(context: ActionContext) -> ActionResult:
        Event().wait(0.3)  # as other steps of its transaction take
        wanted.append(datetime.now(UTC) + timedelta(seconds=5))
        return ActionResult(success=True, awaiting_event=True, wake_at=wanted[0])

    driver = drive(an_action("park", park, cheap=True))

    row = driver.look(parked(driver)).step("a")

    assert row.due_at - wanted[0] > -timedelta(seconds=0.1)
