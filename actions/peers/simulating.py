"""Simulations of budsim: which clusters could run a model, and how well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.sdk import ActionContext, EventEnvelope, ServiceResponse, settings

from .answers import list_in
from .jobs import PeerJob

START_SECONDS = 120
NOT_CALLED_OFF = "budsim stops no simulation; one changes nothing, and ends by itself."
NO_RECOMMENDATION = "Simulation completed but returned no recommendations"

#: How far a simulation is when a stage of it begins; its end adds five.
STAGES = {
    "validation": 10,
    "hardware_selection": 25,
    "engine_configuration": 50,
    "performance_estimation": 75,
    "ranking": 90,
}

SIMULATION = PeerJob(
    peer=settings.budsim_app_id,
    kinds=frozenset({"get_cluster_recommendations"}),
    begun=STAGES,
    done={stage: percent + 5 for stage, percent in STAGES.items()},
    error_code="simulation_failed",
)

#: What a recommendation says of the engine that is to serve the model.
ENGINE_FACTS = (
    "tool_calling_parser_type",
    "reasoning_parser_type",
    "chat_template",
    "supports_lora",
    "supports_pipeline_parallelism",
)
METRICS = ("ttft", "throughput_per_user", "e2e_latency", "error_rate", "cost_per_million_tokens")


def simulate(
    context: ActionContext, *, instead_of: str | None = None, **asked: Any
) -> ServiceResponse:
    """Ask budsim; what is None is not sent. Raises ``ServiceError``.

    With ``debug`` the recommendations are in the answer, otherwise events bring them.
    *instead_of* is the simulation of an attempt before, if that has failed.
    """
    sent = {name: value for name, value in asked.items() if value is not None}
    return context.start_once(
        settings.budsim_app_id,
        "/simulator/run",
        data={"is_proprietary_model": False, **sent},
        timeout_seconds=START_SECONDS,
        instead_of=instead_of,
    )


def recommended(event: EventEnvelope) -> list[Mapping[str, Any]]:
    """Return the recommendations in an event, the best one first."""
    inside = list_in(event.result, "recommendations")
    return inside or list_in(event.flat, "recommendations")


def metrics_of(recommendation: Mapping[str, Any]) -> dict[str, Any]:
    """Return how well a model would run, which budsim tells below ``metrics``."""
    inside = recommendation.get("metrics")
    found = inside if isinstance(inside, Mapping) else recommendation
    return {name: found.get(name) for name in METRICS}


def engine_facts(recommendation: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a recommendation says of the engine."""
    return {name: recommendation.get(name) for name in ENGINE_FACTS}
