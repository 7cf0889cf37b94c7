"""Deletes a cluster."""

from __future__ import annotations

from typing import Any

from pipeline_engine.sdk import (
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
    ValidationRules,
    register_action,
)

from ..peers.calls import max_wait_seconds, not_done
from ..peers.jobs import completed, failed_before
from .jobs import CLUSTER_JOB, begin_job

MAX_WAIT_SECONDS = 1200

META = ActionMeta(
    type="cluster_delete",
    name="Delete Cluster",
    category="Cluster Operations",
    description="Deletes a Kubernetes cluster, and waits until it is gone.",
    icon="server-x",
    color="#DC2626",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=MAX_WAIT_SECONDS,
    idempotent=True,
    required_services=["budcluster"],
    params=[
        ParamDefinition(
            "cluster_id",
            "Cluster",
            ParamType.CLUSTER_REF,
            required=True,
            description="The cluster to delete, by its id in budcluster.",
        ),
        ParamDefinition(
            "force",
            "Force",
            ParamType.BOOLEAN,
            default=False,
            description="Delete it although something still runs on it.",
        ),
        ParamDefinition(
            "max_wait_seconds",
            "Time to wait",
            ParamType.NUMBER,
            default=MAX_WAIT_SECONDS,
            description="How long it may take.",
            validation=ValidationRules(min=60, max=7200),
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether the cluster is gone."),
        OutputDefinition("cluster_id", "string", "The cluster."),
        OutputDefinition("job_id", "string", "The job of budcluster."),
        OutputDefinition("status", "string", "deleting, deleted or failed."),
        OutputDefinition("message", "string", "The same in words."),
    ],
    examples=[
        ActionExample("Tidy up", {"cluster_id": "{{ steps.create.outputs.cluster_id }}"}),
    ],
)


@register_action(META)
class ClusterDelete(BaseActionExecutor):
    """Begins a job at budcluster and waits for its end."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Begin the job."""
        cluster_id = context.params["cluster_id"]
        facts = {"cluster_id": cluster_id, "config": {"force": bool(context.params.get("force"))}}
        try:
            job_id = begin_job(context, "cluster_delete", f"delete-{cluster_id}", **facts)
        except ServiceError as error:
            before = failed_before(context, "job_id")
            outputs = _outputs(cluster_id, success=False, status="failed", job_id=before)
            return not_done("Failed to delete cluster", error, outputs)
        return CLUSTER_JOB.parked(
            job_id,
            _outputs(cluster_id, job_id=job_id, message="The cluster is being deleted"),
            max_wait_seconds(context, MAX_WAIT_SECONDS),
        )

    def on_event(self, context: EventContext) -> EventResult:
        """Read one event of the job."""
        event = EventEnvelope.of(context.event_data)
        if CLUSTER_JOB.has_failed(event):
            return CLUSTER_JOB.failed(event)
        if CLUSTER_JOB.has_ended(event):
            return completed(success=True, status="deleted", message="The cluster was deleted")
        return CLUSTER_JOB.news(event)

    def cleanup(self, context: ActionContext) -> None:
        """Ask budcluster to cancel the job; what it has deleted already stays deleted."""
        CLUSTER_JOB.call_off(context)


def _outputs(cluster_id: Any, **facts: Any) -> dict[str, Any]:
    return {
        "success": True,
        "cluster_id": cluster_id,
        "job_id": None,
        "status": "deleting",
        "message": "",
        **facts,
    }
