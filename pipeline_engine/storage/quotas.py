"""What an owner has of what quotas bound; null is the system, which is an owner like any other."""

from __future__ import annotations

from sqlalchemy import Connection

from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.executions import OPEN

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(coalesce(%(owner)s, ''), %(number)s))"
# A draft counts for the owner for whom it was typed, whosever the pipeline is.
_STORED_BYTES = """
SELECT (
    SELECT coalesce(sum(pg_column_size(r.document) + coalesce(pg_column_size(r.actions), 0)), 0)
    FROM pipelines p JOIN pipeline_revisions r ON r.pipeline_id = p.id
    WHERE coalesce(p.user_id, '') = coalesce(%(owner)s, '')
) + (
    SELECT coalesce(sum(pg_column_size(d.document)), 0) FROM pipeline_drafts d
    WHERE coalesce(d.user_id, '') = coalesce(%(owner)s, '')
)
"""
#: Numbers of locks; places of keys have 2.
OPEN_EXECUTIONS, STORED_BYTES, SCHEDULES, STORED_ACTIONS = 3, 4, 5, 6


def lock(connection: Connection, owner: str | None, number: int) -> None:
    """Let nobody else count the same until the end of the transaction.

    What is counted after that, by a statement of its own, is what others have committed. Whoever
    waits here may have rows of a tree locked, and whoever has the lock asks for none.
    """
    driver.run(connection, _LOCK, {"owner": owner, "number": number})


def open_executions(connection: Connection, owner: str | None) -> int:
    """How many executions of an owner have not ended."""
    found = driver.fetch(
        connection,
        f"SELECT count(*) FROM executions WHERE {OPEN}"
        " AND coalesce(user_id, '') = coalesce(%(owner)s, '')",
        {"owner": owner},
    )
    return int(found[0][0])


def parked_steps(connection: Connection, owner: str | None) -> int:
    """How many of its steps wait for the outside world, or for a moment."""
    found = driver.fetch(
        connection,
        "SELECT count(*) FROM step_executions s JOIN executions e ON e.id = s.execution_id"
        f" WHERE coalesce(e.user_id, '') = coalesce(%(owner)s, '') AND e.{OPEN}"
        " AND s.status = 'RUNNING' AND s.awaiting_event",
        {"owner": owner},
    )
    return int(found[0][0])


def stored_bytes(connection: Connection, owner: str | None) -> int:
    """What the definitions of its pipelines, of all revisions, and drafts take in the database."""
    found = driver.fetch(connection, _STORED_BYTES, {"owner": owner})
    return int(found[0][0])


def schedules(connection: Connection, owner: str | None) -> int:
    """How many schedules it has, whatever they are up to."""
    found = driver.fetch(
        connection,
        "SELECT count(*) FROM schedules WHERE coalesce(user_id, '') = coalesce(%(owner)s, '')",
        {"owner": owner},
    )
    return int(found[0][0])


def stored_actions(connection: Connection, owner: str | None) -> int:
    """How many stored actions it has, in whatever versions."""
    found = driver.fetch(
        connection,
        "SELECT count(*) FROM stored_actions"
        " WHERE coalesce(user_id, '') = coalesce(%(owner)s, '') AND deleted_at IS NULL",
        {"owner": owner},
    )
    return int(found[0][0])
