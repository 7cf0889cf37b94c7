"""A cheap step and the transaction that it runs in have a bound of real time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError
from support.driving import Driver
from support.factories import a_fan_out, a_step, an_action

from pipeline_engine.scheduler.claim.claim import COMPUTING_SECONDS
from pipeline_engine.scheduler.claim.turn import Turn
from pipeline_engine.scheduler.transaction import transaction
from pipeline_engine.sdk import ActionResult, Item
from pipeline_engine.storage.postgres.session import is_expired, is_unreachable

BOUND = 0.3
AGAIN = {"max_attempts": 3, "backoff_seconds": 0}
IDLE_SECONDS = 1


def spin(seconds: float) -> None:
    """Compute, as a template or a plug-in does that nobody can ask to stop."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        pass


def swallow(seconds: float) -> None:
    """The same, and whatever is raised meanwhile is taken for one's own."""
    with suppress(Exception):
        spin(seconds)


def slow(how: Callable[[float], object], seconds: float) -> Callable[..., ActionResult]:
    def execute(context: Any) -> ActionResult:
        calls.append(context.step_id)
        how(seconds)
        return ActionResult(success=True)

    calls: list[str] = []
    execute.calls = calls  # type: ignore[attr-defined]
    return execute


@pytest.fixture
def connections(own_connections: Engine) -> Engine:
    """Some tests change how long a connection waits, or have it ended."""
    return own_connections


@pytest.mark.parametrize("how", [spin, swallow, time.sleep])
def test_a_cheap_step_that_is_too_slow_fails_at_once_and_is_not_tried_again(drive, how):
    execute = slow(how, 20)
    driver = drive(an_action("slow", execute, cheap=True), cheap_step_seconds=BOUND)
    began = time.monotonic()

    end = driver.run(a_step("a", action="slow", retry=AGAIN))

    assert time.monotonic() - began < 10
    assert (end.step("a").status, end.step("a").error_code) == ("FAILED", "too_slow")
    assert execute.calls == ["a"]


def test_in_a_thread_nobody_can_be_interrupted_but_what_came_too_late_does_not_count(drive):
    execute = slow(spin, 3 * BOUND)
    driver = drive(an_action("slow", execute, cheap=True), cheap_step_seconds=BOUND)
    execution_id = driver.start(a_step("a", action="slow", retry=AGAIN))

    thread = threading.Thread(target=driver.settle)
    thread.start()
    thread.join()

    assert driver.look(execution_id).step("a").error_code == "too_slow"
    assert execute.calls == ["a"]


def test_the_items_of_a_cheap_fan_out_are_told_in_time_or_not_at_all(drive):
    def expand(context: Any) -> list[Item]:
        spin(20)
        return [Item(value=1)]

    def join(context: Any, results: Any) -> ActionResult:
        return ActionResult(success=True)

    spread = a_fan_out("spread", expand, join=join, cheap=True)
    driver = drive(spread, cheap_step_seconds=BOUND)

    assert driver.run(a_step("a", action="spread")).step("a").error_code == "too_slow"


def test_an_item_that_talks_to_a_peer_has_the_time_of_its_action_and_not_of_the_expansion(drive):
    """Telling the items is cheap whatever the action is; starting a job for one of them is not."""

    def expand(context: Any) -> list[Item]:
        return [Item(value=1)]

    def join(context: Any, results: Any) -> ActionResult:
        return ActionResult(success=True)

    spread = a_fan_out("spread", expand, execute_item=slow(time.sleep, 2 * BOUND), join=join)
    driver = drive(spread, cheap_step_seconds=BOUND)

    end = driver.run(a_step("a", action="spread"))

    assert {row.error_code for row in end.rows} == {None}


