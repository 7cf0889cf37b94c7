"""Guardrail deployment workflows: say a step, read, cancel.

A caller sees and changes those of its owners.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.guardrails import Phase
from pipeline_engine.domain.issues import Issue
from pipeline_engine.errors import (
    ExecutionNotFound,
    GuardrailWorkflowNotFound,
    InvalidGuardrailStep,
    NotFound,
    PeerUnavailable,
    PermissionDenied,
)
from pipeline_engine.guardrails import cancelling
from pipeline_engine.guardrails.records import IN_PROGRESS, WORDS, Known, view_of
from pipeline_engine.guardrails.rules.model_status import ModelStatus, counts
from pipeline_engine.guardrails.rules.requests import StepRequest, is_id
from pipeline_engine.guardrails.settling import known
from pipeline_engine.guardrails.submission import Key, Submission
from pipeline_engine.guardrails.views import (
    CancelView,
    ModelStatusSummary,
    ProgressView,
    RunView,
    WorkflowView,
)
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk import ServiceError
from pipeline_engine.services import audit_log, queries
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.queries import Progress, ProgressQuery
from pipeline_engine.storage import guardrails
from pipeline_engine.storage.tables.guardrails import GuardrailWorkflow
from pipeline_engine.storage.visibility import visible_to

#: What a list can be filtered by.
STATUSES: tuple[str, ...] = (IN_PROGRESS, *WORDS.values())
LONGEST_ID = 255  #: characters of an id of a peer
USUAL = ProgressQuery()  #: what is told of the execution of a pipeline


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
    ``VersionMismatch``, ``IdempotencyKeyReused``, ``PermissionDenied``, and what the start of a
    pipeline raises.
    """
    begins = body.workflow_id is None
    if begins and caller.only_pipelines is not None:
        raise PermissionDenied("A token that is bound to pipelines begins no workflow.")
    used = Key(key=key, digest=digest) if begins and key is not None else None
    return Submission(caller, runtime, body, used, versions).carry_out()


def get(caller: Caller, session: Session, workflow_id: UUID | str) -> WorkflowView:
    """One workflow. Raises ``GuardrailWorkflowNotFound``."""
    return view_of(_found(caller, session, workflow_id))


def listed(
    caller: Caller, session: Session, *, status: str | None, page: Page
) -> Listed[WorkflowView]:
    """The workflows that *caller* may see, newest first."""
    conditions = [visible_to(GuardrailWorkflow, caller), *_conditions(status)]
    counted = select(func.count()).select_from(GuardrailWorkflow).where(*conditions)
    total = session.scalar(counted) or 0
    newest = (GuardrailWorkflow.created_at.desc(), GuardrailWorkflow.id.desc())
    rows = session.scalars(
        select(GuardrailWorkflow)
        .where(*conditions)
        .order_by(*newest)
        .limit(page.size)
        .offset(page.offset)
    ).all()
    return Listed([view_of(one) for one in known(session, rows)], total, page)


def _conditions(status: str | None) -> list[ColumnElement[bool]]:
    """Of a list by status; an end that nobody has written yet counts a moment later."""
    if status is None:
        return []
    phase = next((one for one, word in WORDS.items() if word == status), None)
    if phase is not None:
        return [GuardrailWorkflow.phase == phase.value]
    others = [one.value for one in Phase if one not in WORDS]
    return [GuardrailWorkflow.phase.in_(others)]


def model_status(caller: Caller, session: Session, workflow_id: UUID | str) -> ModelStatusSummary:
    """What its models need, as far as it is known: none before the probes were chosen.

    Raises ``GuardrailWorkflowNotFound``.
    """
    statuses = _found(caller, session, workflow_id).state.statuses
    if statuses is None:
        return ModelStatusSummary(
            models=(),
            models_requiring_onboarding=0,
            models_requiring_deployment=0,
            models_reusable=0,
            skip_to_step=None,
            credential_required=False,
        )
    models = [ModelStatus(**one) for one in statuses]
    return ModelStatusSummary(models=models, **counts(statuses))


