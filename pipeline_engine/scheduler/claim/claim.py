"""Queued steps are taken: cheap ones are run and ended at once, the others are claimed.

Workers with several threads claim together what they are asked to run at the same time.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler import outbox
from pipeline_engine.scheduler.actions import calls
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.advance import outcome
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.claim.batch import Batch
from pipeline_engine.scheduler.leases import still_held, worker_name
from pipeline_engine.scheduler.outbox import Origin
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction, run_surviving_disconnects
from pipeline_engine.storage import locking, transitions
from pipeline_engine.storage.moves import Claim
from pipeline_engine.storage.postgres.session import is_expired, is_unreachable
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.steps import StepKind

log = structlog.get_logger(__name__)

#: Cheap steps in one transaction; more would keep their rows locked for too long.
STEPS_PER_TRANSACTION = 512
#: So many steps at least, where there are any: many executions that begin at once share a commit.
MORE = 100
#: Seconds after which a transaction begins no other step. Its locks hold up cancels, and the
#: history of all executions is read up to the oldest transaction.
COMPUTING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """Steps that a Celery task was asked to run."""

    ids: Sequence[int]
    origin: Origin
    takes_more: bool = False  #: cheap steps that other tasks were asked to run may be taken along
    trusts: bool = True  #: cheap steps run inside the transaction that takes them


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a task has to do now."""

    claimed: list[Prepared]  #: to be run
    follow_up: list[int]  #: to be taken next, if there is nothing to run
    failures: Sequence[str] = ()  #: of the cheap steps that were run
    error: Exception | None = None


def take(runtime: Runtime, requests: Sequence[ClaimRequest]) -> list[Claimed]:
    """End the cheap steps among those that are wanted, and claim the others."""
    claimed: list[Prepared] = []

    def change(tx: Transaction) -> None:
        # A try whose commit went through unheard is recognised by its claims.
        ours = still_held(tx.connection, [step.row for step in claimed])
        before = [step for step in claimed if step.row.id in ours]
        claimed[:] = [*before, *_taken(tx, requests)]

    try:
        tx = run_surviving_disconnects(runtime, change)
    except Exception as error:
        # A plug-in, or a document of a newer version: the others are not to blame.
        if is_unreachable(error) or len(requests) == 1:
            raise
        requests = [replace(one, trusts=one.trusts and not is_expired(error)) for one in requests]
        log.warning("steps could not be claimed together", exc_info=True)
        return [_take_alone(runtime, one) for one in requests]
    runtime.remember(begun=tx.begun, ended=tx.ended_along)
    return _shared_out(tx, requests, claimed)


def end_slow(tx: Transaction, step_execution_id: int) -> None:
    """End a queued step whose preparation outlives a transaction; the next one would fare alike."""
    for row in locking.lock_queued(tx.connection, [step_execution_id]):
        message = "Its params take so long to prepare that the database ended the transaction"
        advance(
            tx,
            outcome.failed(
                tx, row, None, error_code=calls.TOO_SLOW, message=message, retryable=False
            ),
        )


def _take_alone(runtime: Runtime, one: ClaimRequest) -> Claimed:
    try:
        return take(runtime, [one])[0]
    except Exception as error:  # noqa: BLE001 (its own thread raises it)
        return Claimed([], [], error=error)


def _shared_out(
    tx: Transaction, requests: Sequence[ClaimRequest], claimed: Sequence[Prepared]
) -> list[Claimed]:
    request_of = _request_of(requests)
    mine = [[step for step in claimed if request_of[step.row.id] is one] for one in requests]
    # What is kept has no message: it must not wait behind an action.
    origins = [
        replace(one.origin, goes_on=False) if steps else one.origin
        for one, steps in zip(requests, mine, strict=True)
    ]
    follow_up = outbox.hand_over(tx, origins)
    # Cheap steps are run for one task at a time; what several have asked for is claimed.
    failures = [tuple(tx.failures.values()), *[()] * len(requests)]
    return [Claimed(*taken) for taken in zip(mine, follow_up, failures, strict=False)]


