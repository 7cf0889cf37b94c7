"""Work on one waiting step: join a fan-out, wake a timer, deliver an event, clean up.

Each takes the row's lock, so that concurrent wake-ups cannot overwrite each other, and each
does nothing when there is nothing to do: a message may come twice, late, or forged. What the
committed transaction has set free is for the caller to go on with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipeline_engine.domain.expressions import ExpressionError
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler import abort, items, outcomes, perform
from pipeline_engine.scheduler.advance import advance
from pipeline_engine.scheduler.door import StepDoor
from pipeline_engine.scheduler.perform import Prepared
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.scope import load_results, step_results
from pipeline_engine.scheduler.work import Work, insisted, transaction
from pipeline_engine.sdk import EventAction, EventContext, EventResult, ItemResult
from pipeline_engine.storage import deliveries, locking, queueing, rows, transitions
from pipeline_engine.storage.deliveries import DeliveryRow
from pipeline_engine.storage.inbox import Disposition
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.transitions import Ending


def prepare(work: Work, row: StepRow, *, lasting: bool = False) -> Prepared:
    """Render a waiting step's params again, as they were when it began.

    What is to outlast the transaction does not read other results through its connection.
    """
    facts = work.runtime.facts(work.connection, [row.execution_id])[row.execution_id]
    planned = work.runtime.plans.of(work.connection, facts.revision_id).step(row)
    known = load_results(work.connection, [(row.execution_id, planned.results_needed)])
    connection = None if lasting else work.connection
    results = step_results(work.runtime, row.execution_id, known[row.execution_id], connection)
    return perform.prepare(row, planned, facts, results)


# ── Fan-outs ─────────────────────────────────────────────────────────────────────────────


def join(runtime: Runtime, parent_id: int) -> Work:
    """Join a fan-out if every item has ended."""
    failpoint(Failpoint.BEFORE_JOIN)

    def change(work: Work) -> None:
        row = locking.lock_joinable(work.connection, parent_id)
        if row is not None:
            advance(work, _joined(work, row))

    return insisted(runtime, change)


def _joined(work: Work, row: StepRow) -> list[Ending]:
    if row.cancelling:
        return [items.outcome_of_stopped(work, row)]
    try:
        step = prepare(work, row)
    except (PipelineEngineError, ExpressionError) as error:
        return outcomes.failed(
            work, row, None, error_code=error.code, message=str(error), retryable=False
        )
    door = StepDoor(work.runtime, step, work.connection)
    context = perform.make_context(work.runtime, step, door=door)
    results = [
        ItemResult(
            index=item.index,
            key=item.key,
            value=(item.value or {}).get("value"),
            status=StepStatus(item.status),
            outputs=item.outputs or {},
            error=item.error_message,
            error_code=item.error_code,
        )
        for item in rows.items_of(work.connection, row.id)
    ]
    return outcomes.joined(work, step, context, perform.join(step, context, results))


# ── Timers ───────────────────────────────────────────────────────────────────────────────


def wake(work: Work, row: StepRow) -> None:
    """End a parked step whose ``wake_at`` is reached; its row is locked already."""
    step = prepare(work, row)
    stored = rows.stored_outputs(work.connection, row.id)
    door = StepDoor(work.runtime, step, work.connection)
    context = perform.make_context(work.runtime, step, door=door, stored_outputs=stored)
    advance(work, outcomes.settle(work, step, perform.wake(step, context)))


# ── Deliveries ───────────────────────────────────────────────────────────────────────────


def deliver(runtime: Runtime, delivery_id: int) -> Work:
    """Give a delivery to its step, once; it stays pending while its step is not parked yet."""

    def change(work: Work) -> None:
        delivery = deliveries.lock_pending(work.connection, delivery_id)
        if delivery is not None:
            # It was kept for good before it was answered: undone by a crash, it is given again.
            work.relax_durability()
            _deliver(work, delivery)

    return insisted(runtime, change)


def _deliver(work: Work, delivery: DeliveryRow) -> None:
    if delivery.external_id is not None:
        queueing.lock_external_ids(work.connection, [delivery.external_id])
    targets = locking.lock_targets(work.connection, delivery)
    parked = [row for row, attempt in targets if row.awaiting_event and row.attempt == attempt]
    for row in parked:
        _apply(work, row, delivery)
    if targets and not parked and all(_is_over(row, attempt) for row, attempt in targets):
        first = targets[0][0]
        deliveries.settle(
            work.connection,
            delivery.id,
            Disposition.CLOSED,
            step_execution_id=first.id,
            note=f"came too late for attempt {targets[0][1]}: {first.status}",
        )


def _is_over(row: StepRow, attempt: int) -> bool:
    """Whether this attempt will never wait for the delivery any more.

    While a later attempt runs it may come to wait for the same external id: a peer that
    honours the idempotency key answers it with the job that it started before.
    """
    return StepStatus(row.status).is_final or (row.awaiting_event and row.attempt != attempt)


def _apply(work: Work, row: StepRow, delivery: DeliveryRow) -> None:
    step = prepare(work, row)
    stored = rows.stored_outputs(work.connection, row.id)
    context = EventContext(
        step_execution_id=str(row.id),
        execution_id=str(row.execution_id),
        idempotency_key=perform.idempotency_key(step.facts, row),
        workflow_params=step.facts.params,
        user_id=step.facts.user_id,
        system_user_id=work.runtime.settings.system_user_id,
        app_ids=work.runtime.settings.app_ids,
        engine=StepDoor(work.runtime, step, work.connection),
        external_workflow_id=delivery.external_id or str(row.id),
        event_type=delivery.event_type,
        event_data=delivery.body,
        step_outputs=stored,
        params=step.params,
        item=step.scope.get("item"),
        item_index=row.item_index,
        item_key=row.item_key,
        attempt=row.attempt,
    )
    verdict, note = perform.read_event(step, context)
    endings = _follow(work, step, verdict, stored)
    deliveries.settle(
        work.connection,
        delivery.id,
        Disposition.APPLIED,
        step_execution_id=row.id,
        verdict=verdict.action.value,
        note=perform.without_secrets(work.runtime, note),
    )
    advance(work, endings)


def _follow(
    work: Work, step: Prepared, verdict: EventResult, stored: Mapping[str, Any]
) -> list[Ending]:
    """Do what ``on_event`` said."""
    if verdict.action is EventAction.IGNORE:
        return []
    try:
        outputs = perform.guarded_outputs(work.runtime, {**stored, **verdict.outputs})
    except JsonRejected as error:
        return outcomes.failed(
            work, step.row, step.planned, error_code=error.code, message=str(error)
        )
    if verdict.action is EventAction.COMPLETE:
        return _completed(work, step, verdict, outputs)
    eta = None if verdict.eta_minutes is None else verdict.eta_minutes * 60
    transitions.note_progress(
        work.connection,
        step.row,
        progress=verdict.progress,
        eta_seconds=eta,
        outputs=outputs if verdict.outputs else None,
    )
    return []


def _completed(
    work: Work, step: Prepared, verdict: EventResult, outputs: dict[str, Any]
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


# ── Cancelled steps ──────────────────────────────────────────────────────────────────────


def clean_up(runtime: Runtime, step_execution_id: int) -> Work:
    """Let the action of a cancelled step stop what it started, then end the step."""
    lease = runtime.settings.lease
    with transaction(runtime) as work:
        row = transitions.claim_clean_up(work.connection, step_execution_id, lease=lease)
        if row is None:
            return work
        stored = rows.stored_outputs(work.connection, row.id)
        external_ids = rows.external_ids(work.connection, row.id)
        try:
            step = prepare(work, row, lasting=True)
        except (PipelineEngineError, ExpressionError):
            step = None
    if step is None:
        return _end_cancelled(runtime, row, None)
    if row.lost_count > runtime.settings.max_lost_attempts:
        return _end_cancelled(runtime, row, f"{row.lost_count - 1} workers died before its end")
    context = perform.make_context(
        runtime, step, door=StepDoor(runtime, step), stored_outputs=stored
    )
    context.external_workflow_ids = external_ids
    with runtime.leases.held(row):
        note = perform.clean_up(step, context)
    return _end_cancelled(runtime, row, perform.without_secrets(runtime, note))


def _end_cancelled(runtime: Runtime, row: StepRow, note: str | None) -> Work:
    because = abort.MESSAGES[AbortReason.FAILED] if note is None else f"Clean-up failed: {note}"

    def change(work: Work) -> None:
        advance(work, abort.aborted([replace(row)], because=because))

    return insisted(runtime, change)
