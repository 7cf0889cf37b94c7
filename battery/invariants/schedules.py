"""I7: what is to be started once is started once.

A request by its idempotency key, and a due time of a schedule by its row in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from battery.evidence import Evidence
from battery.invariants.invariant import Look

TWINS = Look(
    "{times} executions were started with the key {request_key}",
    """
    SELECT request_key, count(*) AS times FROM executions WHERE request_key IS NOT NULL
    GROUP BY user_id, request_key HAVING count(*) > 1
    """,
)
DOUBLED_ROWS = Look(
    "schedule {schedule_id} has {times} rows in the ledger for {due_at}",
    """
    SELECT schedule_id, due_at, count(*) AS times FROM schedule_fires
    GROUP BY schedule_id, due_at HAVING count(*) > 1
    """,
)
_STARTS = """
    SELECT id, params -> '_trigger' ->> 'schedule_id' AS schedule_id,
        (params -> '_trigger' ->> 'scheduled_at')::timestamptz AS due_at
    FROM executions WHERE initiator = 'scheduled' AND NOT params -> '_trigger' ? 'manual'
"""
DOUBLED_FIRES = Look(
    "{times} executions were started for {due_at} of schedule {schedule_id}",
    f"""
    SELECT schedule_id, due_at, count(*) AS times FROM ({_STARTS}) started
    GROUP BY schedule_id, due_at HAVING count(*) > 1
    """,
)
UNKNOWN_FIRES = Look(
    "execution {id} was started for {due_at} of schedule {schedule_id}, and the ledger says other",
    f"""
    SELECT started.* FROM ({_STARTS}) started
    WHERE EXISTS (SELECT 1 FROM schedules s WHERE s.id = started.schedule_id::uuid)
    AND NOT EXISTS (SELECT 1 FROM schedule_fires f WHERE f.schedule_id = started.schedule_id::uuid
        AND f.due_at = started.due_at AND f.execution_id = started.id AND f.outcome = 'fired')
    """,
)
UNMADE_FIRES = Look(
    "the ledger says that {due_at} of schedule {schedule_id} was fired, and there is no execution",
    """
    SELECT schedule_id, due_at FROM schedule_fires f WHERE outcome = 'fired'
    AND ended_as IS DISTINCT FROM 'GONE'
    AND NOT EXISTS (SELECT 1 FROM executions e WHERE e.id = f.execution_id)
    """,
)
#: Of intervals the next due time is known without an expression; nobody pauses them meanwhile.
HOLES = Look(
    "schedule {schedule_id} has no row in the ledger between {before} and {due_at}",
    r"""
    SELECT * FROM (
        SELECT f.schedule_id, f.due_at, lag(coalesce(f.until_at, f.due_at))
            OVER (PARTITION BY f.schedule_id ORDER BY f.due_at) AS before,
            substring(s.expression, '\d+')::int * interval '1 second' AS every
        FROM schedule_fires f JOIN schedules s ON s.id = f.schedule_id
        WHERE f.origin <> 'manual' AND s.expression ~ '^@every \d+s$'
    ) rows WHERE due_at - before <> every
    """,
)


def doubled_starts(connection: Connection, _: Evidence) -> Iterator[str]:
    """Executions that were started twice for one reason, and due times that were passed over."""
    for look in (TWINS, DOUBLED_ROWS, DOUBLED_FIRES, UNKNOWN_FIRES, UNMADE_FIRES, HOLES):
        yield from look.violations(connection)
