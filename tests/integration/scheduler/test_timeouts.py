"""Deadlines of steps and of whole executions."""

from __future__ import annotations

import base64
import json
from typing import Any

from support.driving import Driver, Gate, in_background
from support.factories import a_fan_out, a_step, an_action
from support.waiting import wait_until

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    Item,
    StepStatus,
)
from pipeline_engine.services import executions, inbox
from pipeline_engine.services.inbox import Arrival


def expire(driver: Driver, step_id: str) -> None:
    statement = "UPDATE step_executions SET deadline_at = now() WHERE step_id = %(id)s"
    driver.change(f"{statement} AND status = 'RUNNING' AND parent_id IS NULL", id=step_id)


def expire_execution(driver: Driver) -> None:
    driver.change("UPDATE executions SET deadline_at = now()")


def parking(**given: Any) -> Any:
    def park(context: ActionContext) -> ActionResult:
        return ActionResult(
            success=True, awaiting_event=True, external_workflow_id=context.idempotency_key
        )

    return an_action("park", park, **given)


def test_a_running_action_is_given_up_when_its_time_is_up(drive):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute))
    execution_id = driver.start(
        a_step("a", action="gate", timeout_seconds=1, on_failure="continue"), a_step("b", "a")
    )

    with in_background(lambda: driver.turn(driver.look(execution_id).step("a").id)):
        gate.wait_for("a")
        expire(driver, "a")
        end = driver.finish(execution_id)
        gate.open()

    assert end.statuses == {"a": "TIMEOUT", "b": "COMPLETED"}
    assert driver.look(execution_id).step("a").status == "TIMEOUT"


def test_the_task_of_an_action_that_is_given_up_is_revoked(drive, redis):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute))
    execution_id = driver.start(a_step("a", action="gate"))
    told = redis.pubsub()
    told.psubscribe("*pidbox*")
    assert told.get_message(timeout=5)["type"] == "psubscribe"

    with in_background(lambda: driver.turn(driver.look(execution_id).step("a").id)):
        gate.wait_for("a")
        expire(driver, "a")
        sweep.sweep(driver.runtime)
        gate.open()

    message = json.loads(told.get_message(timeout=5)["data"])
    told.close()
    order = json.loads(base64.b64decode(message["body"]))
    assert (order["method"], order["arguments"]["task_id"]) == ("revoke", ["task"])


def test_a_fan_out_that_takes_too_long_stops_its_items(drive):
    cleaned: list[int] = []
    driver = drive(parking(cleanup=lambda context: cleaned.append(context.item_index)))
    execution_id = driver.start(
        a_step(
            "each",
            action="park",
            for_each={"items": [1, 2, 3], "max_concurrency": 2},
            timeout_seconds=60,
        ),
    )
    driver.settle()
    expire(driver, "each")

    end = driver.finish(execution_id)

    assert (end.status, end.step("each").status) == ("FAILED", "TIMEOUT")
    assert {item.status for item in end.items("each")} == {"SKIPPED"}
    assert sorted(cleaned) == [0, 1]


def test_an_execution_waits_for_the_clean_up_of_the_items_that_timed_out(drive):
    driver = drive(parking(cleanup=lambda context: None))
    execution_id = driver.start(
        a_step("each", action="park", for_each=[1], timeout_seconds=60), settings={"finally": []}
    )
    driver.settle()
    expire(driver, "each")

    sweep.sweep(driver.runtime)

    now = driver.look(execution_id)
    assert (now.items("each")[0].status, now.status) == ("RUNNING", "RUNNING")
    assert driver.finish(execution_id).status == "FAILED"


class Job:
    """An action that parks on a job, and calls it off when nobody waits."""

    def __init__(self, drive: Any, *, fails: bool = False, **changed: Any) -> None:
        self.done: list[tuple[str, Any]] = []
        self._fails = fails
        park = an_action("park", self._park, on_event=self._on_event, cleanup=self._cleanup)
        self.driver: Driver = drive(park, **changed)

    def _park(self, context: ActionContext) -> ActionResult:
        job = f"job {context.retry_count}"
        self.done.append(("began", job))
        return ActionResult(
            success=True, awaiting_event=True, external_workflow_id=job, outputs={"job": job}
        )

    def _on_event(self, context: EventContext) -> EventResult:
        return EventResult(action=EventAction.COMPLETE, status=StepStatus.COMPLETED)

    def _cleanup(self, context: ActionContext) -> None:
        assert context.stored_outputs["job"] in context.external_workflow_ids
        self.done.append(("called off", context.stored_outputs["job"]))
        if self._fails:
            raise ConnectionError("the peer is away")

    def time_out(self, *more: dict[str, Any], **fields: Any) -> Any:
        execution_id = self.driver.start(a_step("a", action="park", **fields), *more)
        self.driver.settle()
        expire(self.driver, "a")
        sweep.sweep(self.driver.runtime)
        return execution_id


