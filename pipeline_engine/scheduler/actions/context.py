"""What an action may know of its step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.expressions import covered, ledger_of
from pipeline_engine.scheduler.actions.prepared import Prepared, idempotency_key, this_attempt
from pipeline_engine.scheduler.actions.scope import StepOutputs
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk import ActionContext, EngineApi, EventContext
from pipeline_engine.sdk.senders import sender_in, without_sender
from pipeline_engine.storage.deliveries import DeliveryRow
from pipeline_engine.storage.tables.base import Json


def make_context(
    runtime: Runtime,
    step: Prepared,
    *,
    engine: EngineApi,
    stored_outputs: Mapping[str, Any] | None = None,
) -> ActionContext:
    """All that the action may know."""
    row, settings = step.row, runtime.settings
    timeout = step.timeout_seconds
    limit = timeout or settings.parked_timeout_seconds
    return ActionContext(
        step_id=row.step_id,
        execution_id=step.facts.text_id,
        step_execution_id=str(row.id),
        idempotency_key=idempotency_key(step.facts, row),
        workflow_params=dict(step.facts.params),  # what one step changes no other one sees
        user_id=step.facts.user_id,
        system_user_id=settings.system_user_id,
        app_ids=settings.app_ids,
        public_url=settings.public_url,
        engine=engine,
        params=step.params,
        step_outputs=StepOutputs(step.results),
        stored_outputs=stored_outputs or {},
        scope=step.scope,
        timeout_seconds=timeout,
        retry_count=row.retry_count,
        attempt=this_attempt(row),
        may_repeat=step.planned.idempotent,
        deadline=datetime.now(UTC) + timedelta(seconds=limit),
        item=(row.item or {}).get("value"),
        item_index=row.item_index,
        item_key=row.item_key,
        max_output_bytes=settings.max_output_bytes
        if row.items_total is None
        else settings.max_joined_bytes,
    )


def event_context(
    runtime: Runtime,
    step: Prepared,
    outputs: Mapping[str, Json],
    delivery: DeliveryRow,
    *,
    engine: EngineApi,
) -> EventContext:
    """All that an action may know about an event."""
    row, settings = step.row, runtime.settings
    is_answer = delivery.step_execution_id is not None
    return EventContext(
        step_execution_id=str(row.id),
        execution_id=step.facts.text_id,
        idempotency_key=idempotency_key(step.facts, row),
        workflow_params=dict(step.facts.params),  # what one step changes no other one sees
        user_id=step.facts.user_id,
        system_user_id=settings.system_user_id,
        app_ids=settings.app_ids,
        public_url=settings.public_url,
        engine=engine,
        external_workflow_id=delivery.external_id or str(row.id),
        event_type=delivery.event_type,
        event_data=without_sender(delivery.body) if is_answer else delivery.body,
        sender=sender_in(delivery.body) if is_answer else None,
        received_at=delivery.received_at,
        # A copy: what an action does to it is not what it has answered.
        step_outputs=json_guard.as_stored(outputs),
        params=step.params,
        scope={
            **step.scope,
            "event": covered(without_sender(delivery.body), ledger_of(step.scope)),
        },
        item=(row.item or {}).get("value"),
        item_index=row.item_index,
        item_key=row.item_key,
        attempt=row.attempt,
    )
