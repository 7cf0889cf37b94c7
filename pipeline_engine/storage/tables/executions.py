"""Executions: one run of one revision with its params."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Numeric,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.storage.tables.base import Base, Json, Timestamped, one_of, uuid_key

OPEN = "status IN ('PENDING', 'RUNNING')"
#: The params that are no lists and no objects, as a list of values without names.
_PLAIN = (
    "jsonb_path_query_array({},"
    """ 'strict $.* ? (@.type() != "array" && @.type() != "object")', '{{}}', true)"""
)
#: The same for queries, which its index is to answer.
PLAIN_PARAMS: ColumnElement[Any] = literal_column(_PLAIN.format("executions.params"), type_=JSONB)


class Execution(Timestamped, Base):
    """One run of a pipeline. No step writes to this row but the first and the last."""

    __tablename__ = "executions"
    __table_args__ = (
        CheckConstraint(one_of("status", ExecutionStatus), name="status"),
        CheckConstraint("progress_percentage BETWEEN 0 AND 100", name="progress"),
        Index("ix_executions_created_at", "created_at"),
        # With the owner in it, one's own among many are counted without reading any row.
        Index(
            "ix_executions_of_pipeline",
            "pipeline_id",
            "created_at",
            postgresql_include=["user_id"],
        ),
        # For the names that there are, and for those among them that somebody searches.
        Index("ix_executions_name_created_at", "name", "created_at"),
        # Of what is in large params each change of a status would write thousands of entries.
        Index(
            "ix_executions_params",
            literal_column(_PLAIN.format("params")).label("plain"),
            postgresql_using="gin",
            postgresql_ops={"plain": "jsonb_path_ops"},
        ),
        Index("ix_executions_user_id_created_at", "user_id", "created_at"),
        Index("ix_executions_status_created_at", "status", "created_at"),
        Index("ix_executions_deadline_at", "deadline_at", postgresql_where=text(OPEN)),
        # For quotas: hardly any entries, and none that is read of others.
        Index("ix_executions_open", text("coalesce(user_id, '')"), postgresql_where=text(OPEN)),
        Index("ix_executions_revision_id", "revision_id"),
        Index("ix_executions_finished_at", "finished_at"),
        # For alerts: only failures have entries.
        Index(
            "ix_executions_failed",
            "pipeline_id",
            "finished_at",
            postgresql_where=text("status = 'FAILED'"),
        ),
        # Only what a step has started has entries in the next three.
        Index(
            "ix_executions_parent_step_id",
            "parent_step_id",
            postgresql_where=text("parent_step_id IS NOT NULL"),
        ),
        Index(
            "ix_executions_parent_execution_id",
            "parent_execution_id",
            postgresql_where=text("parent_execution_id IS NOT NULL"),
        ),
        Index(
            "ix_executions_root_execution_id",
            "root_execution_id",
            "created_at",
            postgresql_where=text("root_execution_id IS NOT NULL"),
        ),
        Index(
            "ix_executions_tree_cancelled",
            "id",
            postgresql_where=text(
                f"{OPEN} AND tree_cancelled_at IS NOT NULL AND abort_reason IS NULL"
            ),
        ),
        Index(
            "uq_executions_idempotency_key",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
        Index(
            "uq_executions_request_key",
            text("coalesce(user_id, '')"),
            "request_key",
            unique=True,
            postgresql_where=text("request_key IS NOT NULL"),
        ),
    )

    id: Mapped[uuid_key]
    pipeline_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("pipelines.id", ondelete="SET NULL")
    )
    revision_id: Mapped[UUID] = mapped_column(ForeignKey("pipeline_revisions.id"))
    name: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="PENDING")
    given_params: Mapped[dict[str, Json]]  #: as the caller gave them
    params: Mapped[dict[str, Json]]  #: with the defaults of the definition
    #: some texts in the params are sealed: they quote secrets
    sealed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    initiator: Mapped[str] = mapped_column(default="api")
    user_id: Mapped[str | None]
    #: with which rights it acts (``domain/authority.py``); null if an older version started it
    authority: Mapped[dict[str, Json] | None]
    callback_topics: Mapped[list[Json] | None]
    subscriber_ids: Mapped[str | None]
    payload_type: Mapped[str | None]
    notification_workflow_id: Mapped[str | None]
    #: the step execution that started this execution and waits for its end
    parent_step_id: Mapped[int | None] = mapped_column(BigInteger)
    #: which of its calls has started it, the same on every attempt
    parent_call: Mapped[str | None]
    parent_execution_id: Mapped[UUID | None]
    root_execution_id: Mapped[UUID | None]  #: the first of the tree; null for that one itself
    #: how many executions were ever started below this one, if it is the first of its tree
    descendants: Mapped[int] = mapped_column(default=0, server_default="0")
    #: since when nothing may be started below it, because it was cancelled with all of that
    tree_cancelled_at: Mapped[datetime | None]
    #: makes a repeated request of a user find the first execution
    request_key: Mapped[str | None]
    #: the same for processes of the version before, which join the owner to it
    idempotency_key: Mapped[str | None]
    request_hash: Mapped[str | None]
    #: the stored intent to end early: cancelled, failed or timed_out
    abort_reason: Mapped[str | None]
    cancel_requested_at: Mapped[datetime | None]
    #: when its time was up; ``deadline_at`` is from then on that of what goes on after that
    overdue_since: Mapped[datetime | None]
    #: since when nothing of it may run any more, handlers and compensations neither
    forced_at: Mapped[datetime | None]
    outputs: Mapped[dict[str, Json] | None]
    error: Mapped[dict[str, Json] | None]  #: ``{code, message, step_id?}``
    #: the high-water mark that readers raise; never written by a step
    progress_percentage: Mapped[Decimal] = mapped_column(
        Numeric(5, 2), default=Decimal(0), server_default="0"
    )
    deadline_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    lock_version: Mapped[int] = mapped_column(default=1, server_default="1")


def open_among(connection: Connection, ids: Collection[UUID]) -> set[UUID]:
    """Those of *ids* that have not ended; an execution that is gone has."""
    found = connection.exec_driver_sql(
        f"SELECT id FROM executions WHERE id = ANY(%(ids)s::uuid[]) AND {OPEN}",
        {"ids": [str(one) for one in ids]},
    )
    return set(found.scalars())


def open_by_owner(connection: Connection) -> dict[str | None, int]:
    """How many executions of each owner have not ended."""
    rows = connection.exec_driver_sql(
        f"SELECT coalesce(user_id, ''), count(*) FROM executions WHERE {OPEN} GROUP BY 1"
    )
    return {row[0] or None: row[1] for row in rows}
