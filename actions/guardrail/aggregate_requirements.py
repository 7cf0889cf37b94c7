"""Adds up what several models need, and finds the clusters that were recommended for all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    InvalidActionParams,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    register_action,
)

META = ActionMeta(
    type="guardrail_aggregate_requirements",
    name="Aggregate Resource Requirements",
    category="Guardrail",
    description="Adds up what the models need and finds the clusters recommended for all of them.",
    icon="calculator",
    color="#EC4899",
    cheap=True,
    aliases=["guardrail.aggregate_requirements"],
    params=[
        ParamDefinition(
            "simulation_results",
            "Simulation results",
            ParamType.JSON,
            required=True,
            description="The results of the simulations.",
        ),
    ],
    outputs=[
        OutputDefinition("candidate_clusters", "array", "Ids, in the order of the first model."),
        OutputDefinition("total_requirements", "object", "{total_memory_gb, total_replicas}."),
        OutputDefinition(
            "per_model_requirements",
            "array",
            "{model_id, model_uri, weight_memory_gb, kv_cache_memory_gb, total_memory_gb, "
            "replicas}.",
        ),
    ],
)


@register_action(META)
class AggregateRequirements(BaseActionExecutor):
    """Computes; asks nobody."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Add up and intersect."""
        results = context.params.get("simulation_results") or []
        if not isinstance(results, list) or not all(isinstance(r, dict) for r in results):
            raise InvalidActionParams("simulation_results must be a list of objects")
        models = [_requirements(result) for result in results]
        return ActionResult(
            success=True,
            outputs={
                "candidate_clusters": _in_all([r.get("cluster_ids") or [] for r in results]),
                "total_requirements": {
                    "total_memory_gb": sum(model["total_memory_gb"] for model in models),
                    "total_replicas": sum(model["replicas"] for model in models),
                },
                "per_model_requirements": models,
            },
        )


def _requirements(result: Mapping[str, Any]) -> dict[str, Any]:
    config = result.get("deployment_configuration") or {}
    groups = config.get("node_groups") or []
    weights = sum(group.get("weight_memory_gb") or 0 for group in groups)
    cache = sum(group.get("kv_cache_memory_gb") or 0 for group in groups)
    return {
        "model_id": result.get("model_id"),
        "model_uri": result.get("model_uri"),
        "weight_memory_gb": weights,
        "kv_cache_memory_gb": cache,
        "total_memory_gb": weights + cache,
        "replicas": config.get("replica") or 1,
    }


def _in_all(lists: list[list[str]]) -> list[str]:
    """Return what is in every list that is not empty, in the order of the first."""
    first, *others = [ids for ids in lists if ids] or [[]]
    return [cluster for cluster in dict.fromkeys(first) if all(cluster in ids for ids in others)]
