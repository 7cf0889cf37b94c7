"""Trees of executions: their bounds, and a cancel that reaches all of one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from support.driving import Driver, Gate, in_background
from support.factories import a_pipeline, a_step, an_action
from support.waiting import wait_until

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.errors import AlreadyFinal, TooManyOpenExecutions
from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.start import Request
from pipeline_engine.sdk import ActionContext, ActionResult, EventAction, EventResult, StepStatus
from pipeline_engine.services import executions, inbox
from pipeline_engine.services.inbox import Arrival
from pipeline_engine.storage import trees


def park(context: ActionContext) -> ActionResult:
    return ActionResult(success=True, awaiting_event=True, external_workflow_id="never")


def calls(pipeline: str, step_id: str = "call", **fields: Any) -> dict[str, Any]:
    params = {"pipeline": pipeline, **fields.pop("params", {})}
    return a_step(step_id, action="run_pipeline", params=params, **fields)


def unawaited(pipeline: str, **fields: Any) -> dict[str, Any]:
    return calls(pipeline, params={"wait": False}, **fields)


def tree(driver: Driver, root: UUID) -> dict[UUID, str]:
    """The statuses of all executions below *root*."""
    query = "SELECT id, status FROM executions WHERE root_execution_id = %(root)s ORDER BY id"
    with driver.runtime.engine.connect() as connection:
        rows = connection.exec_driver_sql(query, {"root": str(root)})
        return {row[0]: row[1] for row in rows}


def test_a_pipeline_that_starts_itself_stops_at_the_bound_of_its_tree(drive, session):
    again = calls(
        "again", params={"pipeline": "again", "wait": False}, for_each={"items": list(range(8))}
    )
    a_pipeline(session, again, name="again")
    driver = drive(max_tree_executions=20)

    root = driver.start(again, settings={"fail_fast": False})
    driver.finish(root)
    driver.settle()

    below = tree(driver, root)
    assert len(below) == 19
    codes = {item.error_code for each in below for item in driver.look(each).items("call")}
    assert codes <= {None, "tree_too_large", "aborted"}
    assert "tree_too_large" in codes


def test_starts_at_the_same_moment_stay_within_the_bound(drive, session):
    a_pipeline(session, a_step("a"), name="child")
    driver = drive(max_tree_executions=4)
    steps = [unawaited("child", step_id=f"c{n}", on_failure="continue") for n in range(8)]
    root = driver.start(*steps)
    ids = [row.id for row in driver.look(root).rows if row.queued_at]

    with in_background(*(lambda i=i: driver.turn(i) for i in ids)):
        pass

    assert len(tree(driver, root)) == 3


def pass_deadlines(driver: Driver, root: UUID) -> None:
    """Let the time of the parked steps of *root* be up, and do what follows from it."""
    driver.settle()
    driver.change(
        "UPDATE step_executions SET deadline_at = now()"
        " WHERE execution_id = %(root)s AND awaiting_event",
        root=root,
    )
    sweep.sweep(driver.runtime)


def test_every_attempt_waits_for_the_child_that_the_first_has_started(drive, session):
    a_pipeline(session, a_step("a", action="park"), name="child")
    driver = drive(an_action("park", park), max_tree_executions=2)
    retry = {"max_attempts": 3, "backoff_seconds": 0.001}
    root = driver.start(calls("child", retry=retry))
    seen = []

    for _ in range(2):
        pass_deadlines(driver, root)
        seen.append(tree(driver, root))
        wait_until(lambda: sweep.sweep(driver.runtime) and is_parked(driver, root))
    pass_deadlines(driver, root)
    end = driver.finish(root)

    ((child, status),) = tree(driver, root).items()
    step = end.step("call")
    assert seen == [{child: "RUNNING"}] * 2, "called off while an attempt follows"
    assert (step.status, step.retry_count, status) == ("TIMEOUT", 2, "INTERRUPTED")
    assert step.outputs["execution_id"] == str(child)


def is_parked(driver: Driver, root: UUID) -> bool:
    driver.settle()
    return bool(driver.look(root).step("call").awaiting_event)


def test_a_child_that_ends_between_two_attempts_ends_the_next_one(drive, session):
    a_pipeline(session, a_step("a", action="park"), name="child")
    driver = drive(
        an_action(
            "park",
            park,
            on_event=lambda context: EventResult(
                action=EventAction.COMPLETE, status=StepStatus.COMPLETED
            ),
        )
    )
    root = driver.start(calls("child", retry={"max_attempts": 3, "backoff_seconds": 3600}))
    pass_deadlines(driver, root)

    inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body={"workflow_id": "never"}))
    driver.settle()
    driver.change("UPDATE step_executions SET due_at = now() WHERE status = 'RETRYING'")
    end = driver.finish(root)

    assert (end.status, end.step("call").retry_count) == ("COMPLETED", 1)
    assert list(tree(driver, root).values()) == ["COMPLETED"]


def test_what_must_not_be_repeated_is_called_off_before_the_next_attempt(drive):
    happened: list[str] = []

    def start(context: ActionContext) -> ActionResult:
        happened.append("start")
        return park(context)

    jobs = an_action(
        "job", start, cleanup=lambda context: happened.append("call off"), idempotent=False
    )
    driver = drive(jobs)
    retry = {"max_attempts": 2, "backoff_seconds": 0.001}
    root = driver.start(a_step("call", action="job", retry=retry))

    pass_deadlines(driver, root)
    wait_until(lambda: sweep.sweep(driver.runtime) and is_parked(driver, root))
    between = list(happened)
    pass_deadlines(driver, root)
    step = driver.finish(root).step("call")

    assert between == ["start", "call off", "start"]
    assert happened == [*between, "call off"]
    assert (step.status, step.retry_count, step.lost_count) == ("TIMEOUT", 1, 1)


@pytest.mark.parametrize("start", [calls, unawaited])
def test_a_cancel_of_the_root_reaches_all_below_it(drive, session, start):
    a_pipeline(session, a_step("a", action="park"), name="leaf")
    a_pipeline(session, start("leaf"), a_step("p", action="park"), name="middle")
    driver = drive(an_action("park", park))
    root = driver.start(start("middle"), a_step("p", action="park"))
    driver.settle()

    executions.cancel(SYSTEM, driver.runtime, root)
    driver.finish(root)
    driver.settle()

    assert list(tree(driver, root).values()) == ["INTERRUPTED"] * 2


def test_a_cancel_reaches_what_goes_on_after_the_end_of_the_root(drive, session):
    a_pipeline(session, a_step("a", action="park"), name="leaf")
    driver = drive(an_action("park", park))
    root = driver.run(unawaited("leaf")).execution.id
    (leaf,) = tree(driver, root)

    executions.cancel(SYSTEM, driver.runtime, root)
    driver.finish(leaf)

    assert driver.look(root).status == "COMPLETED"
    assert driver.look(leaf).status == "INTERRUPTED"
    with pytest.raises(AlreadyFinal):
        executions.cancel(SYSTEM, driver.runtime, root)


def test_nothing_is_started_below_what_was_cancelled_at_that_moment(drive, session):
    gate = Gate()

    def start(context: ActionContext) -> ActionResult:
        gate.execute(context)
        return ActionResult(success=True, outputs={"id": context.start_pipeline("leaf", {})})

    a_pipeline(session, a_step("a", action="park"), name="leaf")
    driver = drive(an_action("park", park), an_action("start", start))
    root = driver.start(a_step("s", action="start"))

    with in_background(driver.settle):
        gate.wait_for("s")
        executions.cancel(SYSTEM, driver.runtime, root)
        gate.open()

    assert tree(driver, root) == {}
    assert driver.finish(root).status == "INTERRUPTED"


def test_what_a_lost_cancel_has_left_the_sweep_cancels(drive, session):
    a_pipeline(session, a_step("a", action="park"), name="leaf")
    driver = drive(an_action("park", park))
    root = driver.run(unawaited("leaf")).execution.id
    (leaf,) = tree(driver, root)
    with driver.runtime.engine.begin() as connection:
        assert trees.intend_to_stop(connection, root) == [leaf]

    assert sweep.sweep(driver.runtime).lost_cancels == 1

    assert driver.finish(leaf).status == "INTERRUPTED"


def test_a_child_that_its_dead_worker_never_waited_for_is_called_off(drive, session):
    gate = Gate()

    def start(context: ActionContext) -> ActionResult:
        context.start_pipeline("leaf", {})
        gate.execute(context)
        return ActionResult(success=True)

    def call_off(context: ActionContext) -> None:
        for external_id in context.external_workflow_ids:
            context.cancel_pipeline(external_id.removeprefix("execution:"))

    a_pipeline(session, a_step("a", action="park"), name="leaf")
    driver = drive(an_action("park", park), an_action("start", start, cleanup=call_off))
    root = driver.start(a_step("s", action="start", timeout_seconds=60))
    step = driver.look(root).step("s").id

    with in_background(lambda: driver.turn(step)):
        gate.wait_for("s")
        driver.change("UPDATE step_executions SET deadline_at = now() WHERE id = %(id)s", id=step)
        end = driver.finish(root)
        gate.open()

    assert end.step("s").status == "TIMEOUT"
    assert list(tree(driver, root).values()) == ["INTERRUPTED"]


def test_an_owner_has_so_many_open_executions_and_no_more(drive, session):
    pipeline = a_pipeline(session, a_step("a", action="park"), name="leaf")
    driver = drive(an_action("park", park), max_open_executions=2)

    def start(owner: str, key: str | None = None) -> UUID:
        request = Request(user_id=owner)
        if key is not None:
            request = executions.with_key(request, key, "same")
        return executions.start(SYSTEM, driver.runtime, pipeline.id, request).id

    pipeline.system_owned = True
    session.commit()
    first = start("ann", "again")
    start("ann")

    with pytest.raises(TooManyOpenExecutions):
        start("ann")

    assert start("ann", "again") == first, "a repeated request starts nothing"
    start("bob")


def test_a_step_over_the_bound_of_its_owner_fails_with_its_code(drive, session):
    a_pipeline(session, a_step("a"), name="child")

    end = drive(max_open_executions=1).run(calls("child"))

    assert end.step("call").error_code == "too_many_open_executions"


# ── What runs when the steps have ended ──────────────────────────────────────────────────


def a_handler(step: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in step.items() if name != "depends_on"}


def test_what_undoes_a_cancelled_execution_may_run_pipelines_and_these_others(drive, session):
    a_pipeline(session, a_step("only"), name="below")
    a_pipeline(session, calls("below"), name="undo")
    undo = {"action": "run_pipeline", "params": {"pipeline": "undo"}}
    driver = drive(an_action("park", park))
    root = driver.start(
        a_step("done", compensate=undo),
        a_step("wait", "done", action="park"),
        settings={"finally": [a_handler(calls("undo", step_id="last", for_each=[1]))]},
    )
    driver.settle()

    executions.cancel(SYSTEM, driver.runtime, root)

    end = driver.finish(root)
    assert (end.status, end.execution.error.get("compensation")) == ("INTERRUPTED", None)
    assert (end.statuses["compensate:done"], end.statuses["last"]) == ("COMPLETED", "COMPLETED")
    assert list(tree(driver, root).values()) == ["COMPLETED"] * 4


def test_the_pipeline_of_a_handler_goes_on_until_a_second_cancel_stops_both(drive, session):
    a_pipeline(session, a_step("wait", action="park"), name="child")
    driver = drive(an_action("park", park))
    handlers = {"finally": [a_handler(calls("child", step_id="last"))]}
    root = driver.start(a_step("only"), settings=handlers)
    driver.settle()

    executions.cancel(SYSTEM, driver.runtime, root)
    between = list(tree(driver, root).values())
    executions.cancel(SYSTEM, driver.runtime, root)

    end = driver.finish(root)
    driver.settle()
    assert between == ["RUNNING"]
    assert (end.status, end.statuses["last"]) == ("INTERRUPTED", "SKIPPED")
    assert list(tree(driver, root).values()) == ["INTERRUPTED"]
