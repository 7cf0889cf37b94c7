"""What actions have written down while they ran."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.storage.tables.base import Base, Json
from pipeline_engine.storage.tables.events import TransactionId


class StepLog(Base):
    """One line of the log of an attempt; never changed.

    As of events, readers go by ``(transaction_id, id)`` and stop before the oldest transaction
    that is still open. No foreign key: they are deleted with the execution.
    """

    __tablename__ = "step_logs"
    # To count what an attempt has already.
    __table_args__ = (Index("ix_step_logs_step_execution_id", "step_execution_id", "attempt"),)

    execution_id: Mapped[UUID] = mapped_column(primary_key=True)
    transaction_id: Mapped[int] = mapped_column(
        TransactionId, primary_key=True, server_default=text("pg_current_xact_id()")
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    step_execution_id: Mapped[int] = mapped_column(BigInteger)
    attempt: Mapped[int]
    at: Mapped[datetime]
    level: Mapped[str]
    message: Mapped[str]
    facts: Mapped[dict[str, Json] | None]
