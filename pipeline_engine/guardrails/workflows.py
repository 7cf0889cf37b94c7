"""Guardrail deployment workflows: say a step, read, cancel.

A caller sees and changes those of its owners.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.orm import Session

from pipeline_engine.guardrails.requests import StepRequest
from pipeline_engine.guardrails.views import (
    CancelView,
    ModelStatusSummary,
    ProgressView,
    WorkflowView,
)
from pipeline_engine.services import Caller, Runtime
from pipeline_engine.services.pages import Listed, Page

#: What a list can be filtered by.
STATUSES: tuple[str, ...] = ("in_progress", "completed", "failed", "cancelled")


def submit(
    caller: Caller,
    runtime: Runtime,
    body: StepRequest,
    *,
    key: str | None,
    digest: str,
    versions: Collection[int] | None = None,
) -> tuple[WorkflowView, bool]:
    """Begin a workflow, or say its next step, an earlier one or the same again; true if it is new.

    *key* is the Idempotency-Key of a request that begins one, *digest* that of its body.
    Raises ``InvalidGuardrailStep``, ``GuardrailWorkflowNotFound``, ``GuardrailStepNotReached``,
    ``GuardrailPipelineRunning``, ``GuardrailWorkflowEnded``, ``PeerUnavailable``,
    ``VersionMismatch``, ``IdempotencyKeyReused``, and what the start of a pipeline raises.
    """
    raise NotImplementedError


def get(caller: Caller, session: Session, workflow_id: UUID | str) -> WorkflowView:
    """One workflow. Raises ``GuardrailWorkflowNotFound``."""
    raise NotImplementedError


def listed(
    caller: Caller, session: Session, *, status: str | None, page: Page
) -> Listed[WorkflowView]:
    """The workflows that *caller* may see, newest first."""
    raise NotImplementedError


def model_status(caller: Caller, session: Session, workflow_id: UUID | str) -> ModelStatusSummary:
    """What its models need, as far as it is known (nothing before step 3 was said).

    Raises ``GuardrailWorkflowNotFound``.
    """
    raise NotImplementedError


def progress(caller: Caller, session: Session, workflow_id: UUID | str) -> ProgressView:
    """How far it is, by its own id or by that of the guardrail deployment that it has made.

    Raises ``GuardrailWorkflowNotFound``.
    """
    raise NotImplementedError


def cancel(
    caller: Caller, runtime: Runtime, workflow_id: UUID | str, *, reason: str | None
) -> CancelView:
    """Cancel a workflow: what it deploys is taken back, onboarded models stay.

    Raises ``GuardrailWorkflowNotFound`` and ``GuardrailWorkflowEnded``.
    """
    raise NotImplementedError


def link_rule(caller: Caller, session: Session, rule_id: str, model_id: str) -> None:
    """Remember which model a rule has been given. Raises ``InvalidGuardrailStep``."""
    raise NotImplementedError


def delete_table(caller: Caller, runtime: Runtime, profile_id: str) -> None:
    """Delete what the gateway reads of a profile, and take it off the endpoints that name it."""
    raise NotImplementedError
