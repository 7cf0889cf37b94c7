"""What the end of an execution depends on: why it ends early, and what has to be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.states import StepStatus
from pipeline_engine.storage.rows import Home
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


class StepEnd(NamedTuple):
    """How a step ended, and which ends its items had."""

    step_id: str
    status: StepStatus  #: that of a failure also if it was caught
    items: Sequence[StepStatus]
    enclosing: Sequence[int] | None = None  #: the blocks that it is in
    within: str | None = None


_END = """
    s.step_id, CASE WHEN s.status = 'COMPLETED' AND s.error_code IS NOT NULL
        THEN 'FAILED' ELSE s.status END,
    ARRAY(SELECT DISTINCT i.status FROM step_executions i
        WHERE i.parent_id = s.id AND i.kind = 'item'),
    s.enclosing, s.within
"""
_LAST_FIRST = "ORDER BY s.finished_at DESC, s.id DESC"


def ends_of(
    connection: Connection, execution_id: UUID, step_ids: Sequence[str], inside: Sequence[str] = ()
) -> list[StepEnd]:
    """How these steps have ended, and all those *inside* of blocks, the last one first.

    Only for those inside the whole execution is looked at.
    """
    found = "SELECT id FROM step_executions WHERE execution_id = %(id)s AND kind = 'step'"
    ids = f"{found} AND parent_id IS NULL AND step_id = ANY(%(wanted)s)"
    if inside:
        ids += f" UNION ALL {found} AND parent_id IS NOT NULL AND step_id = ANY(%(inside)s)"
    rows = connection.exec_driver_sql(
        f"SELECT {_END} FROM step_executions s WHERE s.id IN ({ids}) {_LAST_FIRST}",
        {"id": str(execution_id), "wanted": list(step_ids), "inside": list(inside)},
    )
    return [_step_end(*row) for row in rows]


def ends_below(connection: Connection, home: Home, step_ids: Sequence[str]) -> list[StepEnd]:
    """How these steps have ended in one attempt of a block, and in blocks in it."""
    rows = connection.exec_driver_sql(
        f"""
        WITH RECURSIVE below AS (
            SELECT id FROM step_executions WHERE parent_id = %(block)s AND within = %(within)s
            UNION ALL
            SELECT s.id FROM below JOIN step_executions s ON s.parent_id = below.id
        )
        SELECT {_END} FROM below JOIN step_executions s ON s.id = below.id
        WHERE s.kind = 'step' AND s.step_id = ANY(%(steps)s) {_LAST_FIRST}
        """,
        {"block": home.block, "within": home.within, "steps": list(step_ids)},
    )
    return [_step_end(*row) for row in rows]


def _step_end(
    step_id: str,
    status: str,
    items: Sequence[str],
    enclosing: Sequence[int] | None,
    within: str | None,
) -> StepEnd:
    ends = [StepStatus(item) for item in items]
    return StepEnd(step_id, StepStatus(status), ends, enclosing, within)


def undone_inside(connection: Connection, execution_id: UUID) -> set[str]:
    """The ids of the compensations that blocks have run, of what they had done."""
    rows = connection.exec_driver_sql(
        "SELECT step_id FROM step_executions WHERE execution_id = %(id)s"
        " AND parent_id IS NOT NULL AND kind = 'compensation'",
        {"id": str(execution_id)},
    )
    return set(rows.scalars())


def undone_below(connection: Connection, block_id: int) -> set[str]:
    """The same of one block, and of those in it, without a look at what else there is."""
    rows = connection.exec_driver_sql(
        """
        WITH RECURSIVE below AS (
            SELECT id, kind, step_id FROM step_executions WHERE parent_id = %(block)s
            UNION ALL
            SELECT s.id, s.kind, s.step_id
            FROM below JOIN step_executions s ON s.parent_id = below.id
        )
        SELECT step_id FROM below WHERE kind = 'compensation'
        """,
        {"block": block_id},
    )
    return set(rows.scalars())
