"""What is told of a guardrail deployment workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pipeline_engine.guardrails.rules.model_status import ModelStatus
from pipeline_engine.services.queries import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One pipeline that the workflow has started."""

    step_number: int
    pipeline: str
    execution_id: UUID
    number: int  #: 1 for the first of its step, 2 when that was started again
    status: str  #: running, completed, failed or cancelled
    started_at: datetime
    ended_at: datetime | None
    error: Mapping[str, Any] | None  #: ``{code, message}``
    #: outputs of its execution, and ``rollback`` if it was taken back; null while it goes on
    results: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowView:
    """All that is known of a workflow."""

    id: UUID
    user_id: str | None
    status: str  #: in_progress, completed, failed or cancelled
    phase: str
    current_step: int
    next_step: int | None  #: null when nothing can be sent any more
    total_steps: int
    skipped_steps: Sequence[int]
    reason: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    #: every field that there is: those that were given, and those that are derived; null if unknown
    workflow_steps: Mapping[str, Any]
    runs: Sequence[RunView]  #: the oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatusSummary:
    """What the models of the chosen probes need."""

    models: Sequence[ModelStatus]
    models_requiring_onboarding: int
    models_requiring_deployment: int
    models_reusable: int
    skip_to_step: int | None
    credential_required: bool

    @property
    def total_models(self) -> int:
        """How many there are, one for each rule that has a model."""
        return len(self.models)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressView:
    """How far a workflow is, and the pipeline that it is at."""

    workflow: WorkflowView
    run: RunView | None  #: the newest; null before the first
    progress: Progress | None  #: of its execution; null when that was deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelView:
    """What came of a cancellation."""

    workflow: WorkflowView
    status: str  #: pending while it goes on, then success, partial or error
    #: ids by kind: deployments, redis_keys, endpoints, profiles
    cleaned_up: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: onboarded_models, and profiles that were there before
    preserved: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    errors: Sequence[str] = ()

    @property
    def is_pending(self) -> bool:
        """Whether it goes on yet."""
        return self.status == "pending"