def test_a_parked_step_whose_time_is_up_calls_off_what_it_began_before_it_ends(drive):
    job = Job(drive)

    execution_id = job.time_out(on_failure="continue")

    between = job.driver.look(execution_id).step("a")
    assert (between.status, between.awaiting_event, job.done) == (
        "RUNNING",
        False,
        [("began", "job 0")],
    )
    end = job.driver.finish(execution_id)
    assert job.done == [("began", "job 0"), ("called off", "job 0")]
    assert (end.status, end.step("a").status, end.step("a").error_code) == (
        "COMPLETED",
        "TIMEOUT",
        "timeout",
    )
    assert end.step("a").error_message == "Step timed out waiting for event"
    assert end.events("a") == ["step_started", "step_parked", "step_timeout"]


def test_a_job_is_not_called_off_while_a_retry_follows_that_finds_it_by_its_key(drive):
    job = Job(drive)
    execution_id = job.time_out(retry={"max_attempts": 2, "backoff_seconds": 0})
    between = job.driver.look(execution_id).step("a")
    sweep.sweep(job.driver.runtime)
    job.driver.settle()
    expire(job.driver, "a")

    end = job.driver.finish(execution_id)

    assert (between.status, between.cancelling) == ("RETRYING", False)
    assert job.done == [("began", "job 0"), ("began", "job 1"), ("called off", "job 1")]
    assert (end.step("a").status, end.step("a").retry_count) == ("TIMEOUT", 1)


def test_a_time_out_whose_clean_up_fails_ends_all_the_same_and_says_so(drive):
    job = Job(drive, fails=True)

    end = job.driver.finish(job.time_out())

    assert end.statuses == {"a": "TIMEOUT"}
    assert "the peer is away" in end.step("a").error_message
    assert end.execution.error["step_id"] == "a"


def test_a_lost_clean_up_of_a_time_out_is_found_by_the_sweep(drive):
    job = Job(drive)
    execution_id = job.time_out()
    job.driver.change("UPDATE step_executions SET due_at = now() WHERE cancelling")

    assert sweep.sweep(job.driver.runtime).clean_ups == 1
    assert job.driver.finish(execution_id).statuses == {"a": "TIMEOUT"}


def test_what_is_cancelled_while_it_is_cleaned_up_ends_as_cancelled(drive):
    job = Job(drive)
    execution_id = job.time_out(a_step("b", "a"))

    executions.cancel(SYSTEM, job.driver.runtime, execution_id)

    end = job.driver.finish(execution_id)
    assert (end.status, end.statuses) == ("INTERRUPTED", {"a": "SKIPPED", "b": "SKIPPED"})
    assert job.done == [("began", "job 0"), ("called off", "job 0")]


def test_an_event_that_comes_while_a_time_out_is_cleaned_up_changes_nothing(drive):
    job = Job(drive)
    execution_id = job.time_out()

    inbox.accept(SYSTEM, job.driver.runtime, Arrival(source="tests", body={"workflow_id": "job 0"}))
    job.driver.deliver()

    assert job.driver.finish(execution_id).statuses == {"a": "TIMEOUT"}


def test_a_clean_up_that_comes_back_late_ends_nothing(drive):
    """Another worker has taken its place."""
    job = Job(drive)
    execution_id = job.time_out()
    step = job.driver.look(execution_id).step("a").id

    with in_background(*[lambda: job.driver.clean_up(step) for _ in range(4)]):
        pass

    assert job.driver.look(execution_id).step("a").status == "TIMEOUT"
    assert job.done.count(("called off", "job 0")) == 1


