"""Deletes a deployment."""

from __future__ import annotations

from typing import Any

from pipeline_engine.sdk import (
    CALLBACK_TOPIC,
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    EventContext,
    EventEnvelope,
    EventResult,
    ExecutionMode,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    ServiceError,
    ServiceResponse,
    ValidationRules,
    path_segment,
    register_action,
    settings,
)

from ..peers.answers import workflow_id
from ..peers.calls import accepted, for_user, max_wait_seconds, not_done
from ..peers.jobs import PeerJob, completed, failed_before, unfinished_before

MAX_WAIT_SECONDS = 300
START_SECONDS = 60

DELETION = PeerJob(
    peer=settings.budapp_app_id,
    kinds=frozenset({"delete_deployment"}),
    ends=frozenset({"results", "deployment_deletion_status"}),
    begun={"deployment_deletion_status": 30, "delete_namespace": 70},
    done={"delete_namespace": 90},
    error_code="deletion_failed",
)

META = ActionMeta(
    type="deployment_delete",
    name="Delete Deployment",
    category="Deployment",
    description="Deletes a deployment, and waits until it is gone.",
    icon="trash",
    color="#EF4444",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=MAX_WAIT_SECONDS,
    # A deployment that is gone already is what was wanted.
    idempotent=True,
    required_services=["budapp", "budcluster"],
    not_called_off="What is half deleted is of no use to anybody.",
    params=[
        ParamDefinition(
            "endpoint_id",
            "Deployment",
            ParamType.ENDPOINT_REF,
            required=True,
            description="The deployment to delete.",
        ),
        ParamDefinition(
            "force",
            "Force",
            ParamType.BOOLEAN,
            default=False,
            description="Handed on to budapp, which decides what it means.",
        ),
        ParamDefinition(
            "max_wait_seconds",
            "Time to wait",
            ParamType.NUMBER,
            default=MAX_WAIT_SECONDS,
            description="How long it may take.",
            validation=ValidationRules(min=30, max=600),
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether it is gone."),
        OutputDefinition("endpoint_id", "string", "The deployment."),
        OutputDefinition("namespace", "string", "Where it was; null if nobody has said it."),
        OutputDefinition("cluster_id", "string", "On which cluster; null if nobody has said it."),
        OutputDefinition("workflow_id", "string", "The workflow of budapp, or null."),
        OutputDefinition("status", "string", "deleting, deleted or failed."),
        OutputDefinition("message", "string", "The same in words."),
    ],
    examples=[
        ActionExample("Tidy up", {"endpoint_id": "{{ steps.deploy.outputs.endpoint_id }}"}),
    ],
)


@register_action(META)
class DeploymentDelete(BaseActionExecutor):
    """Starts a workflow at budapp and waits for the events of budcluster."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Start the deletion."""
        endpoint_id = str(context.params["endpoint_id"])
        if (unfinished := unfinished_before(context)) is not None:
            return _parked(context, unfinished)
        try:
            response = _started(context, endpoint_id)
        except ServiceError as error:
            if error.status == 404 and context.attempt > 1:
                return _gone(context, "The deployment was deleted before")
            before = failed_before(context)
            outputs = _outputs(context, success=False, status="failed", workflow_id=before)
            return not_done("Failed to delete deployment", error, outputs)
        started, words = workflow_id(response), str(response.get("message") or "")
        if started is None and "initiated" not in words.lower():
            return _gone(context, words or "The deployment was deleted")
        return _parked(context, started)

    def on_event(self, context: EventContext) -> EventResult:
        """Read one event of the deletion."""
        event = EventEnvelope.of(context.event_data)
        if DELETION.has_failed(event):
            return DELETION.failed(event)
        if DELETION.has_ended(event):
            told = {k: event.result[k] for k in ("namespace", "cluster_id") if k in event.result}
            message = "The deployment was deleted"
            return completed(success=True, status="deleted", message=message, **told)
        return DELETION.news(event)


def _started(context: ActionContext, endpoint_id: str) -> ServiceResponse:
    response = context.start_once(
        settings.budapp_app_id,
        f"/endpoints/{path_segment(endpoint_id)}/delete-workflow",
        data={"callback_topic": CALLBACK_TOPIC, "force": bool(context.params.get("force"))},
        params=for_user(context),
        timeout_seconds=START_SECONDS,
        instead_of=failed_before(context),
    )
    return accepted(response)


def _parked(context: ActionContext, started: str | None) -> ActionResult:
    return DELETION.parked(
        started or str(context.params["endpoint_id"]),  # whose id the events bear then
        _outputs(context, workflow_id=started, message="The deployment is being deleted"),
        max_wait_seconds(context, MAX_WAIT_SECONDS),
    )


def _gone(context: ActionContext, message: str) -> ActionResult:
    return ActionResult(success=True, outputs=_outputs(context, status="deleted", message=message))


def _outputs(context: ActionContext, **facts: Any) -> dict[str, Any]:
    return {
        "success": True,
        "endpoint_id": context.params["endpoint_id"],
        "namespace": None,
        "cluster_id": None,
        "workflow_id": None,
        "status": "deleting",
        "message": "",
        **facts,
    }
