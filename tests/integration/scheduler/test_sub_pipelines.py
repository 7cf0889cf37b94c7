"""``run_pipeline``: a child execution, its end as an event, and its cancel."""

from __future__ import annotations

from typing import Any

import pytest
from factories import a_pipeline, a_step, an_action
from waiting import wait_until

from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventResult,
    StepStatus,
)
from pipeline_engine.services import executions


def call(**fields: Any) -> dict[str, Any]:
    return a_step(
        "call",
        action="run_pipeline",
        params={"pipeline": "child", **fields.pop("params", {})},
        **fields,
    )


def children(driver: Any, execution_id: Any) -> list[Any]:
    with driver.runtime.engine.connect() as connection:
        query = "SELECT id FROM executions WHERE id <> %(id)s ORDER BY created_at"
        return list(connection.exec_driver_sql(query, {"id": str(execution_id)}).scalars())


def test_a_step_ends_with_the_outputs_of_the_pipeline_that_it_started(drive, session):
    a_pipeline(
        session,
        a_step("a", params={"message": "hello {{ params.who }}"}),
        name="child",
        parameters=[{"name": "who"}],
        outputs={"said": "{{ steps.a.outputs.message }}"},
    )

    end = drive().run(
        call(params={"params": {"who": "you"}}),
        outputs={"said": "{{ steps.call.outputs.outputs.said }}"},
    )

    assert (end.status, end.outputs) == ("COMPLETED", {"said": "hello you"})


def test_the_failure_of_the_child_is_the_failure_of_the_step(drive, session):
    a_pipeline(session, a_step("a", action="fail"), name="child")

    end = drive().run(call())

    assert (end.status, end.step("call").error_code) == ("FAILED", "child_execution_failed")


def test_a_step_that_does_not_wait_ends_with_the_start(drive, session):
    a_pipeline(session, a_step("a"), name="child")

    end = drive().run(call(params={"wait": False}))

    assert end.step("call").outputs["status"] == "PENDING"


def test_a_second_attempt_after_a_failure_starts_another_child(drive, session):
    """It would wait for ever for the end of the first, which was told already."""
    fails = iter([True, False])
    moody = an_action("moody", lambda context: ActionResult(success=not next(fails)))
    driver = drive(moody)
    a_pipeline(session, a_step("a", action="moody"), name="child")
    execution_id = driver.start(call(retry={"max_attempts": 2, "backoff_seconds": 0}))

    end = driver.finish(execution_id, within=10)

    assert (end.status, end.step("call").attempt) == ("COMPLETED", 2)
    assert len(children(driver, execution_id)) == 2


def test_an_attempt_that_repeats_a_lost_one_finds_its_child(drive, session):
    a_pipeline(session, a_step("a"), name="child")
    driver = drive(lease_seconds=60)
    execution_id = driver.start(call())
    step = driver.look(execution_id).step("call").id
    driver.turn(step)
    driver.change(
        "UPDATE step_executions SET awaiting_event = false, leased_until = now() WHERE id = %(i)s",
        i=step,
    )

    end = driver.finish(execution_id)

    assert (end.status, end.step("call").attempt) == ("COMPLETED", 2)
    assert len(children(driver, execution_id)) == 1


def test_cancelling_the_parent_cancels_the_child(drive, session):
    def park(context: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_id="never")

    driver = drive(an_action("park", park))
    a_pipeline(session, a_step("a", action="park"), name="child")
    execution_id = driver.start(call())
    driver.settle()
    (child,) = children(driver, execution_id)

    executions.cancel(driver.runtime, execution_id)

    assert driver.finish(execution_id).status == "INTERRUPTED"
    assert driver.finish(child).status == "INTERRUPTED"


def test_a_child_that_ends_before_its_parent_is_parked_is_not_missed(drive, session):
    driver = drive()

    def start_and_wait(context: ActionContext) -> ActionResult:
        child = context.start_pipeline("child", {})
        wait_until(lambda: driver.round() or driver.look(child).status == "COMPLETED")
        return ActionResult(
            success=True, awaiting_event=True, external_workflow_id=f"execution:{child}"
        )

    done = EventResult(action=EventAction.COMPLETE, status=StepStatus.COMPLETED)
    slow = drive(an_action("slow", start_and_wait, on_event=lambda context: done))
    a_pipeline(session, a_step("a"), name="child")

    assert slow.run(a_step("call", action="slow")).status == "COMPLETED"


@pytest.mark.parametrize("status", ["DRAFT"])
def test_a_draft_cannot_be_called(drive, session, status):
    pipeline = a_pipeline(session, a_step("a"), name="child")
    pipeline.status = status
    session.commit()

    assert drive().run(call()).step("call").error_code == "draft_not_executable"


def test_a_pipeline_whose_name_reads_like_an_id_is_found_by_its_name(drive, session):
    a_pipeline(session, a_step("a"), name="0a0b0c0d-0000-7000-8000-000000000001")
    name = {"pipeline": "0a0b0c0d-0000-7000-8000-000000000001"}

    end = drive().run(a_step("call", action="run_pipeline", params=name))

    assert end.status == "COMPLETED"


def test_a_name_that_only_python_takes_for_an_id_is_not_found(drive):
    name = {"pipeline": "urn:uuid:0a0b0c0d-0000-7000-8000-000000000001"}

    end = drive().run(a_step("call", action="run_pipeline", params=name))

    assert end.step("call").error_code == "pipeline_not_found"
