"""What is known of executions, as documents: to be kept elsewhere before it is deleted here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

#: By name in the document: the query of rows that belong to an execution, in their order.
_PARTS = {
    "steps": "SELECT to_jsonb(t) FROM step_executions t"
    " WHERE t.execution_id = %(id)s ORDER BY t.id",
    "events": "SELECT to_jsonb(t) FROM events t WHERE t.execution_id = %(id)s ORDER BY t.id",
    "deliveries": "SELECT to_jsonb(t) FROM inbox t JOIN step_executions s"
    " ON s.id = t.step_execution_id WHERE s.execution_id = %(id)s ORDER BY t.id",
}
_EXECUTION = (
    "SELECT to_jsonb(e), r.document FROM executions e"
    " JOIN pipeline_revisions r ON r.id = e.revision_id WHERE e.id = %(id)s"
)


def documents(connection: Connection, ids: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    """One document for each of these executions, with its rows as they are.

    One after the other: a hundred with thousands of items each would not fit into memory.
    """
    for one in ids:
        named = {"id": str(one)}
        row, definition = connection.exec_driver_sql(_EXECUTION, named).one()
        parts = {
            name: list(connection.exec_driver_sql(query, named).scalars())
            for name, query in _PARTS.items()
        }
        yield {"execution": row, "definition": definition, **parts}
