"""What is known of executions, as documents: to be kept elsewhere before it is deleted here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

#: By name in the document: the query of rows that belong to executions, in their order.
_PARTS = {
    "steps": "SELECT t.execution_id, to_jsonb(t) FROM step_executions t"
    " WHERE t.execution_id = ANY(%(ids)s::uuid[]) ORDER BY t.id",
    "events": "SELECT t.execution_id, to_jsonb(t) FROM events t"
    " WHERE t.execution_id = ANY(%(ids)s::uuid[]) ORDER BY t.id",
    "deliveries": "SELECT s.execution_id, to_jsonb(t) FROM inbox t"
    " JOIN step_executions s ON s.id = t.step_execution_id"
    " WHERE s.execution_id = ANY(%(ids)s::uuid[]) ORDER BY t.id",
}
_EXECUTIONS = (
    "SELECT e.id, to_jsonb(e), r.document FROM executions e"
    " JOIN pipeline_revisions r ON r.id = e.revision_id"
    " WHERE e.id = ANY(%(ids)s::uuid[]) ORDER BY e.finished_at, e.id"
)


def documents(connection: Connection, ids: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    """One document for each of these executions, with its rows as they are."""
    named = {"ids": [str(one) for one in ids]}
    parts: dict[str, dict[UUID, list[Any]]] = {}
    for name, query in _PARTS.items():
        found: dict[UUID, list[Any]] = defaultdict(list)
        for execution_id, row in connection.exec_driver_sql(query, named):
            found[execution_id].append(row)
        parts[name] = found
    for execution_id, row, definition in connection.exec_driver_sql(_EXECUTIONS, named):
        own = {name: found[execution_id] for name, found in parts.items()}
        yield {"execution": row, "definition": definition, **own}
