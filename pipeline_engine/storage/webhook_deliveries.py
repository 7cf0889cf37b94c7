"""The SQL of what comes in by webhooks: keep it once, find it, say what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.identity import new_id
from pipeline_engine.storage.postgres import driver


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhookDelivery:
    """A request that is about to be kept."""

    webhook_id: UUID
    owner: str | None
    raw: bytes
    content_type: str
    headers: dict[str, str]
    query: dict[str, Any]
    body_digest: str
    received_at: datetime
    key: str | None = None
    body_key: str | None = None
    repeat_seconds: int | None = None  #: for so long an equal body is a repetition
    address: str | None = None
    form: str | None = None
    sent_at: datetime | None = None
    is_test: bool = False
    execution_id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Known:
    """A delivery that was kept before, and what became of it."""

    id: int
    execution_id: UUID
    outcome: str
    execution_status: str | None


_NAMES = (
    "webhook_id, owner, execution_id, key, body_key, body_digest, raw, content_type, headers,"
    " query, address, form, sent_at, received_at, is_test"
)
_INSERT = f"""
INSERT INTO webhook_deliveries ({_NAMES}, outcome, settled_at)
VALUES (%(webhook)s::uuid, %(owner)s, %(execution)s::uuid, %(key)s, %(body_key)s, %(digest)s,
    %(raw)s::bytea, %(content_type)s, %(headers)s::jsonb, %(query)s::jsonb, %(address)s, %(form)s,
    %(sent)s::timestamptz, %(received)s::timestamptz, %(test)s::boolean, %(outcome)s,
    CASE WHEN %(outcome)s <> 'pending' THEN now() END)
ON CONFLICT DO NOTHING RETURNING id
"""


def insert(
    connection: Connection, delivery: NewWebhookDelivery, *, outcome: str = "pending"
) -> int | None:
    """Keep a delivery; None if the same was kept before. One statement: its sender waits."""
    rows = driver.fetch_prepared(connection, _INSERT, _values(delivery) | {"outcome": outcome})
    return rows[0][0] if rows else None


def _values(delivery: NewWebhookDelivery) -> dict[str, Any]:
    return {
        "webhook": str(delivery.webhook_id),
        "owner": delivery.owner,
        "execution": str(delivery.execution_id),
        "key": delivery.key,
        "body_key": delivery.body_key,
        "digest": delivery.body_digest,
        "raw": delivery.raw,
        "content_type": delivery.content_type,
        "headers": json_guard.dumps(delivery.headers),
        "query": json_guard.dumps(delivery.query),
        "address": delivery.address,
        "form": delivery.form,
        "sent": delivery.sent_at,
        "received": delivery.received_at,
        "test": delivery.is_test,
    }


_SAME = (
    "d.webhook_id = %(webhook)s::uuid AND (d.key = %(key)s::text OR d.body_key = %(body_key)s::text"
    " OR d.execution_id = %(execution)s::uuid)"
)


def note_again(connection: Connection, delivery: NewWebhookDelivery) -> Known | None:
    """Count that a delivery came again, and return the first; None if that is gone meanwhile."""
    rows = driver.fetch(
        connection,
        "UPDATE webhook_deliveries d SET duplicates = d.duplicates + 1,"
        " conflicts = d.conflicts + (d.body_digest <> %(digest)s)::int"
        f" WHERE d.id = (SELECT d.id FROM webhook_deliveries d WHERE {_SAME} ORDER BY d.id LIMIT 1)"
        " RETURNING d.id, d.execution_id, d.outcome",
        _values(delivery),
    )
    if not rows:
        return None
    delivery_id, execution_id, outcome = rows[0]
    return Known(delivery_id, execution_id, outcome, _status(connection, execution_id))


def _status(connection: Connection, execution_id: UUID) -> str | None:
    """The status of an execution, by a statement of its own.

    The update may have waited for the worker that starts it; what began before that worker has
    committed would see the new outcome without its execution.
    """
    rows = driver.fetch(
        connection,
        "SELECT status FROM executions WHERE id = %(execution)s",
        {"execution": execution_id},
    )
    return rows[0][0] if rows else None


def retire_body_key(
    connection: Connection, delivery: NewWebhookDelivery, *, after: timedelta
) -> bool:
    """Let an equal body of longer ago count as another one; whether there was one."""
    rows = driver.fetch(
        connection,
        "UPDATE webhook_deliveries d SET body_key = NULL WHERE d.webhook_id = %(webhook)s::uuid"
        " AND d.body_key = %(body_key)s::text"
        " AND d.received_at <= %(received)s::timestamptz - %(after)s RETURNING d.id",
        _values(delivery) | {"after": after},
    )
    return bool(rows)


# ── For workers ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """A delivery that a worker has locked, to start what it asks for."""

    id: int
    webhook_id: UUID
    execution_id: UUID
    key: str | None
    raw: bytes
    content_type: str
    headers: dict[str, str]
    query: dict[str, Any]
    sent_at: datetime | None
    received_at: datetime
    is_test: bool


_LOCK = """
SELECT id, webhook_id, execution_id, key, raw, content_type, headers, query, sent_at, received_at,
    is_test
