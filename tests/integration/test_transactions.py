"""Transactions: what waits for the disk, what begins again, and what leaves after the commit."""

from __future__ import annotations

from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from support.driving import Driver, in_background
from support.factories import a_step, an_action
from support.waiting import wait_until

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler.transaction import TRIES, Transaction, retry_on_conflict, transaction
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.services import executions, inbox
from pipeline_engine.services.inbox import Arrival
from pipeline_engine.storage.tables.steps import StepExecution


@pytest.fixture
def connections(own_connections: Engine) -> Engine:
    """Some tests change what a connection waits for."""
    return own_connections


class Commits:
    """Notes whether each transaction that wrote something waited for the disk."""

    def __init__(self, driver: Driver) -> None:
        self.durable: list[bool] = []
        # The servers of the tests wait for no disk; begin with what PostgreSQL does by itself.
        event.listen(driver.runtime.engine, "connect", self._wait_for_the_disk)
        driver.runtime.engine.dispose()
        event.listen(driver.runtime.engine, "commit", self._note)

    def _wait_for_the_disk(self, connection: Any, _: Any) -> None:
        connection.cursor().execute("SET synchronous_commit TO on")
        connection.commit()

    def _note(self, connection: Any) -> None:
        cursor = connection.connection.cursor()
        cursor.execute(
            "SELECT pg_current_xact_id_if_assigned() IS NOT NULL,"
            " current_setting('synchronous_commit') = 'on'"
        )
        wrote, durable = cursor.fetchone()
        if wrote:
            self.durable.append(durable)


def work(**meta: Any) -> Any:
    return an_action("work", lambda context: ActionResult(success=True), **meta)


# ── The disk ─────────────────────────────────────────────────────────────────────────────


def test_what_a_client_was_told_is_on_the_disk(drive):
    driver = drive()
    commits = Commits(driver)

    execution_id = driver.start(a_step("a"))
    executions.cancel(SYSTEM, driver.runtime, execution_id)

    assert len(commits.durable) >= 2  # the start, and the cancel of its tree
    assert all(commits.durable)


def test_a_delivery_is_on_the_disk_before_it_is_answered(drive):
    driver = drive()
    Commits(driver)
    with driver.runtime.engine.begin() as connection:
        written = connection.exec_driver_sql("SELECT pg_current_wal_insert_lsn()").scalar_one()

    inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body={"workflow_id": "x"}))

    with driver.runtime.engine.begin() as connection:
        flushed = "SELECT pg_current_wal_flush_lsn() > %(written)s::pg_lsn"
        assert connection.exec_driver_sql(flushed, {"written": written}).scalar_one()


def test_steps_in_the_middle_do_not_wait_for_the_disk_and_the_end_does(drive):
    driver = drive(work())
    execution_id = driver.start(a_step("a", action="work"), a_step("b", "a", action="work"))
    commits = Commits(driver)

    driver.finish(execution_id)

    assert commits.durable == [False, False, False, True]


def test_the_claim_of_a_step_that_must_not_be_repeated_is_on_the_disk_before_it_runs(drive):
    """If a crash of the database undid the claim, the step would be queued and run again."""
    commits: list[Commits] = []

    def look(context: ActionContext) -> ActionResult:
        assert commits[0].durable == [True]
        return ActionResult(success=True)

    driver = drive(an_action("once", look, idempotent=False))
    execution_id = driver.start(a_step("a", action="once"))
    commits.append(Commits(driver))

    assert driver.finish(execution_id).status == "COMPLETED"


# ── Lost races ───────────────────────────────────────────────────────────────────────────


def test_the_loser_of_a_deadlock_begins_again(drive):
    driver = drive()
    ids = [driver.start(a_step("a")) for _ in range(2)]
    both_hold_one = Barrier(2)
    tries: list[int] = []

    def lock(connection: Any, execution_id: Any) -> None:
        connection.exec_driver_sql(
            "UPDATE executions SET updated_at = now() WHERE id = %(id)s", {"id": str(execution_id)}
        )

    def crossing(first: Any, second: Any) -> None:
        def attempt() -> None:
            tries.append(1)
            with transaction(driver.runtime) as opened:
                lock(opened.connection, first)
                if len(tries) <= 2:
                    both_hold_one.wait(5)
                lock(opened.connection, second)

        retry_on_conflict(attempt)

    with in_background(lambda: crossing(*ids), lambda: crossing(*reversed(ids))):
        pass

    assert len(tries) == 3


def refusing(driver: Driver, code: str, tries: list[int]) -> Any:
    def attempt() -> Transaction:
        tries.append(1)
        with transaction(driver.runtime) as opened:
            opened.connection.exec_driver_sql(
                "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '" + code + "'; END $$"
            )
        return opened

    return attempt


@pytest.mark.parametrize("code", ["40P01", "40001", "55P03"])
def test_a_race_that_is_lost_again_and_again_is_given_up(drive, code):
    tries: list[int] = []

    with pytest.raises(DBAPIError):
        retry_on_conflict(refusing(drive(), code, tries))

    assert len(tries) == TRIES


def test_other_errors_are_not_tried_again(drive):
    tries: list[int] = []

    with pytest.raises(IntegrityError):
        retry_on_conflict(refusing(drive(), "23505", tries))

    assert len(tries) == 1


def test_a_result_whose_transaction_lost_a_race_is_recorded_all_the_same(drive, session):
    """The moves change the row in memory; the next try must not believe them."""
    driver = drive(work())
    execution_id = driver.start(a_step("a", action="work"), a_step("b", "a"))
    begun = driver.look(execution_id)
    give_up_soon(driver)
    session.execute(select(StepExecution).filter_by(step_id="b").with_for_update())
    waits: set[Any] = set()

    def waited_twice() -> bool:
        with driver.runtime.engine.connect() as connection:  # a transaction sees no changes there
            waits.update(connection.exec_driver_sql(WAITING).scalars())
        return len(waits) > 1

    with in_background(lambda: driver.turn(begun.step("a").id)):
        wait_until(waited_twice, what="a second try")
        session.rollback()

    end = driver.finish(execution_id)
    assert end.statuses == {"a": "COMPLETED", "b": "COMPLETED"}
    assert (end.step("a").attempt, end.step("a").lost_count) == (1, 0)
    assert end.events("a") == ["step_started", "step_completed"]


WAITING = "SELECT query_start FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def give_up_soon(driver: Driver) -> None:
    """Let connections wait for a lock for a moment only."""

    def set_timeout(connection: Any, _: Any) -> None:
        connection.cursor().execute("SET lock_timeout TO 300")
        connection.commit()

    event.listen(driver.runtime.engine, "connect", set_timeout)
    driver.runtime.engine.dispose()


# ── After the commit ─────────────────────────────────────────────────────────────────────


def test_no_message_leaves_before_the_commit_and_one_leaves_after_it(drive, redis):
    driver = drive()
    queued: list[int] = []
    event.listen(driver.runtime.engine, "commit", lambda _: queued.append(redis.llen("pe:fast")))

    driver.start(a_step("a"))

    assert queued == [0]
    wait_until(lambda: redis.llen("pe:fast") == 1, what="its message")


def test_nothing_is_sent_for_an_execution_that_was_not_stored(drive, redis):
    driver = drive()

    def refuse(_: Any) -> None:
        raise RuntimeError("no")

    event.listen(driver.runtime.engine, "commit", refuse)

    with pytest.raises(RuntimeError):
        driver.start(a_step("a"))
    assert redis.keys("pe:fast") == []
