"""Carry executions on in this process, one wake-up after another, the way workers would.

The rows say what is to be done; no message is needed. What only time brings, the sweep finds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline_engine.domain.phases import Phase
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.claim.plain import make_turn
from pipeline_engine.scheduler.event_triggers.decide import decide
from pipeline_engine.scheduler.resume import (
    cancel_rest,
    cleanup,
    deliver,
    give_places,
    join,
    supersede,
)
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.webhooks import start_deliveries
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.services.audit import audit_rows
from pipeline_engine.storage import event_triggers as event_windows
from pipeline_engine.storage import lines, offers
from pipeline_engine.storage.tables.events import Event as HistoryEvent
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.steps import StepExecution, StepKind
from support.factories import an_execution
from support.phases import steps_in
from support.waiting import POLL_SECONDS, wait_until

QUEUED = steps_in(Phase.QUEUED)
JOINABLE = steps_in(Phase.JOINING)
CANCELLED = steps_in(Phase.CLEANING_UP, "leased_until IS NULL OR leased_until < now()")
RACES = "SELECT id FROM step_executions WHERE cancels_rest ORDER BY id"
UNDECIDED = "SELECT delivery_id FROM delivery_targets WHERE verdict = 'pending'"
UNSETTLED = "SELECT id FROM inbox WHERE disposition = 'pending' ORDER BY id"

UNFOLLOWED = "SELECT id FROM webhook_deliveries WHERE outcome = 'pending' ORDER BY id"
#: Whether there is anything at all that asks for places, deliveries, decisions or a start. Most
#: tests have nothing of it, and would look for it in nine more round trips after each step.
RARE = f"""
SELECT EXISTS (SELECT FROM concurrency_places), EXISTS ({UNSETTLED}),
    EXISTS ({UNDECIDED}) OR EXISTS (SELECT FROM event_trigger_windows), EXISTS ({UNFOLLOWED})