def progress(
    caller: Caller,
    session: Session,
    workflow_id: UUID | str,
    wanted: ProgressQuery = USUAL,
) -> ProgressView:
    """How far it is, by its own id or by that of the guardrail deployment that it has made.

    Raises ``GuardrailWorkflowNotFound``.
    """
    view = view_of(_found(caller, session, workflow_id, or_deployment=True))
    run = view.runs[-1] if view.runs else None
    return ProgressView(workflow=view, run=run, progress=_progress(caller, session, run, wanted))


def _progress(
    caller: Caller, session: Session, run: RunView | None, wanted: ProgressQuery
) -> Progress | None:
    if run is None:
        return None
    try:
        return queries.progress(caller, session, run.execution_id, wanted)
    except ExecutionNotFound:
        return None


def cancel(
    caller: Caller, runtime: Runtime, workflow_id: UUID | str, *, reason: str | None
) -> CancelView:
    """Cancel a workflow: what it deploys is taken back, onboarded models stay.

    A second cancel says what has come of the first. Raises ``GuardrailWorkflowNotFound`` and
    ``GuardrailWorkflowEnded``.
    """
    return cancelling.cancel(caller, runtime, _as_id(workflow_id), reason=reason)


def link_rule(caller: Caller, session: Session, rule_id: str, model_id: str) -> None:
    """Remember which model a rule has been given; it goes before what budapp says.

    Raises ``InvalidGuardrailStep``.
    """
    problems = [
        Issue(pointer, "invalid_type", f"It has to be a text of 1 to {LONGEST_ID} characters")
        for pointer, value in (("/rule_id", rule_id), ("/model_id", model_id))
        if not 0 < len(value.strip()) <= LONGEST_ID
    ]
    if problems:
        raise InvalidGuardrailStep("A rule is given one model.", problems=problems)
    connection, owner = session.connection(), caller.user_id
    guardrails.link_rule(connection, owner, rule_id, model_id)
    audit_log.record(caller, session, Act.GUARDRAIL_LINK_RULE, rule_id, owner, model_id=model_id)


def delete_table(caller: Caller, runtime: Runtime, profile_id: str) -> Sequence[str]:
    """Delete what the gateway reads of a profile; returns the endpoints that it guarded.

    Raises ``NotFound`` where there is none, and ``PeerUnavailable`` if the gateway's Redis is
    away, or none is configured.
    """
    tables, about = runtime.peers.gateway, Act.GUARDRAIL_DELETE_TABLE
    if tables is None:
        raise PeerUnavailable("The gateway's Redis is not known here (PIPELINE_GATEWAY_REDIS_URL).")
    with runtime.sessions.begin() as session:  # recorded if it is done, and only then
        audit_log.record(caller, session, about, profile_id, caller.user_id)
        try:
            taken = tables.delete(profile_id)
        except ServiceError as error:
            raise PeerUnavailable(str(error)) from error
        if not (taken.was_there or taken.endpoint_ids):
            raise NotFound(f"The gateway has no table of profile {profile_id}")
    return taken.endpoint_ids


def _found(
    caller: Caller, session: Session, workflow_id: UUID | str, *, or_deployment: bool = False
) -> Known:
    meant: list[ColumnElement[bool]] = []
    if is_id(workflow_id):
        meant.append(GuardrailWorkflow.id == UUID(str(workflow_id)))
    if or_deployment and str(workflow_id).isprintable():
        derived = GuardrailWorkflow.derived
        is_its = derived["deployment_id"].astext == str(workflow_id)
        meant.append(derived.has_key("deployment_id") & is_its)
    rows = (
        meant
        and session.scalars(
            select(GuardrailWorkflow)
            .where(visible_to(GuardrailWorkflow, caller), or_(*meant))
            .order_by(GuardrailWorkflow.created_at.desc())
            .limit(1)
        ).all()
    )
    if not rows:
        raise _not_found(workflow_id)
    return known(session, rows)[0]


def _as_id(workflow_id: UUID | str) -> UUID:
    if not is_id(workflow_id):
        raise _not_found(workflow_id)
    return UUID(str(workflow_id))


def _not_found(workflow_id: object) -> GuardrailWorkflowNotFound:
    return GuardrailWorkflowNotFound(f"Guardrail workflow not found: {workflow_id}")
