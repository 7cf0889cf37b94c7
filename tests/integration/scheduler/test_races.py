"""The first of several decides, and what is not needed any more is stopped."""

from __future__ import annotations

from typing import Any

import pytest
from support.driving import Driver, Gate, in_background
from support.factories import a_fan_out, a_step, an_action
from support.waiting import wait_until

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.errors import InvalidParams
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import ActionContext, ActionResult, Item
from pipeline_engine.services import executions

OK, OUT, BAD = "COMPLETED", "SKIPPED", "FAILED"
FIRST = {"trigger_rule": "one_success", "cancel_rest": True}


def parks(cleaned: list[str]) -> RegisteredAction:
    """An action that waits for an event with the id of its step, and notes its clean-ups."""

    def execute(context: ActionContext) -> ActionResult:
        return ActionResult(
            success=True, awaiting_event=True, external_workflow_id=f"job-{context.step_id}"
        )

    def cleanup(context: ActionContext) -> None:
        cleaned.append(context.step_id)

    return an_action("parks", execute, cleanup=cleanup)


@pytest.fixture
def cleaned() -> list[str]:
    return []


@pytest.fixture
def driver(drive: Any, cleaned: list[str]) -> Driver:
    return drive(parks(cleaned))


def parked(step_id: str, *depends_on: str, **fields: Any) -> dict[str, Any]:
    return a_step(step_id, *depends_on, action="parks", **fields)


def test_the_losers_of_a_race_are_cancelled_and_cleaned_up(driver, cleaned):
    end = driver.run(parked("slow"), a_step("fast"), a_step("won", "slow", "fast", **FIRST))

    assert end.statuses == {"slow": OUT, "fast": OK, "won": OK}
    assert (end.status, cleaned) == (OK, ["slow"])
    slow = end.step("slow")
    assert (slow.skip_reason, slow.error_message) == ("not_needed", "'won' has gone on without it")


def test_without_cancel_rest_the_others_run_on(driver):
    execution_id = driver.start(
        parked("slow"), a_step("fast"), a_step("won", "slow", "fast", trigger_rule="one_success")
    )
    driver.settle()

    assert driver.look(execution_id).statuses == {"slow": "RUNNING", "fast": OK, "won": OK}


def test_what_only_the_losers_need_is_cancelled_with_them(driver, cleaned):
    execution_id = driver.start(
        parked("shared"),
        parked("before"),
        a_step("slow", "before", "shared"),
        a_step("fast"),
        a_step("won", "slow", "fast", **FIRST),
        a_step("other", "shared"),
    )
    driver.settle()

    now = driver.look(execution_id).statuses
    assert now["before"] == now["slow"] == OUT
    assert now["shared"] == "RUNNING"
    assert cleaned == ["before"]


def test_what_an_eager_step_before_it_has_gone_on_without_is_cancelled_too(driver, cleaned):
    end = driver.run(
        parked("slow"),
        a_step("fast"),
        a_step("either", "slow", "fast", trigger_rule="one_success"),
        a_step("won", "either", **FIRST),
    )

    assert end.statuses == {"slow": OUT, "fast": OK, "either": OK, "won": OK}
    assert (cleaned, end.step("slow").skip_reason) == (["slow"], "not_needed")


def test_a_loser_stops_nobody_else_who_depends_on_it(driver):
    end = driver.run(
        parked("slow"),
        a_step("fast"),
        a_step("won", "slow", "fast", **FIRST),
        a_step("after", "slow"),
    )

    assert end.statuses["after"] == OK


def test_of_a_quorum_the_rest_is_cancelled(driver, cleaned):
    quorum = {"trigger_rule": {"at_least": 2}, "cancel_rest": True}

    end = driver.run(
        parked("a"), a_step("b"), a_step("c"), parked("d"), a_step("won", *"abcd", **quorum)
    )

    assert end.statuses == {"a": OUT, "b": OK, "c": OK, "d": OUT, "won": OK}
    assert sorted(cleaned) == ["a", "d"]


@pytest.mark.parametrize(("wanted", "won"), [(1, OK), (3, OK)])
def test_each_execution_may_have_a_quorum_of_its_own(driver, wanted, won):
    quorum = {"trigger_rule": {"at_least": "{{ params.quorum }}"}, "cancel_rest": True}

    end = driver.run(
        a_step("a"),
        a_step("b"),
        a_step("c"),
        parked("d"),
        a_step("won", *"abcd", **quorum),
        parameters=[{"name": "quorum", "type": "integer"}],
        params={"quorum": wanted},
    )

    assert (end.statuses["won"], end.statuses["d"]) == (won, OUT)


@pytest.mark.parametrize(
    ("given", "code"), [(0, "out_of_range"), (3, "out_of_range"), ("two", "wrong_type")]
)
def test_a_quorum_that_cannot_be_met_is_refused_when_it_is_given(driver, given, code):
    steps = [a_step("a"), a_step("b")]
    steps.append(a_step("won", "a", "b", trigger_rule={"at_least": "{{ params.quorum }}"}))

    with pytest.raises(InvalidParams) as refused:
        driver.start(
            *steps, parameters=[{"name": "quorum", "type": "json"}], params={"quorum": given}
        )

    assert [problem.code for problem in refused.value.facts["problems"]] == [code]


