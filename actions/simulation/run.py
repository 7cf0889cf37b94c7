"""Asks budsim on which clusters a model would run, and how well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline_engine.sdk import (
    CALLBACK_TOPIC,
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    ConditionalVisibility,
    EventAction,
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
)

from ..peers.answers import workflow_id
from ..peers.calls import max_wait_seconds, not_done
from ..peers.jobs import completed, failed, failed_before, failed_outputs, unfinished_before
from ..peers.models import model_endpoints, model_info, pretrained_uri
from ..peers.simulating import (
    ENGINE_FACTS,
    NO_RECOMMENDATION,
    NOT_CALLED_OFF,
    SIMULATION,
    engine_facts,
    metrics_of,
    recommended,
    simulate,
)

MAX_WAIT_SECONDS = 1800
LOAD = {"input_tokens": 4096, "output_tokens": 512, "concurrency": 1}
TARGETS = ("target_ttft", "target_throughput_per_user", "target_e2e_latency")
QUANTIZED = ConditionalVisibility("is_quantization", equals=True)
#: Handed on as they are, if they are given.
OPTIONAL = ("cluster_id", "simulation_method", "model_max_context_length")


def _number(
    name: str, label: str, most: int, words: str, default: int | None = None
) -> ParamDefinition:
    return ParamDefinition(
        name,
        label,
        ParamType.NUMBER,
        required=True,
        default=default,
        description=words,
        validation=ValidationRules(min=1, max=most),
    )


def _choice(name: str, label: str, options: Mapping[str, str], words: str) -> ParamDefinition:
    choices = [SelectOption(value, text) for value, text in options.items()]
    return ParamDefinition(name, label, ParamType.SELECT, description=words, options=choices)


META = ActionMeta(
    type="simulation_run",
    name="Run Simulation",
    category="Simulation",
    description="Asks budsim on which clusters a model would run, and how well.",
    icon="beaker",
    color="#8B5CF6",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=MAX_WAIT_SECONDS,
    # A simulation changes nothing; one too many is forgotten.
    idempotent=True,
    required_services=["budapp", "budsim"],
    not_called_off=NOT_CALLED_OFF,
    params=[
        ParamDefinition(
            "model_id",
            "Model",
            ParamType.MODEL_REF,
            required=True,
            description="The model to simulate.",
        ),
        _number("input_tokens", "Input tokens", 200_000, "Of a request.", LOAD["input_tokens"]),
        _number("output_tokens", "Output tokens", 50_000, "Of an answer.", LOAD["output_tokens"]),
        _number("concurrency", "Concurrency", 1000, "Requests at once.", LOAD["concurrency"]),
        _number("target_ttft", "Time to first token", 60_000, "In milliseconds, at most."),
        _number("target_throughput_per_user", "Throughput", 1000, "Tokens per second, at least."),
        _number("target_e2e_latency", "Latency", 600, "Seconds of a whole answer, at most."),
        ParamDefinition(
            "cluster_id",
            "Cluster",
            ParamType.CLUSTER_REF,
            description="Only this cluster; all if nothing is given.",
        ),
        _choice(
            "simulation_method",
            "Method",
            {"regressor": "Regressor", "heuristic": "Heuristic"},
            "How budsim finds out; it chooses itself if nothing is given.",
        ),
        ParamDefinition(
            "hardware_mode",
            "Hardware mode",
            ParamType.SELECT,
            default="dedicated",
            description="Whether the model has its devices for itself.",
            options=[SelectOption("dedicated", "Dedicated"), SelectOption("shared", "Shared")],
        ),
        _choice(
            "model_endpoints",
            "Endpoints",
            {"LLM": "Chat", "EMBEDDING": "Embedding", "LLM,EMBEDDING": "Both"},
            "What the model serves; what budapp says of it if nothing is given.",
        ),
        ParamDefinition(
            "model_max_context_length",
            "Longest context",
            ParamType.NUMBER,
            description="Of the model, in tokens.",
            validation=ValidationRules(min=1, max=1_000_000),
        ),
        ParamDefinition(
            "is_quantization",
            "Quantized",
            ParamType.BOOLEAN,
            default=False,
            description="Whether the model is to be quantized.",
        ),
        ParamDefinition(
            "quantization_method",
            "Quantization method",
            description="As budsim names it.",
            show_when=QUANTIZED,
        ),
        ParamDefinition(
            "quantization_type",
            "Quantization type",
            description="As budsim names it.",
            show_when=QUANTIZED,
        ),
        ParamDefinition(
            "max_wait_seconds",
            "Time to wait",
            ParamType.NUMBER,
            default=MAX_WAIT_SECONDS,
            description="How long the simulation may take.",
            validation=ValidationRules(min=60, max=7200),
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether there is a cluster for the model."),
        OutputDefinition("workflow_id", "string", "The workflow of budsim."),
        OutputDefinition("status", "string", "running, completed or failed."),
        OutputDefinition("recommendations", "array", "All of them, the best first."),
        OutputDefinition("top_recommendation", "object", "The best; null until it is there."),
        OutputDefinition("cluster_id", "string", "Its cluster."),
        OutputDefinition(
            "metrics",
            "object",
            "Its {ttft, throughput_per_user, e2e_latency, error_rate, cost_per_million_tokens}.",
        ),
        *(
            OutputDefinition(name, "any", "What it says of the engine, for deployment_create.")
            for name in ENGINE_FACTS
        ),
        OutputDefinition("message", "string", "The same as status in words."),
    ],
    examples=[
        ActionExample(
            "For ten users",
            {
                "model_id": "{{ params.model_id }}",
                **LOAD,
                "concurrency": 10,
                "target_ttft": 200,
                "target_throughput_per_user": 20,
                "target_e2e_latency": 30,
            },
        )
    ],
)


@register_action(META)
class SimulationRun(BaseActionExecutor):
    """Looks the model up at budapp, starts a workflow at budsim and waits for its events."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check that the targets are there."""
        return list(_problems(params))

    def execute(self, context: ActionContext) -> ActionResult:
        """Start the simulation."""
        try:
            started = unfinished_before(context) or workflow_id(_started(context))
            outputs = _outputs(workflow_id=started, message="The simulation has started")
            return SIMULATION.parked(started, outputs, max_wait_seconds(context, MAX_WAIT_SECONDS))
        except ServiceError as error:
            before = failed_before(context)
            outputs = _outputs(success=False, status="failed", workflow_id=before)
            return not_done("Failed to start simulation", error, outputs)

    def on_event(self, context: EventContext) -> EventResult:
        """Read one event of the simulation."""
        event = EventEnvelope.of(context.event_data)
        if event.type == "workflow_metadata":  # says that it was started, which is known
            return EventResult(action=EventAction.IGNORE)
        if SIMULATION.has_failed(event):
            return SIMULATION.failed(event)
        return _ended(event) if SIMULATION.has_ended(event) else SIMULATION.news(event)


