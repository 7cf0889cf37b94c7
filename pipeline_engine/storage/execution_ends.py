"""What the end of an execution depends on: why it ends early, and what has to be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.storage.tables.base import Json


class EndSoFar(NamedTuple):
    """What is stored of the end of an execution before it comes."""

    reason: str | None
    error: dict[str, Json] | None
    is_forced: bool  #: nothing may run any more
    outputs: dict[str, Json] | None = None  #: given by the step that ends it


def lock_ends(connection: Connection, execution_ids: Sequence[UUID]) -> dict[UUID, EndSoFar]:
    """Lock executions against a cancel that comes meanwhile, and read why each ends early."""
    rows = connection.exec_driver_sql(
        "SELECT id, abort_reason, error, forced_at IS NOT NULL, outputs FROM executions"
        " WHERE id = ANY(%(ids)s::uuid[])"
        " ORDER BY id FOR NO KEY UPDATE",
        {"ids": [str(execution_id) for execution_id in execution_ids]},
    )
    return {row[0]: EndSoFar(*row[1:]) for row in rows}


def end_so_far(connection: Connection, execution_id: UUID) -> EndSoFar:
    """The same of one execution, which may change at any time."""
    row = connection.exec_driver_sql(
        "SELECT abort_reason, error, forced_at IS NOT NULL, outputs FROM executions"
        " WHERE id = %(id)s",
        {"id": str(execution_id)},
    ).one()
    return EndSoFar(*row)


def added_after_steps(connection: Connection, execution_id: UUID) -> set[str]:
    """The ids of the handlers and compensations that an execution has rows of."""
    rows = connection.exec_driver_sql(
        "SELECT step_id FROM step_executions WHERE execution_id = %(id)s AND parent_id IS NULL"
        " AND kind IN ('handler', 'compensation')",
        {"id": str(execution_id)},
    )
    return set(rows.scalars())


def completed_among(
    connection: Connection, execution_id: UUID, step_ids: Sequence[str]
) -> list[str]:
    """Those of *step_ids* that have completed, the last one first."""
    rows = connection.exec_driver_sql(
        "SELECT step_id FROM step_executions WHERE execution_id = %(id)s AND parent_id IS NULL"
        " AND step_id = ANY(%(wanted)s) AND status = 'COMPLETED'"
        " ORDER BY finished_at DESC, id DESC",
        {"id": str(execution_id), "wanted": list(step_ids)},
    )
    return list(rows.scalars())
