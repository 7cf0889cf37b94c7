"""What actions have found is written down, and the next steps are claimed: one transaction.

Threads of one worker whose actions end at the same time share it. Each would else wait for the
others anyway, since their steps count down the same row: the step, or the end of the execution,
that waits for all of them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import structlog

from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.advance import outcome
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.attempt_api import lines_of
from pipeline_engine.scheduler.claim.attempt import Finished
from pipeline_engine.scheduler.claim.slots import Slot, claim_next, deal, hand_over
from pipeline_engine.scheduler.leases import still_held
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction, run_surviving_disconnects
from pipeline_engine.storage import locking, queueing
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.postgres.session import is_unreachable
from pipeline_engine.storage.rows import StepRow

log = structlog.get_logger(__name__)

#: Seconds of a transaction that ends a step after which it claims no other.
CLAIMING_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What is left to whoever ran the step."""

    steps: Sequence[Prepared] = ()  #: claimed, to be run next
    hand: Sequence[StepRow] = ()  #: to be claimed after that
    ids: Sequence[int] = ()  #: cheap steps to go on with
    is_orphaned: bool = False  #: what the action started is to be cleaned up
    failure: str | None = None  #: the attempt failed: which step, and its code
    refused: Sequence[str] = ()  #: the same of steps that ended when they were to be claimed
    error: Exception | None = None


def finish(
    runtime: Runtime, finished: Sequence[Finished], *, goes_on: bool = True
) -> list[FollowUp]:
    """End, park, expand or retry these attempts, as far as they still belong to their tasks.

    The same transaction claims what their threads go on with, unless it is not to *go on*.
    """
    slots = [
        Slot(
            replace(one.origin, goes_on=one.origin.goes_on and goes_on),
            deque(one.hand),
            first=one.first,
        )
        for one in finished
    ]

    def change(tx: Transaction) -> None:
        for slot in slots:
            slot.begin_anew(tx)
        _finish(tx, finished, slots)

    try:
        tx = run_surviving_disconnects(runtime, change)
    except Exception as error:
        # One of them, such as a plug-in's outputs, must not keep the others from their ends; nor
        # may what comes next do so.
        if is_unreachable(error) or (len(finished) == 1 and not goes_on):
            raise
        log.warning("steps could not be ended together with what follows", exc_info=True)
        return [_finish_alone(runtime, one) for one in finished]
    runtime.remember(tx.begun, tx.recorded)
    kept = hand_over(tx, slots)
    own = [tx.failures.pop(one.step.row.id, None) for one in finished]
    refused = [tuple(tx.failures.values()), *[()] * len(finished)]
    return [
        FollowUp(
            steps=slot.steps,
            hand=slot.hand,
            ids=ids,
            is_orphaned=one.step.row.id in tx.orphaned,
            failure=failure,
            refused=others,
        )
        for one, slot, ids, failure, others in zip(
            finished, slots, kept, own, refused, strict=False
        )
    ]


def _finish_alone(runtime: Runtime, one: Finished) -> FollowUp:
    try:
        return finish(runtime, [one], goes_on=False)[0]
    except Exception as error:  # noqa: BLE001 (its own thread raises it)
        return FollowUp(error=error)


def _finish(tx: Transaction, finished: Sequence[Finished], slots: Sequence[Slot]) -> None:
    ends_at = time.monotonic() + CLAIMING_SECONDS
    ours = [one for one in finished if not tx.is_retry or _is_ours(tx, one)]
    if len(ours) > 1:
        # All at once and in order, or this and another worker could wait for each other.
        awaited = chain.from_iterable(one.awaited for one in ours)
        queueing.lock_external_ids(tx.connection, awaited)
        locking.lock_in_order(tx.connection, [one.step.row.id for one in ours])
    for one in ours:
        tx.lines += lines_of(one.context)
    endings: list[Ending] = []
    for one in sorted(ours, key=lambda one: one.step.row.id):
        endings += _settled(tx, one)
    if not endings:
        tx.relax_durability()
    advance(tx, endings, durable=False)
    # Last, and only what nobody else has locked: who waits for a lock here has claimed nothing.
    going_on = [slot for slot in slots if slot.origin.goes_on]
    deal(tx, going_on)
    claim_next(tx, going_on, ends_at=ends_at)
    failpoint(Failpoint.AFTER_EXECUTE_BEFORE_COMMIT)


def _is_ours(tx: Transaction, one: Finished) -> bool:
    """Whether the first try was not committed unheard, nor the step taken away.

    Parked or expanded unheard, it would have the status and attempt of before.
    """
    row = one.step.row
    if still_held(tx.connection, [row]):
        return True
    if locking.was_stopped(tx.connection, row.id):
        tx.orphaned.add(row.id)
    return False


def _settled(tx: Transaction, one: Finished) -> list[Ending]:
    fresh = one.step.again()  # moves change the row in memory; a try may be rolled back
    return outcome.decide(tx, fresh, one.found)
