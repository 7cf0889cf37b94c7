"""The first rows of an execution: prepared once for each plan, with ids that fit together."""

from __future__ import annotations

import json
from base64 import b64decode
from itertools import pairwise
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import text
from support.driving import Driver
from support.factories import a_step, an_action
from support.waiting import wait_until

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.errors import InvalidParams
from pipeline_engine.sdk import ActionResult
from pipeline_engine.services import executions
from pipeline_engine.services.executions import StartRequest
from pipeline_engine.storage.tables.steps import StepExecution, StepKind

SINK = "__end__"
DIAMOND = [
    a_step("last", depends_on=["left", "right"]),
    a_step("right", depends_on=["first"]),
    a_step("left", depends_on=["first"]),
    a_step("first"),
]


def by_step(rows: list[StepExecution]) -> dict[str, StepExecution]:
    return {row.step_id: row for row in rows}


def test_ids_grow_along_the_graph_because_rows_are_locked_in_their_order(drive) -> None:
    driver: Driver = drive()

    found = by_step(driver.look(driver.start(*DIAMOND)).rows)

    order = ["first", "right", "left", "last", SINK]
    assert all(found[a].id < found[b].id for a, b in pairwise(order))
    assert [found[step].sequence_number for step in order] == [4, 2, 3, 1, 5]


def test_each_execution_of_a_plan_has_successors_of_its_own(drive) -> None:
    driver: Driver = drive()

    both = [by_step(driver.look(driver.start(*DIAMOND)).rows) for _ in range(2)]

    for found in both:
        assert set(found["first"].successors) == {found["left"].id, found["right"].id}
        assert found["left"].successors == [found["last"].id]
        assert found["last"].successors == [found[SINK].id]
        assert found[SINK].successors == []
    assert not {row.id for row in both[0].values()} & {row.id for row in both[1].values()}


def test_what_waits_for_nothing_is_queued_by_the_statement_that_stores_it(drive) -> None:
    blocking = an_action("work", lambda _: ActionResult(success=True))
    driver: Driver = drive(blocking)

    rows = driver.look(
        driver.start(a_step("cheap"), a_step("slow", action="work"), a_step("later", "cheap"))
    ).rows

    queued = {row.step_id for row in rows if row.queued_at and row.publish_count == 1}
    assert queued == {"cheap", "slow"}


def test_nothing_is_left_of_a_start_whose_params_do_not_fit(drive) -> None:
    driver: Driver = drive()
    document: dict[str, Any] = {
        "name": "strict",
        "parameters": [{"name": "count", "type": "integer"}],
        "steps": [a_step("only")],
    }

    with pytest.raises(InvalidParams):
        executions.run_ephemeral(SYSTEM, driver.runtime, document, StartRequest())

    with driver.runtime.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pipeline_revisions")) == 0


def test_a_taken_key_adds_no_rows(drive) -> None:
    driver: Driver = drive()
    request = StartRequest(idempotency_key="k", request_hash="h")
    document = {"name": "once", "steps": [a_step("only")]}

    first, again = (
        executions.run_ephemeral(SYSTEM, driver.runtime, document, request) for _ in range(2)
    )

    assert (first.is_new, again.is_new, again.id) == (True, False, first.id)
    rows = driver.look(first.id).rows
    assert sorted(row.kind for row in rows) == sorted([StepKind.STEP, StepKind.SINK])
    with driver.runtime.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM step_executions")) == len(rows)


def test_each_of_many_executions_that_begin_at_once_has_a_message_with_all_its_first_steps(
    drive, redis
) -> None:
    driver: Driver = drive()

    begun = [driver.start(a_step("a"), a_step("b"), a_step("c", "a")) for _ in range(12)]

    first = [{driver.look(i).step("a").id, driver.look(i).step("b").id} for i in begun]
    wait_until(lambda: set().union(*sent(redis)) == set().union(*first), what="all messages")
    assert all(any(steps <= ids for ids in sent(redis)) for steps in first)


def sent(redis: Redis) -> list[set[int]]:
    """The steps that each message names."""
    bodies = [json.loads(m)["body"] for m in redis.lrange("pe:fast", 0, -1)]
    return [set(json.loads(b64decode(body))[0][0]) for body in bodies]
