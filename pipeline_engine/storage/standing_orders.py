"""Standing orders of a pipeline: they end with it."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from pipeline_engine.storage.tables.event_triggers import EventTrigger
from pipeline_engine.storage.tables.schedules import Schedule
from pipeline_engine.storage.tables.standing_orders import StandingOrder
from pipeline_engine.storage.tables.webhooks import Webhook

#: The tables of standing orders; each is written by its own noun, and disabled from here.
TABLES: tuple[type[StandingOrder], ...] = (EventTrigger, Schedule, Webhook)


class DisabledReason(StrEnum):
    """Why the engine has disabled an order."""

    PIPELINE_DELETED = "pipeline_deleted"
    PIPELINE_ARCHIVED = "pipeline_archived"


def disable_for(session: Session, pipeline_id: UUID, reason: DisabledReason) -> None:
    """Disable what starts this pipeline; what somebody has disabled before keeps his reason."""
    for table in TABLES:
        session.execute(
            update(table)
            .where(table.pipeline_id == pipeline_id, table.enabled)
            .values(enabled=False, disabled_reason=reason, lock_version=table.lock_version + 1)
        )
