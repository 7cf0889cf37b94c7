"""Deploys a model: on a cluster, or as an endpoint of its provider."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    InvalidActionParams,
    JsonShape,
    NestedRules,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    SelectOption,
    ServiceError,
    ServiceResponse,
    ValidationRules,
    holds_template,
    is_templated,
    register_action,
)

from ..peers.answers import at, id_in, workflow_id
from ..peers.calls import not_done
from ..peers.created import endpoint_url
from ..peers.deploying import DEPLOYMENT, deployed_endpoint, start_deployment
from ..peers.jobs import completed, failed_before, results_follow, unfinished_before
from .autoscaling import replica_problems
from .engine import TARGETS, chosen_engine, is_dedicated

MAX_WAIT_SECONDS = 600
LOAD = {"concurrent_requests": 1, "avg_sequence_length": 512, "avg_context_length": 4096}


def _range(
    name: str, label: str, default: list[int], least: int, most: int, unit: str
) -> ParamDefinition:
    # Forms read min and max, the check reads those of the items.
    each = NestedRules(type="float", min=least, max=most)
    return ParamDefinition(
        name,
        label,
        ParamType.RANGE,
        default=default,
        description=f"Range of {unit}; dedicated hardware needs it, no default is assumed.",
        validation=ValidationRules(min=least, max=most, min_length=2, max_length=2, items=each),
        group="Targets",
    )


def _engine(name: str, label: str, kind: ParamType, words: str) -> ParamDefinition:
    return ParamDefinition(name, label, kind, description=words, group="Engine")


META = ActionMeta(
    type="deployment_create",
    version="1.6.0",
    name="Deploy Model",
    category="Deployment",
    description="Deploys a model on a cluster, or as an endpoint of its provider.",
    icon="rocket",
    color="#10B981",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=MAX_WAIT_SECONDS,
    idempotent=True,
    needs_keys_at=["budapp"],
    required_services=["budapp", "budcluster", "budsim"],
    params=[
        ParamDefinition(
            "model_id",
            "Model",
            ParamType.MODEL_REF,
            required=True,
            description="The model to deploy.",
        ),
        ParamDefinition(
            "project_id",
            "Project",
            ParamType.PROJECT_REF,
            required=True,
            description="The project that the endpoint belongs to.",
        ),
        ParamDefinition(
            "endpoint_name",
            "Endpoint",
            required=True,
            description="What the endpoint is called.",
            secrets=False,
        ),
        ParamDefinition(
            "cluster_id",
            "Cluster",
            ParamType.CLUSTER_REF,
            description="Where a model runs that was onboarded.",
        ),
        ParamDefinition(
            "credential_id",
            "Credential",
            ParamType.CREDENTIAL_REF,
            description="With which the provider of a cloud model is asked.",
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
            "concurrent_requests",
            "Concurrent requests",
            ParamType.NUMBER,
            required=True,
            default=LOAD["concurrent_requests"],
            description="How many requests there are at once.",
            validation=ValidationRules(min=1, max=1000),
        ),
        ParamDefinition(
            "avg_sequence_length",
            "Output tokens",
            ParamType.NUMBER,
            required=True,
            default=LOAD["avg_sequence_length"],
            description="Of an answer, on average.",
            validation=ValidationRules(min=1, max=10_000),
        ),
        ParamDefinition(
            "avg_context_length",
            "Input tokens",
            ParamType.NUMBER,
            required=True,
            default=LOAD["avg_context_length"],
            description="Of a request, on average.",
            validation=ValidationRules(min=1, max=200_000),
        ),
        _range("ttft", "Time to first token", [50, 200], 10, 10_000, "milliseconds"),
        _range(
            "per_session_tokens_per_sec",
            "Tokens per second",
            [10, 50],
            1,
            500,
            "tokens of a session in a second",
        ),
        _range("e2e_latency", "Latency", [10, 60], 1, 600, "seconds of a whole answer"),
        ParamDefinition(
            "budaiscaler_specification",
            "Autoscaling",
            ParamType.JSON,
            description="How it scales: {enabled, minReplicas, maxReplicas, …}.",
            shape=JsonShape.OBJECT,
        ),
        _engine(
            "tool_calling_parser_type",
            "Parser of tool calls",
            ParamType.STRING,
            "If this or one of the next two is given, budsim is not asked.",
        ),
        _engine(
            "reasoning_parser_type", "Parser of reasoning", ParamType.STRING, "As budsim names it."
        ),
        _engine("chat_template", "Chat template", ParamType.STRING, "As budsim names it."),
        _engine(
            "supports_lora", "LoRA", ParamType.BOOLEAN, "Whether the engine can load adapters."
        ),
        _engine(
            "supports_pipeline_parallelism",
            "Pipeline parallelism",
            ParamType.BOOLEAN,
            "Whether the engine can split the model by layers.",
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether the endpoint is there."),
        OutputDefinition("endpoint_id", "string", "The endpoint; null until it is there."),
        OutputDefinition("endpoint_url", "string", "Where it answers; null until it is there."),
        OutputDefinition("endpoint_name", "string", "What it is called."),
        OutputDefinition("workflow_id", "string", "The workflow of budapp; null of a cloud model."),
        OutputDefinition("status", "string", "deploying, completed or failed."),
        OutputDefinition("message", "string", "The same in words."),
    ],
    examples=[
        ActionExample(
            "On shared hardware",
            {
                "model_id": "{{ steps.add.outputs.model_id }}",
                "project_id": "{{ params.project_id }}",
                "endpoint_name": "guard",
                "cluster_id": "{{ params.cluster_id }}",
                "hardware_mode": "shared",
                **LOAD,
            },
        ),
        ActionExample(
            "A cloud model",
            {
                "model_id": "{{ params.model_id }}",
                "project_id": "{{ params.project_id }}",
                "endpoint_name": "chat",
                "credential_id": "{{ params.credential_id }}",
                **LOAD,
            },
        ),
    ],
)


@register_action(META)
class DeploymentCreate(BaseActionExecutor):
    """Lets budsim choose the engine, starts a workflow at budapp, waits for budcluster's events."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check what no param says by itself."""
        return list(_problems(params))

    def execute(self, context: ActionContext) -> ActionResult:
        """Start the deployment."""
        problems = list(_problems(context.params))
        if problems:
            wrong = InvalidActionParams("; ".join(problems))
            return not_done("Failed to create deployment", wrong, _failed(context))
        if (unfinished := unfinished_before(context)) is not None:
            return _parked(context, unfinished)
        try:
            response = start_deployment(context, **_asked(context, chosen_engine(context)))
            if _is_done(response):
                return _there(context, response)
            return _parked(context, workflow_id(response))
        except ServiceError as error:
            return not_done("Failed to create deployment", error, _failed(context))

    def on_event(self, context: EventContext) -> EventResult:
        """Read one event of the deployment."""
        event = EventEnvelope.of(context.event_data)
        if DEPLOYMENT.has_failed(event):
            return DEPLOYMENT.failed(event)
        if DEPLOYMENT.has_ended(event):
            endpoint = deployed_endpoint(context, event)
            if not results_follow(event, endpoint["endpoint_id"]):
                done = {"success": True, "status": "completed", "message": "The model is deployed"}
                return completed(**endpoint, **done)
        return DEPLOYMENT.news(event)

    def cleanup(self, context: ActionContext) -> None:
        """Ask budapp to cancel the workflow."""
        DEPLOYMENT.call_off(context)