FROM webhook_deliveries d WHERE {which} AND outcome = 'pending' ORDER BY id {locked}
"""
_BY_IDS = _LOCK.format(which="id = ANY(%(ids)s::bigint[])", locked="FOR UPDATE SKIP LOCKED")
_OF_WEBHOOK = _LOCK.format(which="webhook_id = %(webhook)s::uuid", locked="FOR UPDATE")


def lock_pending(connection: Connection, ids: Sequence[int]) -> list[PendingDelivery]:
    """Those of *ids* that are pending and that nobody else has locked; in order."""
    return _pending(driver.fetch(connection, _BY_IDS, {"ids": driver.array(ids)}))


def lock_pending_of(connection: Connection, webhook_id: UUID) -> list[PendingDelivery]:
    """All of a webhook that are pending; whoever has one locked is waited for."""
    return _pending(driver.fetch(connection, _OF_WEBHOOK, {"webhook": str(webhook_id)}))


def _pending(rows: Sequence[tuple[Any, ...]]) -> list[PendingDelivery]:
    found = [PendingDelivery(*row) for row in rows]
    return [replace(one, raw=bytes(one.raw)) for one in found]  # the driver gives a view of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a delivery."""

    id: int
    outcome: str
    code: str | None = None
    message: str | None = None


def settle(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Say what became of deliveries."""
    driver.run(
        connection,
        "UPDATE webhook_deliveries d SET outcome = v.outcome, code = v.code, message = v.message,"
        " settled_at = now() FROM json_to_recordset(%(settled)s::json)"
        " AS v(id bigint, outcome text, code text, message text) WHERE d.id = v.id",
        {"settled": json_guard.dumps([asdict(one) for one in outcomes])},
    )


def note_broken_off(connection: Connection, delivery_id: int) -> int:
    """Count a try that nobody could foresee the end of; returns how many there were."""
    found: int = connection.exec_driver_sql(
        "UPDATE webhook_deliveries SET tries = tries + 1 WHERE id = %(id)s RETURNING tries",
        {"id": delivery_id},
    ).scalar_one()
    return found


def overdue(connection: Connection, *, older_than: timedelta, limit: int) -> list[int]:
    """Deliveries whose message seems lost; it counts as sent again now."""
    rows = connection.exec_driver_sql(
        "UPDATE webhook_deliveries SET queued_at = now() WHERE id IN ("
        " SELECT id FROM webhook_deliveries WHERE outcome = 'pending'"
        " AND queued_at < now() - %(age)s ORDER BY queued_at LIMIT %(limit)s"
        " FOR UPDATE SKIP LOCKED) RETURNING id",
        {"age": older_than, "limit": limit},
    )
    return sorted(row[0] for row in rows)
