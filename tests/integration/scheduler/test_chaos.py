"""Many executions, many workers, and nothing goes well, but everything ends as it should.

Messages are lost, doubled and late, workers die, steps fail, events come twice, clients cancel.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError
from support.driving import Driver, in_background
from support.factories import a_pipeline, a_step, an_action
from support.phases import recorded_moves, steps_in

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.domain.outcome import has_failed
from pipeline_engine.domain.phases import PHASE_MOVES, Phase
from pipeline_engine.errors import AlreadyFinal, AlreadyStopped
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.combining import Unanswered
from pipeline_engine.scheduler.transaction import LOST_RACES
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    StepStatus,
)
from pipeline_engine.services import executions, inbox
from pipeline_engine.services.audit import audit_rows
from pipeline_engine.services.inbox import Arrival
from pipeline_engine.storage.places import IS_LIVE

#: Keys of places, and how many may have each at once. Who has one of the first waits for no other.
STEP_KEYS, PIPELINE_KEYS = {"one": 1, "two": 2}, {"all": 2}
TOO_MANY = f"""
SELECT p.key, count(*) FROM concurrency_places p
JOIN unnest(%(keys)s::text[], %(limits)s::int[]) AS of(key, most) ON of.key = p.key
WHERE p.taken_at IS NOT NULL AND {IS_LIVE} GROUP BY p.key, of.most HAVING count(*) > of.most
"""
OPEN = "SELECT count(*) FROM executions WHERE status IN ('PENDING', 'RUNNING')"
QUEUED = steps_in(Phase.QUEUED)
#: Those that cannot be woken, too: a message may come late, or be a forged one.
WAKEABLE = "SELECT id FROM step_executions WHERE status = 'RUNNING'"
PENDING = "SELECT id FROM inbox"
PARKED = steps_in(Phase.PARKED, column="external_workflow_id")
RESULTS = {"step_completed", "step_failed", "step_skipped", "step_timeout"}
ENDS = {"workflow_completed", "workflow_failed", "workflow_interrupted"}


class Killed(BaseException):
    """The worker is killed here: nobody gets to handle it."""


class Chaos:
    """Actions that do as they please, and everybody who makes their lives hard."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.stopped = Event()

    # ── Actions ──────────────────────────────────────────────────────────────────────────

    def _maybe(self, share: float) -> bool:
        return self.random.random() < share

    def work(self, context: ActionContext) -> ActionResult:
        if self._maybe(0.03):
            raise Killed
        if self._maybe(0.1):
            raise RuntimeError("out of luck")
        return ActionResult(success=not self._maybe(0.1), outputs={"attempt": context.attempt})

    def park(self, context: ActionContext) -> ActionResult:
        job = f"{context.idempotency_key}:{context.attempt if self._maybe(0.5) else 'job'}"
        return ActionResult(success=True, awaiting_event=True, external_workflow_id=job)

    def on_event(self, context: EventContext) -> EventResult:
        if self._maybe(0.2):
            return EventResult(action=EventAction.UPDATE_OUTPUTS, outputs={"more": True})
        ended = StepStatus.FAILED if self._maybe(0.15) else StepStatus.COMPLETED
        return EventResult(action=EventAction.COMPLETE, status=ended)

    def cleanup(self, context: ActionContext) -> None:
        if self._maybe(0.1):
            raise Killed

    def actions(self) -> list[RegisteredAction]:
        return [
            an_action("cheap", self.work, cheap=True),
            an_action("work", self.work),
            an_action("once", self.work, idempotent=False, cleanup=self.cleanup),
            an_action("park", self.park, on_event=self.on_event, cleanup=self.cleanup),
        ]

    # ── Definitions ──────────────────────────────────────────────────────────────────────

    def steps(self, prefix: str = "s", depth: int = 0) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for number in range(self.random.randint(1, 4) if depth else self.random.randint(3, 12)):
            before = [step["id"] for step in found]
            wanted = self.random.sample(before, min(len(before), self.random.randint(0, 3)))
            step = a_step(f"{prefix}{number}", *wanted, **self._fields(len(wanted)))
            found.append(self._block(step, depth) if depth < 2 and self._maybe(0.25) else step)
        return found

    def _block(self, step: dict[str, Any], depth: int) -> dict[str, Any]:
        """The same step with others in place of its action."""
        block = {name: value for name, value in step.items() if name not in ("action", "params")}
        block["steps"] = self.steps(f"{step['id']}-", depth + 1)
        if self._maybe(0.3):
            block.pop("for_each", None)
            block["while"] = {"condition": "{{ iteration < 2 }}", "tolerated_failures": 1}
        if self._maybe(0.3):
            block["timeout_seconds"] = 3600  # until the clock says otherwise
        if self._maybe(0.3):
            block["catch"] = [{"errors": "*", "outputs": {}}]
        return block

    def _fields(self, dependencies: int) -> dict[str, Any]:
        rules = ["none_failed", "all_success", "all_done", "always", "all_failed"]
        if dependencies:
            rules += ["one_success", "one_failed", {"at_least": dependencies}]
        fields: dict[str, Any] = {
            "action": self.random.choice(["cheap", "cheap", "work", "once", "park", "call"]),
            "trigger_rule": self.random.choice(["none_failed"] * 6 + rules),
            "on_failure": self.random.choice(["fail", "continue", "continue"]),
        }
        if self._maybe(0.3):
            fields["concurrency"] = self.concurrency(STEP_KEYS)
        if fields["action"] == "call":
            return fields | {"action": "run_pipeline", "params": {"pipeline": "child"}}
        if self._maybe(0.5):
            fields["on_failure"] = "retry"
            fields["retry"] = {"max_attempts": 3, "backoff_seconds": 0}
        if self._maybe(0.25):
            width = self.random.choice([None, 1, 2])
            count = self.random.randint(0, 6)
            fields["for_each"] = {
                "items": list(range(count)),
                "tolerated_failures": self.random.randint(0, 2),
                "max_concurrency": width,
            }
        if self._maybe(0.1):
            fields["condition"] = "false"
        if self._maybe(0.2):
            fields["compensate"] = {"action": "cheap"}
        return fields

    def concurrency(self, keys: dict[str, int]) -> dict[str, Any]:
        key = self.random.choice(sorted(keys))
        when_full = self.random.choice(["wait", "wait", "wait", "skip", "fail", "cancel_oldest"])
        return {"key": key, "limit": keys[key], "when_full": when_full}

    def settings(self) -> dict[str, Any]:
        handler = a_step("last", action="work")
        handler.pop("depends_on")
        return {
            "fail_fast": self._maybe(0.5),
            "max_parallel_steps": self.random.randint(1, 4),
            "finally": [handler] if self._maybe(0.5) else [],
            "timeout_seconds": 3600,
        }

    # ── Everybody ────────────────────────────────────────────────────────────────────────

    def all_the_time(self, call: Callable[[], None]) -> Callable[[], None]:
        def loop() -> None:
            while not self.stopped.is_set():
                try:
                    call()
                except (Killed, Unanswered):  # or one that had work done by a killed one
                    pass
                except DBAPIError as error:
                    # A race that was lost five times: the message is gone, the sweep is not.
                    if getattr(error.orig, "pgcode", None) not in LOST_RACES:
                        self.stopped.set()
                        raise
                except BaseException:
                    self.stopped.set()
                    raise

        return loop

    def some(self, driver: Driver, query: str) -> list[Any]:
        with driver.runtime.engine.connect() as connection:
            found = list(connection.exec_driver_sql(query).scalars())
        return self.random.sample(found, min(len(found), self.random.randint(1, 4)))

    def worker(self, driver: Driver) -> None:
        driver.turn(*self.some(driver, QUEUED))
        for step in self.some(driver, WAKEABLE):
            self.random.choice([driver.join, driver.clean_up])(step)
        driver.hand_over(*self.some(driver, PENDING))
        driver.give_places()

    def peer(self, driver: Driver) -> None:
        for job in self.some(driver, PARKED):
            body = {"workflow_id": job, "number": self.random.randint(0, 20)}
            inbox.accept(SYSTEM, driver.runtime, Arrival(source="chaos", body=body))
        Event().wait(0.02)

    def client(self, driver: Driver, ids: list[UUID]) -> None:
        with suppress(AlreadyFinal, AlreadyStopped):
            executions.cancel(SYSTEM, driver.runtime, self.random.choice(ids))
        Event().wait(0.3)

    def clock(self, driver: Driver) -> None:
        sweep.sweep(driver.runtime)
        limits = STEP_KEYS | PIPELINE_KEYS
        with driver.runtime.engine.connect() as connection:
            given = {"keys": list(limits), "limits": list(limits.values())}
            assert not connection.exec_driver_sql(TOO_MANY, given).all()
        if self._maybe(0.1):
            driver.change(
                "UPDATE step_executions SET deadline_at = now() WHERE id IN (SELECT id FROM"
                " step_executions WHERE deadline_at IS NOT NULL ORDER BY random() LIMIT 1)"
                " AND deadline_at IS NOT NULL"  # it may have ended before it was locked
            )
        Event().wait(0.02)