def _problems(params: Mapping[str, Any]) -> Iterator[str]:
    if not params.get("cluster_id") and not params.get("credential_id"):
        yield "Either cluster_id (local models) or credential_id (cloud models) is required"
    for name in TARGETS:
        given = params.get(name)
        if given and not holds_template(given) and not _is_range(given):
            yield f"{name} must be two numbers, the lower one first"
    missing = [name for name in TARGETS if not params.get(name)]
    mode = params.get("hardware_mode")
    if params.get("cluster_id") and not is_templated(mode) and is_dedicated(params) and missing:
        yield f"Dedicated hardware requires {', '.join(missing)}"
    scaling = params.get("budaiscaler_specification")
    if isinstance(scaling, Mapping) and not holds_template(scaling):
        yield from replica_problems(scaling)


def _is_range(given: Any) -> bool:
    numbers = isinstance(given, list) and all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in given
    )
    return numbers and len(given) == 2 and given[0] <= given[1]


def _asked(context: ActionContext, engine: Mapping[str, Any]) -> dict[str, Any]:
    params = context.params
    load = {name: params.get(name) or default for name, default in LOAD.items()}
    targets = {name: params[name] for name in TARGETS if params.get(name)}
    parsers = {
        "enable_tool_calling": True if engine.get("tool_calling_parser_type") else None,
        "enable_reasoning": True if engine.get("reasoning_parser_type") else None,
    }
    return {
        "model_id": params["model_id"],
        "project_id": params["project_id"],
        "endpoint_name": params["endpoint_name"],
        "deploy_config": {**load, **targets},
        "cluster_id": params.get("cluster_id") or None,
        "credential_id": params.get("credential_id") or None,
        "hardware_mode": params.get("hardware_mode") or "dedicated",
        "budaiscaler_specification": params.get("budaiscaler_specification") or None,
        **parsers,
        **engine,
    }


def _parked(context: ActionContext, started: str | None) -> ActionResult:
    outputs = _outputs(context, workflow_id=started, message="The deployment has started")
    return DEPLOYMENT.parked(started, outputs, MAX_WAIT_SECONDS)


def _is_done(response: ServiceResponse) -> bool:
    statuses = (at(response, place) for place in ("status", "data.status"))
    return any(str(status).lower() == "completed" for status in statuses)


def _there(context: ActionContext, response: ServiceResponse) -> ActionResult:
    """Return the end of a cloud model, for which nothing has to be rolled out."""
    places = ("workflow_steps.endpoint_id", "data.endpoint_id", "endpoint_id")
    endpoint_id = id_in(response, *places)
    facts = {"endpoint_id": endpoint_id, "endpoint_url": endpoint_url(context, endpoint_id)}
    done = {"status": "completed", "message": "The model is deployed"}
    return ActionResult(
        success=True,
        outputs=_outputs(context, workflow_id=workflow_id(response), **facts, **done),
    )


def _failed(context: ActionContext) -> dict[str, Any]:
    return _outputs(context, success=False, status="failed", workflow_id=failed_before(context))


def _outputs(context: ActionContext, **facts: Any) -> dict[str, Any]:
    return {
        "success": True,
        "endpoint_id": None,
        "endpoint_url": None,
        "endpoint_name": context.params.get("endpoint_name"),
        "workflow_id": None,
        "status": "deploying",
        "message": "",
        **facts,
    }
