"""Asks budsim, for several models at once, which clusters could run them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_engine.sdk import (
    CALLBACK_TOPIC,
    ActionContext,
    ActionMeta,
    ActionResult,
    EventContext,
    EventEnvelope,
    EventResult,
    ExecutionMode,
    FanOutActionExecutor,
    Item,
    ItemResult,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    SelectOption,
    ValidationRules,
    register_action,
)

from ..peers.answers import workflow_id
from ..peers.calls import max_wait_seconds
from ..peers.jobs import completed, failed, failed_before, reason_in, unfinished_before
from ..peers.simulating import NOT_CALLED_OFF, SIMULATION, recommended, simulate
from .models import model_items

MAX_WAIT_SECONDS = 300

#: A target that nobody set is the weakest that budsim accepts, so that it excludes no cluster.
LOAD = {
    "input_tokens": 1024,
    "output_tokens": 128,
    "concurrency": 10,
    "target_ttft": 60_000,
    "target_throughput_per_user": 1,
    "target_e2e_latency": 600,
}

META = ActionMeta(
    type="guardrail_parallel_simulate",
    name="Parallel Model Simulations",
    category="Guardrail",
    description="Runs one simulation per model and collects the recommended clusters.",
    icon="chart-bar",
    color="#8B5CF6",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=MAX_WAIT_SECONDS,
    # A simulation changes nothing; one too many is forgotten.
    idempotent=True,
    required_services=["budsim"],
    not_called_off=NOT_CALLED_OFF,
    aliases=["guardrail.parallel_simulate"],
    params=[
        ParamDefinition(
            "models",
            "Models",
            ParamType.JSON,
            required=True,
            description="A list of {model_id, model_uri, deployment_config}.",
        ),
        ParamDefinition(
            "hardware_mode",
            "Hardware mode",
            ParamType.SELECT,
            required=True,
            default="dedicated",
            description="Whether a model has its devices for itself.",
            options=[SelectOption("dedicated", "Dedicated"), SelectOption("shared", "Shared")],
        ),
        ParamDefinition(
            "max_wait_seconds",
            "Time to wait",
            ParamType.NUMBER,
            default=MAX_WAIT_SECONDS,
            description="How long each simulation may take.",
            validation=ValidationRules(min=1),
        ),
    ],
    outputs=[
        OutputDefinition(
            "results",
            "array",
            "In order: {model_id, model_uri, simulation_id, status, recommendations, "
            "deployment_configuration, cluster_ids, error}.",
        ),
        OutputDefinition("all_completed", "boolean", "Whether every model fits somewhere."),
    ],
)


@register_action(META)
class ParallelSimulate(FanOutActionExecutor):
    """Starts one budsim simulation per model and waits for the events of all."""

    def expand(self, context: ActionContext) -> list[Item]:
        """Return one item per model."""
        return model_items(context)

    def execute_item(self, context: ActionContext) -> ActionResult:
        """Start the simulation of one model."""
        hardware_mode = context.params.get("hardware_mode") or "dedicated"
        failed_one = failed_before(context, "simulation_id")
        asked = _asked(context.item, hardware_mode)
        started = unfinished_before(context, "simulation_id") or workflow_id(
            simulate(context, instead_of=failed_one, **asked)
        )
        return SIMULATION.parked(
            started,
            _line(context.item, simulation_id=started, status="running"),
            max_wait_seconds(context, MAX_WAIT_SECONDS),
        )

    def on_event(self, context: EventContext) -> EventResult:
        """Read one event of one simulation."""
        event = EventEnvelope.of(context.event_data)
        if SIMULATION.has_failed(event):
            return _failure(reason_in(event))
        return _ended(event) if SIMULATION.has_ended(event) else SIMULATION.news(event)

    def join(
        self,
        context: ActionContext,  # noqa: ARG002 - the contract
        results: Sequence[ItemResult],
    ) -> ActionResult:
        """Collect the recommendations; a part of the models is not enough."""
        lines = [_joined(result) for result in results]
        failed = sum(not (result.succeeded or result.called_off) for result in results)
        success = all(result.succeeded for result in results)
        return ActionResult(
            success=success,
            error=None if success else f"Simulation failed for {failed}/{len(lines)} models",
            error_code=None if success else "simulations_failed",
            outputs={"results": lines, "all_completed": success},
        )


def _asked(model: Mapping[str, Any], hardware_mode: str) -> dict[str, Any]:
    config = model.get("deployment_config") or {}
    load = {name: config.get(name) or default for name, default in LOAD.items()}
    return {
        **load,
        # Models that budsim cannot fetch by name, such as classifiers, come with a path.
        "pretrained_model_uri": model.get("local_path") or model["model_uri"],
        "model_uri": model["model_uri"],
        "hardware_mode": hardware_mode,
        "debug": False,
        "source_topic": CALLBACK_TOPIC,
        "model_endpoints": model.get("model_endpoints") or None,
    }


def _ended(event: EventEnvelope) -> EventResult:
    recommendations = [dict(entry) for entry in recommended(event)]
    if not recommendations:
        return _failure("No cluster can run this model")
    return completed(
        status="completed",
        recommendations=recommendations,
        deployment_configuration=_configuration(event, recommendations[0]),
        cluster_ids=[str(r["cluster_id"]) for r in recommendations if r.get("cluster_id")],
        error=None,
    )


def _configuration(event: EventEnvelope, best: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the event says about hardware, or the best recommendation does."""
    places = (
        event.flat.get("deployment_configuration"),
        event.result.get("deployment_configuration"),
        best.get("deployment_configuration"),
    )
    given = next((place for place in places if isinstance(place, dict)), {})
    metrics = best.get("metrics") if isinstance(best.get("metrics"), dict) else {}
    replicas = best.get("replica") or (metrics or {}).get("replica") or 1
    return {"node_groups": best.get("node_groups") or [], "replica": replicas, **given}


def _failure(reason: str) -> EventResult:
    return failed(reason, SIMULATION.error_code, {"status": "failed", "error": reason})


def _line(model: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    return {
        "model_id": model.get("model_id"),
        "model_uri": model.get("model_uri"),
        "simulation_id": None,
        "status": "failed",
        "recommendations": [],
        "deployment_configuration": {"node_groups": [], "replica": 1},
        "cluster_ids": [],
        "error": None,
        **facts,
    }


def _joined(result: ItemResult) -> dict[str, Any]:
    line = _line(result.value, **result.outputs)
    if result.succeeded:
        return {**line, "status": "completed"}
    status = "cancelled" if result.called_off else "failed"
    return {**line, "status": status, "error": result.error or line["error"]}