def wait_for_all(chaos: Chaos, driver: Driver, *, within: float) -> None:
    deadline = time.monotonic() + within
    try:
        while not chaos.stopped.wait(0.1):
            with driver.runtime.engine.connect() as connection:
                left = connection.exec_driver_sql(OPEN).scalar_one()
            if not left:
                return
            assert time.monotonic() < deadline, f"{left} executions do not end"
    finally:
        chaos.stopped.set()


@pytest.mark.parametrize("seed", [1, 2])
def test_every_execution_ends_and_every_step_has_one_result(drive, session, seed):
    chaos = Chaos(seed)
    driver = drive(
        *chaos.actions(),
        lease_seconds=0.5,
        republish_after_seconds=0.2,
        max_lost_attempts=4,
        log_level="ERROR",
    )
    a_pipeline(session, a_step("x", action="work"), a_step("y", "x", action="park"), name="child")
    ids = [driver.start(*chaos.steps(), settings=chaos.settings()) for _ in range(3)]
    limit = chaos.concurrency(PIPELINE_KEYS)
    ids += [
        driver.start(*chaos.steps(), settings=chaos.settings(), concurrency=limit) for _ in range(3)
    ]
    cancellable = ids[::4]

    with (
        recorded_moves(driver.runtime.engine) as moves,
        in_background(
            *[chaos.all_the_time(lambda: chaos.worker(driver)) for _ in range(3)],
            chaos.all_the_time(lambda: chaos.peer(driver)),
            chaos.all_the_time(lambda: chaos.client(driver, cancellable)),
            *[chaos.all_the_time(lambda: chaos.clock(driver)) for _ in range(2)],
        ),
    ):
        wait_for_all(chaos, driver, within=40)

    with driver.runtime.engine.connect() as connection:
        every = list(connection.exec_driver_sql("SELECT id FROM executions").scalars())
        assert {i: found for i in every if (found := audit_rows(connection, i).findings)} == {}
    for execution_id in every:
        check(driver.look(execution_id))
    assert moves
    assert {(before, after) for before, after in moves if after not in PHASE_MOVES[before]} == set()


def check(end: Any) -> None:
    """What has to be true of an execution that has ended, however it ended."""
    shown = [(row.step_id, row.item_index, row.kind, row.status) for row in end.rows]
    results = Counter(e.step_execution_id for e in end.history if e.event_type in RESULTS)

    assert all(StepStatus(row.status).is_final and row.finished_at for row in end.rows), shown
    assert {row.id: results[row.id] for row in end.rows if row.kind != "sink"} == {
        row.id: 1 for row in end.rows if row.kind != "sink"
    }, shown
    assert len([e for e in end.history if e.event_type in ENDS]) == 1
    assert not any(row.in_window or row.held or row.awaiting_event for row in end.rows)
    assert not any(row.in_line or row.has_place for row in end.rows)
    assert not any(row.leased_until or row.queued_at or row.due_at for row in end.rows)
    assert all(row.remaining == 0 for row in end.rows if row.kind == "sink")
    assert all(not row.items_open for row in end.rows)
    if end.status == "COMPLETED":
        assert not has_failed(end.execution.error)
