"""Keeps the clusters that have memory for all models together."""

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
    ServiceError,
    path_segment,
    register_action,
    settings,
)

from ..peers.answers import inner

META = ActionMeta(
    type="guardrail_validate_cluster_fit",
    name="Validate Cluster Fit",
    category="Guardrail",
    description="Keeps the candidate clusters that have memory for all models together.",
    icon="check-circle",
    color="#22C55E",
    required_services=["budcluster"],
    aliases=["guardrail.validate_cluster_fit"],
    params=[
        ParamDefinition(
            "candidate_clusters",
            "Candidate clusters",
            ParamType.JSON,
            required=True,
            description="The ids of the clusters.",
        ),
        ParamDefinition(
            "total_requirements",
            "Total requirements",
            ParamType.JSON,
            required=True,
            description="{total_memory_gb}.",
        ),
        ParamDefinition(
            "models",
            "Models",
            ParamType.JSON,
            required=True,
            description="Handed through as per_model_configs.",
        ),
    ],
    outputs=[
        OutputDefinition(
            "valid_clusters",
            "array",
            "{cluster_id, cluster_name, available_memory_gb, required_memory_gb, headroom_gb}.",
        ),
        OutputDefinition("per_model_configs", "array", "The models as they were given."),
        OutputDefinition("message", "string", "What could not be checked, or null."),
    ],
)


@register_action(META)
class ValidateClusterFit(BaseActionExecutor):
    """Asks budcluster for each candidate; one that cannot be asked is passed over."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Compare."""
        candidates = context.params.get("candidate_clusters") or []
        if not isinstance(candidates, list):
            raise InvalidActionParams("candidate_clusters must be a list")
        required = (context.params.get("total_requirements") or {}).get("total_memory_gb") or 0
        answers = [(cluster, _resources(context, cluster)) for cluster in candidates]
        fits = [_fit(cluster, found, required) for cluster, found in answers if found is not None]
        unknown = sum(found is None for _, found in answers)
        return ActionResult(
            success=True,
            outputs={
                "valid_clusters": [fit for fit in fits if fit["headroom_gb"] >= 0],
                "per_model_configs": context.params.get("models") or [],
                "message": _message(len(candidates), unknown),
            },
        )


def _resources(context: ActionContext, cluster: Any) -> Mapping[str, Any] | None:
    context.heartbeat()
    try:
        response = context.invoke_service(
            settings.budcluster_app_id,
            f"/clusters/{path_segment(cluster)}/resources",
            http_method="GET",
        )
    except ServiceError as error:
        context.log.warning("cluster_not_checked", cluster_id=cluster, reason=str(error))
        return None
    return inner(response)


def _fit(cluster: Any, found: Mapping[str, Any], required: float) -> dict[str, Any]:
    available = found.get("available_memory_gb") or 0
    return {
        "cluster_id": cluster,
        "cluster_name": found.get("name") or cluster,
        "available_memory_gb": available,
        "required_memory_gb": required,
        "headroom_gb": available - required,
    }


def _message(candidates: int, unknown: int) -> str | None:
    if not candidates:
        return "No candidate clusters to validate"
    return f"{unknown} of {candidates} clusters could not be checked" if unknown else None
