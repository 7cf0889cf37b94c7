"""Step executions: one step, item, handler or compensation of one execution.

The row is its own outbox: ``queued_at`` says that a message ought to be on its way.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Numeric, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.domain.states import StepStatus
from pipeline_engine.storage.tables.base import Base, Json, Timestamped, counted_key, one_of


class StepKind(StrEnum):
    """What a row of ``step_executions`` stands for."""

    STEP = "step"  #: a step of the definition
    ITEM = "item"  #: one child of a fan-out
    COMPENSATION = "compensation"  #: undoes a completed step
    HANDLER = "handler"  #: runs after the rest has ended
    SINK = "sink"  #: the virtual last step: it becomes ready when all others have ended


#: Characters of an external id, at most; a longer one would not fit an index entry.
MAX_EXTERNAL_ID = 512
WAITING = "status IN ('PENDING', 'RETRYING')"
counter = Annotated[int, mapped_column(default=0, server_default="0")]


class StepExecution(Timestamped, Base):
    """One step of one execution."""

    __tablename__ = "step_executions"
    __table_args__ = (
        CheckConstraint(one_of("status", StepStatus), name="status"),
        CheckConstraint(one_of("kind", StepKind), name="kind"),
        CheckConstraint("progress_percentage BETWEEN 0 AND 100", name="progress"),
        CheckConstraint("remaining >= 0", name="remaining"),
        Index(
            "uq_step_executions_execution_id_step_id",
            "execution_id",
            "step_id",
            unique=True,
            postgresql_where=text("parent_id IS NULL"),
        ),
        # For the abort, which looks at items too, and for the deletion of an execution.
        Index("ix_step_executions_execution_id", "execution_id", "sequence_number"),
        # For explaining what an execution waits for without reading what has ended.
        Index(
            "ix_step_executions_open",
            "execution_id",
            "status",
            "id",
            postgresql_where=text("status IN ('PENDING', 'RETRYING', 'RUNNING')"),
        ),
        Index(
            "uq_step_executions_parent_id_item_index",
            "parent_id",
            "item_index",
            unique=True,
            postgresql_where=text("parent_id IS NOT NULL"),
        ),
        # Whatever is chosen among queued steps is chosen by owner: see ``storage/shares.py``.
        Index(
            "ix_step_executions_shares",
            "queue",
            "owner",
            "queued_at",
            postgresql_where=text(f"{WAITING} AND queued_at IS NOT NULL"),
        ),
        # Ready, but the window of the execution or of the fan-out is full.
        Index(
            "ix_step_executions_held",
            "execution_id",
            "parent_id",
            "id",
            postgresql_where=text("status = 'PENDING' AND held"),
        ),
        Index(
            "ix_step_executions_leased",
            "leased_until",
            postgresql_where=text("status = 'RUNNING' AND leased_until IS NOT NULL"),
        ),
        Index(
            "ix_step_executions_due",
            "due_at",
            postgresql_where=text(
                "status IN ('RETRYING', 'RUNNING', 'PENDING') AND due_at IS NOT NULL"
            ),
        ),
        # Those among them that are queued when they are due, by owner as well.
        Index(
            "ix_step_executions_delayed",
            "owner",
            "due_at",
            postgresql_where=text(f"{WAITING} AND due_at IS NOT NULL"),
        ),
        Index(
            "ix_step_executions_deadline",
            "deadline_at",
            postgresql_where=text("status = 'RUNNING' AND deadline_at IS NOT NULL"),
        ),
        # At most as many entries as an execution's window is wide.
        Index(
            "ix_step_executions_window",
            "execution_id",
            postgresql_where=text("in_window"),
        ),
        # Rows are asked for by execution, when that gets its place.
        Index(
            "ix_step_executions_in_line",
            "execution_id",
            postgresql_where=text(f"{WAITING} AND in_line"),
        ),
        # For people who ask what waits for their yes or no.
        Index(
            "ix_step_executions_asks",
            "id",
            postgresql_where=text("awaiting_event AND outputs ? 'asked'"),
        ),
        # Hardly ever an entry: a moment later what is not needed is stopped.
        Index("ix_step_executions_cancels_rest", "id", postgresql_where=text("cancels_rest")),
        # Step rows change several times; room on the page keeps the index work down.
        {"postgresql_with": {"fillfactor": 70, "autovacuum_vacuum_scale_factor": 0.02}},
    )

    id: Mapped[counted_key]
    execution_id: Mapped[UUID] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"))
    step_id: Mapped[str]
    name: Mapped[str]
    action: Mapped[str]
    kind: Mapped[str]
    sequence_number: Mapped[int]
    weight: Mapped[float] = mapped_column(default=1.0, server_default="1")

    # Fan-out
    parent_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("step_executions.id", ondelete="CASCADE")
    )
    item_index: Mapped[int | None]
    item_key: Mapped[str | None]
    item: Mapped[Json | None] = mapped_column(JSONB(none_as_null=False))
    items_total: Mapped[int | None]
    #: items that are not final; the transaction that takes it to 0 wakes the join
    items_open: Mapped[int | None]
    items_failed: Mapped[int | None]
    items_tolerated: Mapped[int | None]  #: how many may fail before the rest is given up

    # Inside of blocks; null outside
    #: the rows of the blocks that it is in, the outermost first
    enclosing: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    within: Mapped[str | None]  #: their names, with items and attempts: ``each[3]/pay#2``

    # Readiness: counters, which save reading the rows of the dependencies
    status: Mapped[str] = mapped_column(server_default="PENDING")
    dependency_count: Mapped[counter]
    remaining: Mapped[counter]
    deps_succeeded: Mapped[counter]
    deps_failed: Mapped[counter]
    deps_blocking: Mapped[counter]  #: failed, and not tolerated
    deps_branched: Mapped[counter]  #: skipped by a branch
    successors: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    skip_reason: Mapped[str | None]
    #: it has gone on without others, which are still to be stopped
    cancels_rest: Mapped[bool] = mapped_column(default=False, server_default="false")

    # Carriage
    queue: Mapped[str]
    #: whose turn it takes, that of its execution's owner; empty for the system
    owner: Mapped[str] = mapped_column(Text(collation="C"), server_default="")
    cheap: Mapped[bool]
    in_window: Mapped[bool] = mapped_column(default=False, server_default="false")
    held: Mapped[bool] = mapped_column(default=False, server_default="false")
    #: it waits for a place of a key (``concurrency_places``), its own or that of its execution
    in_line: Mapped[bool] = mapped_column(default=False, server_default="false")
    #: it has a place of its own key, until it has ended
    has_place: Mapped[bool] = mapped_column(default=False, server_default="false")
    queued_at: Mapped[datetime | None]
    publish_count: Mapped[counter]
    due_at: Mapped[datetime | None]  #: when a retry, a delayed item or a timer wakes up

    # The attempt: its number fences every write
    attempt: Mapped[counter]
    retry_count: Mapped[counter]
    lost_count: Mapped[counter]  #: attempts that died with their worker
    worker: Mapped[str | None]
    task_id: Mapped[str | None]
    leased_until: Mapped[datetime | None]
    deadline_at: Mapped[datetime | None]
    cancelling: Mapped[bool] = mapped_column(default=False, server_default="false")

    # Parked
    awaiting_event: Mapped[bool] = mapped_column(default=False, server_default="false")
    external_workflow_id: Mapped[str | None]

    # What it left
    progress_percentage: Mapped[Decimal] = mapped_column(
        Numeric(5, 2), default=Decimal(0), server_default="0"
    )
    eta_seconds: Mapped[int | None]
    outputs: Mapped[dict[str, Json] | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    lock_version: Mapped[int] = mapped_column(default=1, server_default="1")


class Correlation(Base):
    """An external id, and the step execution that waits for events that carry it."""

    __tablename__ = "correlations"
    __table_args__ = (
        Index("ix_correlations_step_execution_id", "step_execution_id"),
        Index(
            "ix_correlations_unread",
            "step_execution_id",
            postgresql_where=text("read_through IS NOT NULL"),
        ),
    )

    external_id: Mapped[str] = mapped_column(primary_key=True)
    step_execution_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("step_executions.id", ondelete="CASCADE"), primary_key=True
    )
    attempt: Mapped[int]
    owner: Mapped[str | None]  #: of the execution; null is the system
    #: a peer gave the id, so a service that speaks for no user may use it; else an author did
    from_peer: Mapped[bool] = mapped_column(default=True, server_default="true")
    parked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    #: the last kept delivery that was offered to it; null when it has been offered all of them
    read_through: Mapped[int | None] = mapped_column(BigInteger, server_default="0")