"""  # noqa: S608
STATUS = "SELECT status FROM executions WHERE id = %(id)s"


@dataclass(frozen=True)
class Look:
    """An execution as its rows show it at one moment."""

    execution: Execution
    rows: list[StepExecution]
    history: list[HistoryEvent]

    @property
    def status(self) -> str:
        return self.execution.status

    @property
    def outputs(self) -> dict[str, Any] | None:
        return self.execution.outputs

    @property
    def statuses(self) -> dict[str, str]:
        """The statuses of all steps, handlers and compensations."""
        return {row.step_id: row.status for row in self.rows if row.kind in SHOWN}

    def step(self, step_id: str) -> StepExecution:
        return next(r for r in self.rows if r.step_id == step_id and r.kind != StepKind.ITEM)

    def items(self, step_id: str) -> list[StepExecution]:
        found = [r for r in self.rows if r.step_id == step_id and r.kind == StepKind.ITEM]
        return sorted(found, key=lambda row: row.item_index or 0)

    def events(self, step_id: str | None = None) -> list[str]:
        """The kinds of events in their order, of one step or of all."""
        ids = {row.id for row in self.rows if row.step_id == step_id}
        return [e.event_type for e in self.history if step_id is None or e.step_execution_id in ids]


SHOWN = frozenset({StepKind.STEP, StepKind.HANDLER, StepKind.COMPENSATION})


class Driver:
    """All the workers that there are."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def start(self, *steps: dict[str, Any], **fields: Any) -> UUID:
        """Store an execution; nothing runs before somebody drives."""
        return an_execution(self.runtime, *steps, **fields)

    def run(self, *steps: dict[str, Any], **fields: Any) -> Look:
        """Carry a new execution to its end."""
        return self.finish(self.start(*steps, **fields))

    def finish(self, execution_id: UUID, *, within: float = 20) -> Look:
        """Carry everything on until this execution has ended; every step has ended then, too."""
        deadline = time.monotonic() + within
        while not self._has_ended(execution_id):
            assert time.monotonic() < deadline, f"stuck: {self.look(execution_id).statuses}"
            if not self.round():
                sweep.sweep(self.runtime)
                Event().wait(POLL_SECONDS)
        found = self.look(execution_id)
        left = [(r.step_id, r.item_index, r.status) for r in found.rows if r.finished_at is None]
        assert not left, f"the execution has ended, these steps have not: {left}"
        taken = [row.in_window or row.held or row.in_line or row.has_place for row in found.rows]
        assert not any(taken), "a place is still taken"
        findings = self.audit(execution_id)
        assert not findings, findings
        return found

    def audit(self, execution_id: UUID) -> list[str]:
        """What the rules, the history and the rows have against each other."""
        with self.runtime.engine.connect() as connection:
            return [str(finding) for finding in audit_rows(connection, execution_id).findings]

    def settle(self) -> None:
        """Go on until nothing is left that could be done now."""
        while self.round():
            pass

    def settle_only(self, execution_id: UUID) -> None:
        """Run the queued steps of one execution once."""
        self.turn(*[row.id for row in self.look(execution_id).rows if row.queued_at])

    def round(self) -> bool:
        """Answer every wake-up that is due; false if there was none."""
        moved = [
            self._each(QUEUED, self.turn),
            self._each(JOINABLE, self.join),
            self._each(CANCELLED, self.clean_up),
            self._each(RACES, self.cancel_rest),
        ]
        with self.runtime.engine.connect() as connection:
            wanted = connection.exec_driver_sql(RARE).one()
        others = (self.give_places, self.deliver, self.offer, self.follow_webhooks)
        moved += [answer() for answer, is_wanted in zip(others, wanted, strict=True) if is_wanted]
        return any(moved)

    def turn(self, *ids: int, queue: str | None = None) -> None:
        """What a worker does with a message that names these steps."""
        make_turn(self.runtime, task_id="task", queue=queue).run(ids)

    def join(self, step_execution_id: int) -> None:
        make_turn(self.runtime).go_on(join.join(self.runtime, step_execution_id))

    def clean_up(self, step_execution_id: int) -> None:
        make_turn(self.runtime).go_on(cleanup.clean_up(self.runtime, step_execution_id))

    def cancel_rest(self, step_execution_id: int) -> None:
        make_turn(self.runtime).go_on(cancel_rest.cancel_rest(self.runtime, step_execution_id))

    def give_places(self) -> bool:
        """Look after the keys of places; false if nobody's turn has come."""
        with self.runtime.engine.connect() as connection:
            stalled, superseded = lines.stalled(connection), lines.not_cancelled(connection)
        for place_id in stalled:
            make_turn(self.runtime).go_on(give_places.give_places(self.runtime, place_id))
        for place_id in superseded:
            make_turn(self.runtime).go_on(supersede.supersede(self.runtime, place_id))
        return bool(stalled or superseded)

    def deliver(self) -> bool:
        """Hand over what the inbox holds; false if nobody wanted any of it."""
        before = self._ids(UNSETTLED)
        self.hand_over(*before)
        return self._ids(UNSETTLED) != before

    def hand_over(self, *delivery_ids: int) -> None:
        """Give these deliveries to whoever waits for them."""
        for delivery_id in delivery_ids:
            self.give([delivery_id])

    def give(self, delivery_ids: Sequence[int]) -> None:
        """What a worker does with a message that names these deliveries."""
        for work in deliver.deliver(self.runtime, delivery_ids):
            make_turn(self.runtime).go_on(work)

    def offer(self, *, now: datetime | None = None) -> bool:
        """Let event triggers decide on what they were offered; false if there was nothing."""
        with self.runtime.engine.connect() as connection:
            waiting = offers.waiting_triggers(connection, self._ids(UNDECIDED))
            due = event_windows.due(connection, moment=now)
        for trigger_id in dict.fromkeys([*waiting, *due]):
            for work in decide(self.runtime, trigger_id, now=now):
                make_turn(self.runtime).go_on(work)
        return bool(waiting or due)

    def follow_webhooks(self) -> bool:
        """Start what has come in by webhooks; false if nothing has."""
        before = self._ids(UNFOLLOWED)
        for work in start_deliveries(self.runtime, before):
            make_turn(self.runtime).go_on(work)
        return self._ids(UNFOLLOWED) != before

    def look(self, execution_id: UUID) -> Look:
        with Session(self.runtime.engine, expire_on_commit=False) as session:
            by_id = {"execution_id": execution_id}
            return Look(
                session.get_one(Execution, execution_id),
                list(session.scalars(select(StepExecution).filter_by(**by_id).order_by("id"))),
                list(session.scalars(select(HistoryEvent).filter_by(**by_id).order_by("id"))),
            )

    def change(self, statement: str, **values: Any) -> int:
        """Change rows behind the engine's back: what a crash leaves, or time that has passed."""
        with self.runtime.engine.begin() as connection:
            return connection.exec_driver_sql(statement, values).rowcount

    def _has_ended(self, execution_id: UUID) -> bool:
        with self.runtime.engine.connect() as connection:
            found = connection.exec_driver_sql(STATUS, {"id": execution_id})
            return ExecutionStatus(found.scalar_one()).is_final

    def _each(self, query: str, wake: Callable[[int], None]) -> bool:
        ids = self._ids(query)
        for step_execution_id in ids:
            wake(step_execution_id)
        return bool(ids)

    def _ids(self, query: str) -> list[int]:
        with self.runtime.engine.connect() as connection:
            return list(connection.exec_driver_sql(query).scalars())


class Gate:
    """An action that blocks: it says that it was entered, and goes on when it is let."""

    def __init__(self, *, outputs: dict[str, Any] | None = None) -> None:
        self.entered: list[str] = []
        self._open = Event()
        self._outputs = outputs or {}

    def execute(self, context: ActionContext) -> ActionResult:
        self.entered.append(context.step_id)
        assert self._open.wait(20), "nobody opened the gate"
        return ActionResult(success=True, outputs=self._outputs)

    def wait_for(self, *step_ids: str) -> None:
        """Wait until these steps are inside."""
        wait_until(lambda: set(step_ids) <= set(self.entered), what=f"{step_ids} at the gate")

    def open(self) -> None:
        self._open.set()


@contextmanager
def in_background(*calls: Callable[[], object]) -> Iterator[None]:
    """Make these calls at the same time; what one of them raises is raised at the end."""
    raised: list[BaseException] = []

    def guarded(call: Callable[[], object]) -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - shown to the test below
            raised.append(error)

    threads = [Thread(target=guarded, args=(call,), daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join(30)
    assert not any(thread.is_alive() for thread in threads), "a call does not come back"
    if raised:
        raise raised[0]
