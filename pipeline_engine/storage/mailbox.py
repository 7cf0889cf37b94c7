"""Mailboxes: the steps that wait for an external id, and the letters that are kept for them.

Whoever calls these holds the lock of the external id (``queueing.lock_external_ids``), so that
nobody parks on it, and nobody else reads its letters, until the transaction has ended.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from pipeline_engine.storage.deliveries import IS_FOR, PARKED, DeliveryRow
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.rows import STEP_COLUMNS, StepRow
from pipeline_engine.storage.tables.base import Json

#: Letters of one mailbox that are read in one transaction, at most.
LETTERS = 50


@dataclass(slots=True)
class Reader:
    """A step that is parked on the external id of a letter, locked."""

    owner: str | None
    from_peer: bool
    parked_at: datetime
    read_through: int | None
    outputs: dict[str, Json]
    step: StepRow

    def may_read(self, letter: DeliveryRow) -> bool:
        """Whether the letter is for its owner, or from a service about an id of a peer."""
        return self.owner == letter.owner or (self.from_peer and letter.owner is None)

    def has_not_read(self, letter: DeliveryRow) -> bool:
        """Whether the letter was kept for it, or has just come."""
        return letter.is_queued or (self.read_through is not None and letter.id > self.read_through)


def lock_readers(connection: Connection, letter: DeliveryRow) -> list[Reader]:
    """The steps that wait for a letter like this, locked in the order of their ids."""
    rows = connection.exec_driver_sql(
        _READERS, {"external": letter.external_id, "owner": letter.owner}
    )
    return [Reader(row[0], row[1], row[2], row[3], row[4] or {}, StepRow(*row[5:])) for row in rows]


_READERS = (
    f"SELECT r.owner, r.from_peer, r.parked_at, r.read_through, s.outputs, {STEP_COLUMNS}"
    " FROM correlations r JOIN step_executions s ON s.id = r.step_execution_id"
    " WHERE r.external_id = %(external)s AND s.awaiting_event AND s.attempt = r.attempt"
    " AND s.status = 'RUNNING' AND (r.owner IS NOT DISTINCT FROM %(owner)s::text"
    " OR (r.from_peer AND %(owner)s::text IS NULL)) ORDER BY s.id FOR NO KEY UPDATE OF s"
)


def letters_for(
    connection: Connection, letter: DeliveryRow, readers: Sequence[Reader], *, most: int
) -> list[int]:
    """The first letters that are to be offered to these readers, oldest first."""
    unread = [reader for reader in readers if reader.read_through is not None]
    rows = connection.exec_driver_sql(
        "(SELECT id FROM inbox i WHERE external_id = %(external)s AND disposition = 'pending'"
        f" AND queued_at IS NOT NULL AND {_OF_THESE} ORDER BY id LIMIT %(most)s)"
        " UNION ALL"
        " (SELECT id FROM inbox i WHERE external_id = %(external)s AND disposition = 'pending'"
        f" AND queued_at IS NULL AND {_OF_THESE} AND id > %(after)s ORDER BY id LIMIT %(most)s)"
        " ORDER BY id LIMIT %(most)s",
        {
            "external": letter.external_id,
            "owners": [owner for owner in {letter.owner, *(r.owner for r in unread)} if owner],
            "of_system": letter.owner is None or any(_sees_system(r) for r in unread),
            # Null if no step has to catch up: no id is greater than null.
            "after": min((r.read_through or 0 for r in unread), default=None),
            "most": most,
        },
    )
    return [row[0] for row in rows]


_OF_THESE = "CASE WHEN owner IS NULL THEN %(of_system)s ELSE owner = ANY(%(owners)s::text[]) END"


def _sees_system(reader: Reader) -> bool:
    return reader.from_peer or reader.owner is None


def offered(connection: Connection, ids: Collection[int]) -> set[tuple[int, int, int]]:
    """Which of these deliveries were offered before: delivery, step and attempt."""
    rows = connection.exec_driver_sql(
        "SELECT delivery_id, step_execution_id, attempt FROM delivery_targets"
        " WHERE delivery_id = ANY(%(ids)s)",
        {"ids": list(ids)},
    )
    return {(row[0], row[1], row[2]) for row in rows}


def keep(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Keep these letters for the next step that waits; returns those that one waits for already.

    A step may have parked after the letter was taken; it did not see the letter then.
    """
    if not ids:
        return []
    kept = driver.fetch(
        connection,
        "UPDATE inbox i SET queued_at = NULL WHERE i.id = ANY(%(ids)s::bigint[])"
        f" AND NOT EXISTS (SELECT FROM {PARKED} WHERE {IS_FOR} AND r.read_through IS NULL"
        " AND NOT EXISTS (SELECT FROM delivery_targets d WHERE d.delivery_id = i.id"
        " AND d.step_execution_id = p.id AND d.attempt = p.attempt)) RETURNING i.id",
        {"ids": driver.array(ids)},
    )
    return sorted(set(ids) - {row[0] for row in kept})


