"""What definitions have subscriptions told: the events in question, and who they name.

Steps write nothing for it. A reader of its own goes through the history, as the one of the
subscriptions does; where no definition says ``notify`` it asks an empty index.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.storage.positions import HORIZON, Position
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.rows import STEP_COLUMNS, StepRow, fetch_steps
from pipeline_engine.storage.tables.base import Json

READER = "notices"
PAGE = 500  #: events that one look reads, and the rest of the transaction of the last of them

_ANY = "EXISTS (SELECT FROM pipeline_revisions WHERE notifies)"
# From the first event of an execution that has somebody told; later ones are behind the horizon.
_APPEAR = f"""
INSERT INTO history_readers (name, transaction_id)
SELECT '{READER}', coalesce((
    SELECT e.transaction_id FROM pipeline_revisions r
    JOIN executions x ON x.revision_id = r.id JOIN events e ON e.execution_id = x.id
    WHERE r.notifies ORDER BY e.transaction_id LIMIT 1), {HORIZON})
WHERE {_ANY} AND NOT EXISTS (SELECT FROM history_readers WHERE name = '{READER}')
ON CONFLICT (name) DO NOTHING; """
_READ = f"""
WITH reader AS (
    SELECT transaction_id AS at FROM history_readers WHERE name = '{READER}' AND {_ANY}
    FOR UPDATE SKIP LOCKED
), page AS MATERIALIZED (
    SELECT reader.at, {HORIZON} AS horizon, (
        SELECT transaction_id FROM events
        WHERE transaction_id >= reader.at AND transaction_id < {HORIZON}
        ORDER BY transaction_id OFFSET %(page)s LIMIT 1) AS stop
    FROM reader
), span AS MATERIALIZED (
    -- A transaction is read as a whole, however long it is.
    SELECT at AS since, stop IS NOT NULL AS is_full, CASE WHEN stop IS NULL THEN horizon
        WHEN stop = at THEN (at::text::bigint + 1)::text::xid8 ELSE stop END AS below FROM page
), fresh AS MATERIALIZED (
    SELECT * FROM events WHERE transaction_id >= (SELECT since FROM span)
        AND transaction_id < (SELECT below FROM span)
), moved AS (
    UPDATE history_readers r SET transaction_id = span.below FROM span
    WHERE r.name = '{READER}' AND r.transaction_id < span.below
        AND (span.is_full OR EXISTS (SELECT FROM fresh))
)
SELECT e.transaction_id::text::bigint, e.id, e.execution_id, e.step_execution_id, e.event_type,
    e.details, e.created_at
FROM fresh e JOIN executions x ON x.id = e.execution_id
JOIN pipeline_revisions r ON r.id = x.revision_id AND r.notifies
WHERE e.event_type = ANY(%(types)s) AND e.step_execution_id IS NOT NULL
ORDER BY e.transaction_id, e.id
"""


class StepEvent(NamedTuple):
    """Something that has happened to a step."""

    transaction_id: int
    id: int
    execution_id: UUID
    step_execution_id: int
    event_type: str
    details: dict[str, Json]
    created_at: datetime

    @property
    def position(self) -> Position:
        """Where it is in the history of everything."""
        return Position(self.transaction_id, self.id)


def read(connection: Connection, types: Collection[str]) -> list[StepEvent]:
    """The next events of executions that have somebody told; what is read is not read again."""
    rows = driver.fetch(connection, _APPEAR + _READ, {"types": list(types), "page": PAGE})
    return [StepEvent(*row) for row in rows]


class Named(NamedTuple):
    """A subscription that is told, as far as its messages are concerned."""

    id: UUID
    format: str
    address: str


def named(connection: Connection, owner: str | None, name: str) -> Named | None:
    """The subscription of *owner* with this name; None if there is none that could be served."""
    rows = driver.fetch(
        connection,
        "SELECT id, format, address FROM subscriptions WHERE coalesce(user_id, '') = %(owner)s"
        " AND name = %(name)s AND status <> 'expired'",
        {"owner": owner or "", "name": name},
    )
    return Named(*rows[0]) if rows else None


def steps(
    connection: Connection, ids: Collection[int]
) -> dict[int, tuple[StepRow, dict[str, Json] | None]]:
    """The rows of these steps as they are now, and what they have left."""
    given = {"ids": driver.array(ids)}
    rows = fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s WHERE s.id = ANY(%(ids)s::bigint[])",
        given,
    )
    left = driver.fetch(
        connection,
        "SELECT id, outputs FROM step_executions WHERE id = ANY(%(ids)s::bigint[])",
        given,
    )
    outputs = dict(left)
    return {row.id: (row, outputs.get(row.id)) for row in rows}