def _problems(params: Mapping[str, Any]) -> Iterator[str]:
    if not params.get("model_id"):
        yield "model_id is required"
    missing = [name for name in TARGETS if params.get(name) is None]
    if missing:
        yield f"Missing targets: {', '.join(missing)}"


def _started(context: ActionContext) -> ServiceResponse:
    params = context.params
    model = model_info(context, params["model_id"])
    uri = pretrained_uri(model)
    if uri is None:
        raise ServiceError("budapp does not say where the model is", retryable=False)
    return simulate(
        context,
        instead_of=failed_before(context),
        debug=False,
        source_topic=CALLBACK_TOPIC,
        pretrained_model_uri=uri,
        model_uri=model.get("uri") or model.get("huggingface_url"),
        hardware_mode=params.get("hardware_mode") or "dedicated",
        model_endpoints=params.get("model_endpoints") or model_endpoints(model),
        **{name: params.get(name) or default for name, default in LOAD.items()},
        **{name: params[name] for name in TARGETS},
        **{name: params.get(name) or None for name in OPTIONAL},
        **_quantization(params),
    )


def _quantization(params: Mapping[str, Any]) -> dict[str, Any]:
    if not params.get("is_quantization"):
        return {}
    names = ("quantization_method", "quantization_type")
    return {"is_quantization": True, **{name: params.get(name) or None for name in names}}


def _ended(event: EventEnvelope) -> EventResult:
    recommendations = [dict(one) for one in recommended(event)]
    if not recommendations:
        outputs = failed_outputs(NO_RECOMMENDATION)
        return failed(NO_RECOMMENDATION, SIMULATION.error_code, outputs)
    best = recommendations[0]
    return completed(
        success=True,
        status="completed",
        recommendations=recommendations,
        top_recommendation=best,
        cluster_id=best.get("cluster_id"),
        metrics=metrics_of(best),
        **engine_facts(best),
        message=f"Simulation completed with {len(recommendations)} recommendation(s)",
    )


def _outputs(**facts: Any) -> dict[str, Any]:
    return {
        "success": True,
        "workflow_id": None,
        "status": "running",
        "recommendations": [],
        "top_recommendation": None,
        "cluster_id": None,
        "metrics": {},
        **dict.fromkeys(ENGINE_FACTS),
        "message": "",
        **facts,
    }
