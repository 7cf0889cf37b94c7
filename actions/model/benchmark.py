"""Measures how fast a model is on a cluster."""

from __future__ import annotations

from typing import Any

from pipeline_engine.sdk import (
    CALLBACK_TOPIC,
    ActionContext,
    ActionError,
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
    SelectOption,
    ServiceError,
    ServiceResponse,
    ValidationRules,
    register_action,
    settings,
)

from ..peers.answers import workflow_id
from ..peers.calls import accepted, for_user, max_wait_seconds, not_done
from ..peers.clusters import ClusterIds, cluster_ids, cluster_nodes
from ..peers.created import created_id
from ..peers.jobs import (
    BUDAPP_CANCELS,
    PeerJob,
    completed,
    failed,
    failed_before,
    failed_outputs,
    reason_in,
    unfinished_before,
)
from .hardware import chosen_hardware

MAX_WAIT_SECONDS = 1200
START_SECONDS = 60
#: budcluster makes a name of at most 63 characters of it.
LONGEST_NAME = 50

BENCHMARK = PeerJob(
    peer=settings.budapp_app_id,
    begun={"deploy_model": 20, "deploy_to_engine": 40, "run_benchmark": 50}
    | {"run_performance_benchmark": 70},
    done={
        "verify_cluster_connection": 10,
        "transfer_model_to_cluster": 30,
        "deploy_to_engine": 50,
        "verify_deployment_status": 60,
        "run_performance_benchmark": 90,
    },
    error_code="benchmark_failed",
    cancel_path=BUDAPP_CANCELS,
)

