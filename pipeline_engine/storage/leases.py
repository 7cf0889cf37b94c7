"""How long a claimed attempt belongs to the worker that runs it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection


def renew(connection: Connection, attempts: Mapping[int, int], *, seconds: float) -> None:
    """Let the leases of these attempts, by step, end in so many seconds; those that are over do."""
    connection.exec_driver_sql(
        "UPDATE step_executions s"
        " SET leased_until = now() + %(seconds)s * interval '1 second'"
        " FROM unnest(%(ids)s::bigint[], %(attempts)s::int[]) AS v(id, attempt)"
        " WHERE s.id = v.id AND s.attempt = v.attempt AND s.status = 'RUNNING'"
        " AND s.leased_until IS NOT NULL",
        {"seconds": seconds, "ids": list(attempts), "attempts": list(attempts.values())},
    )
