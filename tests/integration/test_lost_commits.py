"""The connection breaks at a commit, and nobody knows whether PostgreSQL heard it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
import redis as redis_client
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from support.cutting import CuttingProxy, cutting_proxy

from pipeline_engine.config import Settings
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.registry import RegisteredAction, Registry
from pipeline_engine.scheduler.claim.turn import Turn
from pipeline_engine.scheduler.resume import deliver, join
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction, run_surviving_disconnects
from pipeline_engine.sdk import ActionContext, ActionMeta, ActionResult, BaseActionExecutor
from pipeline_engine.services import executions, inbox
from pipeline_engine.services.executions import StartRequest
from pipeline_engine.services.inbox import Arrival

CLAIM = "leased_until = now() +"
END = "SET status = v.status"
PARK = "awaiting_event = true"
COLLECT = "progress_percentage = coalesce("
EXPAND = "INSERT INTO step_executions"
HEARD = pytest.mark.parametrize(
    "forwarded", [True, False], ids=["committed unheard", "never committed"]
)


@dataclass
class Calls:
    """What the action of these tests did, and what it answers."""

    made: list[str] = field(default_factory=list)
    answer: ActionResult = field(default_factory=lambda: ActionResult(success=True))


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def proxied(settings: Settings) -> Iterator[tuple[CuttingProxy, str]]:
    with cutting_proxy(settings.database_url) as found:
        yield found


@pytest.fixture
def proxy(proxied: tuple[CuttingProxy, str]) -> CuttingProxy:
    return proxied[0]


@pytest.fixture
def runtime(
    proxied: tuple[CuttingProxy, str],
    settings: Settings,
    engine: Engine,
    redis: redis_client.Redis,
    calls: Calls,
) -> Iterator[Runtime]:
    """A worker's runtime whose database is behind the proxy, with one action that is not cheap."""

    class Noting(BaseActionExecutor):
        def execute(self, context: ActionContext) -> ActionResult:
            calls.made.append(context.step_id)
            return calls.answer

    meta = ActionMeta(
        type="noting", name="Noting", category="Tests", description="Notes.", idempotent=False
    )
    found = Registry.discover()
    own = [found.get(name) for name in ("wait_for_event", "while")]
    registry = Registry([RegisteredAction(meta, Noting, "tests", "1"), *own])
    made = Runtime.start(replace(settings, database_url=proxied[1]), registry=registry)
    yield made
    made.stop()


def a_step(step_id: str, *depends_on: str, **fields: Any) -> dict[str, Any]:
    return {"id": step_id, "action": "noting", "depends_on": list(depends_on), **fields}


def start(runtime: Runtime, *steps: dict[str, Any]) -> UUID:
    document = {"name": "under-test", "steps": [{"name": s["id"], **s} for s in steps]}
    return executions.run_ephemeral(SYSTEM, runtime, document, StartRequest(params={})).id


