"""Retries: what counts as an attempt, how long it waits, and what is written down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.driving import Driver
from support.factories import a_step, an_action

from pipeline_engine.registry import RegisteredAction
from pipeline_engine.sdk import ActionContext, ActionError, ActionResult, RetryPolicy

AT_ONCE = {"max_attempts": 3, "backoff_seconds": 0}


def flaky(failures: int, *, raises: bool = False, **meta: Any) -> RegisteredAction:
    """An action that fails so many times before it succeeds."""
    seen: list[int] = []

    def execute(context: ActionContext) -> ActionResult:
        seen.append(context.attempt)
        if len(seen) > failures:
            return ActionResult(success=True, outputs={"attempts": seen})
        if raises:
            raise ConnectionError("no route")
        return ActionResult(success=False, error="no luck", error_code="no_luck")

    return an_action("flaky", execute, **meta)


@pytest.mark.parametrize("cheap", [True, False])
@pytest.mark.parametrize("raises", [True, False])
def test_a_failure_and_an_exception_are_tried_again_alike(drive, cheap, raises):
    """[!] 3.5: an exception was not tried again."""
    end = drive(flaky(2, raises=raises, cheap=cheap)).run(
        a_step("a", action="flaky", retry=AT_ONCE)
    )

    assert end.step("a").outputs == {"attempts": [1, 2, 3]}
    assert (end.step("a").attempt, end.step("a").retry_count) == (3, 2)
    assert end.events("a").count("step_retrying") == 2


def test_after_the_last_attempt_the_failure_stands(drive):
    end = drive(flaky(9)).run(a_step("a", action="flaky", retry=AT_ONCE), a_step("b", "a"))

    assert end.statuses == {"a": "FAILED", "b": "SKIPPED"}
    assert (end.step("a").attempt, end.step("a").error_code) == (3, "no_luck")


def test_without_a_retry_block_a_failure_is_final(drive):
    assert drive(flaky(1)).run(a_step("a", action="flaky")).statuses == {"a": "FAILED"}


def test_on_failure_retry_alone_takes_the_policy_of_the_action(drive):
    policy = RetryPolicy(max_attempts=2, initial_interval_seconds=0)

    end = drive(flaky(9, retry_policy=policy)).run(a_step("a", action="flaky", on_failure="retry"))

    assert end.step("a").attempt == 2


def retrying(driver: Driver, **retry: Any) -> Any:
    execution_id = driver.start(a_step("a", action="flaky", retry=retry))
    driver.turn(driver.look(execution_id).step("a").id)
    return driver.look(execution_id).step("a")


def test_a_waiting_retry_is_a_status_and_a_time_and_no_message(drive):
    row = retrying(drive(flaky(1)), max_attempts=2, backoff_seconds=60)

    assert (row.status, row.retry_count, row.error_code) == ("RETRYING", 1, "no_luck")
    assert row.queued_at is None
    assert timedelta(0) <= row.due_at - row.updated_at <= timedelta(seconds=60)
    assert (row.leased_until, row.deadline_at, row.task_id, row.worker) == (None,) * 4


def test_a_retry_does_not_start_before_its_time(drive):
    driver = drive(flaky(1))
    execution_id = driver.start(
        a_step("a", action="flaky", retry={"max_attempts": 2, "backoff_seconds": 3600})
    )
    step = driver.look(execution_id).step("a").id
    driver.turn(step)
    driver.change(
        "UPDATE step_executions SET due_at = now() + interval '1 hour' WHERE id = %(i)s", i=step
    )

    driver.turn(step)

    assert driver.look(execution_id).step("a").status == "RETRYING"


def test_retries_are_for_the_codes_that_the_author_names(drive):
    driver = drive(flaky(9))

    def attempts(**codes: list[str]) -> int:
        return driver.run(a_step("a", action="flaky", retry=AT_ONCE | codes)).step("a").attempt

    assert attempts(retry_on=["no_luck"]) == 3
    assert attempts(retry_on=["other"]) == 1
    assert attempts(no_retry_on=["no_luck"]) == 1


def test_an_action_that_says_that_it_makes_no_sense_is_believed(drive):
    def refuse(context: ActionContext) -> ActionResult:
        raise ActionError("never", error_code="forbidden", retryable=False)

    end = drive(an_action("refuse", refuse)).run(a_step("a", action="refuse", retry=AT_ONCE))

    assert (end.step("a").attempt, end.step("a").error_code) == (1, "forbidden")


def test_every_attempt_has_the_same_idempotency_key_and_no_other_step_has_it(drive):
    keys: list[tuple[str, str]] = []

    def note(context: ActionContext) -> ActionResult:
        keys.append((context.step_id, context.idempotency_key))
        return ActionResult(success=len(keys) > 4)

    end = drive(an_action("note", note)).run(
        a_step("a", action="note", retry=AT_ONCE),
        a_step("b", "a", action="note", retry=AT_ONCE, trigger_rule="all_done"),
    )

    assert [step for step, _ in keys] == ["a", "a", "a", "b", "b"]
    assert len(set(keys)) == 2
    assert end.statuses == {"a": "FAILED", "b": "COMPLETED"}


def test_a_step_that_failed_once_and_then_succeeded_shows_no_error(drive):
    row = drive(flaky(1)).run(a_step("a", action="flaky", retry=AT_ONCE)).step("a")

    assert (row.status, row.error_code, row.error_message) == ("COMPLETED", None, None)


@pytest.mark.parametrize("asked", [30, 9_999, "soon", float("nan")])
@pytest.mark.parametrize("raises", [True, False])
def test_the_next_attempt_waits_as_long_as_the_other_side_asked(drive, raises, asked):
    def execute(_: ActionContext) -> ActionResult:
        if raises:
            raise ActionError("later, please", retry_after_seconds=asked)
        return ActionResult(success=False, error="later, please", retry_after_seconds=asked)

    row = retrying(
        drive(an_action("flaky", execute)),
        max_attempts=2,
        backoff_seconds=0,
        max_backoff_seconds=60,
    )

    expected = {30: 30, 9_999: 60}.get(asked, 0)
    assert row.due_at - row.updated_at == timedelta(seconds=expected)
