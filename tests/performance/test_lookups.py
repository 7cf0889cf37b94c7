"""Rows are looked up by their keys, however few there are and whatever PostgreSQL expects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, event
from support.driving import Driver
from support.factories import a_step, an_action

from pipeline_engine.sdk import ActionContext, ActionResult

OTHERS = 1_500  #: so few that reading them all looks cheap to PostgreSQL


def works(_: ActionContext) -> ActionResult:
    return ActionResult(success=True, outputs={"done": True})


# What PostgreSQL has learnt of other tests' rows is older than these.
FORGET = "DELETE FROM pg_statistic WHERE starelid = 'step_executions'::regclass"
SCANNED = "seq_tup_read"  #: rows read without an index
READ = "seq_tup_read + idx_tup_fetch"


@pytest.fixture(autouse=True)
def new_tables(engine: Engine) -> None:
    """Rows that others have deleted are in the way of a plan, too."""
    with engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE step_executions, executions CASCADE")


@contextmanager
def counted(engine: Engine, what: str) -> Iterator[list[int]]:
    """How many rows of steps each transaction of the block has read."""
    read: list[int] = []

    def note(connection: Connection) -> None:
        query = f"SELECT {what} FROM pg_stat_xact_user_tables WHERE relname = 'step_executions'"  # noqa: S608
        read.append(connection.exec_driver_sql(query).scalar_one())
        # Or what this transaction has read counts for those of the next second, too.
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")

    with engine.begin() as connection:
        connection.exec_driver_sql(FORGET)
    engine.dispose()  # with whatever was planned for an emptier table
    event.listen(engine, "commit", note)
    try:
        yield read
    finally:
        event.remove(engine, "commit", note)


def ids(driver: Driver, execution_id: UUID, *step_ids: str) -> list[int]:
    look = driver.look(execution_id)
    return [look.step(step_id).id for step_id in step_ids]


def test_a_blocking_step_costs_the_same_beside_some_thousand_others(drive):
    driver = drive(an_action("work", works, cheap=False))
    driver.start(*(a_step(f"other-{i}") for i in range(OTHERS)))
    execution_id = driver.start(
        a_step("a", action="work"),
        a_step("b", action="work"),
        a_step("c", action="work", depends_on=["a", "b"]),
        settings={"max_parallel_steps": 1},
    )
    a, b, c = ids(driver, execution_id, "a", "b", "c")

    with counted(driver.runtime.engine, SCANNED) as read:
        for step in (a, b, c):
            driver.turn(step, queue="io")

    assert driver.look(execution_id).status == "COMPLETED"
    assert len(read) >= 6, "a claim and an end each"
    assert not any(read), read


def test_a_cheap_step_costs_the_same_beside_some_thousand_others(drive):
    driver = drive()
    driver.start(*(a_step(f"other-{i}") for i in range(OTHERS)))
    execution_id = driver.start(a_step("a"), a_step("b", depends_on=["a"]))
    (a,) = ids(driver, execution_id, "a")

    with counted(driver.runtime.engine, SCANNED) as read:
        driver.turn(a)

    assert driver.look(execution_id).status == "COMPLETED"
    assert not any(read), read


def test_who_leaves_a_window_reads_what_is_held_and_not_all_that_waits(drive):
    driver = drive(an_action("work", works, cheap=False))
    execution_id = driver.start(
        a_step("a", action="work"),
        a_step("b", action="work"),
        *(a_step(f"later-{i}", depends_on=["b"]) for i in range(OTHERS)),
        settings={"max_parallel_steps": 1},
    )

    (a,) = ids(driver, execution_id, "a")

    with counted(driver.runtime.engine, READ) as read:
        driver.turn(a)

    assert driver.look(execution_id).step("b").queued_at is not None
    assert sum(read) < 50


def by_index_only(connection: Any, _record: object) -> None:
    """Leave PostgreSQL no choice: a table of two pages it would rather read whole."""
    connection.cursor().execute("SET enable_seqscan = off")
    connection.commit()


def test_an_iteration_costs_the_same_however_many_there_were_before(drive):
    driver = drive()
    event.listen(driver.runtime.engine, "connect", by_index_only)
    costs = []

    for iterations in (20, 160):
        execution_id = driver.start(
            a_loop(iterations), outputs={"iterations": "{{ steps.loop.outputs.iterations }}"}
        )
        with counted(driver.runtime.engine, READ) as read:
            driver.settle()
        assert driver.look(execution_id).outputs == {"iterations": iterations}
        costs.append(sum(read) / iterations)

    assert costs[1] < 1.5 * costs[0], costs


def a_loop(iterations: int) -> dict[str, Any]:
    params = {
        "condition": f"iteration < {iterations}",
        "action": "set_output",
        "action_params": {"outputs": {"n": "{{ iteration }}"}},
        "max_iterations": 1000,
    }
    return a_step("loop", action="while", params=params)
