"""Keep what comes in by a webhook: once, and before its sender is answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.errors import StorageUnavailable
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage import webhook_deliveries as deliveries
from pipeline_engine.storage.postgres.session import autocommit
from pipeline_engine.storage.tables.webhooks import DeliveryOutcome
from pipeline_engine.storage.webhook_deliveries import Known, NewWebhookDelivery


@dataclass(frozen=True, slots=True)
class Kept:
    """A delivery that is lasting."""

    id: int
    execution_id: UUID
    before: Known | None = None  #: the same, if it was kept before


def keep(runtime: Runtime, delivery: NewWebhookDelivery) -> Kept:
    """Keep a delivery and wake a worker, or find the same one that was kept before.

    Raises ``StorageUnavailable`` if the same one has just vanished.
    """
    failpoint(Failpoint.BEFORE_WEBHOOK_INSERT)
    with autocommit(runtime.engine) as connection:
        delivery_id = deliveries.insert(connection, delivery)
        if delivery_id is None and _is_another(connection, delivery):
            delivery_id = deliveries.insert(connection, delivery)
        if delivery_id is None:
            before = deliveries.note_again(connection, delivery)
            if before is None:  # retention was faster
                raise StorageUnavailable
            return Kept(before.id, before.execution_id, before)
    failpoint(Failpoint.AFTER_WEBHOOK_COMMIT)
    runtime.dispatch.announce_webhook(delivery_id)
    return Kept(delivery_id, delivery.execution_id)


def keep_spooled(runtime: Runtime, delivery: NewWebhookDelivery) -> None:
    """Keep what was answered while the database was away.

    Its sender was told the id of an execution. If the same came before the database went, a row of
    its own says that there is none.
    """
    kept = keep(runtime, delivery)
    if kept.before is None or kept.execution_id == delivery.execution_id:
        return
    told = replace(delivery, key=None, body_key=None)
    with autocommit(runtime.engine) as connection:
        deliveries.insert(connection, told, outcome=DeliveryOutcome.DUPLICATE.value)


def _is_another(connection: Connection, delivery: NewWebhookDelivery) -> bool:
    """Whether all that is the same is a body, and that of longer ago than counts."""
    if delivery.body_key is None or delivery.repeat_seconds is None:
        return False
    after = timedelta(seconds=delivery.repeat_seconds)
    return deliveries.retire_body_key(connection, delivery, after=after)
