"""How much is on its way, by queue and by worker: for those who look at the installation."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection


def oldest_seconds(connection: Connection) -> Mapping[str, float]:
    """By queue: for how long the oldest step in it waits for a worker."""
    rows = connection.exec_driver_sql(
        "SELECT queue, extract(epoch FROM now() - min(queued_at))::float8 FROM step_executions"
        " WHERE status IN ('PENDING', 'RETRYING') AND queued_at IS NOT NULL GROUP BY queue"
    )
    return {row[0]: max(row[1], 0.0) for row in rows}


def busy(connection: Connection) -> Mapping[str, int]:
    """By worker: how many steps it has under a lease."""
    rows = connection.exec_driver_sql(
        "SELECT worker, count(*) FROM step_executions"
        " WHERE status = 'RUNNING' AND leased_until IS NOT NULL GROUP BY worker"
    )
    return {row[0]: row[1] for row in rows if row[0] is not None}
