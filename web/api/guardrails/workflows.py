"""``/guardrails``: the deployment workflow, step by step."""

from __future__ import annotations

from typing import Any

from pipeline_engine.guardrails import workflows as services
from pipeline_engine.guardrails.rules.requests import StepRequest
from pipeline_engine.guardrails.views import (
    CancelView,
    ModelStatusSummary,
    ProgressView,
    WorkflowView,
)
from pipeline_engine.services import Act, Scope
from pipeline_engine.services.pages import Page
from pipeline_engine.services.queries import ProgressQuery

from ..blueprint import Blueprint
from ..context import caller, runtime, session
from ..preconditions import etag, versions_if_given
from ..schemas.executions import StartHeaders
from ..schemas.progress import ProgressParams
from ..starting import digest_of
from .schemas import (
    ModelStatusesSchema,
    StepBody,
    StopWorkflowBody,
    TakenBackSchema,
    WorkflowListSchema,
    WorkflowProgressSchema,
    WorkflowQuery,
    WorkflowSchema,
)

guardrails = Blueprint(
    "guardrails", __name__, description="Guardrail deployments, from the first choice to the last."
)
WORKFLOWS = "/deploy-workflow"
#: Whichever step it is: a field that comes with it may be what a pipeline waits for.
SAYS = (Scope.GUARDRAILS_WRITE, Scope.EXECUTIONS_RUN)


@guardrails.on(
    "POST",
    WORKFLOWS,
    operation="submit_guardrail_step",
    scope=SAYS,
    act=Act.GUARDRAIL_SUBMIT,
)
@guardrails.body(StepBody)
@guardrails.header(StartHeaders)
@guardrails.answers(200, WorkflowSchema)
@guardrails.or_answers(201, WorkflowSchema, meaning="It was begun.")
def submit(
    body: dict[str, Any], headers: dict[str, Any]
) -> tuple[WorkflowView, int, dict[str, str]]:
    """Begin a workflow (`workflow_total_steps`), or say a step of one (`workflow_id`).

    A step may be said again, or an earlier one: what hung on it is forgotten. Steps 5, 7, 8 and
    12 start pipelines. `If-Match`, or `version` in the body, says what you have seen.
    """
    asked = StepRequest.of(body)
    with versions_if_given() as versions:
        found, is_new = services.submit(
            caller(),
            runtime(),
            asked,
            key=headers.get("idempotency_key"),
            digest=digest_of(body),
            versions=versions,
        )
    return found, 201 if is_new else 200, etag(found.version)


@guardrails.on("GET", WORKFLOWS, operation="list_guardrail_workflows", scope=Scope.GUARDRAILS_READ)
@guardrails.query(WorkflowQuery)
@guardrails.answers(200, WorkflowListSchema)
def list_workflows(query: dict[str, Any]) -> Any:
    """List workflows, the newest first."""
    page = Page(query["page"], query["page_size"])
    return services.listed(caller(), session(), status=query.get("status"), page=page)


@guardrails.on(
    "GET",
    f"{WORKFLOWS}/<workflow_id>",
    operation="get_guardrail_workflow",
    scope=Scope.GUARDRAILS_READ,
)
@guardrails.answers(200, WorkflowSchema)
def show(workflow_id: str) -> tuple[WorkflowView, dict[str, str]]:
    """Return a workflow: what was said, what was found out, and which pipelines have run."""
    found = services.get(caller(), session(), workflow_id)
    return found, etag(found.version)


@guardrails.on(
    "GET",
    f"{WORKFLOWS}/<workflow_id>/model-status",
    operation="get_guardrail_model_status",
    scope=Scope.GUARDRAILS_READ,
)
@guardrails.answers(200, ModelStatusesSchema)
def model_status(workflow_id: str) -> ModelStatusSummary:
    """Say of each model that the chosen rules need what has to be done for it."""
    return services.model_status(caller(), session(), workflow_id)


@guardrails.on(
    "POST",
    f"{WORKFLOWS}/<workflow_id>/cancel",
    operation="cancel_guardrail_workflow",
    scope=Scope.GUARDRAILS_WRITE,
    act=Act.GUARDRAIL_CANCEL,
)
@guardrails.body(StopWorkflowBody, required=False)
@guardrails.answers(200, TakenBackSchema)
@guardrails.or_answers(202, TakenBackSchema, meaning="It goes on: ask again.")
def cancel(body: dict[str, Any], workflow_id: str) -> tuple[CancelView, int]:
    """Cancel a workflow: what it was deploying is taken back, onboarded models stay.

    Asked again, it says what has come of it.
    """
    found = services.cancel(caller(), runtime(), workflow_id, reason=body["reason"])
    return found, 202 if found.is_pending else 200


@guardrails.on(
    "GET",
    "/deployment/<deployment_id>/progress",
    operation="get_guardrail_progress",
    scope=Scope.GUARDRAILS_READ,
)
@guardrails.query(ProgressParams)
@guardrails.answers(200, WorkflowProgressSchema)
def progress(query: ProgressQuery, deployment_id: str) -> ProgressView:
    """Tell how far a workflow is, and the pipeline that it is at: its steps, and its estimate.

    By the id of the workflow, or of the guardrail deployment that it has made.
    """
    return services.progress(caller(), session(), deployment_id, query)
