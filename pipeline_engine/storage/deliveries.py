"""The SQL of the inbox: accept a delivery once, find it, settle it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.storage.base import Json
from pipeline_engine.storage.inbox import Disposition


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
    rows = connection.exec_driver_sql(
        "WITH kept AS (INSERT INTO inbox (source, delivery_key, external_id, step_execution_id,"
        " attempt, event_type, body, disposition) VALUES (%(source)s, %(key)s, %(external)s,"
        " %(step)s, %(attempt)s, %(type)s, %(body)s::jsonb, 'pending')"
        " ON CONFLICT (source, delivery_key) DO NOTHING RETURNING id)"
        " SELECT (SELECT id FROM kept), s.status, s.awaiting_event"
        " FROM (SELECT) AS delivery LEFT JOIN (SELECT status, awaiting_event FROM step_executions"
        " WHERE id IN (SELECT step_execution_id FROM correlations WHERE external_id = %(external)s"
        " UNION ALL SELECT %(step)s::bigint)) s ON true",
        {
            "source": delivery.source,
            "key": delivery.delivery_key,
            "external": delivery.external_id,
            "step": delivery.step_execution_id,
            "attempt": delivery.attempt,
            "type": delivery.event_type,
            "body": json_guard.dumps(delivery.body),
        },
    ).all()
    return rows[0][0], _outlook([(row[1], row[2]) for row in rows if row[1] is not None])


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


def settle(
    connection: Connection,
    delivery_id: int,
    disposition: Disposition,
    *,
    step_execution_id: int | None = None,
    verdict: str | None = None,
    note: str | None = None,
) -> None:
    """Say what became of a delivery."""
    connection.exec_driver_sql(
        "UPDATE inbox SET disposition = %(disposition)s, verdict = %(verdict)s, note = %(note)s,"
        " step_execution_id = coalesce(%(step)s, step_execution_id), settled_at = now()"
        " WHERE id = %(id)s",
        {
            "id": delivery_id,
            "disposition": disposition.value,
            "step": step_execution_id,
            "verdict": verdict,
            "note": note,
        },
    )


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
