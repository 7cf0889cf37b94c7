"""The end of an execution: compensations in reverse order, handlers in theirs, then a status."""

from __future__ import annotations

from typing import Any

import pytest
from support.driving import Gate, in_background
from support.factories import a_fan_out, a_step, an_action

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.sdk import ActionContext, ActionResult, Item
from pipeline_engine.services import executions
from pipeline_engine.services.explain import explain


def a_handler(step_id: str, **fields: Any) -> dict[str, Any]:
    handler = a_step(step_id, **fields)
    handler.pop("depends_on")
    return handler


class Book:
    """Actions that write down what ran, in which order, with which params."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.params: dict[str, Any] = {}

    def note(self, context: ActionContext) -> ActionResult:
        self.entries.append(context.step_id)
        self.params[context.step_id] = context.params.get("value")
        return ActionResult(success=True, outputs={"id": context.step_id})

    def action(self, **meta: Any) -> Any:
        return an_action("note", self.note, params=["value"], **meta)


EVERY_HANDLER = {
    "on_failure": [
        a_handler("failed", action="note"),
        a_handler("cancelled", action="note", when="on_cancel"),
    ],
    "finally": [a_handler("last", action="note")],
}


@pytest.mark.parametrize("cheap", [True, False])
@pytest.mark.parametrize(
    ("action", "status", "handlers"),
    [("log", "COMPLETED", ["last"]), ("fail", "FAILED", ["failed", "last"])],
)
def test_handlers_run_by_how_the_execution_ended(drive, cheap, action, status, handlers):
    book = Book()

    end = drive(book.action(cheap=cheap)).run(a_step("a", action=action), settings=EVERY_HANDLER)

    assert (end.status, book.entries) == (status, handlers)


def test_a_cancelled_execution_runs_its_own_handlers(drive):
    book = Book()
    driver = drive(book.action())
    execution_id = driver.start(a_step("a"), settings=EVERY_HANDLER)

    executions.cancel(SYSTEM, driver.runtime, execution_id)

    assert driver.finish(execution_id).status == "INTERRUPTED"
    assert book.entries == ["cancelled", "last"]


def test_a_handler_sees_how_every_step_ended(drive):
    book = Book()
    words = "{{ steps.a.status }} {{ steps.a.error.code }} {{ steps.b.status }}"

    drive(book.action()).run(
        a_step("a", action="fail", params={"error_code": "broken"}),
        a_step("b", "a"),
        settings={"finally": [a_handler("last", action="note", params={"value": words})]},
    )

    assert book.params["last"] == "FAILED broken SKIPPED"


def test_a_handler_whose_condition_is_false_is_skipped(drive):
    book = Book()

    end = drive(book.action()).run(
        a_step("a"),
        settings={
            "finally": [
                a_handler("one", action="note", condition="steps.a.status == 'FAILED'"),
                a_handler("two", action="note", condition="steps.a.status == 'COMPLETED'"),
            ]
        },
    )

    assert (end.status, book.entries) == ("COMPLETED", ["two"])


def test_a_handler_that_fails_fails_the_execution_and_stops_no_other(drive):
    book = Book()

    end = drive(book.action()).run(
        a_step("a"),
        settings={"finally": [a_handler("bad", action="fail"), a_handler("last", action="note")]},
    )

    assert end.status == "FAILED"
    assert end.execution.error["step_id"] == "bad"
    assert book.entries == ["last"]


def test_a_handler_may_fan_out_and_park_and_be_tried_again(drive):
    tries: list[int] = []

    def moody(context: ActionContext) -> ActionResult:
        tries.append(context.item)
        return ActionResult(success=len(tries) > 1)

    end = drive(an_action("moody", moody)).run(
        a_step("a"),
        settings={
            "finally": [
                a_handler(
                    "each",
                    action="moody",
                    for_each=[1, 2],
                    retry={"max_attempts": 2, "backoff_seconds": 0},
                )
            ]
        },
    )

    assert (end.status, sorted(tries)) == ("COMPLETED", [1, 1, 2])


def test_handlers_begin_when_the_last_step_has_been_cleaned_up(drive):
    book, gate = Book(), Gate()
    action = an_action("gate", gate.execute, cleanup=lambda c: book.entries.append("clean-up"))
    driver = drive(action, book.action())
    execution_id = driver.start(
        a_step("a", action="gate"), a_step("b", "a"), settings=EVERY_HANDLER
    )

    with in_background(lambda: driver.turn(driver.look(execution_id).step("a").id)):
        gate.wait_for("a")
        executions.cancel(SYSTEM, driver.runtime, execution_id)
        driver.finish(execution_id)
        gate.open()

    assert book.entries == ["clean-up", "cancelled", "last"]


# ── Compensation ─────────────────────────────────────────────────────────────────────────


def undone(step_id: str, *depends_on: str) -> dict[str, Any]:
    undo = {"action": "note", "params": {"value": f"{{{{ steps.{step_id}.outputs.message }}}}"}}
    return a_step(step_id, *depends_on, compensate=undo)


def test_what_was_done_is_undone_in_reverse_order(drive):
    book = Book()

    end = drive(book.action()).run(
        undone("a"), undone("b", "a"), a_step("x", "b", action="fail"), undone("c", "x"),
        settings={"finally": [a_handler("last", action="note")]},
    )  # fmt: skip

    assert end.status == "FAILED"
    assert book.entries == ["compensate:b", "compensate:a", "last"]
    assert book.params["compensate:a"] == "a"


def test_a_cancelled_execution_is_undone_too(drive):
    book, gate = Book(), Gate()
    driver = drive(book.action(), an_action("gate", gate.execute))
    execution_id = driver.start(undone("a"), a_step("b", "a", action="gate"))
    driver.turn(driver.look(execution_id).step("a").id)

    executions.cancel(SYSTEM, driver.runtime, execution_id)

    assert driver.finish(execution_id).status == "INTERRUPTED"
    assert book.entries == ["compensate:a"]


def test_a_good_end_undoes_nothing(drive):
    book = Book()

    drive(book.action()).run(undone("a"))

    assert book.entries == []


def test_a_compensation_that_fails_does_not_stop_the_others(drive):
    book = Book()
    broken = a_step("b", "a", compensate={"action": "fail", "params": {}})

    end = drive(book.action()).run(undone("a"), broken, a_step("x", "b", action="fail"))

    assert book.entries == ["compensate:a"]
    assert end.execution.error["step_id"] == "x"


def not_undone(end: Any) -> list[tuple[str, str]]:
    left = end.execution.error.get("compensation", [])
    return [(entry["step_id"], entry["code"]) for entry in left]


def test_a_compensation_that_fails_is_named_wherever_the_execution_is_shown(drive, session):
    undo = {"action": "fail", "params": {"message": "still there", "error_code": "kept"}}
    undo |= {"name": "Give it back", "retry": {"max_attempts": 1}}
    driver = drive()

    end = driver.run(a_step("a", compensate=undo), a_step("x", "a", action="fail"))

    said = {"step_id": "compensate:a", "code": "kept", "message": "still there"}
    error = end.execution.error
    assert (error["step_id"], error["compensation"]) == ("x", [said])
    assert end.history[-1].details["error"]["compensation"] == [said]
    assert end.events("compensate:a") == ["step_failed"]
    assert (end.status, end.step("compensate:a").name) == ("FAILED", "Give it back")
    found = explain(SYSTEM, session, driver.runtime, end.execution.id).findings[0]
    assert "Not undone: a (kept: still there)" in found.because
    assert found.what_to_do == "Undo by hand what it could not undo."


def test_a_compensation_is_tried_again_soon_or_as_its_author_says(drive):
    tries: list[str] = []

    def moody(context: ActionContext) -> ActionResult:
        tries.append(context.step_id)
        return ActionResult(success=tries.count(context.step_id) > 2)

    often = {"max_attempts": 3, "backoff_seconds": 0}
    driver = drive(an_action("moody", moody))
    execution_id = driver.start(
        a_step("a", compensate={"action": "moody"}),
        a_step("b", "a", compensate={"action": "moody", "retry": often}),
        a_step("c", "b", compensate={"action": "moody", "retry": often | {"max_attempts": 2}}),
        a_step("x", "c", action="fail"),
    )
    driver.settle()
    for _ in range(2):  # what is quick for people takes long in a test
        driver.change("UPDATE step_executions SET due_at = now() WHERE status = 'RETRYING'")

    end = driver.finish(execution_id)

    assert (tries.count("compensate:a"), tries.count("compensate:b")) == (3, 3)
    assert not_undone(end) == [("compensate:c", "action_failed")]


def test_a_compensation_has_a_time_limit(drive):
    park = an_action(
        "park",
        lambda context: ActionResult(success=True, awaiting_event=True, external_workflow_id="x"),
    )
    driver = drive(park)
    undo = {"action": "park", "timeout_seconds": 60, "retry": {"max_attempts": 1}}
    execution_id = driver.start(a_step("a", compensate=undo), a_step("x", "a", action="fail"))
    driver.settle()
    row = driver.look(execution_id).step("compensate:a")
    driver.change("UPDATE step_executions SET deadline_at = now() WHERE id = %(id)s", id=row.id)

    end = driver.finish(execution_id)

    assert (row.deadline_at - row.updated_at).total_seconds() == 60
    assert not_undone(end) == [("compensate:a", "timeout")]


def test_what_a_forced_end_leaves_undone_is_said(drive):
    gate, book = Gate(), Book()
    driver = drive(an_action("gate", gate.execute), book.action())
    early = driver.start(undone("a"), a_step("b", "a", action="gate"))
    driver.turn(driver.look(early).step("a").id)
    late = driver.start(
        a_step("a", compensate={"action": "gate"}),
        undone("b", "a"),
        a_step("x", "b", action="fail"),
    )
    driver.turn(driver.look(late).step("a").id)
    driver.turn(driver.look(late).step("compensate:b").id)

    for execution_id in (early, late):
        executions.cancel(SYSTEM, driver.runtime, execution_id, force=True)

    aborted = [("compensate:a", "aborted")]
    assert [not_undone(driver.finish(i)) for i in (early, late)] == [aborted, aborted]


def test_what_was_not_undone_outlives_the_cancel_that_outranks_the_failure(drive):
    undo = {"action": "fail", "retry": {"max_attempts": 1}}
    wait = a_handler("wait", action="wait_until", params={"duration_hours": 1})
    driver = drive()
    execution_id = driver.start(
        a_step("a", compensate=undo), a_step("x", "a", action="fail"), settings={"finally": [wait]}
    )
    driver.settle()

    executions.cancel(SYSTEM, driver.runtime, execution_id, reason="enough", force=True)

    error = driver.finish(execution_id).execution.error
    assert (error["code"], error["message"]) == ("cancelled", "enough")
    assert [entry["step_id"] for entry in error["compensation"]] == ["compensate:a"]
    assert (error["cause"]["step_id"], "compensation" in error["cause"]) == ("x", False)


# ── How it ends, for those that run then ─────────────────────────────────────────────────

THE_END = "{{ execution.status }} {{ execution.error.code }} {{ execution.error.step_id }}"


@pytest.mark.parametrize(
    ("action", "seen"),
    [("log", "COMPLETED  "), ("fail", "FAILED INTENTIONAL_FAILURE a")],
)
@pytest.mark.parametrize("cheap", [True, False])
def test_a_handler_sees_how_the_execution_ends(drive, action, seen, cheap):
    book = Book()
    last = a_handler("last", action="note", params={"value": THE_END})

    drive(book.action(cheap=cheap)).run(a_step("a", action=action), settings={"finally": [last]})

    assert book.params["last"] == seen


def test_a_handler_with_a_condition_on_the_end_runs_after_that_end_only(drive):
    book = Book()
    handlers = [
        a_handler("bad", action="note", condition="execution.status == 'FAILED'"),
        a_handler("good", action="note", condition="{{ execution.status == 'COMPLETED' }}"),
        a_handler("any", action="note", condition="not execution.error"),
    ]
    driver = drive(book.action())

    driver.run(a_step("a"), settings={"finally": handlers})
    driver.run(a_step("a", action="fail"), settings={"finally": handlers})

    assert book.entries == ["good", "any", "bad"]


def test_a_handler_sees_what_the_handlers_before_it_made_of_the_end(drive):
    book = Book()
    last = a_handler("last", action="note", params={"value": THE_END})

    drive(book.action()).run(
        a_step("a"), settings={"finally": [a_handler("bad", action="fail"), last]}
    )

    assert book.params["last"] == "FAILED INTENTIONAL_FAILURE bad"


def test_items_and_joins_of_handlers_and_compensations_see_the_end_too(drive):
    book = Book()
    loop = {"action": "for_each", "params": {"items": ["{{ execution.status }}"]}}
    loop["params"] |= {"action": "note", "action_params": {"value": "{{ execution.error.code }}"}}
    each = a_handler("each", action="note", for_each=["x"], params={"value": "{{ execution }}"})

    drive(book.action()).run(
        a_step("a", compensate=loop),
        a_step("x", "a", action="fail"),
        settings={"finally": [each]},
    )

    assert book.params["compensate:a"] == "INTENTIONAL_FAILURE"
    assert book.params["each"]["status"] == "FAILED"
    assert book.params["each"]["error"]["step_id"] == "x"


def test_a_cancelled_execution_says_so_to_its_handlers(drive):
    book = Book()
    driver = drive(book.action())
    last = a_handler("last", action="note", params={"value": THE_END})
    execution_id = driver.start(a_step("a"), settings={"finally": [last]})

    executions.cancel(SYSTEM, driver.runtime, execution_id)
    driver.finish(execution_id)

    assert book.params["last"] == "INTERRUPTED cancelled "


def test_a_compensation_may_fan_out(drive):
    undone_items: list[Any] = []

    def execute_item(context: ActionContext) -> ActionResult:
        undone_items.append(context.item)
        return ActionResult(success=True)

    many = a_fan_out(
        "many",
        lambda context: [Item(value=1), Item(value=2)],
        execute_item=execute_item,
        join=lambda context, results: ActionResult(success=True),
    )

    end = drive(many).run(
        a_step("a", compensate={"action": "many", "params": {}}), a_step("x", "a", action="fail")
    )

    assert undone_items == [1, 2]
    assert end.statuses["compensate:a"] == "COMPLETED"


def test_a_handler_whose_plug_in_is_gone_fails_and_the_execution_still_ends(drive):
    book = Book()
    before = drive(book.action())
    execution_id = before.start(a_step("a"), settings=EVERY_HANDLER)
    after = drive(max_lost_attempts=2)  # a deployment later

    end = after.finish(execution_id)

    assert (end.status, end.statuses["last"]) == ("FAILED", "FAILED")
    assert end.execution.error["code"] in {"action_not_found", "unknown_action"}


def test_a_step_whose_plug_in_is_gone_fails_and_the_window_still_works(drive):
    before = drive(Book().action())
    execution_id = before.start(
        a_step("start"),
        *[a_step(f"s{n}", "start", action="note", on_failure="continue") for n in range(3)],
        settings={"max_parallel_steps": 1},
    )

    end = drive(sweep_interval_seconds=0.01).finish(execution_id)

    assert end.status == "COMPLETED", "on_failure says so"
    assert {end.statuses[f"s{n}"] for n in range(3)} == {"FAILED"}
