"""``run_pipeline``: a child execution, its end as an event, and its cancel."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.factories import a_pipeline, a_step, an_action
from support.waiting import wait_until

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.actions.callback_tokens import CallbackToken, callback_url
from pipeline_engine.scheduler.resume.deliver import deliver
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventResult,
    StepStatus,
)
from pipeline_engine.services import executions, inbox


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

    driver = drive()
    execution_id = driver.start(call())
    end = driver.finish(execution_id)

    (child,) = children(driver, execution_id)
    step = end.step("call")
    assert (end.status, step.error_code) == ("FAILED", "INTENTIONAL_FAILURE")
    assert step.error_message == f"Step 'a' of execution {child} failed: Intentional failure"
    assert step.outputs["execution_id"] == str(child)


def test_a_child_that_takes_other_params_says_which_and_where(drive, session):
    size = {"name": "sizes", "type": "array", "items": {"type": "integer", "minimum": 1}}
    a_pipeline(session, a_step("a"), name="child", parameters=[size])

    end = drive().run(call(params={"params": {"sizes": [3, 0]}}))

    assert end.step("call").error_code == "invalid_params"
    assert "/params/sizes/1 Input should be greater" in end.step("call").error_message


def test_the_error_of_a_pipeline_deep_down_is_told_once_and_with_its_place(drive, session):
    a_pipeline(session, a_step("pay", action="fail", params={"message": "No money"}), name="c3")
    for above, below in (("c2", "c3"), ("child", "c2")):
        a_pipeline(
            session, a_step("go", action="run_pipeline", params={"pipeline": below}), name=above
        )
    driver = drive()
    execution_id = driver.start(call())

    end = driver.finish(execution_id)

    deepest = children(driver, execution_id)[-1]
    assert end.step("call").error_message == f"Step 'pay' of execution {deepest} failed: No money"
    assert end.execution.error["message"] == end.step("call").error_message


def test_a_policy_sees_the_code_of_the_step_that_failed_in_the_child(drive, session):
    a_pipeline(session, a_step("a", action="fail", params={"error_code": "declined"}), name="child")
    driver = drive()
    retry = {"max_attempts": 3, "backoff_seconds": 0, "no_retry_on": ["declined"]}
    execution_id = driver.start(call(retry=retry))

    end = driver.finish(execution_id)

    assert (end.step("call").error_code, end.step("call").attempt) == ("declined", 1)
    assert len(children(driver, execution_id)) == 1


def test_a_step_carries_all_that_an_execution_may_have_as_outputs(drive, session):
    text = "x" * 300_000
    a_pipeline(
        session,
        *(a_step(i, action="set_output", params={"outputs": {"t": text[:200_000]}}) for i in "ab"),
        name="child",
        outputs={"a": "{{ steps.a.outputs.t }}", "b": "{{ steps.b.outputs.t }}"},
    )
    driver = drive()
    execution_id = driver.start(
        call(retry={"max_attempts": 3, "backoff_seconds": 0}),
        outputs={"all": "{{ steps.call.outputs.outputs }}"},
    )

    end = driver.finish(execution_id)

    assert (end.status, end.step("call").attempt) == ("COMPLETED", 1)
    assert len(end.outputs["all"]["b"]) == 200_000
    assert len(children(driver, execution_id)) == 1


def test_outputs_that_no_row_can_hold_fail_where_they_are_made_and_are_not_made_again(
    drive, session
):
    a_pipeline(
        session,
        a_step("a", action="set_output", params={"outputs": {"t": "x" * 2000}}),
        name="child",
        outputs={"t": "{{ steps.a.outputs.t }}"},
    )
    driver = drive(max_joined_bytes=1000)
    execution_id = driver.start(call(retry={"max_attempts": 3, "backoff_seconds": 0}))

    end = driver.finish(execution_id)

    (child,) = children(driver, execution_id)
    assert driver.look(child).execution.error["code"] == "json_rejected"
    assert (end.step("call").error_code, end.step("call").attempt) == ("json_rejected", 1)


@pytest.mark.parametrize("levels", [60, 120])
def test_a_step_carries_outputs_as_deep_as_an_execution_may_have_them(drive, session, levels):
    def nest(context: ActionContext) -> ActionResult:
        value: Any = 1
        for _ in range(60):
            value = {"d": value}
        return ActionResult(success=True, outputs=value)

    around = "{{ steps.a.outputs }}"
    outer: Any = around
    for _ in range(levels - 60):
        outer = {"o": outer}
    a_pipeline(session, a_step("a", action="nest"), name="child", outputs={"all": outer})

    end = drive(an_action("nest", nest, cheap=True)).run(call())

    assert end.status == "COMPLETED", end.step("call").error_message


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


def parked(context: ActionContext) -> ActionResult:
    return ActionResult(success=True, awaiting_event=True, external_workflow_id="never")


def test_cancelling_the_parent_cancels_the_child(drive, session):
    driver = drive(an_action("park", parked))
    a_pipeline(session, a_step("a", action="park"), name="child")
    execution_id = driver.start(call())
    driver.settle()
    (child,) = children(driver, execution_id)

    executions.cancel(SYSTEM, driver.runtime, execution_id)

    assert driver.finish(execution_id).status == "INTERRUPTED"
    assert driver.finish(child).status == "INTERRUPTED"


@pytest.mark.parametrize("status", ["completed", "failed", "interrupted"])
def test_what_was_started_without_waiting_goes_on_however_its_parent_ends_itself(
    drive, session, status
):
    driver = drive(an_action("park", parked))
    a_pipeline(session, a_step("a", action="park"), name="child")
    execution_id = driver.start(
        call(params={"wait": False}),
        a_step("stop", "call", action="end", params={"status": status}),
    )

    driver.finish(execution_id)
    driver.settle()

    (child,) = children(driver, execution_id)
    assert driver.look(child).status == "RUNNING"


def answered(driver: Any, execution_id: Any, said: dict[str, Any]) -> int:
    """Answer the step that waits, as somebody outside could; returns the delivery."""
    step = driver.look(execution_id).step("call")
    target, hour = CallbackToken(step.id, step.attempt), timedelta(hours=1)
    url = callback_url(driver.runtime.settings, target, valid_for=hour)
    return int(inbox.accept_callback(driver.runtime, url.rsplit("/", 1)[-1], said).delivery_id)


@pytest.mark.parametrize(
    ("said", "status"), [({"action": "complete"}, "COMPLETED"), ({"action": "fail"}, "FAILED")]
)
@pytest.mark.parametrize("dies", [False, True])
def test_a_callback_that_ends_the_step_cancels_the_child_that_it_waited_for(
    drive, session, said, status, dies
):
    driver = drive(an_action("park", parked))
    a_pipeline(session, a_step("a", action="park"), name="child")
    execution_id = driver.start(call())
    driver.settle()
    (child,) = children(driver, execution_id)

    delivery = answered(driver, execution_id, said)
    if dies:
        next(deliver(driver.runtime, [delivery]))

    assert driver.finish(execution_id).status == status
    assert driver.finish(child).status == "INTERRUPTED"


def test_a_callback_after_which_the_step_is_tried_again_leaves_the_child_to_the_next_attempt(
    drive, session
):
    driver = drive(an_action("park", parked))
    a_pipeline(session, a_step("a", action="park"), name="child")
    execution_id = driver.start(call(retry={"max_attempts": 2, "backoff_seconds": 0}))
    driver.settle()
    (child,) = children(driver, execution_id)

    answered(driver, execution_id, {"action": "fail"})
    driver.settle()
    sweep.sweep(driver.runtime)
    driver.settle()

    assert driver.look(execution_id).step("call").attempt == 2
    assert children(driver, execution_id) == [child]
    assert driver.look(child).status == "RUNNING"


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


@pytest.mark.parametrize(
    "name", ["urn:uuid:0a0b0c0d-0000-7000-8000-000000000001", "{{ 'a\\u0000' }}", "{{ '\\ud800' }}"]
)
def test_a_name_that_no_pipeline_can_have_is_not_found(drive, name):
    end = drive().run(a_step("call", action="run_pipeline", params={"pipeline": name}))

    assert end.step("call").error_code == "pipeline_not_found"