def test_what_an_action_began_while_its_time_ran_out_is_called_off(drive):
    gate, called_off = Gate(), []

    def park(context: ActionContext) -> ActionResult:
        gate.execute(context)
        return ActionResult(success=True, awaiting_event=True, external_workflow_id="late")

    def cleanup(context: ActionContext) -> None:
        called_off.extend(context.external_workflow_ids)

    driver = drive(an_action("park", park, cleanup=cleanup))
    execution_id = driver.start(a_step("a", action="park", timeout_seconds=1))

    with in_background(lambda: driver.turn(driver.look(execution_id).step("a").id)):
        gate.wait_for("a")
        expire(driver, "a")
        sweep.sweep(driver.runtime)
        gate.open()

    assert driver.finish(execution_id).step("a").status == "TIMEOUT"
    assert called_off == ["late"]


def test_an_item_times_out_alone(drive):
    driver = drive(parking())
    execution_id = driver.start(
        a_step("each", action="park", for_each={"items": [1, 2], "tolerated_failures": 2})
    )
    driver.settle()
    driver.change("UPDATE step_executions SET deadline_at = now() WHERE parent_id IS NOT NULL")

    end = driver.finish(execution_id)

    assert {item.status for item in end.items("each")} == {"TIMEOUT"}
    assert end.status == "COMPLETED"


def test_an_execution_has_a_deadline_from_its_start(drive):
    driver = drive()
    execution_id = driver.start(a_step("a"), settings={"timeout_seconds": 60})

    execution = driver.look(execution_id).execution

    assert (execution.deadline_at - execution.created_at).total_seconds() == 60


def test_an_execution_whose_time_is_up_stops_everything_and_fails(drive):
    cleaned: list[str] = []
    driver = drive(parking(cleanup=lambda context: cleaned.append(context.step_id)))
    execution_id = driver.start(
        a_step("a", action="park"),
        a_step("b", "a"),
        a_step("report", "b", trigger_rule="all_done"),
        settings={"timeout_seconds": 60, "finally": [a_handler("bye")]},
    )
    driver.settle()
    expire_execution(driver)

    end = driver.finish(execution_id)

    assert (end.status, end.execution.error["code"]) == ("FAILED", "execution_timeout")
    assert end.statuses == {
        "a": "SKIPPED",
        "b": "SKIPPED",
        "report": "COMPLETED",
        "bye": "COMPLETED",
    }
    assert cleaned == ["a"]


def a_handler(step_id: str, **fields: Any) -> dict[str, Any]:
    handler = a_step(step_id, **fields)
    handler.pop("depends_on")
    return handler


def test_an_execution_that_never_began_times_out_too(drive):
    driver = drive()
    execution_id = driver.start(a_step("a"))
    expire_execution(driver)

    sweep.sweep(driver.runtime)

    assert driver.look(execution_id).status == "FAILED"


def test_the_time_of_an_execution_is_up_once(drive):
    driver = drive(parking(cleanup=lambda context: None))
    execution_id = driver.start(a_step("a", action="park"))
    driver.settle()
    expire_execution(driver)

    swept = [sweep.sweep(driver.runtime).timed_out_executions for _ in range(2)]

    assert swept == [1, 0]
    assert driver.finish(execution_id).events().count("workflow_failed") == 1


def test_a_fan_out_that_expands_while_its_execution_is_given_up_loses_its_items_too(drive):
    """The abort waits for the row of the fan-out, and the items were not there when it began."""
    gate = Gate()

    def expand(context: ActionContext) -> list[Item]:
        gate.execute(context)
        return [Item(value=1), Item(value=2)]

    many = a_fan_out(
        "many",
        expand,
        execute_item=lambda context: ActionResult(success=True),
        join=lambda context, results: ActionResult(success=True),
        cheap=True,
    )
    driver = drive(many, an_action("work", lambda context: ActionResult(success=True)))
    execution_id = driver.start(
        a_step("first", action="work"), a_step("each", "first", action="many")
    )
    expire_execution(driver)

    with in_background(lambda: driver.turn(driver.look(execution_id).step("first").id)):
        gate.wait_for("each")
        with in_background(lambda: sweep.sweep(driver.runtime)):
            wait_until_somebody_waits(driver)
            gate.open()

    assert driver.look(execution_id).status == "FAILED"
    end = driver.finish(execution_id)
    assert [item.status for item in end.items("each")] == ["SKIPPED", "SKIPPED"]


def wait_until_somebody_waits(driver: Driver) -> None:
    def waiting() -> bool:
        with driver.runtime.engine.connect() as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            return connection.exec_driver_sql(query).scalar_one() > 0

    wait_until(waiting, what="a transaction that waits for a lock")
