"""Sets how many replicas a deployment has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    InvalidActionParams,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    ServiceError,
    ValidationRules,
    register_action,
)

from ..peers.calls import not_done
from .autoscaling import read_scaling, write_scaling

FAILED = "Failed to scale deployment"
#: What an endpoint keeps when only the number of its replicas changes.
KEPT = (
    "scalingStrategy",
    "metricsSources",
    "gpuConfig",
    "costConfig",
    "predictionConfig",
    "scheduleHints",
    "multiCluster",
    "behavior",
)

META = ActionMeta(
    type="deployment_scale",
    name="Scale Deployment",
    category="Deployment",
    description="Sets how many replicas a deployment has.",
    icon="arrows-alt",
    color="#722ED1",
    timeout_seconds=120,
    required_services=["budapp"],
    params=[
        ParamDefinition(
            "endpoint_id",
            "Deployment",
            ParamType.ENDPOINT_REF,
            required=True,
            description="The deployment to scale.",
        ),
        ParamDefinition(
            "target_replicas",
            "Replicas",
            ParamType.NUMBER,
            required=True,
            default=1,
            description="How many it is to have, no more and no less.",
            validation=ValidationRules(min=0, max=100),
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether budapp has taken it."),
        OutputDefinition("endpoint_id", "string", "The deployment."),
        OutputDefinition("target_replicas", "number", "How many it is to have."),
        OutputDefinition("previous_min_replicas", "number", "The least before, or null."),
        OutputDefinition("previous_max_replicas", "number", "The most before, or null."),
        OutputDefinition("scaling_strategy", "string", "How it scaled before, or null."),
        OutputDefinition("message", "string", "What budapp says."),
    ],
    examples=[
        ActionExample(
            "For the night",
            {"endpoint_id": "{{ params.endpoint_id }}", "target_replicas": 0},
        )
    ],
)


@register_action(META)
class DeploymentScale(BaseActionExecutor):
    """Writes the same least and most; all else that is said of scaling stays."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check that replicas are counted."""
        target = params.get("target_replicas")
        is_part = isinstance(target, float) and not target.is_integer()
        return ["target_replicas must be a whole number"] if is_part else []

    def execute(self, context: ActionContext) -> ActionResult:
        """Scale."""
        params = context.params
        given = params.get("target_replicas")
        target = 1 if given is None else given
        problems = self.validate_params(params)
        if problems:
            outputs = _outputs(params["endpoint_id"], target, {})
            return not_done(FAILED, InvalidActionParams(problems[0]), outputs)
        before = read_scaling(context, params["endpoint_id"])
        outputs = _outputs(params["endpoint_id"], target, before)
        try:
            wanted = {"enabled": True, "minReplicas": int(target), "maxReplicas": int(target)}
            kept = {name: before[name] for name in KEPT if name in before}
            message = write_scaling(context, params["endpoint_id"], {**kept, **wanted})
        except ServiceError as error:
            return not_done(FAILED, error, outputs)
        return ActionResult(success=True, outputs={**outputs, "success": True, "message": message})


def _outputs(endpoint_id: Any, target: Any, before: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "success": False,
        "endpoint_id": endpoint_id,
        "target_replicas": target,
        "previous_min_replicas": before.get("minReplicas"),
        "previous_max_replicas": before.get("maxReplicas"),
        "scaling_strategy": before.get("scalingStrategy"),
        "message": "",
    }
