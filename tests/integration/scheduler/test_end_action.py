"""A step ends its execution, in the way that it says."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from support.driving import Driver, Look
from support.factories import a_step, an_action

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.services import executions, queries
from pipeline_engine.services.queries import ExecutionRecord

OK, OUT, BAD = "COMPLETED", "SKIPPED", "FAILED"


@pytest.fixture
def cleaned() -> list[str]:
    return []


@pytest.fixture
def driver(drive: Any, cleaned: list[str]) -> Driver:
    def execute(_: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_id="job")

    def cleanup(context: ActionContext) -> None:
        cleaned.append(context.step_id)

    return drive(an_action("parks", execute, cleanup=cleanup))


def end_step(*depends_on: str, **params: Any) -> dict[str, Any]:
    return a_step("stop", *depends_on, action="end", params=params)


def handler(step_id: str, when: str) -> dict[str, Any]:
    given = a_step(step_id, when=when)
    return {name: value for name, value in given.items() if name != "depends_on"}


HANDLERS = {"finally": [handler("tidy", "always"), handler("undone", "on_cancel")]}
HANDLERS["on_failure"] = [handler("alarm", "on_failure")]


def test_what_still_runs_is_cancelled_and_the_execution_completes(driver, cleaned):
    end = driver.run(
        a_step("job", action="parks"),
        a_step("first"),
        end_step("first", outputs={"changed": 0}),
        a_step("never", "stop", "job"),
        settings=HANDLERS,
        outputs={"changed": "{{ steps.never.outputs.message }}"},
    )

    assert (end.status, end.outputs, end.execution.error) == (OK, {"changed": 0}, None)
    assert end.statuses == {
        "job": OUT, "first": OK, "stop": OK, "never": OUT, "tidy": OK,
    }  # fmt: skip
    assert cleaned == ["job"]
    assert end.step("never").error_message == "'stop' has ended the execution"


def test_its_outputs_are_those_of_the_execution_when_that_has_ended(driver):
    execution_id = driver.start(a_step("job", action="parks"), end_step(outputs={"n": 1}))
    rows = {row.step_id: row.id for row in driver.look(execution_id).rows}
    driver.turn(rows["job"])
    driver.turn(rows["stop"])

    cleaning_up = shown(driver, execution_id)
    driver.finish(execution_id)

    assert (cleaning_up.status, cleaning_up.outputs) == ("RUNNING", None)
    assert shown(driver, execution_id).outputs == {"n": 1}


def shown(driver: Driver, execution_id: UUID) -> ExecutionRecord:
    with driver.runtime.sessions() as session:
        return queries.execution(SYSTEM, session, execution_id)


def test_without_outputs_the_execution_has_those_of_its_pipeline(driver):
    end = driver.run(
        a_step("first"),
        end_step("first"),
        a_step("never", "stop"),
        outputs={"said": "{{ steps.first.outputs.message }}"},
    )

    assert (end.status, end.outputs) == (OK, {"said": "first"})


@pytest.mark.parametrize(
    ("status", "ends_as", "ran"),
    [("failed", BAD, {"tidy", "alarm"}), ("interrupted", "INTERRUPTED", {"tidy", "undone"})],
)
def test_it_may_end_badly_and_then_its_words_are_the_error(driver, cleaned, status, ends_as, ran):
    end = driver.run(
        a_step("job", action="parks"),
        a_step("done", compensate={"action": "log"}),
        end_step(
            "done", status=status, message="no cluster fits", error_code="no_fit", outputs={"n": 1}
        ),
        a_step("never", "stop"),
        settings={"fail_fast": False, **HANDLERS},
    )

    assert (end.status, end.outputs) == (ends_as, {"n": 1})
    error = end.execution.error
    assert error == {"code": "no_fit", "message": "no cluster fits", "step_id": "stop"}
    assert ran | {"compensate:done"} == set(end.statuses) - {"job", "done", "stop", "never"}
    assert end.step("never").error_message == "'stop' has ended the execution"
    assert cleaned == ["job"]


def test_a_failing_end_is_neither_tried_again_nor_tolerated_nor_caught(driver):
    stop = end_step(status="failed") | {
        "retry": {"backoff_seconds": 0},
        "on_failure": "continue",
        "catch": [{"errors": "*", "outputs": {}}],
    }

    end = driver.run(stop, a_step("after", "stop"))

    assert (end.status, end.statuses) == (BAD, {"stop": BAD, "after": OUT})
    assert end.step("stop").attempt == 1


def test_it_ends_well_whatever_has_failed_before(driver):
    end = driver.run(
        a_step("bad", action="fail"),
        end_step("bad") | {"trigger_rule": "all_done"},
        settings={"fail_fast": False},
    )

    assert (end.status, end.execution.error) == (OK, None)


@pytest.mark.parametrize("first", [True, False])
def test_a_failure_at_the_same_moment_does_not_spoil_a_good_end(driver, first):
    steps = [a_step("bad", action="fail"), end_step()]

    end = at_once(driver, *(steps if first else steps[::-1]), settings={"fail_fast": False})

    assert (end.status, end.execution.error) == (OK, None)


def at_once(driver: Driver, *steps: dict[str, Any], **fields: Any) -> Look:
    """Carry an execution to its end, whose first steps end in one transaction."""
    execution_id = driver.start(*steps, **fields)
    driver.settle_only(execution_id)
    return driver.finish(execution_id)


@pytest.mark.parametrize("rule", ["one_failed", "all_done"])
def test_what_has_failed_fast_stays_a_failure(driver, rule):
    end = driver.run(
        a_step("bad", action="fail"),
        end_step("bad", outputs={"n": 1}) | {"trigger_rule": rule},
        a_step("after", "stop", trigger_rule="all_done"),
        settings=HANDLERS,
    )

    assert (end.status, end.execution.error["step_id"]) == (BAD, "bad")
    assert end.statuses == {"bad": BAD, "stop": OK, "after": OK, "alarm": OK, "tidy": OK}


def test_two_steps_that_end_it_at_once_end_it_as_the_first_does(driver):
    end = at_once(driver, end_step(status="failed", message="no"), end_step() | {"id": "other"})

    assert (end.status, end.execution.error["message"]) == (BAD, "no")


def test_a_good_end_has_to_be_reached_in_time(driver):
    execution_id = driver.start(
        end_step(outputs={"n": 1}),
        a_step("last", "stop", action="parks", trigger_rule="always"),
        settings=HANDLERS,
    )
    driver.settle()
    driver.change("UPDATE executions SET deadline_at = now()")
    sweep.sweep(driver.runtime)
    driver.change("UPDATE executions SET deadline_at = now()")

    end = driver.finish(execution_id)

    assert (end.status, end.execution.error["code"]) == (BAD, "execution_timeout")
    assert end.outputs is None


def test_a_handler_that_fails_afterwards_still_counts(driver):
    bad = handler("tidy", "always") | {"action": "fail", "params": {}}

    end = driver.run(end_step(), settings={"finally": [bad]})

    assert (end.status, end.statuses) == (BAD, {"stop": OK, "tidy": BAD})


def test_only_a_step_that_always_runs_survives(driver):
    end = driver.run(
        a_step("job", action="parks"),
        end_step(),
        a_step("always", "job", trigger_rule="always"),
        a_step("done", "job", trigger_rule="all_done"),
    )

    assert (end.statuses["always"], end.statuses["done"]) == (OK, OUT)


def test_an_item_may_end_the_execution(driver):
    end = driver.run(
        a_step(
            "look", action="end", for_each=[1, 2, 3], params={"outputs": {"found": "{{ item }}"}}
        )
    )

    assert end.status == OK
    assert end.outputs["found"] in (1, 2, 3)


@pytest.mark.parametrize("fail_fast", [True, False])
@pytest.mark.parametrize("for_each", [[1, 2, 3], {"items": [1, 2, 3], "max_concurrency": 1}])
def test_an_item_may_end_the_execution_badly(driver, fail_fast, for_each):
    bad = {"status": "failed", "message": "no cluster fits"}

    end = driver.run(
        a_step("done", compensate={"action": "log"}),
        a_step("look", "done", action="end", for_each=for_each, params=bad),
        a_step("each", "done", action="parks", for_each=[1, 2]),
        settings=HANDLERS | {"fail_fast": fail_fast},
    )

    assert (end.status, end.execution.error["message"]) == (BAD, "no cluster fits")
    assert {"compensate:done", "alarm", "tidy"} <= set(end.statuses)


def test_in_a_handler_it_ends_nothing(driver):
    given = handler("tidy", "always") | {"action": "end", "params": {"status": "interrupted"}}

    end = driver.run(a_step("a"), settings={"finally": [given, handler("more", "always")]})

    assert (end.status, end.statuses["more"]) == (OK, OK)


def test_in_an_item_of_a_handler_or_of_a_compensation_it_ends_nothing(driver):
    given = handler("tidy", "on_failure") | {"action": "end", "params": {}, "for_each": [1]}
    undo = {"action": "end", "params": {}, "per_item": True}

    end = driver.run(
        a_step("each", for_each=[1], compensate=undo),
        a_step("bad", "each", action="fail"),
        settings={"fail_fast": False, "on_failure": [given, handler("more", "on_failure")]},
    )

    assert (end.status, end.execution.error["step_id"]) == (BAD, "bad")
    ran = {"compensate:each": OK, "tidy": OK, "more": OK}
    assert end.statuses == {"each": OK, "bad": BAD, **ran}


def test_a_cancel_while_the_handlers_of_a_good_end_run_adds_its_own(driver):
    waits = handler("waits", "on_success") | {"action": "parks", "params": {}}
    execution_id = driver.start(end_step(), settings=HANDLERS | {"on_success": [waits]})
    driver.settle()
    executions.cancel(SYSTEM, driver.runtime, execution_id)
    driver.change("UPDATE step_executions SET deadline_at = now() WHERE step_id = 'waits'")

    end = driver.finish(execution_id)

    assert end.status == "INTERRUPTED"
    assert set(end.statuses) == {"stop", "waits", "tidy", "undone"}


def test_a_cancel_that_comes_later_outranks_it(driver):
    execution_id = driver.start(a_step("job", action="parks"), end_step(outputs={"n": 1}))
    rows = {row.step_id: row for row in driver.look(execution_id).rows}
    driver.turn(rows["job"].id)
    driver.turn(rows["stop"].id)
    executions.cancel(SYSTEM, driver.runtime, execution_id)

    end = driver.finish(execution_id)

    assert (end.status, end.outputs) == ("INTERRUPTED", None)
