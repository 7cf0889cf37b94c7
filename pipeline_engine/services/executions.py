"""Executions: start one, wait for its end, cancel it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select

from pipeline_engine.domain.audit_log import Act, Record
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.sealing import with_sealed_defaults
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.errors import (
    AlreadyFinal,
    AlreadyStopped,
    InvalidDefinition,
)
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler import start as starting
from pipeline_engine.scheduler import trees
from pipeline_engine.scheduler.outbox import send_first
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.start import Request as StartRequest
from pipeline_engine.scheduler.start import Startable, Started
from pipeline_engine.scheduler.transaction import Transaction, retry_on_conflict, transaction
from pipeline_engine.services.definitions import check
from pipeline_engine.services.pipelines import as_id
from pipeline_engine.services.queries import ExecutionRecord, execution
from pipeline_engine.services.stored_actions.catalogue import catalogue_read
from pipeline_engine.services.visibility import not_found, require_visible
from pipeline_engine.storage.pipelines import insert_ephemeral
from pipeline_engine.storage.tables.executions import Execution, open_among
from pipeline_engine.storage.visibility import visible_to

__all__ = [
    "StartRequest",
    "Started",
    "cancel",
    "commit_and_send",
    "ended",
    "run_ephemeral",
    "start",
    "start_in",
    "wait",
]

T = TypeVar("T")

#: Seconds until a waiting request first looks for the end; many executions have ended by then.
FIRST_LOOK_SECONDS = 0.005
#: Seconds between its further looks.
LOOK_EVERY_SECONDS = 0.05


def start(
    caller: Caller, runtime: Runtime, pipeline_id: str | UUID, request: StartRequest
) -> Started:
    """Store an execution of a pipeline's newest revision; its first steps are on their way.

    *caller* has to see the pipeline, and so has the user whom the execution is for.

    Raises ``PipelineNotFound``, ``DraftNotExecutable``, ``InvalidParams`` and
    ``IdempotencyKeyReused``.
    """
    wanted = as_id(pipeline_id)
    return commit_and_send(runtime, lambda tx: start_in(caller, tx, wanted, request))


def start_in(caller: Caller, tx: Transaction, pipeline_id: UUID, request: StartRequest) -> Started:
    """The same inside of a transaction that also writes the rows of whoever asked for it.

    ``commit_and_send`` opens one. Raises what ``start`` does.
    """
    owner = caller.acting_for(request.user_id)
    found = starting.pipeline_with_id(tx, (owner, caller), pipeline_id)
    return starting.start(tx, found, _owned(owner, request))


def start_named(caller: Caller, runtime: Runtime, name: str, request: StartRequest) -> Started:
    """The same by the name of a pipeline, which is that of the user whom the execution is for.

    If that user has none of this name, it is that of the system. Raises ``AmbiguousName``, too.
    """
    owner = caller.acting_for(request.user_id)

    def begin(tx: Transaction) -> Started:
        found = starting.pipeline_named(tx, (owner, caller), name)
        return starting.start(tx, found, _owned(owner, request))

    return commit_and_send(runtime, begin)


def run_ephemeral(
    caller: Caller, runtime: Runtime, document: dict[str, Any], request: StartRequest
) -> Started:
    """Check a definition and execute it without storing a pipeline of it.

    Raises ``InvalidDefinition``, ``InvalidParams`` and ``IdempotencyKeyReused``.
    """
    owned = _owned(caller.acting_for(request.user_id), request)
    with catalogue_read(runtime, owned.user_id) as actions:
        report = check(runtime, document, actions)
        chosen = actions.recorded(report.versions)
    if not report.valid:
        raise InvalidDefinition(report=report)

    def begin(tx: Transaction) -> Started:
        sealed = with_sealed_defaults(document, runtime.sealer)
        revision_id = insert_ephemeral(tx.connection, sealed, chosen)
        plan = runtime.plans.of(tx.connection, revision_id)
        owner = owned.user_id
        startable = Startable(
            revision_id, None, plan.definition.name, plan, owner, of_system=_is_of_system(owned)
        )
        return starting.start(tx, startable, owned)

    return commit_and_send(runtime, begin)


def _is_of_system(request: StartRequest) -> bool:
    """Whether a definition that is sent along is the system's; nobody else owns it."""
    return request.user_id is None and request.caller.is_administrator


def _owned(owner: Caller, request: StartRequest) -> StartRequest:
    """*request* as one of its owner."""
    return replace(request, user_id=owner.user_id, caller=owner)


def commit_and_send(runtime: Runtime, change: Callable[[Transaction], T]) -> T:
    """Carry out *change* in a transaction, and send what it has queued once it is committed.

    If this process dies in between, the sweep sends it. A transaction that lost a race is rolled
    back and runs again, so *change* reads anew whatever it goes by.
    """

    def attempt() -> tuple[T, Transaction]:
        with transaction(runtime) as tx:
            found = change(tx)
        return found, tx

    found, tx = retry_on_conflict(attempt)
    failpoint(Failpoint.AFTER_START_BEFORE_SEND)
    send_first(tx)
    return found


def wait(caller: Caller, runtime: Runtime, execution_id: UUID, seconds: float) -> None:
    """Come back when the execution has ended, after *seconds* at the latest.

    Raises ``ExecutionNotFound``, also for what belongs to another user.
    """
    ends_at, pause = time.monotonic() + seconds, FIRST_LOOK_SECONDS
    while not _is_final(caller, runtime, execution_id) and time.monotonic() < ends_at:
        time.sleep(pause)
        pause = min(2 * pause, LOOK_EVERY_SECONDS)


def ended(runtime: Runtime, ids: Collection[UUID]) -> set[UUID]:
    """Which of these executions have ended, or are gone: one question for all who wait."""
    with runtime.engine.connect() as connection:
        return set(ids) - open_among(connection, ids)


def _is_final(caller: Caller, runtime: Runtime, execution_id: UUID) -> bool:
    seen = visible_to(Execution, caller)
    with runtime.engine.connect() as connection:
        status = connection.scalar(
            select(Execution.status).where(Execution.id == execution_id, seen)
        )
    if status is None:
        raise not_found(execution_id)
    return ExecutionStatus(status).is_final


def cancel(
    caller: Caller,
    runtime: Runtime,
    execution_id: UUID,
    *,
    reason: str | None = None,
    force: bool = False,
) -> ExecutionRecord:
    """Stop an execution: what never started is skipped, what runs is told to stop.

    So are all executions that were started below it, waited for or not, also when this one has
    ended. Handlers and compensations run on, or come yet; a second cancel, or *force*, stops
    them, too. Returns the execution as it is then: it ends once its open steps are cleaned up.

    Raises ``ExecutionNotFound``, also for what belongs to another user, and when nothing is left
    that could be stopped ``AlreadyFinal`` or ``AlreadyStopped``.
    """
    with runtime.sessions() as session:
        owner = require_visible(caller, session, execution_id)
    record = Record.of(caller, Act.EXECUTION_CANCEL, execution_id, owner, force=force)
    if not trees.cancel(
        runtime, execution_id, because=reason, force=force, again=True, record=record
    ):
        if _is_final(caller, runtime, execution_id):
            raise AlreadyFinal(f"Execution {execution_id} has ended already")
        raise AlreadyStopped(f"All of execution {execution_id} is being stopped already")
    with runtime.sessions.begin() as session:
        return execution(caller, session, execution_id)


def with_key(request: StartRequest, key: str | None, digest: str) -> StartRequest:
    """*request* under an Idempotency-Key."""
    if key is None:
        return request
    return replace(request, idempotency_key=key, request_hash=digest)
