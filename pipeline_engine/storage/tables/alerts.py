"""Alert rules of pipelines, and the alerts that they have raised."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.domain.alerts import AlertKind
from pipeline_engine.storage.tables.base import (
    Base,
    Json,
    Timestamped,
    counted_key,
    one_of,
    uuid_key,
)


class AlertRule(Timestamped, Base):
    """What its owner is to be told of, among his executions of one pipeline."""

    __tablename__ = "alert_rules"
    __table_args__ = (
        CheckConstraint(one_of("kind", AlertKind), name="kind"),
        Index("ix_alert_rules_user_id", "user_id"),
        Index("ix_alert_rules_pipeline_id", "pipeline_id"),
        # What the sweep asks: whose turn it is.
        Index("ix_alert_rules_look_at", "look_at", postgresql_where=text("enabled")),
    )

    id: Mapped[uuid_key]
    user_id: Mapped[str | None]  #: its owner; null is the system
    pipeline_id: Mapped[UUID] = mapped_column(ForeignKey("pipelines.id", ondelete="CASCADE"))
    name: Mapped[str]
    kind: Mapped[str]
    after_seconds: Mapped[float | None]
    times_p95: Mapped[float | None]
    enabled: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    #: failures before are not told
    since: Mapped[datetime] = mapped_column(server_default=func.now())
    look_at: Mapped[datetime] = mapped_column(server_default=func.now())
    looked_at: Mapped[datetime | None]
    #: the 95th percentile of how long completed executions took, as of ``usual_at``
    usual_seconds: Mapped[float | None]
    usual_at: Mapped[datetime | None]
    created_by: Mapped[str]
    lock_version: Mapped[int] = mapped_column(default=1, server_default="1")


class Alert(Base):
    """One thing that is, or was, wrong: one row, however often a rule has found it."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_found",
            "rule_id",
            "execution_id",
            text("coalesce(step_execution_id, 0)"),
            unique=True,
        ),
        Index("ix_alerts_open", "rule_id", postgresql_where=text("resolved_at IS NULL")),
        Index("ix_alerts_execution_id", "execution_id"),
        Index("ix_alerts_user_id", "user_id", "id"),
    )

    id: Mapped[counted_key]
    rule_id: Mapped[UUID] = mapped_column(ForeignKey("alert_rules.id", ondelete="CASCADE"))
    user_id: Mapped[str | None]  #: that of the rule, and of the execution
    pipeline_id: Mapped[UUID]
    kind: Mapped[str]
    execution_id: Mapped[UUID] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"))
    #: the parked step, or the fan-out whose items are parked
    step_execution_id: Mapped[int | None] = mapped_column(BigInteger)
    details: Mapped[dict[str, Json]]  #: what its event says of it
    raised_at: Mapped[datetime] = mapped_column(server_default=func.now())
    resolved_at: Mapped[datetime | None]
