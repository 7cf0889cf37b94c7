"""The SQL of webhooks: what the door has to know of one, and the ends of secrets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.webhooks import Webhook

# One document, as it is kept in Redis, too. What has ended is left out by whoever asks the clock.
_DOOR = """
SELECT json_build_object('id', w.id, 'owner', w.user_id, 'name', w.name,
    'pipeline_id', w.pipeline_id, 'enabled', w.enabled, 'disabled_reason', w.disabled_reason,
    'config', w.config, 'version', w.lock_version,
    'secrets', coalesce((
        SELECT json_agg(json_build_object('id', s.id, 'digest', s.digest, 'sealed', s.sealed,
            'expires_at', s.expires_at) ORDER BY s.created_at DESC)
        FROM webhook_secrets s WHERE s.webhook_id = w.id AND s.revoked_at IS NULL
    ), '[]'))
FROM webhooks w WHERE w.id = %(id)s::uuid
"""


def at_the_door(connection: Connection, webhook_id: UUID) -> Mapping[str, Any] | None:
    """What has to be known of a webhook that is called; one trip."""
    rows = driver.fetch_prepared(connection, _DOOR, {"id": str(webhook_id)})
    found: Mapping[str, Any] | None = rows[0][0] if rows else None
    return found


def standing_orders(connection: Connection, ids: Collection[UUID]) -> Mapping[UUID, Webhook]:
    """What these webhooks start, to be read after the transaction, too."""
    with Session(connection) as session:
        rows = session.scalars(select(Webhook).where(Webhook.id.in_(ids))).all()
        session.expunge_all()
    return {row.id: row for row in rows}


def end_secrets(connection: Connection, webhook_id: UUID, *, at: datetime) -> None:
    """Let the secrets of a webhook end by then; one that ends earlier still does."""
    driver.run(
        connection,
        "UPDATE webhook_secrets SET expires_at = least(expires_at, %(at)s)"
        " WHERE webhook_id = %(id)s::uuid AND revoked_at IS NULL",
        {"id": str(webhook_id), "at": at},
    )


def revoke_secrets(connection: Connection, ids: Collection[UUID]) -> None:
    """End these secrets now."""
    driver.run(
        connection,
        "UPDATE webhook_secrets SET revoked_at = now() WHERE id = ANY(%(ids)s::uuid[])"
        " AND revoked_at IS NULL",
        {"ids": [str(one) for one in ids]},
    )


def forget_secrets(connection: Connection, webhook_id: UUID, *, kept: int) -> None:
    """Delete all but the newest secrets of a webhook."""
    driver.run(
        connection,
        "DELETE FROM webhook_secrets WHERE webhook_id = %(id)s::uuid AND id NOT IN ("
        " SELECT id FROM webhook_secrets WHERE webhook_id = %(id)s::uuid"
        " ORDER BY created_at DESC, id DESC LIMIT %(kept)s)",
        {"id": str(webhook_id), "kept": kept},
    )


def count_triggers(
    connection: Connection, counts: Mapping[UUID, int], *, latest: Mapping[UUID, datetime]
) -> None:
    """Say how often webhooks have started something, and when; in the order of their ids."""
    for webhook_id in sorted(counts):
        driver.run(
            connection,
            "UPDATE webhooks SET trigger_count = trigger_count + %(count)s,"
            " last_triggered_at = greatest(last_triggered_at, %(at)s) WHERE id = %(id)s::uuid",
            {
                "id": str(webhook_id),
                "count": counts[webhook_id],
                "at": latest[webhook_id],
            },
        )
