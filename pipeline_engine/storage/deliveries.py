"""The SQL of the inbox: accept a delivery once, find it, settle it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.storage import driver
from pipeline_engine.storage.base import Json
from pipeline_engine.storage.inbox import Disposition
from pipeline_engine.storage.rows import STEP_COLUMNS, StepRow

#: The type of the event that tells a step how the execution ended that it has started.
EXECUTION_ENDED = "execution_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """An event from outside, about to be kept."""

    source: str
    delivery_key: str
    event_type: str
    body: dict[str, Json]
    external_id: str | None = None
    step_execution_id: int | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What will probably become of a delivery; its step's lock decides later."""

    known: bool
    parked: bool
    closed: bool


def insert(connection: Connection, delivery: NewDelivery) -> tuple[int | None, Outlook]:
    """Keep a delivery, and look, without a lock, at the steps that it is for.

    The id is None if it was kept before. One statement: senders wait for this.
    """
    rows = driver.fetch_prepared(
        connection,
        _INSERT,
        {
            "source": delivery.source,
            "key": delivery.delivery_key,
            "external": delivery.external_id,
            "step": delivery.step_execution_id,
            "attempt": delivery.attempt,
            "type": delivery.event_type,
            "body": json_guard.dumps(delivery.body),
        },
    )
    return rows[0][0], _outlook([(row[1], row[2]) for row in rows if row[1] is not None])


_INSERT = """
WITH kept AS (
    INSERT INTO inbox (source, delivery_key, external_id, step_execution_id, attempt, event_type,
        body, disposition)
    VALUES (%(source)s, %(key)s, %(external)s::text, %(step)s::bigint, %(attempt)s, %(type)s,
        %(body)s::jsonb, 'pending')
    ON CONFLICT (source, delivery_key) DO NOTHING RETURNING id
)
SELECT (SELECT id FROM kept), s.status, s.awaiting_event
FROM (SELECT) AS delivery LEFT JOIN (
    SELECT status, awaiting_event FROM step_executions WHERE id IN (
        SELECT step_execution_id FROM correlations WHERE external_id = %(external)s::text
        UNION ALL SELECT %(step)s::bigint
    )
) s ON true
"""


def _outlook(steps: Sequence[tuple[str, bool]]) -> Outlook:
    return Outlook(
        known=bool(steps),
        parked=any(awaits for _, awaits in steps),
        closed=bool(steps) and all(StepStatus(status).is_final for status, _ in steps),
    )


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery that is about to be given to its step."""

    id: int
    external_id: str | None
    step_execution_id: int | None
    attempt: int | None
    event_type: str
    body: dict[str, Json]


def lock_pending(connection: Connection, delivery_id: int) -> DeliveryRow | None:
    """A pending delivery, locked; None if it is settled or in other hands."""
    row = connection.exec_driver_sql(
        "SELECT id, external_id, step_execution_id, attempt, event_type, body FROM inbox"
        " WHERE id = %(id)s AND disposition = 'pending' FOR UPDATE SKIP LOCKED",
        {"id": delivery_id},
    ).first()
    return None if row is None else DeliveryRow(*row)


@dataclass(frozen=True, slots=True)
class TakenDelivery:
    """A delivery and the parked step that it is for, both locked."""

    delivery: DeliveryRow
    step: StepRow
    outputs: dict[str, Json]  #: what the step has left so far


#: So many deliveries that came before or after the named one are taken along.
BEFORE, AFTER = 10, 90
#: Not such as came earlier: one that kills its worker is sent again, and must go alone then.
RECENT = timedelta(seconds=2)
#: Bytes; a larger one is taken by its own message only.
LARGEST_TAKEN_ALONG = 64 * 1024

# Nothing here waits, so that no order of locks matters. The delivery is locked last: while it is
# locked its own message goes home, so it must be one that is taken indeed. One with several
# steps, or with none that is parked, is left to its message, which waits for their locks.
_TAKE = f"""
SELECT i.id, i.external_id, i.step_execution_id, i.attempt, i.event_type, i.body,
    s.outputs, {STEP_COLUMNS}
FROM inbox c
CROSS JOIN LATERAL (
    SELECT min(t.id) AS id, min(t.attempt) AS attempt FROM (
        SELECT c.step_execution_id AS id, c.attempt WHERE c.step_execution_id IS NOT NULL
        UNION ALL
        SELECT step_execution_id, attempt FROM correlations WHERE external_id = c.external_id
    ) t HAVING count(*) = 1
) w
CROSS JOIN LATERAL (
    SELECT * FROM step_executions WHERE id = w.id
        AND CASE WHEN awaiting_event THEN status = 'RUNNING' AND attempt = w.attempt END
    FOR NO KEY UPDATE SKIP LOCKED
) s
CROSS JOIN LATERAL (
    SELECT * FROM inbox WHERE id = c.id AND CASE WHEN disposition = 'pending' THEN true END
    FOR UPDATE SKIP LOCKED
) i
WHERE (c.id = ANY(%(ids)s::bigint[]) OR c.id BETWEEN %(first)s::bigint AND %(last)s::bigint)
    AND CASE
        WHEN c.disposition <> 'pending' THEN false
        WHEN c.id <> ALL(%(ids)s::bigint[]) AND (c.received_at < now() - %(recent)s::interval
            OR pg_column_size(c.body) > %(largest)s::int) THEN false
        WHEN c.external_id IS NULL THEN true
        ELSE pg_try_advisory_xact_lock(hashtextextended(c.external_id, 1))
    END
