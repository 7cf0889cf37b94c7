"""A step whose turn raises ends after a few of them, and keeps nobody else from going on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.driving import Driver
from support.factories import HostileParam, a_fan_out, a_hostile_param, a_step, an_action

from pipeline_engine import failpoints
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import ActionResult, Item

TRIES = 3
IMPATIENT = {"max_lost_attempts": TRIES, "sweep_interval_seconds": 0.01}
HOSTILE = {"action": "hostile", "params": {"word": "{{ 'x' }}"}}


def done(_: Any) -> ActionResult:
    return ActionResult(success=True)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """What was logged; no fault stays armed."""
    with capture_logs() as found:
        yield found
    failpoints.arm(None)


@pytest.fixture
def hostile(drive: Callable[..., Driver]) -> Callable[..., Driver]:
    """Drivers with an action whose own metadata breaks whoever wants to run it."""

    def make(**meta: Any) -> Driver:
        action = an_action("hostile", done, params=[a_hostile_param("word")], **meta)
        return drive(action, an_action("work", done), **IMPATIENT)

    return make


@pytest.mark.parametrize("meta", [{"cheap": True}, {"cheap": False, "idempotent": True}])
def test_a_step_whose_turn_always_raises_fails_with_a_code_of_its_own(hostile, logged, meta):
    end = hostile(**meta).run(a_step("a", **HOSTILE), a_step("b"), a_step("c", action="work"))

    assert (end.step("a").status, end.step("a").error_code) == ("FAILED", "engine_error")
    tracebacks = [entry for entry in logged if isinstance(entry.get("exc_info"), HostileParam)]
    assert len(tracebacks) == TRIES
    assert end.events("a").count("step_recovered") == TRIES - 1
    assert end.statuses["b"] == end.statuses["c"] == "COMPLETED"


def test_the_others_of_its_batch_go_on_in_the_same_turn(hostile):
    driver = hostile(cheap=True)
    execution_id = driver.start(a_step("a", **HOSTILE), *(a_step(f"s{n}") for n in range(5)))

    driver.settle_only(execution_id)

    statuses = driver.look(execution_id).statuses
    assert statuses.pop("a") == "PENDING"
    assert set(statuses.values()) == {"COMPLETED"}


def test_an_action_that_may_have_run_and_must_not_be_repeated_has_an_unknown_outcome(hostile):
    end = hostile(idempotent=False).run(a_step("a", **HOSTILE))

    assert end.step("a").error_code == "outcome_unknown"
    assert "step_recovered" not in end.events("a")


def test_a_turn_that_raises_once_is_followed_by_one_that_does_not(drive):
    driver = drive(an_action("work", done), **IMPATIENT)
    failpoints.arm("after_execute_before_commit=raise")

    end = driver.run(a_step("a", action="work"), a_step("b", "a"))

    assert end.status == "COMPLETED"


def test_an_action_that_a_worker_lacks_is_left_to_one_that_has_it(drive):
    missing, having = drive(**IMPATIENT), drive(an_action("rare", done, cheap=True))
    execution_id = having.start(a_step("a", action="rare"))

    missing.settle_only(execution_id)
    assert missing.look(execution_id).step("a").status == "PENDING"

    assert having.finish(execution_id).status == "COMPLETED"


def test_an_action_that_nobody_has_fails_in_the_end(drive):
    having = drive(an_action("rare", done, cheap=True))
    missing = drive(**IMPATIENT)

    end = missing.finish(having.start(a_step("a", action="rare")))

    assert end.step("a").error_code == "unknown_action"


def test_an_action_that_cannot_be_made_is_one_that_the_worker_lacks(drive):
    having = drive(an_action("broken", done, cheap=True))
    breaking = drive(an_action("broken", done, __init__=lambda: 1 / 0, cheap=True), **IMPATIENT)

    end = breaking.finish(having.start(a_step("a", action="broken")))

    assert end.step("a").error_code == "unknown_action"
    assert "ZeroDivisionError" in end.step("a").error_message


# ── Steps that nobody claims ─────────────────────────────────────────────────────────────


def test_a_join_that_always_raises_ends_its_fan_out(drive):
    def expand(_: Any) -> list[Item]:
        return [Item(value=1), Item(value=2)]

    spread = a_fan_out("spread", expand, execute=done, join=lambda *_: done(None))
    driver = drive(spread, **IMPATIENT)
    execution_id = driver.start(a_step("a", action="spread"), a_step("b"))
    while driver.look(execution_id).step("a").items_open != 0:
        driver.settle_only(execution_id)

    for tried in range(1, TRIES + 1):
        failpoints.arm("before_join=raise")
        with nullcontext() if tried == TRIES else pytest.raises(failpoints.FaultInjected):
            driver.join(driver.look(execution_id).step("a").id)

    end = driver.finish(execution_id)
    assert (end.step("a").error_code, end.statuses["b"]) == ("fault_injected", "COMPLETED")


def test_a_timer_that_always_raises_ends_its_step(drive):
    def park(_: Any) -> ActionResult:
        return ActionResult(
            success=True, awaiting_event=True, wake_at=datetime.now(UTC) + timedelta(seconds=0)
        )

    having = drive(an_action("nap", park))
    execution_id = having.start(a_step("a", action="nap"), a_step("b", "a"))
    having.settle()
    missing = drive(**IMPATIENT)

    for _ in range(TRIES):
        assert missing.look(execution_id).step("a").status == "RUNNING"
        sweep.sweep(missing.runtime)

    assert missing.look(execution_id).step("a").error_code == "unknown_action"