META = ActionMeta(
    type="model_benchmark",
    name="Model Benchmark",
    category="Model Operations",
    description="Measures how fast a model is on a cluster.",
    icon="chart-bar",
    color="#3B82F6",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=MAX_WAIT_SECONDS,
    idempotent=True,
    needs_keys_at=["budapp"],
    required_services=["budapp", "budcluster"],
    params=[
        ParamDefinition(
            "model_id",
            "Model",
            ParamType.MODEL_REF,
            required=True,
            description="The model to measure.",
        ),
        ParamDefinition(
            "cluster_id",
            "Cluster",
            ParamType.CLUSTER_REF,
            required=True,
            description="Where it runs: the id of budapp or that of budcluster.",
        ),
        ParamDefinition(
            "benchmark_name",
            "Name",
            default="auto-benchmark",
            description="What the benchmark is called.",
            validation=ValidationRules(min_length=1, max_length=LONGEST_NAME),
            secrets=False,
        ),
        ParamDefinition(
            "concurrent_requests",
            "Concurrent requests",
            ParamType.NUMBER,
            default=1,
            description="How many requests there are at once.",
            validation=ValidationRules(min=1, max=100),
        ),
        ParamDefinition(
            "max_input_tokens",
            "Input tokens",
            ParamType.NUMBER,
            default=1024,
            description="Of each request, at most.",
            validation=ValidationRules(min=1, max=128_000),
        ),
        ParamDefinition(
            "max_output_tokens",
            "Output tokens",
            ParamType.NUMBER,
            default=512,
            description="Of each answer, at most.",
            validation=ValidationRules(min=1, max=32_000),
        ),
        ParamDefinition(
            "num_prompts",
            "Prompts",
            ParamType.NUMBER,
            default=10,
            description="How many requests there are in all.",
            validation=ValidationRules(min=1, max=1000),
        ),
        ParamDefinition(
            "hardware_mode",
            "Hardware mode",
            ParamType.SELECT,
            default="dedicated",
            description="Whether the model has its devices for itself.",
            options=[SelectOption("dedicated", "Dedicated"), SelectOption("shared", "Shared")],
        ),
        ParamDefinition(
            "selected_device_type",
            "Device",
            ParamType.SELECT,
            description="On what it runs; the best that there is if nothing is given.",
            options=[SelectOption(kind, kind.upper()) for kind in ("cuda", "hpu", "cpu")],
            group="Hardware",
        ),
        ParamDefinition(
            "tp_size",
            "Tensor parallelism",
            ParamType.NUMBER,
            description="Together with pp_size; the first that is possible if not both are given.",
            validation=ValidationRules(min=1, max=16),
            group="Hardware",
        ),
        ParamDefinition(
            "pp_size",
            "Pipeline parallelism",
            ParamType.NUMBER,
            description="Together with tp_size.",
            validation=ValidationRules(min=1, max=16),
            group="Hardware",
        ),
        ParamDefinition(
            "replicas",
            "Replicas",
            ParamType.NUMBER,
            description="How many of it run; as many as are possible if nothing is given.",
            validation=ValidationRules(min=1, max=32),
            group="Hardware",
        ),
        ParamDefinition(
            "max_wait_seconds",
            "Time to wait",
            ParamType.NUMBER,
            default=MAX_WAIT_SECONDS,
            description="How long the benchmark may take.",
            validation=ValidationRules(min=60, max=7200),
        ),
        ParamDefinition(
            "prompt",
            "Prompt",
            ParamType.TEMPLATE,
            description="A request to send in place of others.",
        ),
        ParamDefinition(
            "prompt_tokens", "Tokens of the prompt", ParamType.NUMBER, description="How long it is."
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether the benchmark has ended well."),
        OutputDefinition("benchmark_id", "string", "The benchmark; null until it is there."),
        OutputDefinition("workflow_id", "string", "The workflow of budapp."),
        OutputDefinition("status", "string", "running, completed or failed."),
        OutputDefinition("results", "object", "What was measured."),
        OutputDefinition("message", "string", "The same as status in words."),
        OutputDefinition("failed_step", "string", "The stage that failed; null if none did."),
    ],
    examples=[
        ActionExample(
            "After onboarding",
            {
                "model_id": "{{ steps.add.outputs.model_id }}",
                "cluster_id": "{{ params.cluster_id }}",
                "concurrent_requests": 8,
            },
        )
    ],
)


@register_action(META)
class ModelBenchmark(BaseActionExecutor):
    """Chooses the hardware, starts a workflow at budapp, and waits for the events of budcluster."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check that the spread over devices is said in full, or not at all."""
        if (params.get("tp_size") is None) != (params.get("pp_size") is None):
            return ["tp_size and pp_size are given together, or not at all"]
        return []

    def execute(self, context: ActionContext) -> ActionResult:
        """Start the benchmark."""
        try:
            started = unfinished_before(context) or workflow_id(_started(context))
            return BENCHMARK.parked(
                started,
                _outputs(workflow_id=started, message="The benchmark has started"),
                max_wait_seconds(context, MAX_WAIT_SECONDS),
            )
        except ActionError as error:
            before = failed_before(context)
            outputs = _outputs(success=False, status="failed", workflow_id=before)
            return not_done("Failed to start benchmark", error, outputs)

    def on_event(self, context: EventContext) -> EventResult:
        """Read one event of the benchmark."""
        event = EventEnvelope.of(context.event_data)
        if BENCHMARK.has_failed(event):
            reason = _reason(event)
            outputs = {**failed_outputs(reason), "failed_step": event.event or None}
            return failed(reason, BENCHMARK.error_code, outputs)
        if BENCHMARK.has_ended(event):
            made = event.result.get("benchmark_id")
            return completed(
                success=True,
                benchmark_id=made or created_id(context, context.external_workflow_id, "benchmark"),
                status="completed",
                results=dict(event.result),
                message="The benchmark has ended",
            )
        return BENCHMARK.news(event)

    def cleanup(self, context: ActionContext) -> None:
        """Ask budapp to cancel the workflow."""
        BENCHMARK.call_off(context)


def _started(context: ActionContext) -> ServiceResponse:
    cluster = cluster_ids(context, context.params["cluster_id"])
    nodes = cluster_nodes(context, cluster.budcluster)
    if not nodes:
        message = f"No nodes found for cluster {context.params['cluster_id']}"
        raise ServiceError(message, retryable=False)
    hardware = chosen_hardware(context, cluster.budapp, nodes, _load(context))
    response = context.start_once(
        settings.budapp_app_id,
        "/benchmark/run-workflow",
        data={**_asked(context, cluster), "nodes": nodes, **hardware},
        params=for_user(context),
        timeout_seconds=START_SECONDS,
        instead_of=failed_before(context),
    )
    return accepted(response)


def _load(context: ActionContext) -> dict[str, Any]:
    params = context.params
    return {
        "hardware_mode": params.get("hardware_mode") or "dedicated",
        "input_tokens": params.get("max_input_tokens") or 1024,
        "output_tokens": params.get("max_output_tokens") or 512,
        "concurrency": params.get("concurrent_requests") or 1,
    }


def _asked(context: ActionContext, cluster: ClusterIds) -> dict[str, Any]:
    params, load = context.params, _load(context)
    own = {name: params[name] for name in ("prompt", "prompt_tokens") if params.get(name)}
    return {
        "workflow_total_steps": 1,
        "step_number": 1,
        "trigger_workflow": True,
        "model_id": params["model_id"],
        "cluster_id": cluster.budapp,
        "bud_cluster_id": cluster.budcluster,
        "name": params.get("benchmark_name") or "auto-benchmark",
        "tags": [],
        "description": f"Benchmark of the step {context.step_id}",
        "eval_with": "configuration",
        "concurrent_requests": load["concurrency"],
        "max_input_tokens": load["input_tokens"],
        "max_output_tokens": load["output_tokens"],
        "hardware_mode": load["hardware_mode"],
        "num_prompts": params.get("num_prompts") or 10,
        "user_confirmation": True,
        "run_as_simulation": False,
        "callback_topic": CALLBACK_TOPIC,
        **own,
    }


def _reason(event: EventEnvelope) -> str:
    """Return the stage and its error; the headline alone names neither."""
    reason = reason_in(event)
    return f"{event.title}: {reason}" if event.title and event.title != reason else reason


def _outputs(**facts: Any) -> dict[str, Any]:
    return {
        "success": True,
        "benchmark_id": None,
        "workflow_id": None,
        "status": "running",
        "results": {},
        "message": "",
        "failed_step": None,
        **facts,
    }
