"""The audit log: who did what to which row, when, from where, and what came of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.domain.audit_log import Result
from pipeline_engine.storage.tables.base import Base, Json, counted_key, one_of


class AuditRecord(Base):
    """One act. Triggers refuse to change or delete it; only ``forget_audit_log`` deletes."""

    __tablename__ = "audit_log"
    __table_args__ = (
        CheckConstraint(one_of("result", Result), name="result"),
        Index("ix_audit_log_principal_id", "principal", "id"),
        Index("ix_audit_log_act_id", "act", "id"),
        Index("ix_audit_log_owner_id", "owner", "id", postgresql_where=text("owner IS NOT NULL")),
        Index(
            "ix_audit_log_target_id", "target", "id", postgresql_where=text("target IS NOT NULL")
        ),
        Index("ix_audit_log_not_done", "result", "id", postgresql_where=text("result <> 'done'")),
        Index("uq_audit_log_once", "once", unique=True, postgresql_where=text("once IS NOT NULL")),
        Index("ix_audit_log_at", "at"),
    )

    id: Mapped[counted_key]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    act: Mapped[str]
    principal: Mapped[str | None]
    acted_for: Mapped[str | None]
    owner: Mapped[str | None]
    target: Mapped[str | None]
    result: Mapped[str]
    code: Mapped[str | None]
    request_id: Mapped[str | None]
    address: Mapped[str | None]
    details: Mapped[dict[str, Json]]
    #: what makes it the same as another: of some acts one record is enough
    once: Mapped[str | None]
