"""Undoing what has failed itself, and each item of a fan-out; handlers for every end."""

from __future__ import annotations

from typing import Any

import pytest
from support.driving import Driver
from support.factories import a_step, an_action

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.services import executions

OK, OUT, BAD = "COMPLETED", "SKIPPED", "FAILED"


@pytest.fixture
def undone() -> list[Any]:
    return []


def make(_: str = "make") -> RegisteredAction:
    """An action that makes what its param names, and fails when it has made something bad."""

    def execute(context: ActionContext) -> ActionResult:
        what = context.params["what"]
        is_bad = str(what).startswith("bad")
        return ActionResult(
            success=not is_bad, outputs={"id": f"id-{what}"}, error="no" if is_bad else None
        )

    return an_action("make", execute, params=["what"], cheap=True)


def unmake(undone: list[Any], *, fails_for: str = "") -> RegisteredAction:
    def execute(context: ActionContext) -> ActionResult:
        what = context.params["what"]
        if what == fails_for:
            return ActionResult(success=False, error="still in use", retryable=False)
        undone.append(what)
        return ActionResult(success=True)

    return an_action("unmake", execute, params=["what"], cheap=True)


def making(step_id: str, *depends_on: str, what: Any = None, **fields: Any) -> dict[str, Any]:
    undo = {"action": "unmake", "params": {"what": f"{{{{ steps.{step_id}.outputs.id }}}}"}}
    undo |= fields.pop("undo", {})
    given = {"what": what or step_id}
    return a_step(step_id, *depends_on, action="make", params=given, compensate=undo, **fields)


# ── What has failed itself ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("when_failed", "ids"), [(True, ["id-bad", "id-a"]), (False, ["id-a"])])
def test_a_step_that_failed_is_undone_if_it_says_so(drive, undone, when_failed, ids):
    end = drive(make(), unmake(undone)).run(
        making("a"), making("b", "a", what="bad", undo={"when_failed": when_failed})
    )

    assert (end.status, undone) == (BAD, ids)


@pytest.mark.parametrize(("when_failed", "ids"), [(True, ["id-bad"]), (False, [])])
def test_a_failure_that_was_caught_is_a_failure_here(drive, undone, when_failed, ids):
    caught = making(
        "a",
        what="bad",
        catch=[{"errors": "*"}],
        undo={"when_failed": when_failed},
    )

    drive(make(), unmake(undone)).run(caught, a_step("x", "a", action="fail"))

    assert undone == ids


# ── Items ────────────────────────────────────────────────────────────────────────────────


def making_each(*items: str, **fields: Any) -> dict[str, Any]:
    undo = {"action": "unmake", "params": {"what": "{{ item.outputs.id }}"}, "per_item": True}
    undo |= fields.pop("undo", {})
    return a_step(
        "all",
        action="make",
        params={"what": "{{ item }}"},
        for_each={"items": list(items), "max_concurrency": 1},
        compensate=undo,
        **fields,
    )


def test_each_item_is_undone_the_last_one_first(drive, undone):
    end = drive(make(), unmake(undone)).run(making_each(*"abc"), a_step("x", "all", action="fail"))

    assert undone == ["id-c", "id-b", "id-a"]
    assert end.statuses["compensate:all"] == OK
    assert [item.status for item in end.items("compensate:all")] == [OK] * 3


def test_of_a_fan_out_that_failed_what_has_completed_is_undone(drive, undone):
    end = drive(make(), unmake(undone)).run(making_each("a", "bad", "c"))

    assert (end.status, end.statuses["all"]) == (BAD, BAD)
    assert undone == ["id-a"]


def test_items_that_failed_are_undone_if_it_says_so(drive, undone):
    drive(make(), unmake(undone)).run(making_each("a", "bad", undo={"when_failed": True}))

    assert undone == ["id-bad", "id-a"]


def test_an_item_that_cannot_be_undone_stops_no_other_and_is_told(drive, undone):
    end = drive(make(), unmake(undone, fails_for="id-b")).run(
        making_each(*"abc"), a_step("x", "all", action="fail")
    )

    assert undone == ["id-c", "id-a"]
    [left] = end.execution.error["compensation"]
    assert (left["step_id"], left["code"]) == ("compensate:all", "items_failed")
    assert left["message"] == "1 of 3 items failed: item 1: still in use"


def test_an_item_is_undone_with_retries(drive, undone):
    tries: list[int] = []

    def execute(context: ActionContext) -> ActionResult:
        tries.append(context.attempt)
        return ActionResult(success=len(tries) > 1, error=None if len(tries) > 1 else "busy")

    undo = {"retry": {"max_attempts": 2, "backoff_seconds": 0}}

    drive(make(), an_action("unmake", execute, params=["what"])).run(
        making_each("a", undo=undo), a_step("x", "all", action="fail")
    )

    assert tries == [1, 2]


def test_a_fan_out_that_was_cancelled_undoes_what_it_has_made(drive, undone):
    def execute(context: ActionContext) -> ActionResult:
        waits = context.params["what"] == "b"
        return ActionResult(
            success=True, awaiting_event=waits, awaiting_callback=waits, outputs={"id": "made"}
        )

    driver = drive(an_action("make", execute, params=["what"]), unmake(undone))
    execution_id = driver.start(making_each("a", "b"))
    driver.settle()
    executions.cancel(SYSTEM, driver.runtime, execution_id)

    end = driver.finish(execution_id)

    assert (end.status, undone) == ("INTERRUPTED", ["made"])


def test_results_too_large_to_be_stored_together_are_undone_all_the_same(make_runtime, undone):
    large = ActionResult(success=True, outputs={"id": "made", "log": "x" * 1000})
    making = an_action("make", lambda context: large, params=["what"], cheap=True)
    driver = Driver(make_runtime(making, unmake(undone), max_joined_bytes=3000))

    end = driver.run(making_each(*"abc"))

    assert (end.step("all").error_code, undone) == ("json_rejected", ["made"] * 3)
    assert end.statuses["compensate:all"] == OK
    assert "compensation" not in end.execution.error


def test_without_items_there_is_nothing_to_undo(drive, undone):
    end = drive(make(), unmake(undone)).run(making_each(), a_step("x", "all", action="fail"))

    assert "compensate:all" not in end.statuses


# ── Handlers ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("action", "ran"), [("log", {"good", "last"}), ("fail", {"bad", "last"})])
def test_each_end_has_a_list_of_handlers_of_its_own(drive, action, ran):
    def handler(step_id: str) -> dict[str, Any]:
        params = {"message": "{{ execution.status }}"}
        given = a_step(step_id, params=params)
        return {name: value for name, value in given.items() if name != "depends_on"}

    settings = {
        "on_success": [handler("good")],
        "on_failure": [handler("bad")],
        "on_cancel": [handler("cancelled")],
        "finally": [handler("last")],
    }

    end = drive().run(a_step("a", action=action), settings=settings)

    assert set(end.statuses) == {"a"} | ran
    assert end.step("last").outputs["message"] == end.status