def run_what_is_queued(runtime: Runtime, engine: Engine) -> None:
    """One message to one worker; no sweep helps it."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT id, queue FROM step_executions WHERE queued_at IS NOT NULL"
        ).all()
    Turn(runtime, task_id="the-task", queue=found[0][1]).run([row[0] for row in found])


def rows(engine: Engine, columns: str) -> list[tuple[Any, ...]]:
    query = f"SELECT {columns} FROM step_executions WHERE kind <> 'sink' ORDER BY id"  # noqa: S608
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def events(engine: Engine, event_type: str) -> int:
    with engine.connect() as connection:
        return connection.exec_driver_sql(
            "SELECT count(*) FROM events WHERE event_type = %(type)s", {"type": event_type}
        ).scalar_one()


@HEARD
def test_a_step_whose_end_was_lost_ends_once_and_the_next_one_is_run_by_the_same_worker(
    runtime: Runtime, engine: Engine, proxy: CuttingProxy, calls: Calls, forwarded: bool
) -> None:
    start(runtime, a_step("first"), a_step("second", "first"))
    proxy.cut_commit_after(END, forwarded=forwarded)

    run_what_is_queued(runtime, engine)

    assert proxy.cuts_made == 1
    assert calls.made == ["first", "second"]
    assert rows(engine, "status, attempt") == [("COMPLETED", 1), ("COMPLETED", 1)]
    assert events(engine, "step_completed") == 2
    assert events(engine, "workflow_completed") == 1


@HEARD
def test_what_is_in_hand_is_claimed_once_though_the_end_of_the_step_before_was_lost(
    runtime: Runtime, engine: Engine, proxy: CuttingProxy, calls: Calls, forwarded: bool
) -> None:
    start(runtime, a_step("first"), a_step("second"), a_step("third"))
    proxy.cut_commit_after(END, forwarded=forwarded)

    run_what_is_queued(runtime, engine)

    assert proxy.cuts_made == 1
    assert calls.made == ["first", "second", "third"]
    assert rows(engine, "status, attempt") == [("COMPLETED", 1)] * 3
    assert events(engine, "step_started") == 3


@HEARD
def test_a_claim_that_was_lost_is_recognised_so_that_the_step_runs_and_runs_once(
    runtime: Runtime, engine: Engine, proxy: CuttingProxy, calls: Calls, forwarded: bool
) -> None:
    """Otherwise its lease would expire, and nobody could say that it never ran."""
    start(runtime, a_step("only"))
    proxy.cut_commit_after(CLAIM, forwarded=forwarded)

    run_what_is_queued(runtime, engine)

    assert proxy.cuts_made == 1
    assert calls.made == ["only"]
    assert rows(engine, "status, attempt") == [("COMPLETED", 1)]
    assert events(engine, "step_started") == 1


@HEARD
def test_a_step_whose_parking_was_lost_is_parked_once(
    runtime: Runtime, engine: Engine, proxy: CuttingProxy, calls: Calls, forwarded: bool
) -> None:
    """A second parking would overwrite what an event has left in the meantime."""
    calls.answer = ActionResult(
        success=True, awaiting_event=True, external_workflow_id="job-1", outputs={"job": 1}
    )
    start(runtime, a_step("only"))
    proxy.cut_commit_after(PARK, forwarded=forwarded)

    run_what_is_queued(runtime, engine)

    assert proxy.cuts_made == 1
    assert calls.made == ["only"]
    assert rows(engine, "status, awaiting_event") == [("RUNNING", True)]
    assert events(engine, "step_parked") == 1


@HEARD
def test_a_fan_out_whose_expansion_was_lost_has_its_items_once(
    runtime: Runtime, engine: Engine, proxy: CuttingProxy, forwarded: bool
) -> None:
    start(runtime, a_step("each", for_each={"items": [1, 2, 3]}))
    proxy.cut_commit_after(EXPAND, forwarded=forwarded)

    run_what_is_queued(runtime, engine)

    assert proxy.cuts_made == 1
    assert rows(engine, "items_total")[0] == (3,)
    assert len(rows(engine, "id")) == 4
    assert events(engine, "step_expanded") == 1


@HEARD
def test_a_block_whose_opening_was_lost_has_its_steps_once(
    runtime: Runtime, engine: Engine, proxy: CuttingProxy, calls: Calls, forwarded: bool
) -> None:
    block = {"id": "block", "steps": [a_step("one") | {"name": "1"}], "timeout_seconds": 60}
    start(runtime, block)
    proxy.cut_commit_after(EXPAND, forwarded=forwarded)

    for _ in range(2):  # the block, and the step in it
        run_what_is_queued(runtime, engine)

    assert (proxy.cuts_made, calls.made) == (1, ["one"])
    assert rows(engine, "step_id, status") == [("block", "COMPLETED"), ("one", "COMPLETED")]
    assert events(engine, "step_expanded") == 1


@HEARD
def test_a_round_of_a_loop_that_was_lost_is_made_once(
    runtime: Runtime, engine: Engine, proxy: CuttingProxy, calls: Calls, forwarded: bool
) -> None:
    params = {"action": "noting", "until": "iteration == 9", "carry": {"start": 1, "next": 2}}
    start(runtime, a_step("loop", action="while", params=params))
    for _ in range(2):  # the loop, and its first round
        run_what_is_queued(runtime, engine)
    parent = rows(engine, "id")[0][0]
    proxy.cut_commit_after(EXPAND, forwarded=forwarded)

    join.join(runtime, parent)

    assert proxy.cuts_made == 1
    assert rows(engine, "items_total")[0] == (2,)
    assert [row[0] for row in rows(engine, "item->'value'->'carry'")[1:]] == [1, 2]
    assert events(engine, "step_expanded") == 2


@HEARD
def test_an_event_whose_keeping_was_lost_is_collected_once(
    runtime: Runtime, engine: Engine, proxy: CuttingProxy, forwarded: bool
) -> None:
    params = {"event_key": "k", "count": 2}
    start(runtime, a_step("wait", action="wait_for_event", params=params))
    run_what_is_queued(runtime, engine)
    arrival = Arrival(source="tests", body={"event_key": "k", "n": 1})
    delivery = int(inbox.accept(SYSTEM, runtime, arrival).delivery_id)
    proxy.cut_commit_after(COLLECT, forwarded=forwarded)

    list(deliver.deliver(runtime, [delivery]))

    assert proxy.cuts_made == 1
    assert rows(engine, "outputs->'events'") == [([{"event_key": "k", "n": 1}],)]
    assert events(engine, "step_progress") == 1


def test_a_change_is_tried_as_often_as_the_settings_say_and_no_oftener(
    runtime: Runtime, settings: Settings
) -> None:
    tries = []
    impatient = replace(runtime.settings, db_retry_max_attempts=2, db_retry_exponential_base=1.0)

    def cut_off(tx: Transaction) -> None:
        tries.append(tx.is_retry)
        tx.connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(OperationalError):
        run_surviving_disconnects(replace(runtime, settings=impatient), cut_off)

    assert tries == [False, True]


def test_what_the_database_refuses_is_not_tried_again(runtime: Runtime) -> None:
    tries = []

    def wrong(tx: Transaction) -> None:
        tries.append(tx)
        tx.connection.exec_driver_sql("SELECT 1 / 0")

    with pytest.raises(Exception, match="division by zero"):
        run_surviving_disconnects(runtime, wrong)

    assert len(tries) == 1
