"""The first rows of an execution: itself, its steps with their successors, and the sink."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.identity import new_id
from pipeline_engine.scheduler import window
from pipeline_engine.scheduler.conclusion import SINK, new_sink
from pipeline_engine.scheduler.plans import Plan
from pipeline_engine.scheduler.work import Work
from pipeline_engine.storage import locking, queueing
from pipeline_engine.storage.queueing import NewStep
from pipeline_engine.storage.steps import StepKind


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExecution:
    """An execution about to be stored."""

    revision_id: UUID
    pipeline_id: UUID | None
    name: str
    given_params: dict[str, Any]
    params: dict[str, Any]
    initiator: str = "api"
    user_id: str | None = None
    callback_topics: Sequence[str] | None = None
    subscriber_ids: str | None = None
    payload_type: str | None = None
    notification_workflow_id: str | None = None
    parent_step_id: int | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None


def begin(work: Work, plan: Plan, execution: NewExecution) -> UUID | None:
    """Store an execution and queue its first steps; None if its idempotency key is taken."""
    timeout = timedelta(seconds=plan.definition.settings.timeout_seconds)
    execution_id = _insert(work.connection, execution, timeout=timeout)
    if execution_id is None:
        return None
    ids = _insert_steps(work.connection, plan, execution_id)
    rows = locking.lock_new(work.connection, [ids[root] for root in plan.definition.graph.roots])
    work.ready.extend(row for row in rows if row.cheap)  # queued as they were inserted
    blocking = [row for row in rows if not row.cheap]
    if blocking:
        work.runtime.facts(work.connection, [execution_id])
        window.admit(work, execution_id, blocking)
    return execution_id


def _insert(connection: Connection, execution: NewExecution, *, timeout: timedelta) -> UUID | None:
    topics = None if execution.callback_topics is None else list(execution.callback_topics)
    row = connection.exec_driver_sql(
        "INSERT INTO executions (id, pipeline_id, revision_id, name, given_params, params,"
        " initiator, user_id, callback_topics, subscriber_ids, payload_type,"
        " notification_workflow_id, parent_step_id, idempotency_key, request_hash, deadline_at)"
        " VALUES (%(id)s, %(pipeline)s, %(revision)s, %(name)s, %(given)s::jsonb,"
        " %(params)s::jsonb, %(initiator)s, %(user)s, %(topics)s::jsonb, %(subscribers)s,"
        " %(payload_type)s, %(notification)s, %(parent)s, %(key)s, %(hash)s, now() + %(timeout)s)"
        " ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING"
        " RETURNING id",
        {
            "id": str(new_id()),
            "pipeline": str(execution.pipeline_id) if execution.pipeline_id else None,
            "revision": str(execution.revision_id),
            "name": execution.name,
            "given": json_guard.dumps(execution.given_params),
            "params": json_guard.dumps(execution.params),
            "initiator": execution.initiator,
            "user": execution.user_id,
            "topics": None if topics is None else json_guard.dumps(topics),
            "subscribers": execution.subscriber_ids,
            "payload_type": execution.payload_type,
            "notification": execution.notification_workflow_id,
            "parent": execution.parent_step_id,
            "key": execution.idempotency_key,
            "hash": execution.request_hash,
            "timeout": timeout,
        },
    ).first()
    return None if row is None else row[0]


def _insert_steps(connection: Connection, plan: Plan, execution_id: UUID) -> dict[str, int]:
    graph, steps = plan.definition.graph, plan.definition.steps
    numbers = {step.id: number for number, step in enumerate(steps, start=1)}
    reserved = queueing.new_step_ids(connection, len(steps) + 1)
    sink_id = reserved[-1]
    # Ids follow the topological order: whoever locks successors in id order follows the graph.
    ids = dict(zip(graph.topological_order(), reserved, strict=False))
    leaves = frozenset(graph.leaves)
    rows = [
        _new_step(plan, execution_id, step.id, numbers[step.id], ids, sink_id, leaves)
        for step in sorted(steps, key=lambda step: ids[step.id])
    ]
    rows.append(new_sink(execution_id, sink_id, SINK, len(steps) + 1, waits_for=len(leaves)))
    queueing.insert_steps(connection, rows)
    return ids


def _new_step(
    plan: Plan,
    execution_id: UUID,
    step_id: str,
    number: int,
    ids: dict[str, int],
    sink_id: int,
    leaves: frozenset[str],
) -> NewStep:
    step = plan.definition.step(step_id)
    planned = plan.plan(step, step.action)
    followers = [ids[dependent] for dependent in plan.definition.graph.dependents(step_id)]
    return NewStep(
        id=ids[step_id],
        execution_id=execution_id,
        step_id=step_id,
        name=step.name,
        action=planned.meta.type,
        kind=StepKind.STEP.value,
        sequence_number=number,
        queue=planned.queue,
        cheap=planned.cheap,
        weight=step.weight,
        dependency_count=len(set(step.depends_on)),
        queued=planned.cheap and not step.depends_on,  # a blocking one has to pass its window
        successors=[sink_id] if step_id in leaves else followers,
    )