def note_read(
    connection: Connection, external_id: str, steps: Sequence[int], *, through: int | None
) -> None:
    """Say how far these steps have read what was kept for them; None is all of it."""
    if steps:
        connection.exec_driver_sql(
            "UPDATE correlations SET read_through = %(through)s"
            " WHERE external_id = %(external)s AND step_execution_id = ANY(%(steps)s)",
            {"through": through, "external": external_id, "steps": list(steps)},
        )


def correlate(
    connection: Connection,
    step: StepRow,
    *,
    owner: str | None,
    from_peers: Sequence[str],
    keys: Sequence[str],
) -> list[int]:
    """Let letters to these ids and keys find the step.

    Returns a letter of each mailbox that has some for it, and the callbacks that came early.
    """
    known = dict.fromkeys(keys, False) | dict.fromkeys(from_peers, True)
    rows = driver.fetch_prepared(
        connection,
        _CORRELATE,
        {
            "ids": list(known),
            "peers": list(known.values()),
            "step": step.id,
            "attempt": step.attempt,
            "owner": owner,
        },
    )
    return [row[0] for row in rows]


_FIRST = (
    "(SELECT id FROM inbox i WHERE i.external_id = r.external_id AND i.disposition = 'pending'"
    f" AND i.queued_at IS {{}} AND {IS_FOR} ORDER BY id LIMIT 1)"
)
_CORRELATE = f"""
WITH mailbox AS (
    SELECT r.external_id, r.from_peer, r.owner, (SELECT min(id) FROM (
        {_FIRST.format("NULL")} UNION ALL {_FIRST.format("NOT NULL")}
    ) letters) AS letter
    FROM (SELECT v.*, %(owner)s::text AS owner
        FROM unnest(%(ids)s::text[], %(peers)s::bool[]) AS v(external_id, from_peer)) r
), told AS (
    INSERT INTO correlations (external_id, step_execution_id, attempt, owner, from_peer,
        parked_at, read_through)
    SELECT external_id, %(step)s::bigint, %(attempt)s::int, owner, from_peer, clock_timestamp(),
        CASE WHEN letter IS NOT NULL THEN 0 END FROM mailbox
    ON CONFLICT (external_id, step_execution_id) DO UPDATE SET attempt = excluded.attempt,
        owner = excluded.owner, from_peer = excluded.from_peer, parked_at = excluded.parked_at,
        read_through = excluded.read_through
)
SELECT letter FROM mailbox WHERE letter IS NOT NULL
UNION ALL
SELECT id FROM inbox WHERE step_execution_id = %(step)s::bigint AND disposition = 'pending'
"""


def unread(connection: Connection, *, older_than: timedelta, limit: int) -> list[int]:
    """A letter of each mailbox that a parked step ought to have read; its message was lost."""
    rows = connection.exec_driver_sql(
        f"SELECT letter.id FROM {PARKED} CROSS JOIN LATERAL ("
        "SELECT id FROM inbox i WHERE i.external_id = r.external_id AND i.disposition = 'pending'"
        f" AND i.queued_at IS NULL AND {IS_FOR} AND i.id > r.read_through ORDER BY id LIMIT 1"
        ") letter WHERE r.read_through IS NOT NULL AND r.parked_at < now() - %(age)s"
        " ORDER BY r.step_execution_id LIMIT %(limit)s",
        {"age": older_than, "limit": limit},
    )
    return [row[0] for row in rows]
