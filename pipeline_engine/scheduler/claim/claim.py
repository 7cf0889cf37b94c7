"""Queued steps are locked: cheap ones are run and ended at once, the others are claimed.

Workers with several threads claim together what they are asked to run at the same time.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from pipeline_engine.domain.queues import QueueName
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler.actions import calls
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.advance import outcome
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.claim.batch import Batch
from pipeline_engine.scheduler.claim.slots import (
    Slot,
    claim_next,
    claimed,
    deal,
    hand_over,
    mark_running,
)
from pipeline_engine.scheduler.outbox import Origin
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction, run_surviving_disconnects
from pipeline_engine.storage import locking, shares
from pipeline_engine.storage.postgres.session import is_expired, is_unreachable
from pipeline_engine.storage.rows import StepRow

log = structlog.get_logger(__name__)

#: Cheap steps in one transaction; more would keep their rows locked for too long.
STEPS_PER_TRANSACTION = 512
#: Seconds after which a transaction begins no other step. Its locks hold up cancels, and the
#: history of all executions is read up to the oldest transaction.
COMPUTING_SECONDS = 1.0
#: The same while several owners have steps in its queue: the others wait for as long.
SHARED_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """Steps that a Celery task was asked to run."""

    ids: Sequence[int]
    origin: Origin
    trusts: bool = True  #: cheap steps run inside the transaction that takes them
    first: str | None = None  #: the owner whose turn comes before that of these steps


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a task has to do now."""

    steps: list[Prepared]  #: to be run
    hand: Sequence[StepRow] = ()  #: queued blocking steps, to be claimed one after the other
    follow_up: Sequence[int] = ()  #: cheap steps to be taken next, if there is nothing to run
    failures: Sequence[str] = ()  #: of the cheap steps that were run
    has_found: bool = False  #: the owner whose turn it was had steps that nobody else has
    error: Exception | None = None


def claim(runtime: Runtime, requests: Sequence[ClaimRequest]) -> list[Claimed]:
    """End the cheap steps that are asked for; of the others each task gets the first that is free.

    All others stay in its hand: queued, so that whoever is idle may claim them before it does.
    """
    slots = [Slot(request.origin, first=request.first) for request in requests]

    def change(tx: Transaction) -> None:
        for slot in slots:
            slot.begin_anew(tx)
        _claim(tx, requests, slots)

    try:
        tx = run_surviving_disconnects(runtime, change)
    except Exception as error:
        # A plug-in, or a document of a newer version: the others are not to blame.
        if is_unreachable(error) or len(requests) == 1:
            raise
        requests = [replace(one, trusts=one.trusts and not is_expired(error)) for one in requests]
        log.warning("steps could not be claimed together", exc_info=True)
        return [_claim_alone(runtime, one) for one in requests]
    runtime.remember(tx.begun, tx.recorded)
    follow_ups = hand_over(tx, slots)
    # Cheap steps are run for one task at a time; what several have asked for is claimed.
    failures = [tuple(tx.failures.values()), *[()] * len(requests)]
    return [
        Claimed(slot.steps, slot.hand, ids, failed, slot.has_found)
        for slot, ids, failed in zip(slots, follow_ups, failures, strict=False)
    ]


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


def _claim_alone(runtime: Runtime, one: ClaimRequest) -> Claimed:
    try:
        return claim(runtime, [one])[0]
    except Exception as error:  # noqa: BLE001 (its own thread raises it)
        return Claimed([], error=error)


def _claim(tx: Transaction, requests: Sequence[ClaimRequest], slots: Sequence[Slot]) -> None:
    """Run and end what is cheap, wave after wave, and claim what is not."""
    asked = {
        step_id: slot for one, slot in zip(requests, slots, strict=True) for step_id in one.ids
    }
    # The transaction need not wait for the disk: see ``Transaction.relax_durability``.
    rows = locking.lock_queued(tx.connection, list(asked), durable=False) if asked else []
    for slot in slots:
        helping = _helping(tx, slot)
        asked |= dict.fromkeys((row.id for row in helping), slot)
        rows += helping
    batch = [row for row in rows if row.cheap]
    for row in rows:
        asked[row.id].add(row)
    deal(tx, [slot for slot in slots if slot.origin.queue != QueueName.FAST])
    mark_running(tx, batch)
    most = STEPS_PER_TRANSACTION
    began = time.monotonic()
    ends_at = began + _seconds(tx, slots[0])
    trusts = all(one.trusts for one in requests)
    task_ids = {step_id: slot.origin.task_id for step_id, slot in asked.items()}
    while batch:
        steps = Batch(tx, ends_at, trusts)
        steps.carry_out(batch, most=most)
        for step in claimed(tx, steps.claims, task_ids):
            asked.get(step.row.id, slots[0]).steps.append(step)
        most -= max(len(batch), len(steps.endings))
        tx.ready += steps.left
        goes_on = most > 0 and time.monotonic() < ends_at
        batch = _next_batch(tx) if goes_on else []
    left = {row.id for row in tx.ready}
    ran = [row for row in rows if row.cheap and row.id not in left]
    _charge(tx, ran, slots[0], seconds=time.monotonic() - began)
    claim_next(tx, slots, ends_at=ends_at)
    failpoint(Failpoint.AFTER_EXECUTE_BEFORE_COMMIT)


def _seconds(tx: Transaction, slot: Slot) -> float:
    """How long this transaction may compute."""
    queue = slot.origin.queue
    is_shared = queue == QueueName.FAST and tx.runtime.sharing.of(queue).is_shared
    return SHARED_SECONDS if is_shared else COMPUTING_SECONDS


def _helping(tx: Transaction, slot: Slot) -> list[StepRow]:
    """Cheap steps of the owner whose turn it is; of blocking ones a slot is dealt one."""
    if slot.first is None or slot.origin.queue != QueueName.FAST:
        return []
    most = max(tx.runtime.settings.chunk_size // 2, 1)
    most = min(most, tx.runtime.sharing.of(QueueName.FAST).fitting(SHARED_SECONDS))
    found = shares.lock_next(tx.connection, QueueName.FAST, slot.first, most=most, durable=False)
    slot.has_found = bool(found)
    return found


def _charge(tx: Transaction, cheap: Sequence[StepRow], slot: Slot, *, seconds: float) -> None:
    """Count the time that cheap steps have taken on their owners; blocking ones are at work."""
    if cheap and slot.origin.queue is not None:
        share, each = tx.runtime.sharing.of(slot.origin.queue), seconds / len(cheap)
        share.pace = each
        share.charge({o: each * count for o, count in Counter(r.owner for r in cheap).items()})


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
