"""Events: what happened, written once in the transaction that made it true."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Index, Numeric, func, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from pipeline_engine.storage.tables.base import Base, Json, counted_key


class EventType(StrEnum):
    """Kinds of events. ``workflow_*`` are the names that clients of the reference know."""

    WORKFLOW_STARTED = "workflow_started"
    WORKFLOW_PROGRESS = "workflow_progress"
    WORKFLOW_COMPLETED = "workflow_completed"
    WORKFLOW_FAILED = "workflow_failed"
    WORKFLOW_INTERRUPTED = "workflow_interrupted"
    CANCEL_REQUESTED = "cancel_requested"
    DEADLINE_PASSED = "deadline_passed"
    STEP_STARTED = "step_started"
    STEP_PARKED = "step_parked"
    STEP_REMINDER = "step_reminder"  #: it still waits, and whoever has to act is told again
    STEP_PROGRESS = "step_progress"
    STEP_COMPLETED = "step_completed"
    STEP_FAILED = "step_failed"
    STEP_SKIPPED = "step_skipped"
    STEP_RETRYING = "step_retrying"
    STEP_TIMEOUT = "step_timeout"
    STEP_RECOVERED = "step_recovered"  #: its worker died; it was queued again
    STEP_EXPANDED = "step_expanded"  #: a fan-out made its items
    PLACE_AWAITED = "place_awaited"  #: an execution or a step waits for a place of its key
    PLACE_TAKEN = "place_taken"  #: it has one
    ETA_UPDATE = "eta_update"
    ALERT_RAISED = "alert_raised"  #: a rule has found that something is wrong
    ALERT_RESOLVED = "alert_resolved"  #: it is over


#: Told about an execution by somebody who looks at it, also when it has ended: no moves.
ALERTS = frozenset({EventType.ALERT_RAISED, EventType.ALERT_RESOLVED})


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's ``xid8``."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """As it is written in a table."""
        return "xid8"


class Event(Base):
    """One entry of the history of an execution; never changed.

    Readers order by ``(transaction_id, id)`` and stop before the oldest transaction that is
    still open, so that an event that commits late is never skipped.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_execution_id", "execution_id", "transaction_id", "id"),
        Index(
            "ix_events_retrying",
            "step_execution_id",
            postgresql_where=text("event_type = 'step_retrying'"),
        ),
        # For those who ask what is new of everybody's; most events of a transaction are one entry.
        Index("ix_events_transaction_id", "transaction_id"),
    )

    id: Mapped[counted_key]
    transaction_id: Mapped[int] = mapped_column(
        TransactionId(), server_default=text("pg_current_xact_id()")
    )
    # No foreign key: its check would lock the execution's row once per event, a hot row.
    execution_id: Mapped[UUID]
    step_execution_id: Mapped[int | None] = mapped_column(BigInteger)
    event_type: Mapped[str]
    details: Mapped[dict[str, Json] | None]
    progress_percentage: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    eta_seconds: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