def test_a_time_out_is_an_end_as_well(driver, cleaned):
    race = {"trigger_rule": "one_done", "cancel_rest": True}
    execution_id = driver.start(
        parked("job"),
        parked("clock", on_failure="continue"),
        a_step("won", "job", "clock", **race),
    )
    driver.settle()
    driver.change("UPDATE step_executions SET deadline_at = now() WHERE step_id = 'clock'")

    end = driver.finish(execution_id)

    assert end.statuses == {"job": OUT, "clock": "TIMEOUT", "won": OK}
    assert (end.status, sorted(set(cleaned))) == (OK, ["clock", "job"])


def test_one_done_does_not_count_what_was_skipped(driver):
    end = driver.run(
        a_step("out", condition="false"),
        a_step("in", "out"),
        a_step("won", "out", "in", trigger_rule="one_done"),
    )

    assert end.statuses == {"out": OUT, "in": OK, "won": OK}
    completed = [e.details["step_id"] for e in end.history if e.event_type == "step_completed"]
    assert completed == ["in", "won"]


def test_a_fan_out_and_a_step_that_waits_for_its_retry_may_lose(drive, cleaned):
    def fail(_: ActionContext) -> ActionResult:
        return ActionResult(success=False, error="no luck")

    driver = drive(parks(cleaned), an_action("fails", fail))
    end = driver.run(
        parked("many", for_each=[1, 2, 3]),
        a_step("again", action="fails", retry={"max_attempts": 2, "backoff_seconds": 3600}),
        a_step("first"),
        a_step("fast", "first"),
        a_step("won", "many", "again", "fast", **FIRST),
    )

    assert end.statuses == {"many": OUT, "again": OUT, "first": OK, "fast": OK, "won": OK}
    assert {item.skip_reason for item in end.items("many")} == {"not_needed"}
    assert end.step("many").skip_reason == "not_needed"


def test_a_fan_out_that_expands_while_it_is_called_off_loses_its_items_too(drive):
    """Who calls it off waits for its row, and the items were not there when that began."""
    gate = Gate()

    def expand(context: ActionContext) -> list[Item]:
        gate.execute(context)
        return [Item(value=1), Item(value=2)]

    def fine(*_: Any) -> ActionResult:
        return ActionResult(success=True)

    driver = drive(a_fan_out("many", expand, execute_item=fine, join=fine, cheap=True))
    execution_id = driver.start(
        a_step("each", action="many"), a_step("fast"), a_step("won", "each", "fast", **FIRST)
    )
    rows = {row.step_id: row for row in driver.look(execution_id).rows}
    driver.turn(rows["fast"].id)

    def waits() -> bool:
        return bool(driver.change("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))

    with in_background(lambda: driver.turn(rows["each"].id)):
        gate.wait_for("each")
        with in_background(lambda: driver.cancel_rest(rows["won"].id)):
            wait_until(waits, what="a transaction that waits for the fan-out")
            gate.open()

    end = driver.finish(execution_id)
    assert end.statuses == {"each": OUT, "fast": OK, "won": OK}
    assert [item.skip_reason for item in end.items("each")] == ["not_needed"] * 2


def test_the_sweep_cancels_the_rest_if_the_message_was_lost(driver):
    execution_id = driver.start(
        parked("slow"), a_step("fast"), a_step("won", "slow", "fast", **FIRST)
    )
    rows = {row.step_id: row for row in driver.look(execution_id).rows}
    driver.turn(rows["slow"].id)
    driver.turn(rows["fast"].id)
    assert driver.look(execution_id).statuses["slow"] == "RUNNING"

    sweep.sweep(driver.runtime)

    assert driver.look(execution_id).step("slow").cancelling
    assert driver.finish(execution_id).status == OK


def test_a_cancel_while_the_losers_clean_up_ends_them_with_all_the_others(driver, cleaned):
    execution_id = driver.start(
        parked("slow"),
        a_step("fast"),
        a_step("won", "slow", "fast", **FIRST),
        parked("on", "won"),
    )
    rows = {row.step_id: row for row in driver.look(execution_id).rows}
    driver.turn(rows["slow"].id, rows["fast"].id)
    driver.cancel_rest(rows["won"].id)
    executions.cancel(SYSTEM, driver.runtime, execution_id)

    end = driver.finish(execution_id)

    assert (end.status, end.statuses["slow"]) == ("INTERRUPTED", OUT)
    assert cleaned.count("slow") == 1


def test_an_operator_sees_a_step_that_was_called_off_for_nobody(driver):
    execution_id = driver.start(
        a_step("slow", condition="false"), a_step("fast"), a_step("won", "slow", "fast")
    )
    driver.finish(execution_id)
    driver.change(
        'UPDATE events SET details = details || \'{"reason": "not_needed"}\''
        " WHERE event_type = 'step_skipped'"
    )

    assert any("wrong_skip" in finding for finding in driver.audit(execution_id))
