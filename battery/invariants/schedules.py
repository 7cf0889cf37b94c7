"""I7: what is to be started once is started once.

Users have no schedules yet. What their fires will stand on is there: the idempotency key of an
execution, which a repeated request and a repeated attempt of a starting step share.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, inspect

from battery.evidence import Evidence
from battery.invariants.invariant import Look

TWINS = Look(
    "{times} executions were started with the key {request_key}",
    """
    SELECT request_key, count(*) AS times FROM executions WHERE request_key IS NOT NULL
    GROUP BY user_id, request_key HAVING count(*) > 1
    """,
)


def doubled_starts(connection: Connection, _: Evidence) -> Iterator[str]:
    """Executions that were started twice for the same reason."""
    yield from TWINS.violations(connection)
    if inspect(connection).has_table("schedules"):
        yield "there are schedules now, and nothing here counts their fires"
