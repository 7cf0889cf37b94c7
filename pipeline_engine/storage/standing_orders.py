"""Standing orders of a pipeline: they end with it."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, select, update
from sqlalchemy.orm import Session

from pipeline_engine.storage.tables.event_triggers import EventTrigger
from pipeline_engine.storage.tables.pipelines import Pipeline
from pipeline_engine.storage.tables.schedules import Schedule
from pipeline_engine.storage.tables.standing_orders import StandingOrder
from pipeline_engine.storage.tables.webhooks import Webhook

#: The tables of standing orders; each is written by its own noun, and disabled from here.
TABLES: tuple[type[StandingOrder], ...] = (EventTrigger, Schedule, Webhook)


class DisabledReason(StrEnum):
    """Why the engine has disabled an order."""

    PIPELINE_DELETED = "pipeline_deleted"
    PIPELINE_ARCHIVED = "pipeline_archived"


def hold_pipeline(connection: Connection, pipeline_id: UUID) -> None:
    """Let a pipeline stay as it is until the end of the transaction, if there is one.

    Whoever deletes or archives one locks it, and then disables its orders: an order that is saved
    meanwhile would start what is gone, for ever.
    """
    connection.execute(_held(Pipeline.id == pipeline_id))


def hold_pipeline_of(connection: Connection, table: type[StandingOrder], order_id: UUID) -> None:
    """The same for the pipeline of an order that is about to be locked.

    Before the order, as whoever deletes a pipeline does: who waits for both does so in one order.
    """
    its = select(table.pipeline_id).where(table.id == order_id).scalar_subquery()
    connection.execute(_held(Pipeline.id == its))


def _held(which: ColumnElement[bool]) -> Select[UUID]:
    return select(Pipeline.id).where(which).with_for_update(read=True, key_share=True)


def disable_for(session: Session, pipeline_id: UUID, reason: DisabledReason) -> None:
    """Disable what starts this pipeline; what somebody has disabled before keeps his reason."""
    for table in TABLES:
        session.execute(
            update(table)
            .where(table.pipeline_id == pipeline_id, table.enabled)
            .values(enabled=False, disabled_reason=reason, lock_version=table.lock_version + 1)
        )