def _taken(tx: Transaction, requests: Sequence[ClaimRequest]) -> list[Prepared]:
    """Run and end what is cheap, wave after wave; returns what was claimed."""
    request_of = _request_of(requests)
    ids = list(request_of)
    claimed: list[Prepared] = []
    # The transaction need not wait for the disk: see ``Transaction.relax_durability``.
    batch = locking.lock_queued(tx.connection, ids, durable=False)
    along: list[StepRow] = []
    if all(one.takes_more for one in requests) and all(row.cheap for row in batch):
        along = _more(tx, ids)
    batch += along
    tx.begun = {row.execution_id for row in batch if _is_root(row)} - tx.runtime.begun
    if tx.begun:
        transitions.mark_running(tx.connection, tx.begun)
    most = STEPS_PER_TRANSACTION
    ends_at = time.monotonic() + COMPUTING_SECONDS
    trusts = all(one.trusts for one in requests)
    while batch:
        steps = Batch(tx, ends_at, trusts)
        steps.run(batch, most=most)
        advance(tx, steps.endings)
        tx.ended_along |= {e.step.id for e in steps.endings}.intersection(row.id for row in along)
        advance(tx, steps.follow())
        claimed += _claimed(tx, steps.claims, request_of)
        most -= max(len(batch), len(steps.endings))
        tx.ready += steps.left
        goes_on = most > 0 and time.monotonic() < ends_at
        batch = _next_batch(tx) if goes_on else []
    failpoint(Failpoint.AFTER_EXECUTE_BEFORE_COMMIT)
    return claimed


def _request_of(requests: Sequence[ClaimRequest]) -> Mapping[int, ClaimRequest]:
    """Who gets a step to run: one of those that have asked, or the first if it was set free."""
    asked = {step_id: one for one in requests for step_id in one.ids}
    return defaultdict(lambda: requests[0], asked)


def _claimed(
    tx: Transaction, steps: Sequence[Prepared], request_of: Mapping[int, ClaimRequest]
) -> list[Prepared]:
    if not all(step.planned.idempotent for step in steps):
        # A claim that a crash of the database undid would let the action run twice.
        tx.demand_durability()
    claims = [
        Claim(
            step.row,
            timedelta(seconds=seconds_for(step, tx.runtime)),
            request_of[step.row.id].origin.task_id,
        )
        for step in steps
    ]
    claimed = transitions.claim(
        tx.connection, claims, worker=worker_name(), lease=tx.runtime.settings.lease
    )
    return [step for step in steps if step.row.id in claimed]


def _more(tx: Transaction, ids: Sequence[int]) -> list[StepRow]:
    # A second try finds nothing else, or it would not notice that the first was committed.
    if tx.is_retry or len(ids) >= MORE:
        return []
    since = tx.runtime.working_since(tx.connection)
    return locking.lock_more_queued(
        tx.connection, beside=ids, most=MORE - len(ids), queued_since=since
    )


def _is_root(row: StepRow) -> bool:
    return row.kind == StepKind.STEP and row.dependency_count == 0


def _next_batch(tx: Transaction) -> list[StepRow]:
    """Cheap steps that this transaction has set free and may as well run itself.

    Not while it holds a row that others want to change too: they would wait for all of it.
    """
    if tx.shares_locks or not all(row.cheap for row in tx.ready):
        return []
    size = tx.runtime.settings.chunk_size
    if len(tx.ready) > size:  # others should have some of it
        return []
    batch, tx.ready = tx.ready, []
    return batch


def seconds_for(step: Prepared, runtime: Runtime) -> float:
    """How long the action of a claimed step may take."""
    if step.planned.cheap:  # one that may not run in a transaction may take no longer outside
        return runtime.settings.cheap_step_seconds
    return step.timeout_seconds or runtime.settings.step_timeout_seconds
