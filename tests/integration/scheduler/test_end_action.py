"""A step ends its execution, in the way that it says."""

from __future__ import annotations

from typing import Any

import pytest
from support.driving import Driver
from support.factories import a_step, an_action

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.services import executions

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
    assert end.step("never").error_message == "The execution was ended by another step"


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
        settings={"fail_fast": False, **HANDLERS},
    )

    assert (end.status, end.outputs) == (ends_as, {"n": 1})
    error = end.execution.error
    assert error == {"code": "no_fit", "message": "no cluster fits", "step_id": "stop"}
    assert ran | {"compensate:done"} == set(end.statuses) - {"job", "done", "stop"}
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


def test_in_a_handler_it_ends_nothing(driver):
    given = handler("tidy", "always") | {"action": "end", "params": {"status": "interrupted"}}

    end = driver.run(a_step("a"), settings={"finally": [given, handler("more", "always")]})

    assert (end.status, end.statuses["more"]) == (OK, OK)


def test_a_cancel_that_comes_later_outranks_it(driver):
    execution_id = driver.start(a_step("job", action="parks"), end_step(outputs={"n": 1}))
    rows = {row.step_id: row for row in driver.look(execution_id).rows}
    driver.turn(rows["job"].id)
    driver.turn(rows["stop"].id)
    executions.cancel(SYSTEM, driver.runtime, execution_id)

    end = driver.finish(execution_id)

    assert (end.status, end.outputs) == ("INTERRUPTED", None)
