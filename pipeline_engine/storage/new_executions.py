"""An execution and its first steps, stored by one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.audit_log import Record
from pipeline_engine.domain.authority import Authority
from pipeline_engine.domain.identity import new_id
from pipeline_engine.storage import audit_log
from pipeline_engine.storage.new_steps import FIELDS, NewStep, recordset, values
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.rows import STEP_COLUMNS, StepRow


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExecution:
    """An execution about to be stored."""

    revision_id: UUID
    pipeline_id: UUID | None
    name: str
    given_params: dict[str, Any]
    params: dict[str, Any]
    timeout: timedelta
    id: UUID = field(default_factory=new_id)
    sealed: bool = False  #: some texts in the params are
    initiator: str = "api"
    user_id: str | None = None
    authority: Authority | None = None
    callback_topics: Sequence[str] | None = None
    subscriber_ids: str | None = None
    payload_type: str | None = None
    notification_workflow_id: str | None = None
    parent_step_id: int | None = None
    parent_call: str | None = None
    parent_execution_id: UUID | None = None
    root_execution_id: UUID | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None
    record: Record | None = None  #: of its start; those that steps start have none


#: What an execution does not begin with: only items have these, steps inside of blocks, or steps
#: that become ready later.
_LATER = {
    *("parent_id", "item_index", "item_key", "item", "enclosing", "within"),
    *("held", "in_window", "due_after"),
}
#: What is said of a first step; the other columns have their defaults.
_FIRST = tuple(name for name in FIELDS if name not in _LATER)


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """Rows that have ranks (1, 2, 3 …) where they will have ids, as the statement reads them."""

    count: int
    json: str

    @classmethod
    def of(cls, rows: Sequence[NewStep]) -> FirstSteps:
        """Prepare *rows*, of which the first has the rank 1."""
        read = [{name: getattr(row, name) for name in _FIRST} for row in rows]
        return cls(len(rows), json_guard.dumps(read))


@dataclass(frozen=True, slots=True)
class Begun:
    """An execution that was just stored."""

    id: UUID
    roots: list[StepRow]  #: the steps that wait for nothing, in the order of their ids


def begin_execution(
    connection: Connection, execution: NewExecution, steps: FirstSteps
) -> Begun | None:
    """Store an execution with its steps; None if its idempotency key is taken."""
    values = _values(execution) | {"count": steps.count, "steps": steps.json}
    rows = driver.fetch_prepared(connection, BEGIN_EXECUTION, values)
    return Begun(execution.id, [StepRow(*row) for row in rows]) if rows else None


def stored_with_key(
    connection: Connection, user_id: str | None, key: str
) -> tuple[UUID, str | None] | None:
    """The execution that a request of this user with this key has stored, and its fingerprint."""
    row = connection.exec_driver_sql(
        "SELECT id, request_hash FROM executions WHERE request_key = %(key)s"
        " AND coalesce(user_id, '') = coalesce(%(user)s, '')",
        {"key": key, "user": user_id},
    ).first()
    return None if row is None else (row[0], row[1])


def _values(execution: NewExecution) -> dict[str, Any]:
    topics = execution.callback_topics
    return {
        "id": str(execution.id),
        "pipeline": _text(execution.pipeline_id),
        "revision": str(execution.revision_id),
        "name": execution.name,
        "given": json_guard.dumps(execution.given_params),
        "params": json_guard.dumps(execution.params),
        "sealed": execution.sealed,
        "initiator": execution.initiator,
        "user": execution.user_id,
        "authority": _authority(execution),
        "topics": None if topics is None else json_guard.dumps(list(topics)),
        "subscribers": execution.subscriber_ids,
        "payload_type": execution.payload_type,
        "notification": execution.notification_workflow_id,
        "parent": execution.parent_step_id,
        "call": execution.parent_call,
        "above": _text(execution.parent_execution_id),
        "root": _text(execution.root_execution_id),
        "key": execution.idempotency_key,
        "hash": execution.request_hash,
        "timeout": execution.timeout,
        "record": audit_log.as_param(execution.record),
    }


def _authority(execution: NewExecution) -> str | None:
    authority = execution.authority
    return None if authority is None else json_guard.dumps(authority.document())


def _text(identity: UUID | None) -> str | None:
    return None if identity is None else str(identity)


_COLUMNS = values(
    _FIRST,
    id="drawn.ids[v.id]",
    execution_id="execution.id",
    owner="coalesce(execution.user_id, '')",
    successors="ARRAY(SELECT drawn.ids[follower] FROM unnest(v.successors) AS follower)",
)
# The ids of one execution are drawn at once, so they grow with the ranks.
BEGIN_EXECUTION = f"""
WITH execution AS (
    INSERT INTO executions (id, pipeline_id, revision_id, name, given_params, params, sealed,
        initiator, user_id, authority, callback_topics, subscriber_ids, payload_type,
        notification_workflow_id, parent_step_id, parent_call, parent_execution_id,
        root_execution_id, request_key, request_hash, deadline_at)
    VALUES (%(id)s, %(pipeline)s, %(revision)s, %(name)s, %(given)s, %(params)s, %(sealed)s,
        %(initiator)s, %(user)s, %(authority)s, %(topics)s, %(subscribers)s, %(payload_type)s,
        %(notification)s, %(parent)s, %(call)s, %(above)s, %(root)s, %(key)s, %(hash)s,
        now() + %(timeout)s)
    ON CONFLICT (coalesce(user_id, ''), request_key) WHERE request_key IS NOT NULL DO NOTHING
    RETURNING id, user_id
), recorded AS (
    {audit_log.recording("execution", target="execution.id::text")}
), drawn AS MATERIALIZED (
    SELECT array_agg(nextval('step_executions_id_seq')) AS ids
    FROM execution, generate_series(1, %(count)s::int)
), added AS (
    INSERT INTO step_executions ({", ".join(_COLUMNS)})
    SELECT {", ".join(_COLUMNS.values())}
    FROM execution, drawn, json_to_recordset(%(steps)s::json)
        AS v({recordset(_FIRST, id="int", successors="int[]")})
    RETURNING *
)
SELECT {STEP_COLUMNS} FROM added s WHERE dependency_count = 0 ORDER BY id
"""
