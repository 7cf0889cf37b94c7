"""The engine as one attempt of one action sees it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from threading import Lock
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.errors import ExecutionNotFound
from pipeline_engine.scheduler import tellings, trees
from pipeline_engine.scheduler.actions.context import event_context, make_context
from pipeline_engine.scheduler.actions.own_address import address_of
from pipeline_engine.scheduler.actions.prepared import Prepared, this_attempt
from pipeline_engine.scheduler.log_lines import Attempt
from pipeline_engine.scheduler.outbox import send
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction, retry_on_conflict, transaction
from pipeline_engine.sdk import (
    ActionContext,
    CeleryTask,
    EventContext,
    InvalidActionParams,
    PeerApi,
)
from pipeline_engine.sdk.celery_tasks import CeleryCall
from pipeline_engine.storage import rows, transitions
from pipeline_engine.storage import trees as started
from pipeline_engine.storage.deliveries import DeliveryRow
from pipeline_engine.storage.step_logs import Line
from pipeline_engine.storage.tables.base import Json

#: Progress is stored no more often than this; readers do not look more often either.
PROGRESS_INTERVAL_SECONDS = 1.0
#: Held for the first line of an attempt; one for all, since it is held for no time.
_FIRST_LINE = Lock()


class AttemptApi(PeerApi):
    """Peers, and what only the scheduler can do: leases, progress, other pipelines."""

    def __init__(self, runtime: Runtime, step: Prepared, tx: Transaction | None = None) -> None:
        super().__init__(runtime.peers)
        self._runtime = runtime
        self._step = step
        # The transaction that holds the row; another one would wait for it, and it for us.
        self._tx = tx
        self._reported_at = 0.0
        self.said: Attempt | None = None

    def callback_url(self) -> str:
        """The address that ends this attempt; signing it costs as much as a cheap step."""
        row, planned = self._step.row, self._step.planned
        settings, seconds = self._runtime.settings, self._step.given_seconds
        return address_of(settings, planned, row.id, this_attempt(row), seconds)

    def heartbeat(self) -> None:
        """Renew the lease now; the process renews it every few seconds anyway."""
        self._runtime.leases.renew()

    def report_progress(self, percentage: float, eta_seconds: float | None = None) -> None:
        """Store how far this attempt is, at most once a second."""
        if time.monotonic() - self._reported_at < PROGRESS_INTERVAL_SECONDS and percentage < 100:
            return
        self._reported_at = time.monotonic()
        if self._tx is not None:
            self._note(self._tx.connection, percentage, eta_seconds)
            return
        with transaction(self._runtime) as tx:
            tx.relax_durability()
            self._note(tx.connection, percentage, eta_seconds)

    def _note(self, connection: Connection, percentage: float, eta_seconds: float | None) -> None:
        transitions.note_progress(
            connection, self._step.row, progress=percentage, eta_seconds=eta_seconds
        )

    def keep_line(self, level: str, message: str, facts: Mapping[str, Any]) -> None:
        """Keep a line: with the transaction if there is one, else until ``lines`` are stored."""
        if self.said is None:
            with _FIRST_LINE:  # an action may write from several threads
                self.said = self.said or self._lines_of_its_own()
        self.said.add(level, message, facts)
        if self._tx is not None:
            self._tx.lines += self.said.take()

    def _lines_of_its_own(self) -> Attempt:
        row, lines = self._step.row, self._runtime.log_lines
        made = lines.of(row.execution_id, row.id, this_attempt(row), self._step.masker)
        if self._tx is None:
            lines.follow(made)
        return made

    def lines(self) -> Sequence[Line]:
        """What the action has written down and nobody has stored; from now on nobody else does."""
        if self.said is None:
            return ()
        self._runtime.log_lines.let_go(self.said)
        return self.said.lines()

    def tell_subscription(
        self, name: str, payload: Mapping[str, Any], *, idempotency_key: str
    ) -> None:
        """Post a message; the same key finds that it was posted before."""
        post = partial(
            tellings.tell, step=self._step, name=name, payload=payload, call=idempotency_key
        )
        if self._tx is not None:
            post(self._tx)
            return
        with transaction(self._runtime) as tx:
            post(tx)

    def start_pipeline(
        self, pipeline: str, params: Mapping[str, Any], *, idempotency_key: str
    ) -> str:
        """Start another pipeline; the same key finds the execution that it started before.

        It is another one after the step was told how the first has ended.
        """
        make = partial(
            trees.start_child,
            parent=self._step,
            pipeline=pipeline,
            params=params,
            call=idempotency_key,
        )
        if self._tx is not None:  # what it makes ready is sent with the rest of that
            return str(make(self._tx, is_locked=True))

        def attempt() -> UUID:
            with transaction(self._runtime) as tx:
                child = make(tx, is_locked=False)
            send(tx)
            return child

        return str(retry_on_conflict(attempt))

    def cancel_pipeline(self, execution_id: str) -> None:
        """Cancel an execution that ``start_pipeline`` began, with all below it.

        Raises ``ExecutionNotFound`` for any other: an action stops nothing of its neighbours'.
        """
        found = UUID(execution_id)
        with self._connection() as connection:
            if not started.has_started(connection, self._step.row.id, found):
                message = f"This step has started no execution {execution_id}"
                raise ExecutionNotFound(message, id=execution_id)
        trees.cancel(self._runtime, found, because=trees.PARENT_STOPPED)

    def _connection(self) -> AbstractContextManager[Connection]:
        return nullcontext(self._tx.connection) if self._tx else self._runtime.engine.connect()

    def send_celery_task(self, call: CeleryCall, *, waits: bool, look_first: bool) -> CeleryTask:
        """Send a task of another Celery app, unless that has begun it already."""
        apps = self._runtime.celery_apps
        task = CeleryTask(apps.name_of(call.app), call.task_id)
        apps.check(task.app, call.name)
        if waits and not apps.has_results(task.app):
            raise InvalidActionParams(f"{task.app} keeps no results: say wait: false")
        if not (look_first and apps.has_results(task.app) and apps.is_known(task)):
            apps.send(task.app, call)
        return task

    def revoke_celery_task(self, task: CeleryTask, *, terminate: bool) -> None:
        """Ask the workers of the app to let a task be."""
        apps = self._runtime.celery_apps
        apps.revoke(task, terminate=terminate)


def store_lines(runtime: Runtime, context: ActionContext) -> None:
    """Store what an action has written down, where no transaction is about to."""
    if isinstance(context.engine, AttemptApi) and (said := context.engine.said) is not None:
        runtime.log_lines.let_go(said)
        runtime.log_lines.store(said)


def lines_of(context: ActionContext | EventContext) -> Sequence[Line]:
    """What the action of an attempt has written down outside of any transaction, to be stored."""
    return context.engine.lines() if isinstance(context.engine, AttemptApi) else ()


def context_for(
    runtime: Runtime,
    step: Prepared,
    tx: Transaction | None = None,
    *,
    stored_outputs: Mapping[str, Json] | None = None,
) -> ActionContext:
    """What the action of an attempt is given; in *tx* if that holds the row of the step."""
    engine = AttemptApi(runtime, step, tx)
    if stored_outputs is None and step.row.retry_count:
        stored_outputs = _left_before(runtime, step, tx)
    return make_context(runtime, step, engine=engine, stored_outputs=stored_outputs)


def _left_before(runtime: Runtime, step: Prepared, tx: Transaction | None) -> dict[str, Json]:
    """What the attempts that have failed have left, such as events that are used up."""
    if tx is not None:
        return rows.stored_outputs(tx.connection, step.row.id)
    with runtime.engine.connect() as connection:
        return rows.stored_outputs(connection, step.row.id)


def context_of_event(
    tx: Transaction, step: Prepared, outputs: Mapping[str, Json], delivery: DeliveryRow
) -> EventContext:
    """What ``on_event`` and ``check_event`` are given, in the transaction that holds the row."""
    engine = AttemptApi(tx.runtime, step, tx)
    return event_context(tx.runtime, step, outputs, delivery, engine=engine)