ORDER BY c.id
"""


def still_pending(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Those of *ids* that nobody has settled; in order."""
    found = driver.fetch(
        connection,
        "SELECT id FROM inbox WHERE id = ANY(%(ids)s::bigint[])"
        " AND CASE WHEN disposition = 'pending' THEN true END ORDER BY id",
        {"ids": driver.array(ids)},
    )
    return [row[0] for row in found]


def take(connection: Connection, ids: Sequence[int], *, along: bool) -> list[TakenDelivery]:
    """These deliveries, and with *along* their neighbours, that can be given at once; in order.

    The commit will not wait for the disk: each was kept for good before it was answered, so
    what a crash undoes is given again.
    """
    rows = driver.fetch_prepared(
        connection,
        _TAKE,
        {
            "ids": driver.array(ids),
            "first": min(ids) - (BEFORE if along else 0),
            "last": min(ids) + (AFTER if along else 0),
            "recent": RECENT,
            "largest": LARGEST_TAKEN_ALONG,
        },
        before=driver.RELAXED,
    )
    return [TakenDelivery(DeliveryRow(*row[:6]), StepRow(*row[7:]), row[6] or {}) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of a delivery."""

    id: int
    disposition: Disposition
    step_execution_id: int
    verdict: str | None = None
    note: str | None = None


def settle(connection: Connection, settlements: Sequence[Settlement]) -> None:
    """Say what became of deliveries."""
    if settlements:
        ids = driver.array(settlement.id for settlement in settlements)
        settled = json_guard.dumps([asdict(settlement) for settlement in settlements])
        driver.fetch_prepared(connection, _SETTLE, {"ids": ids, "settled": settled})


_SETTLE = """
UPDATE inbox i SET disposition = v.disposition, verdict = v.verdict, note = v.note,
    step_execution_id = v.step_execution_id, settled_at = now()
FROM json_to_recordset(%(settled)s::json)
    AS v(id bigint, disposition text, step_execution_id bigint, verdict text, note text)
WHERE i.id = ANY(%(ids)s::bigint[]) AND i.id = v.id RETURNING i.id
"""


def pending_for(
    connection: Connection, step_execution_id: int, external_ids: Sequence[str]
) -> list[int]:
    """The deliveries that came before their step was parked, oldest first."""
    rows = connection.exec_driver_sql(
        "SELECT id FROM inbox WHERE disposition = 'pending'"
        " AND (external_id = ANY(%(ids)s::text[]) OR step_execution_id = %(step)s) ORDER BY id",
        {"ids": list(external_ids), "step": step_execution_id},
    )
    return [row[0] for row in rows]


def deliverable(connection: Connection, *, older_than: timedelta, limit: int) -> list[int]:
    """Pending deliveries whose step is known, and whose message must have been lost."""
    rows = connection.exec_driver_sql(
        "SELECT DISTINCT i.id FROM inbox i"
        " LEFT JOIN correlations c ON c.external_id = i.external_id"
        " JOIN step_executions s ON s.id = coalesce(i.step_execution_id, c.step_execution_id)"
        " WHERE i.disposition = 'pending' AND i.received_at < now() - %(age)s"
        " AND (s.awaiting_event OR s.status IN ('COMPLETED', 'FAILED', 'SKIPPED', 'TIMEOUT'))"
        " ORDER BY i.id LIMIT %(limit)s",
        {"age": older_than, "limit": limit},
    )
    return [row[0] for row in rows]


def give_up_unmatched(connection: Connection, *, older_than: timedelta) -> int:
    """Mark deliveries that nobody has waited for; they can be listed and replayed."""
    return connection.exec_driver_sql(
        "UPDATE inbox SET disposition = 'unmatched', settled_at = now()"
        " WHERE disposition = 'pending' AND step_execution_id IS NULL"
        " AND received_at < now() - %(age)s",
        {"age": older_than},
    ).rowcount


def reopen(connection: Connection, delivery_id: int) -> bool:
    """Make an unmatched delivery pending again."""
    row = connection.exec_driver_sql(
        "UPDATE inbox SET disposition = 'pending', settled_at = NULL"
        " WHERE id = %(id)s AND disposition = 'unmatched' RETURNING id",
        {"id": delivery_id},
    ).first()
    return row is not None


def id_of(connection: Connection, delivery: NewDelivery) -> int:
    """The id of a delivery that was kept before."""
    return int(
        connection.exec_driver_sql(
            "SELECT id FROM inbox WHERE source = %(source)s AND delivery_key = %(key)s",
            {"source": delivery.source, "key": delivery.delivery_key},
        ).scalar_one()
    )