def test_others_do_not_wait_for_all_the_steps_of_a_slow_batch(drive):
    """What a transaction has not come to is still queued, and is sent to whoever is free."""
    execute = slow(spin, COMPUTING_SECONDS / 2)
    driver = drive(an_action("slow", execute, cheap=True))
    execution_id = driver.start(*(a_step(f"s{n}", action="slow") for n in range(8)))
    ids = [row.id for row in driver.look(execution_id).rows if row.queued_at]

    began = time.monotonic()
    Turn(driver.runtime, queue="fast", ends_at=began).run(ids)
    took = time.monotonic() - began

    statuses = list(driver.look(execution_id).statuses.values())
    assert took < 3 * COMPUTING_SECONDS
    assert 0 < statuses.count("COMPLETED") < len(statuses)
    assert driver.finish(execution_id, within=60).status == "COMPLETED"
    assert len(execute.calls) == 8


def test_a_chain_of_slow_steps_is_ended_as_far_as_it_came(drive):
    execute = slow(spin, COMPUTING_SECONDS / 2)
    driver = drive(an_action("slow", execute, cheap=True))
    chain = [a_step(f"s{n}", *([f"s{n - 1}"] if n else []), action="slow") for n in range(6)]
    execution_id = driver.start(*chain)
    ids = [row.id for row in driver.look(execution_id).rows if row.queued_at]

    Turn(driver.runtime, queue="fast", ends_at=time.monotonic()).run(ids)

    assert 0 < list(driver.look(execution_id).statuses.values()).count("COMPLETED") < 6
    assert driver.finish(execution_id, within=60).status == "COMPLETED"
    assert len(execute.calls) == 6


# ── Transactions that PostgreSQL ends ────────────────────────────────────────────────────


@pytest.fixture
def impatient(drive) -> Callable[..., Driver]:
    """Drivers whose transactions end after a second without a statement."""

    def make(*actions: Any, **changed: Any) -> Driver:
        driver = drive(*actions, cheap_step_seconds=30.0, **changed)

        @event.listens_for(driver.runtime.engine, "connect")
        def _say_so(raw: Any, _: Any) -> None:
            with raw.cursor() as cursor:
                cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_SECONDS * 1000}")
            raw.commit()
            raw.idle_seconds = IDLE_SECONDS

        driver.runtime.engine.dispose()  # of those that others have opened
        return driver

    return make


def test_an_ended_transaction_is_not_an_absent_database(impatient):
    driver = impatient()

    def compute(statement: str, seconds: float = 0) -> None:
        with transaction(driver.runtime) as tx:
            tx.connection.exec_driver_sql(statement)
            spin(seconds)

    with pytest.raises(DBAPIError) as expired:
        compute("SELECT 1", 2 * IDLE_SECONDS)
    with pytest.raises(DBAPIError) as killed:
        compute("SELECT pg_terminate_backend(pg_backend_pid())")

    assert (is_expired(expired.value), is_unreachable(expired.value)) == (True, False)
    assert (is_expired(killed.value), is_unreachable(killed.value)) == (False, True)


def test_a_cheap_step_that_outlives_its_transaction_is_claimed_like_any_other(impatient):
    """Its attempt counts, and what was taken with it does not wait for it again."""
    once = slow(spin, 2 * IDLE_SECONDS)
    driver = impatient(an_action("slow", once, cheap=True))

    end = driver.run(a_step("a", action="slow"), a_step("b"))

    assert end.status == "COMPLETED"
    assert once.calls == ["a", "a"]
    assert end.step("a").attempt == 1
    assert "step_started" in end.events("a")


def test_a_step_that_outlives_every_transaction_is_ended(impatient, drive):
    """It cannot even be prepared: each time its plug-in waits in vain for what it wants."""

    def wait_in_vain() -> None:
        spin(2 * IDLE_SECONDS)
        raise ConnectionError("the licence server does not answer")

    having = drive(an_action("licensed", slow(spin, 0), cheap=True))
    steps = a_step("a", action="licensed", retry=AGAIN), a_step("b", "a"), a_step("c")
    execution_id = having.start(*steps)
    driver = impatient(an_action("licensed", slow(spin, 0), __init__=wait_in_vain, cheap=True))

    driver.settle()

    end = having.finish(execution_id)

    assert end.step("a").error_code == "too_slow"
    assert end.status == "FAILED"
