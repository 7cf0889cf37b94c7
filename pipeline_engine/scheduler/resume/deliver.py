"""Give what came from outside to the steps that wait for it, each delivery once.

A message takes other deliveries along that came at the same time, and gives them in the same
transaction; their own messages then find nothing to do. ``on_event`` runs under the lock of its
step, so a step sees its events one after the other.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import structlog

from pipeline_engine.domain.states import StepStatus
from pipeline_engine.scheduler import trees
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.advance.revoke import revocation_in, revoke
from pipeline_engine.scheduler.resume.letters import READING, Round, give_letters
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction, run_surviving_disconnects
from pipeline_engine.sdk import EventAction
from pipeline_engine.storage import deliveries, locking, mailbox, queueing, rows
from pipeline_engine.storage.deliveries import DeliveryRow, Settlement, TakenDelivery, TargetVerdict
from pipeline_engine.storage.postgres.session import is_unreachable
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.inbox import Disposition

log = structlog.get_logger(__name__)

#: Seconds for which a thread waits for another that gives deliveries, its own likely among them.
TURN_SECONDS = 0.1


def deliver(
    runtime: Runtime,
    ids: Sequence[int],
    *,
    reading_seconds: float = READING,
    turn_seconds: float = TURN_SECONDS,
) -> Iterator[Transaction]:
    """Give deliveries to their steps; each stays pending while its step is not parked yet.

    One transaction gives all that can be had without waiting. Others have one of their own: they
    wait for the locks of their steps, or they are early, or late.
    """
    taken: list[int] = []
    left: list[int] = []

    def change(tx: Transaction) -> None:
        left[:] = deliveries.still_pending(tx.connection, ids)
        taken.clear()
        if not left:  # another message has taken them along
            return
        # A second try finds nothing else, or it would not notice that the first was committed.
        found = deliveries.take(tx.connection, left, along=not tx.is_retry)
        taken[:] = [one.delivery.id for one in found] or left[:1]
        if found:
            _give(tx, found, until=time.monotonic() + reading_seconds)
        else:
            _give_alone(tx, left[0])

    try:
        with _turn(runtime, turn_seconds):
            tx = run_surviving_disconnects(runtime, change)
    except Exception as error:
        # A plug-in, or a document of a newer version: the other deliveries are not to blame.
        if is_unreachable(error) or len({*left, *taken}) <= 1:
            raise
        log.warning("deliveries could not be given together", exc_info=True)
        # While they were locked here their own messages have found nothing to do.
        yield from _apart(runtime, sorted({*left, *taken}))
    else:
        yield tx
        _call_off(runtime, tx)
        yield from _apart(
            runtime, [delivery_id for delivery_id in left if delivery_id not in taken]
        )


@contextmanager
def _turn(runtime: Runtime, seconds: float) -> Iterator[None]:
    """Let the threads of a process give one after the other, unless the one before takes long.

    Side by side each would take fewer along, and wait for the locks of the others' executions.
    """
    in_turn = runtime.giving.acquire(timeout=seconds)
    try:
        yield
    finally:
        if in_turn:
            runtime.giving.release()


def _apart(runtime: Runtime, ids: Sequence[int]) -> Iterator[Transaction]:
    for delivery_id in ids:
        try:
            tx = run_surviving_disconnects(runtime, partial(_give_alone, delivery_id=delivery_id))
        except Exception as error:
            if is_unreachable(error) or len(ids) == 1:
                raise
            # It stays pending, and the sweep will find it.
            log.exception("a delivery could not be given", delivery=delivery_id)
        else:
            yield tx
            _call_off(runtime, tx)


def _call_off(runtime: Runtime, tx: Transaction) -> None:
    """Cancel what nobody waits for any more; should we die first, the sweep does."""
    for execution_id in tx.called_off:
        trees.cancel(runtime, execution_id, because=trees.PARENT_STOPPED)


def _give_alone(tx: Transaction, delivery_id: int) -> None:
    """Give one delivery to all that it is for, whoever has them locked now."""
    delivery = deliveries.find_pending(tx.connection, delivery_id)
    if delivery is None:
        return
    # It was kept for good before it was answered: undone by a crash, it is given again.
    tx.relax_durability()
    # Deliveries are locked after those that wait, as parking finds them: nobody waits for one.
    if delivery.is_callback:
        _give_callback(tx, delivery)
    elif delivery.external_id is not None:
        queueing.lock_external_ids(tx.connection, [delivery.external_id])
        give_letters(tx, delivery, delivery.external_id)
    else:
        mailbox.keep(tx.connection, [delivery.id])


def _give_callback(tx: Transaction, callback: DeliveryRow) -> None:
    """Give a callback to its attempt; one that comes before its step is parked stays queued."""
    row = locking.lock_addressee(tx.connection, callback)
    if row is None or not deliveries.lock_pending(tx.connection, [callback.id]):
        return
    meant = callback.attempt or 0
    if row.awaiting_event and row.attempt == meant:
        outputs = rows.stored_outputs(tx.connection, row.id)
        _give(tx, [TakenDelivery(callback, row, outputs, before=0)])
    elif row.status == StepStatus.RUNNING and row.attempt == meant and revocation_in(callback):
        _revoke_running(tx, row, callback)
    elif deliveries.is_over(row.status, row.attempt, meant=meant):
        late = Settlement(
            id=callback.id,
            disposition=Disposition.CLOSED,
            step_execution_id=row.id,
            note=f"came too late for attempt {meant}: {row.status}",
        )
        deliveries.settle(tx.connection, [late])


def _revoke_running(tx: Transaction, row: StepRow, callback: DeliveryRow) -> None:
    """Stop an attempt that is not parked yet: its action, or its items, still run."""
    found = revocation_in(callback)
    because = found.error if found else None
    attempt = row.attempt
    owner = tx.runtime.facts(tx.connection, [row.execution_id])[row.execution_id].user_id
    endings = revoke(tx, row, because=because)
    said = EventAction.REVOKE.value
    target = TargetVerdict(
        delivery_id=callback.id,
        step_execution_id=row.id,
        attempt=attempt,
        owner=owner,
        verdict=said,
        note=None,
    )
    applied = Disposition.APPLIED
    used = Settlement(id=callback.id, disposition=applied, step_execution_id=row.id, verdict=said)
    deliveries.settle(tx.connection, [used], [target])
    advance(tx, endings)


def _give(tx: Transaction, taken: Sequence[TakenDelivery], *, until: float | None = None) -> None:
    """Let each step read its deliveries in their order, then go on with what has ended.

    What comes behind the end of its step is sent anew, and so is what is not read in time or
    would overtake an earlier letter to the same key.
    """
    round_ = Round(tx, {one.step.id: (one.step, one.outputs) for one in taken})
    given: Counter[tuple[str | None, str | None]] = Counter()
    is_first = True
    for one in taken:
        letter, its = one.delivery, round_.waiting[one.step.id]
        late = until is not None and not is_first and time.monotonic() > until
        if late or not its.is_open or one.before != given[letter.owner, letter.external_id]:
            round_.put_off(letter)
            continue
        is_first = False
        if letter.external_id is not None:
            given[letter.owner, letter.external_id] += 1
        round_.settle(letter, accepted=round_.offer(letter, its))
    round_.end()
