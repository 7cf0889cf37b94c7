"""Give what came from outside to the steps that wait for it, each delivery once.

A message takes other deliveries along that came at the same time, and gives them in the same
transaction; their own messages then find nothing to do. ``on_event`` runs under the lock of its
step, so a step sees its events one after the other.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from pipeline_engine.dispatch import DELIVER, Message
from pipeline_engine.domain import json_guard
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.scheduler import outcomes, perform
from pipeline_engine.scheduler.advance import advance
from pipeline_engine.scheduler.door import StepDoor
from pipeline_engine.scheduler.perform import Prepared
from pipeline_engine.scheduler.room import Room
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.waking import prepare_all
from pipeline_engine.scheduler.work import Work, insisted
from pipeline_engine.sdk import EventAction, EventContext, EventResult
from pipeline_engine.storage import deliveries, locking, queueing, rows, transitions
from pipeline_engine.storage.base import Json
from pipeline_engine.storage.deliveries import (
    EXECUTION_ENDED,
    DeliveryRow,
    Settlement,
    TakenDelivery,
)
from pipeline_engine.storage.inbox import Disposition
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.session import is_unreachable

log = structlog.get_logger(__name__)

#: Seconds that a transaction spends on reading events; what is left of them is sent anew.
READING = 0.5


def deliver(runtime: Runtime, ids: Sequence[int]) -> Iterator[Work]:
    """Give deliveries to their steps; each stays pending while its step is not parked yet.

    One transaction gives all that can be had without waiting. Others have one of their own: they
    wait for the locks of their steps, or they are early, or late.
    """
    taken: list[int] = []
    left: list[int] = []

    def change(work: Work) -> None:
        left[:] = deliveries.still_pending(work.connection, ids)
        taken.clear()
        if not left:  # another message has taken them along
            return
        # A second try finds nothing else, or it would not notice that the first was committed.
        found = deliveries.take(work.connection, left, along=not work.is_repeat)
        taken[:] = [one.delivery.id for one in found] or left[:1]
        if found:
            _give(work, found, until=time.monotonic() + READING)
        else:
            _give_alone(work, left[0])

    try:
        work = insisted(runtime, change)
    except Exception as error:
        # A plug-in, or a document of a newer version: the other deliveries are not to blame.
        if is_unreachable(error) or len({*left, *taken}) <= 1:
            raise
        log.warning("deliveries could not be given together", exc_info=True)
        # While they were locked here their own messages have found nothing to do.
        yield from _apart(runtime, sorted({*left, *taken}))
    else:
        yield work
        yield from _apart(
            runtime, [delivery_id for delivery_id in left if delivery_id not in taken]
        )


def _apart(runtime: Runtime, ids: Sequence[int]) -> Iterator[Work]:
    for delivery_id in ids:
        try:
            work = insisted(runtime, partial(_give_alone, delivery_id=delivery_id))
        except Exception as error:
            if is_unreachable(error) or len(ids) == 1:
                raise
            # It stays pending, and the sweep will find it.
            log.exception("a delivery could not be given", delivery=delivery_id)
        else:
            yield work


def _give_alone(work: Work, delivery_id: int) -> None:
    """Give one delivery to all the steps that it is for, whoever has them locked now."""
    delivery = deliveries.lock_pending(work.connection, delivery_id)
    if delivery is None:
        return
    # It was kept for good before it was answered: undone by a crash, it is given again.
    work.relax_durability()
    if delivery.external_id is not None:
        queueing.lock_external_ids(work.connection, [delivery.external_id])
    targets = locking.lock_targets(work.connection, delivery)
    parked = [
        TakenDelivery(delivery, row, rows.stored_outputs(work.connection, row.id))
        for row, attempt in targets
        if row.awaiting_event and row.attempt == attempt
    ]
    if parked:
        _give(work, parked)
    elif targets and all(_is_over(row, attempt) for row, attempt in targets):
        first, attempt = targets[0]
        deliveries.settle(
            work.connection,
            [
                Settlement(
                    id=delivery.id,
                    disposition=Disposition.CLOSED,
                    step_execution_id=first.id,
                    note=f"came too late for attempt {attempt}: {first.status}",
                )
            ],
        )


def _is_over(row: StepRow, attempt: int) -> bool:
    """Whether this attempt will never wait for the delivery any more.

    While a later attempt runs it may come to wait for the same external id: a peer that
    honours the idempotency key answers it with the job that it started before.
    """
    return StepStatus(row.status).is_final or (row.awaiting_event and row.attempt != attempt)


# ── Giving ───────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Waiting:
    """A parked step that is told its events."""

    step: Prepared
    outputs: dict[str, Json]  #: as stored, with those of the events so far
    is_open: bool = True
    endings: list[Ending] = field(default_factory=list)


def _give(work: Work, taken: Sequence[TakenDelivery], *, until: float | None = None) -> None:
    """Let each step read its deliveries in their order, then go on with what has ended.

    What comes behind the end of its step is sent anew, and so is what is not read in time.
    """
    steps = prepare_all(work, {one.step.id: one.step for one in taken}.values())
    outputs = {one.step.id: one.outputs for one in taken}
    waiting = {step_id: Waiting(step, outputs[step_id]) for step_id, step in steps.items()}
    settled: dict[int, Settlement] = {}
    for one in taken:
        its = waiting[one.step.id]
        late = until is not None and settled and time.monotonic() > until
        if late or not its.is_open:
            work.messages.append(Message(DELIVER, (one.delivery.id,)))
        else:
            settled[one.delivery.id] = _read(work, its, one.delivery)
    deliveries.settle(work.connection, list(settled.values()))
    advance(work, [ending for its in waiting.values() for ending in its.endings])


def _read(work: Work, its: Waiting, delivery: DeliveryRow) -> Settlement:
    verdict, note = perform.read_event(its.step, _context(work, its, delivery))
    of_execution = delivery.event_type == EXECUTION_ENDED
    _follow(work, its, verdict, Room.CARRIED if of_execution else Room.OWN)
    return Settlement(
        id=delivery.id,
        disposition=Disposition.APPLIED,
        step_execution_id=its.step.row.id,
        verdict=verdict.action.value,
        note=perform.without_secrets(work.runtime, note),
    )


def _context(work: Work, its: Waiting, delivery: DeliveryRow) -> EventContext:
    step, row, settings = its.step, its.step.row, work.runtime.settings
    return EventContext(
        step_execution_id=str(row.id),
        execution_id=step.facts.text_id,
        idempotency_key=perform.idempotency_key(step.facts, row),
        workflow_params=step.facts.params,
        user_id=step.facts.user_id,
        system_user_id=settings.system_user_id,
        app_ids=settings.app_ids,
        engine=StepDoor(work.runtime, step, work),
        external_workflow_id=delivery.external_id or str(row.id),
        event_type=delivery.event_type,
        event_data=delivery.body,
        # A copy: what an action does to it is not what it has answered.
        step_outputs=json_guard.as_stored(its.outputs),
        params=step.params,
        scope={**step.scope, "event": delivery.body},
        item=step.scope.get("item"),
        item_index=row.item_index,
        item_key=row.item_key,
        attempt=row.attempt,
    )


def _follow(work: Work, its: Waiting, verdict: EventResult, room: Room) -> None:
    """Do what ``on_event`` said."""
    if verdict.action is EventAction.IGNORE:
        return
    step = its.step
    try:
        outputs = perform.guarded_outputs(work.runtime, its.outputs | verdict.outputs, room)
    except JsonRejected as error:
        its.is_open = False
        message = f"The outputs cannot be stored: {error}"
        its.endings += outcomes.failed(
            work, step.row, step.planned, error_code=error.code, message=message
        )
        return
    if verdict.action is EventAction.COMPLETE:
        its.is_open = False
        its.endings += _completed(work, step, verdict, outputs)
        return
    eta = None if verdict.eta_minutes is None else verdict.eta_minutes * 60
    transitions.note_progress(
        work.connection,
        step.row,
        progress=verdict.progress,
        eta_seconds=eta,
        outputs=outputs if verdict.outputs else None,
    )
    its.outputs = outputs


def _completed(
    work: Work, step: Prepared, verdict: EventResult, outputs: dict[str, Json]
) -> list[Ending]:
    if verdict.status is StepStatus.COMPLETED:
        return [Ending(step.row, StepStatus.COMPLETED, outputs=outputs)]
    return outcomes.failed(
        work,
        step.row,
        step.planned,
        error_code=verdict.error_code or "event_failed",
        message=verdict.error or "The event reported a failure",
        outputs=outputs,
    )
