"""Deliveries that are offered to event triggers: once to each, in the statement that keeps them.

The row in ``delivery_targets`` is its own outbox, as that of the delivery is. A trigger that was
made or enabled later is not offered what came before.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.event_triggers import EVERY_TYPE, Outcome
from pipeline_engine.storage.tables.base import Json


@dataclass(frozen=True, slots=True)
class Offered:
    """An event trigger that a delivery is offered to, and what it has said so far."""

    trigger_id: str
    name: str
    pipeline_id: str | None
    outcome: str = Outcome.PENDING.value
    execution_id: str | None = None


#: What ``offering`` has found, as a list of the fields of ``Offered``.
TOLD = "json_agg(json_build_array(id, name, pipeline_id) ORDER BY id) FROM heard"


def offering(kept: str, *, owner: str, event_type: str) -> str:
    """The parts of a ``WITH`` that offer the delivery in *kept* to the triggers of its owner.

    One look into an index when there are none. Of two equal offers the first one stands.
    """
    return f"""heard AS (
    SELECT t.id, t.name, t.pipeline_id, t.user_id FROM event_triggers t
    WHERE t.enabled AND coalesce(t.user_id, '') = coalesce({owner}, '')
        AND t.event_type IN ({event_type}, '{EVERY_TYPE}')
), offered AS (
    INSERT INTO delivery_targets (delivery_id, trigger_id, owner, verdict)
    SELECT {kept}.id, heard.id, heard.user_id, '{Outcome.PENDING}' FROM {kept}, heard
    ON CONFLICT (trigger_id, delivery_id) WHERE trigger_id IS NOT NULL DO NOTHING
)"""


def offered(connection: Connection, delivery_id: int) -> tuple[Offered, ...]:
    """The triggers, of those that there still are, that were offered a delivery before."""
    rows = connection.exec_driver_sql(
        "SELECT t.id::text, t.name, t.pipeline_id::text, d.verdict, d.execution_id::text"
        " FROM delivery_targets d JOIN event_triggers t ON t.id = d.trigger_id"
        " WHERE d.delivery_id = %(id)s ORDER BY t.id",
        {"id": delivery_id},
    )
    return tuple(Offered(*row) for row in rows)


@dataclass(frozen=True, slots=True)
class Offer:
    """A delivery that a trigger has to decide on."""

    delivery_id: int
    event_type: str
    source: str
    sender_id: str | None
    body: dict[str, Json]
    received_at: datetime


_OFFER = "i.id, i.event_type, i.source, i.sender_id, i.body, i.received_at"


def waiting_triggers(connection: Connection, delivery_ids: Collection[int]) -> list[UUID]:
    """The triggers that have not decided on these deliveries yet."""
    rows = connection.exec_driver_sql(
        "SELECT DISTINCT trigger_id FROM delivery_targets"
        " WHERE delivery_id = ANY(%(ids)s::bigint[]) AND verdict = 'pending' ORDER BY trigger_id",
        {"ids": list(delivery_ids)},
    )
    return [row[0] for row in rows]


def pending(connection: Connection, trigger_id: UUID, *, most: int) -> list[Offer]:
    """The oldest offers that a trigger, which is locked, has not decided on."""
    rows = connection.exec_driver_sql(
        f"SELECT {_OFFER} FROM delivery_targets d JOIN inbox i ON i.id = d.delivery_id"
        " WHERE d.trigger_id = %(trigger)s AND d.verdict = 'pending'"
        " ORDER BY d.delivery_id LIMIT %(most)s",
        {"trigger": trigger_id, "most": most},
    )
    return [Offer(*row) for row in rows]


def offer_of(connection: Connection, delivery_id: int) -> Offer:
    """The delivery with this id, which a window keeps."""
    row = connection.exec_driver_sql(
        f"SELECT {_OFFER} FROM inbox i WHERE i.id = %(id)s", {"id": delivery_id}
    ).one()
    return Offer(*row)


def decide(
    connection: Connection,
    trigger_id: UUID,
    delivery_id: int,
    outcome: Outcome,
    *,
    key: str | None = None,
    note: str | None = None,
    execution_id: UUID | None = None,
) -> None:
    """Say what became of one offer."""
    connection.exec_driver_sql(
        "UPDATE delivery_targets SET verdict = %(verdict)s, key = %(key)s, note = %(note)s,"
        " execution_id = %(execution)s, decided_at = now()"
        " WHERE trigger_id = %(trigger)s AND delivery_id = %(delivery)s",
        {
            "verdict": outcome.value,
            "key": key,
            "note": note,
            "execution": execution_id,
            "trigger": trigger_id,
            "delivery": delivery_id,
        },
    )


def decide_on_collected(
    connection: Connection,
    trigger_id: UUID,
    key: str,
    outcome: Outcome,
    *,
    note: str | None = None,
    execution_id: UUID | None = None,
) -> None:
    """Say what became of all that was collected under a key."""
    connection.exec_driver_sql(
        "UPDATE delivery_targets SET verdict = %(verdict)s, note = %(note)s,"
        " execution_id = %(execution)s, decided_at = now()"
        " WHERE trigger_id = %(trigger)s AND key = %(key)s AND verdict = 'collected'",
        {
            "verdict": outcome.value,
            "note": note,
            "execution": execution_id,
            "trigger": trigger_id,
            "key": key,
        },
    )


def fired_with(
    connection: Connection, trigger_id: UUID, key: str, *, since: datetime | None
) -> int | None:
    """The last delivery with this key that has fired, received after *since*."""
    row = connection.exec_driver_sql(
        "SELECT d.delivery_id FROM delivery_targets d JOIN inbox i ON i.id = d.delivery_id"
        " WHERE d.trigger_id = %(trigger)s AND d.key = %(key)s AND d.verdict = 'fired'"
        " AND (%(since)s::timestamptz IS NULL OR i.received_at > %(since)s)"
        " ORDER BY d.delivery_id DESC LIMIT 1",
        {"trigger": trigger_id, "key": key, "since": since},
    ).first()
    return None if row is None else row[0]


def forget(connection: Connection, trigger_id: UUID, note: str) -> None:
    """Settle what was offered to a trigger that is gone."""
    connection.exec_driver_sql(
        "UPDATE delivery_targets SET verdict = 'skipped', note = %(note)s, decided_at = now()"
        " WHERE trigger_id = %(trigger)s AND verdict IN ('pending', 'collected')",
        {"trigger": trigger_id, "note": note},
    )


def lost(connection: Connection, *, older_than: timedelta, limit: int) -> Sequence[int]:
    """Deliveries whose message to the triggers was lost; they are sent for once more."""
    rows = connection.exec_driver_sql(
        "UPDATE delivery_targets SET decided_at = now() WHERE verdict = 'pending'"
        " AND decided_at < now() - %(age)s AND delivery_id IN ("
        "SELECT delivery_id FROM delivery_targets WHERE verdict = 'pending'"
        " AND decided_at < now() - %(age)s ORDER BY delivery_id LIMIT %(limit)s)"
        " RETURNING delivery_id",
        {"age": older_than, "limit": limit},
    )
    return sorted({row[0] for row in rows})
