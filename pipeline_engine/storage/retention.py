"""Delete what ended long ago, with all that is its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

_OLD = (
    "SELECT id FROM executions WHERE status IN ('COMPLETED', 'FAILED', 'INTERRUPTED')"
    " AND finished_at < %(cutoff)s"
    # The first of a tree bounds and stops the others as long as one of them is open.
    " AND NOT EXISTS (SELECT 1 FROM executions below WHERE below.root_execution_id = executions.id"
    " AND below.status IN ('PENDING', 'RUNNING'))"
)


def wait_for_ever(connection: Connection) -> None:
    """Let the statements of this transaction take as long as they need."""
    connection.exec_driver_sql("SET LOCAL statement_timeout TO 0")


def count_old(connection: Connection, cutoff: datetime) -> int:
    """How many executions ended before *cutoff*, with all that was started below them."""
    found: int = connection.exec_driver_sql(
        f"SELECT count(*) FROM ({_OLD}) old",
        {"cutoff": cutoff},
    ).scalar_one()
    return found


def lock_old(connection: Connection, cutoff: datetime, *, limit: int) -> list[str]:
    """Lock the ids of the oldest of them that nobody else has locked."""
    rows = connection.exec_driver_sql(
        f"{_OLD} ORDER BY finished_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED",
        {"cutoff": cutoff, "limit": limit},
    )
    return [str(row[0]) for row in rows]


def delete_events(connection: Connection, ids: Sequence[str]) -> int:
    """Delete the histories of executions."""
    return connection.exec_driver_sql(
        "DELETE FROM events WHERE execution_id = ANY(%(ids)s::uuid[])", {"ids": list(ids)}
    ).rowcount


def delete_steps(connection: Connection, ids: Sequence[str]) -> int:
    """Delete the steps of executions, items included."""
    return connection.exec_driver_sql(
        "DELETE FROM step_executions WHERE execution_id = ANY(%(ids)s::uuid[])", {"ids": list(ids)}
    ).rowcount


def delete_executions(connection: Connection, ids: Sequence[str]) -> int:
    """Delete executions whose steps and events are gone."""
    return connection.exec_driver_sql(
        "DELETE FROM executions WHERE id = ANY(%(ids)s::uuid[])", {"ids": list(ids)}
    ).rowcount


def delete_deliveries(connection: Connection, cutoff: datetime) -> int:
    """Delete deliveries that are settled, or whose step is gone: nobody will settle those."""
    return connection.exec_driver_sql(
        "DELETE FROM inbox WHERE received_at < %(cutoff)s AND (disposition <> 'pending'"
        " OR (step_execution_id IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM step_executions s WHERE s.id = inbox.step_execution_id)))",
        {"cutoff": cutoff},
    ).rowcount


def delete_orphaned_revisions(connection: Connection, cutoff: datetime) -> int:
    """Delete revisions that have no pipeline (any more) and that no execution is pinned to."""
    return connection.exec_driver_sql(
        "DELETE FROM pipeline_revisions r WHERE r.pipeline_id IS NULL"
        " AND r.created_at < %(cutoff)s"
        " AND NOT EXISTS (SELECT 1 FROM executions e WHERE e.revision_id = r.id)",
        {"cutoff": cutoff},
    ).rowcount
