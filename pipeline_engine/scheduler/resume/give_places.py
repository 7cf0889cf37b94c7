"""Give the places of a key to those whose turn it is, and decide about those who may not wait.

The lock of the key comes first and nothing else is held while it is waited for; then one execution
or step is looked at in a transaction of its own. So two of these never wait for each other, and no
transaction that ends a step waits for any of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from pipeline_engine.dispatch.messages import SUPERSEDE, Message
from pipeline_engine.domain.concurrency import (
    EVERYBODY,
    LIMIT,
    Need,
    named,
    needs_of_execution,
)
from pipeline_engine.domain.definitions import WhenFull
from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.domain.readiness import SkipReason
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.scheduler.advance import abort, admission, outcome
from pipeline_engine.scheduler.advance.advance import advance, skipped
from pipeline_engine.scheduler.advance.places import admits_execution
from pipeline_engine.scheduler.outbox import send
from pipeline_engine.scheduler.plan.planned_step import PlannedStep
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import (
    Transaction,
    run_surviving_disconnects,
    transaction,
)
from pipeline_engine.storage import lines, places
from pipeline_engine.storage.admission import lock_in_line, queue_with_place, take_out_of_line
from pipeline_engine.storage.places import Key, PlaceRow
from pipeline_engine.storage.rows import StepRow


def give_places(runtime: Runtime, place_id: int) -> Transaction:
    """Look after the key of a place until nothing more can be done for it now."""
    with transaction(runtime) as tx:
        key = places.key_of(tx.connection, place_id)
    moved = key is not None
    while moved and key is not None:
        tx, moved = _one(runtime, key)
        if moved:
            send(tx)
    return tx  # of the look that found nothing to do: it leaves nothing to be sent


def _one(runtime: Runtime, key: Key) -> tuple[Transaction, bool]:
    """Give one place, or decide about one; False if there was nothing to do."""
    has_moved = False

    def change(tx: Transaction) -> None:
        nonlocal has_moved
        has_moved = _look(tx, key)

    return run_surviving_disconnects(runtime, change), has_moved


def _look(tx: Transaction, key: Key) -> bool:
    places.lock(tx.connection, key)
    first = places.first_in_line(tx.connection, key)
    if first is None:
        return False
    if places.taken(tx.connection, key) < first.at_once:
        _give(tx, first)
        return True
    # Who finds no place waits behind all others, whatever its own limit is.
    undecided = places.first_undecided(tx.connection, key)
    if undecided is None:
        return False
    _decide(tx, undecided, key)
    return True


def _give(tx: Transaction, place: PlaceRow) -> None:
    if place.step_execution_id is None:
        is_given = _begin(tx, place)
    else:
        row = queue_with_place(tx.connection, place.step_execution_id)
        tx.ready += [row] if row else []
        is_given = row is not None
    if is_given:
        places.take(tx.connection, place)
    else:  # it has ended meanwhile
        places.leave(tx.connection, place)


def _begin(tx: Transaction, place: PlaceRow) -> bool:
    """Let an execution begin, unless it is being ended, or has to wait for another place."""
    needs = _needs(tx, place.execution_id)
    asked = places.asked_by_execution(tx.connection, place.execution_id)
    if asked is None:
        return False
    if not admits_execution(tx, place.execution_id, needs[asked:]):
        return True
    first = take_out_of_line(tx.connection, place.execution_id)
    seconds = tx.plan(place.execution_id).definition.settings.timeout_seconds
    timeout = timedelta(seconds=seconds)
    if not places.start_clock(tx.connection, place.execution_id, timeout=timeout):
        return False
    admission.admit(tx, first)
    return True


def _needs(tx: Transaction, execution_id: UUID) -> Sequence[Need]:
    facts = tx.runtime.facts(tx.connection, [execution_id])[execution_id]
    return needs_of_execution(
        tx.plan(execution_id).definition,
        facts.params,
        owner=facts.user_id,
        pipeline_id=facts.pipeline_id,
    )


def _decide(tx: Transaction, place: PlaceRow, key: Key) -> None:
    """What becomes of one that finds no place."""
    match WhenFull(place.when_full):
        case WhenFull.WAIT:
            places.decide(tx.connection, place)
        case WhenFull.CANCEL_OLDEST:
            superseded = places.supersede(tx.connection, place)
            places.decide(tx.connection, place)
            tx.messages.extend(Message(SUPERSEDE, (one,)) for one in superseded)
        case WhenFull.SKIP | WhenFull.FAIL if place.step_execution_id is None:
            _end_execution(tx, place, _no_place(tx, key))
        case WhenFull.SKIP | WhenFull.FAIL:
            _end_step(tx, place, _no_place(tx, key))


def _end_execution(tx: Transaction, place: PlaceRow, because: str) -> None:
    """End an execution that has not begun."""
    is_failure = place.when_full == WhenFull.FAIL
    error = {"code": LIMIT, "message": because}
    reason = AbortReason.FAILED if is_failure else AbortReason.CANCELLED
    advance(tx, abort.give_up(tx, place.execution_id, reason=reason, error=error) or ())
    places.leave(tx.connection, place)


def _end_step(tx: Transaction, place: PlaceRow, because: str) -> None:
    """Skip a step that has not begun, or let it fail; that may be tried again, or caught."""
    row = lock_in_line(tx.connection, place.step_execution_id or 0)
    places.leave(tx.connection, place)
    if row is None:
        return
    if place.when_full == WhenFull.SKIP:
        advance(tx, [skipped(row, SkipReason.CONCURRENCY, because=because)])
        return
    planned = _planned(tx, row)
    advance(tx, outcome.failed(tx, row, planned, error_code=LIMIT, message=because))


def _planned(tx: Transaction, row: StepRow) -> PlannedStep | None:
    try:
        return tx.plan(row.execution_id).step(row)
    except PipelineEngineError:  # the plug-in that the step needs is not installed any more
        return None


def _no_place(tx: Transaction, key: Key) -> str:
    if key.owner == EVERYBODY:  # who has one may be a stranger's
        return f"No place of {named(key.owner, key.text)} is free"
    for holder in lines.holders(tx.connection, key, most=1):
        since = f"{holder.since:%Y-%m-%d %H:%M:%S} UTC"
        return f"No place of '{key.text}' is free: {holder} has one since {since}"
    return f"No place of '{key.text}' is free"
