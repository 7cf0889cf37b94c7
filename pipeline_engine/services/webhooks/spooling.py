"""What comes in by webhooks while PostgreSQL is away: in a stream in Redis, and drained later."""

from __future__ import annotations

import base64
import logging
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError

from pipeline_engine.domain import json_guard
from pipeline_engine.errors import StorageUnavailable
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services.spool import Spool
from pipeline_engine.services.webhooks.keeping import keep_spooled
from pipeline_engine.storage.webhook_deliveries import NewWebhookDelivery

log = logging.getLogger(__name__)

#: Seconds for which a key is remembered that came while the database was away.
REMEMBERED_SECONDS = 24 * 3600
MOMENTS = ("received_at", "sent_at")
IDS = ("webhook_id", "execution_id")


def spool_of(runtime: Runtime) -> Spool:
    """The stream."""
    return Spool(runtime.redis, f"{runtime.settings.key_prefix}spool:webhooks", "webhook_delivery")


def add(runtime: Runtime, delivery: NewWebhookDelivery, reason: Exception) -> UUID:
    """Take a delivery in; returns the id of its execution, or that of the same one before.

    Raises ``StorageUnavailable``.
    """
    spool, document = spool_of(runtime), json_guard.dumps(_document(delivery))
    execution_id, known = delivery.execution_id, None
    try:
        same = delivery.key or delivery.body_key
        if same is None:
            spool.add(document)
        else:
            key = f"{spool.name}:{delivery.webhook_id}:{same}"
            known = spool.add_once(
                document, key=key, word=str(execution_id), seconds=_remembered(delivery)
            )
    except RedisError as error:
        raise StorageUnavailable from error
    log.warning("a webhook delivery was spooled, the database is away: %s", reason)
    return execution_id if known is None else UUID(known)


def _remembered(delivery: NewWebhookDelivery) -> int:
    """Seconds for which the same is a repetition: an id is one for long, a body as is wanted."""
    if delivery.key is not None or delivery.repeat_seconds is None:
        return REMEMBERED_SECONDS
    return delivery.repeat_seconds


def drain(runtime: Runtime, *, limit: int = 500) -> int:
    """Move spooled deliveries to their table; an entry goes only after its row is committed."""
    return spool_of(runtime).drain(lambda said: keep_spooled(runtime, _delivery(said)), limit=limit)


def _document(delivery: NewWebhookDelivery) -> dict[str, Any]:
    return asdict(delivery) | {"raw": base64.b64encode(delivery.raw).decode()}


def _delivery(said: dict[str, Any]) -> NewWebhookDelivery:
    moments = {
        name: None if said[name] is None else datetime.fromisoformat(said[name]) for name in MOMENTS
    }
    ids = {name: UUID(said[name]) for name in IDS}
    return NewWebhookDelivery(**said | moments | ids | {"raw": base64.b64decode(said["raw"])})
