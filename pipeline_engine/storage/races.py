"""Steps that go on without others, and what has to be stopped because of that."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from pipeline_engine.storage.overdue import BATCH
from pipeline_engine.storage.rows import STEP_COLUMNS, Home, StepRow, fetch_steps


def mark(connection: Connection, ids: Collection[int]) -> None:
    """Note of these steps that what they have gone on without is to be stopped."""
    connection.exec_driver_sql(
        "UPDATE step_executions SET cancels_rest = true WHERE id = ANY(%(ids)s)",
        {"ids": list(ids)},
    )


def unmark(connection: Connection, step_execution_id: int) -> None:
    """Note that it has been stopped."""
    connection.exec_driver_sql(
        "UPDATE step_executions SET cancels_rest = false WHERE id = %(id)s",
        {"id": step_execution_id},
    )


def marked(connection: Connection) -> list[int]:
    """The steps whose rest is still to be stopped."""
    found = connection.exec_driver_sql(
        "SELECT id FROM step_executions WHERE cancels_rest ORDER BY id LIMIT %(most)s",
        {"most": BATCH},
    )
    return list(found.scalars())


def find_marked(connection: Connection, step_execution_id: int) -> StepRow | None:
    """A step whose rest is still to be stopped."""
    found = fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s WHERE id = %(id)s AND cancels_rest",
        {"id": step_execution_id},
    )
    return found[0] if found else None


def lock_rest(connection: Connection, home: Home, step_ids: Sequence[str]) -> list[StepRow]:
    """Those of the named steps that have not ended, locked."""
    return fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s WHERE execution_id = %(id)s"
        " AND status IN ('PENDING', 'RETRYING', 'RUNNING') AND kind = 'step'"
        " AND parent_id IS NOT DISTINCT FROM %(block)s"
        " AND within IS NOT DISTINCT FROM %(within)s"
        " AND step_id = ANY(%(steps)s) ORDER BY id FOR NO KEY UPDATE",
        {
            "id": str(home.execution_id),
            "block": home.block,
            "within": home.within,
            "steps": list(step_ids),
        },
    )
