"""Guardrail deployment workflows, the pipelines that they have started, and the models of rules."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.domain.guardrails import Phase, RunStatus
from pipeline_engine.storage.tables.base import Base, Json, Timestamped, one_of, uuid_key


class GuardrailWorkflow(Timestamped, Base):
    """What one user has said in twelve steps, and what has become of it."""

    __tablename__ = "guardrail_workflows"
    __table_args__ = (
        CheckConstraint(one_of("phase", Phase), name="phase"),
        Index("ix_guardrail_workflows_user_id_created_at", "user_id", "created_at"),
        Index(
            "ix_guardrail_workflows_deployment_id",
            text("(derived ->> 'deployment_id')"),
            postgresql_where=text("derived ? 'deployment_id'"),
        ),
        Index(
            "uq_guardrail_workflows_request_key",
            text("coalesce(user_id, '')"),
            "request_key",
            unique=True,
            postgresql_where=text("request_key IS NOT NULL"),
        ),
    )

    id: Mapped[uuid_key]  #: also the ``notification_workflow_id`` of its executions
    user_id: Mapped[str | None]  #: its owner; null is the system
    created_by: Mapped[str]  #: a principal
    phase: Mapped[str]
    current_step: Mapped[int]
    total_steps: Mapped[int]
    given: Mapped[dict[str, Json]]  #: fields as its user gave them
    derived: Mapped[dict[str, Json]]  #: what peers and pipelines have said
    reason: Mapped[str | None]  #: why it failed or was cancelled
    lock_version: Mapped[int] = mapped_column(default=1, server_default="1")
    #: makes a repeated request of a user find the first workflow
    request_key: Mapped[str | None]
    request_hash: Mapped[str | None]


class GuardrailRun(Base):
    """One pipeline that a workflow has started. Old ones stay."""

    __tablename__ = "guardrail_runs"
    __table_args__ = (
        CheckConstraint(one_of("status", RunStatus), name="status"),
        Index("uq_guardrail_runs_execution_id", "execution_id", unique=True),
        Index("uq_guardrail_runs_number", "workflow_id", "step_number", "number", unique=True),
        # Never two pipelines of one workflow at once; and what the follower asks for.
        Index(
            "uq_guardrail_runs_open",
            "workflow_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[uuid_key]
    workflow_id: Mapped[UUID] = mapped_column(
        ForeignKey("guardrail_workflows.id", ondelete="CASCADE")
    )
    user_id: Mapped[str | None]  #: that of the workflow
    step_number: Mapped[int]
    pipeline: Mapped[str]  #: its name
    number: Mapped[int]  #: 1 for the first of this step
    #: no foreign key: an execution may be deleted when it is old
    execution_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(default=RunStatus.RUNNING)
    results: Mapped[dict[str, Json] | None]
    error: Mapped[dict[str, Json] | None]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]


class GuardrailRuleModel(Base):
    """Which model a rule has been given, as somebody has told us who knows."""

    __tablename__ = "guardrail_rule_models"
    __table_args__ = (
        # A null owner is the system: one scope too, so NULLs must not count as distinct.
        Index("uq_guardrail_rule_models", text("coalesce(user_id, '')"), "rule_id", unique=True),
    )

    id: Mapped[uuid_key]
    user_id: Mapped[str | None]
    rule_id: Mapped[str]
    model_id: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
