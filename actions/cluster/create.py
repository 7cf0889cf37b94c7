"""Makes a cluster."""

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
    JsonShape,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    SelectOption,
    ServiceError,
    ValidationRules,
    register_action,
)

from ..peers.calls import max_wait_seconds, not_done
from ..peers.jobs import completed, failed_before
from .jobs import CLUSTER_JOB, begin_job, cluster_of_job

MAX_WAIT_SECONDS = 1800
PROVIDERS = {"aws": "AWS", "azure": "Azure", "onprem": "On premises"}

META = ActionMeta(
    type="cluster_create",
    name="Create Cluster",
    category="Cluster Operations",
    description="Makes a Kubernetes cluster, and waits until it is there.",
    icon="server-plus",
    color="#6366F1",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=MAX_WAIT_SECONDS,
    # An attempt after one that was lost finds its job.
    idempotent=True,
    required_services=["budcluster"],
    params=[
        ParamDefinition(
            "cluster_name",
            "Name",
            required=True,
            description="What the cluster is to be called.",
            validation=ValidationRules(min_length=1, max_length=255),
            secrets=False,
        ),
        ParamDefinition(
            "provider",
            "Provider",
            ParamType.SELECT,
            required=True,
            description="Who runs it.",
            options=[SelectOption(value, label) for value, label in PROVIDERS.items()],
        ),
        ParamDefinition(
            "credential_id",
            "Credential",
            ParamType.CREDENTIAL_REF,
            description="With which the provider is asked.",
        ),
        ParamDefinition(
            "config",
            "Configuration",
            ParamType.JSON,
            default={},
            description="What the provider wants to know, such as region and kinds of nodes.",
            shape=JsonShape.OBJECT,
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
        OutputDefinition("success", "boolean", "Whether the cluster is there."),
        OutputDefinition("cluster_id", "string", "Its id in budcluster; null until it is there."),
        OutputDefinition("cluster_name", "string", "What it is called."),
        OutputDefinition("job_id", "string", "The job of budcluster."),
        OutputDefinition("status", "string", "creating, completed or failed."),
        OutputDefinition("message", "string", "The same in words."),
    ],
    examples=[
        ActionExample(
            "On AWS",
            {
                "cluster_name": "guards",
                "provider": "aws",
                "credential_id": "{{ params.credential_id }}",
                "config": {"region": "eu-central-1"},
            },
        )
    ],
)


@register_action(META)
class ClusterCreate(BaseActionExecutor):
    """Begins a job at budcluster and waits for its end."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Begin the job."""
        name = str(context.params["cluster_name"])
        try:
            job_id = begin_job(context, "cluster_create", name, config=_config(context))
        except ServiceError as error:
            before = failed_before(context, "job_id")
            outputs = _outputs(name, success=False, status="failed", job_id=before)
            return not_done("Failed to create cluster", error, outputs)
        return CLUSTER_JOB.parked(
            job_id,
            _outputs(name, job_id=job_id, message=f"The cluster {name} is being made"),
            max_wait_seconds(context, MAX_WAIT_SECONDS),
        )

    def on_event(self, context: EventContext) -> EventResult:
        """Read one event of the job."""
        event = EventEnvelope.of(context.event_data)
        if CLUSTER_JOB.has_failed(event):
            return CLUSTER_JOB.failed(event)
        if CLUSTER_JOB.has_ended(event):
            return completed(
                success=True,
                cluster_id=event.result.get("cluster_id") or cluster_of_job(context),
                status="completed",
                message="The cluster was made",
            )
        return CLUSTER_JOB.news(event)

    def cleanup(self, context: ActionContext) -> None:
        """Ask budcluster to cancel the job."""
        CLUSTER_JOB.call_off(context)


def _config(context: ActionContext) -> dict[str, Any]:
    params = context.params
    credential = params.get("credential_id")
    named = {"credential_id": credential} if credential else {}
    return {**(params.get("config") or {}), "provider": params["provider"], **named}


def _outputs(name: str, **facts: Any) -> dict[str, Any]:
    return {
        "success": True,
        "cluster_id": None,
        "cluster_name": name,
        "job_id": None,
        "status": "creating",
        "message": "",
        **facts,
    }
