"""Schedules, and the ledger of what became of each of their due times."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.domain.schedules import FireOrigin, FireOutcome, ScheduleStatus
from pipeline_engine.storage.tables.base import Base, counted_key, one_of
from pipeline_engine.storage.tables.standing_orders import StandingOrder


class Schedule(StandingOrder, Base):
    """Start a pipeline at these times. The expression is the truth, the next times follow."""

    __tablename__ = "schedules"
    __table_args__ = (
        CheckConstraint("kind IN ('cron', 'interval', 'one_time', 'manual')", name="kind"),
        CheckConstraint("ended IN ('expired', 'completed')", name="ended"),
        Index(
            "ix_schedules_next_fire_at",
            "next_fire_at",
            postgresql_where=text("enabled AND next_fire_at IS NOT NULL"),
        ),
        Index("ix_schedules_user_id_created_at", "user_id", "created_at"),
    )

    kind: Mapped[str]
    expression: Mapped[str | None]
    timezone: Mapped[str] = mapped_column(default="UTC", server_default="UTC")
    run_at: Mapped[datetime | None]
    dst_missing: Mapped[str | None]  #: null is the rule of cron, as in the next
    dst_doubled: Mapped[str | None]
    jitter_seconds: Mapped[int] = mapped_column(default=0, server_default="0")
    starts_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    max_runs: Mapped[int | None]
    misfire: Mapped[str] = mapped_column(default="last", server_default="last")
    catch_up_seconds: Mapped[int | None]
    overlap: Mapped[str] = mapped_column(default="allow", server_default="allow")
    pause_after_failures: Mapped[int | None]
    anchor_at: Mapped[datetime]  #: where intervals count from
    #: up to here, what was due is decided: it is in the ledger, or was not wanted
    settled_at: Mapped[datetime]
    next_due_at: Mapped[datetime | None]  #: what the expression says
    next_fire_at: Mapped[datetime | None]  #: with the jitter; or when it expires
    zone_release: Mapped[str]  #: the release of the time zones that these were computed with
    #: since when a due one waits for its turn, if many came at once
    seen_due_at: Mapped[datetime | None]
    #: failures before this do not count for ``pause_after_failures``
    trusted_since: Mapped[datetime] = mapped_column(server_default=func.now())
    run_count: Mapped[int] = mapped_column(default=0, server_default="0")
    last_run_at: Mapped[datetime | None]
    last_execution_id: Mapped[UUID | None]
    ended: Mapped[str | None]  #: why nothing will ever be due again

    @property
    def status(self) -> ScheduleStatus:
        """What it is up to."""
        if self.ended is not None:
            return ScheduleStatus(self.ended)
        return ScheduleStatus.ACTIVE if self.enabled else ScheduleStatus.PAUSED

    @property
    def next_run_at(self) -> datetime | None:
        """When it is due next; nothing is while it is paused, whoever has done that."""
        return self.next_due_at if self.enabled else None


class ScheduleFire(Base):
    """What became of one due time, or of a range of those that nobody was there for."""

    __tablename__ = "schedule_fires"
    __table_args__ = (
        CheckConstraint(one_of("outcome", FireOutcome), name="outcome"),
        CheckConstraint(one_of("origin", FireOrigin), name="origin"),
        # Each due time once, whoever comes to it: all of exactly-once rests on this.
        Index("uq_schedule_fires_schedule_id_due_at", "schedule_id", "due_at", unique=True),
        Index(
            "ix_schedule_fires_open",
            "schedule_id",
            postgresql_where=text("outcome = 'fired' AND ended_as IS NULL"),
        ),
        Index(
            "ix_schedule_fires_queued",
            "schedule_id",
            postgresql_where=text("outcome = 'queued'"),
        ),
        Index("ix_schedule_fires_recorded_at", "recorded_at", postgresql_using="brin"),
    )

    id: Mapped[counted_key]
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedules.id", ondelete="CASCADE"))
    due_at: Mapped[datetime]
    origin: Mapped[str] = mapped_column(default="clock", server_default="clock")
    outcome: Mapped[str]
    reason: Mapped[str | None]
    #: what was started; of one that is merged, what was started for it
    execution_id: Mapped[UUID | None]
    late_seconds: Mapped[float]
    schedule_version: Mapped[int]  #: the ``lock_version`` that it has obeyed
    until_at: Mapped[datetime | None]  #: the last due time, if it stands for several
    count: Mapped[int] = mapped_column(default=1, server_default="1")
    #: how the execution has ended, as far as it was looked for
    ended_as: Mapped[str | None]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
