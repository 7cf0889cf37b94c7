"""Sets between how many replicas a deployment has, and by what it scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    ConditionalVisibility,
    InvalidActionParams,
    JsonShape,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    ServiceError,
    ValidationRules,
    is_templated,
    register_action,
)

from ..peers.calls import not_done
from .autoscaling import read_scaling, replica_problems, write_scaling

FAILED = "Failed to configure autoscaling"
ON = ConditionalVisibility("enabled", not_equals=False)

META = ActionMeta(
    type="deployment_autoscale",
    name="Configure Autoscaling",
    category="Deployment",
    description="Sets between how many replicas a deployment scales, and by which metrics.",
    icon="trending-up",
    color="#F59E0B",
    timeout_seconds=120,
    required_services=["budapp"],
    params=[
        ParamDefinition(
            "endpoint_id",
            "Deployment",
            ParamType.ENDPOINT_REF,
            required=True,
            description="The deployment.",
        ),
        ParamDefinition(
            "enabled",
            "Enabled",
            ParamType.BOOLEAN,
            default=True,
            description="Whether it scales by itself.",
        ),
        ParamDefinition(
            "min_replicas",
            "Least replicas",
            ParamType.NUMBER,
            default=1,
            description="How many it has at least.",
            validation=ValidationRules(min=0, max=100),
            show_when=ON,
        ),
        ParamDefinition(
            "max_replicas",
            "Most replicas",
            ParamType.NUMBER,
            default=10,
            description="How many it has at most.",
            validation=ValidationRules(min=1, max=100),
            show_when=ON,
        ),
        ParamDefinition(
            "scaling_strategy",
            "Strategy",
            description="As budapp names it; what it was before if nothing is given.",
            show_when=ON,
        ),
        ParamDefinition(
            "metrics",
            "Metrics",
            ParamType.JSON,
            description="What it scales by, as budapp's metricsSources; as before if not given.",
            shape=JsonShape.ARRAY,
            show_when=ON,
        ),
        ParamDefinition(
            "behavior",
            "Behaviour",
            ParamType.JSON,
            description="How fast it scales up and down; as before if not given.",
            shape=JsonShape.OBJECT,
            show_when=ON,
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether budapp has taken it."),
        OutputDefinition("endpoint_id", "string", "The deployment."),
        OutputDefinition("config", "object", "What was sent."),
        OutputDefinition("previous_config", "object", "How it scaled before; empty if unknown."),
        OutputDefinition("message", "string", "What budapp says."),
    ],
    examples=[
        ActionExample(
            "By the load",
            {
                "endpoint_id": "{{ params.endpoint_id }}",
                "min_replicas": 1,
                "max_replicas": 4,
                "metrics": [{"type": "pod", "targetMetric": "num_requests_running"}],
            },
        )
    ],
)


@register_action(META)
class DeploymentAutoscale(BaseActionExecutor):
    """Reads how it scales, changes what the params say, and writes it back."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check that the least is not more than the most."""
        wanted = _replicas(params)
        known = {name: value for name, value in wanted.items() if not is_templated(value)}
        return list(replica_problems(known))

    def execute(self, context: ActionContext) -> ActionResult:
        """Change it."""
        endpoint_id, problems = context.params["endpoint_id"], self.validate_params(context.params)
        if problems:
            outputs = _outputs(endpoint_id, {}, {}, success=False)
            return not_done(FAILED, InvalidActionParams("; ".join(problems)), outputs)
        before = read_scaling(context, endpoint_id)
        wanted = _changed(before, context.params)
        try:
            message = write_scaling(context, endpoint_id, wanted)
        except ServiceError as error:
            return not_done(FAILED, error, _outputs(endpoint_id, wanted, before, success=False))
        outputs = _outputs(endpoint_id, wanted, before, message=message)
        return ActionResult(success=True, outputs=outputs)


def _replicas(params: Mapping[str, Any]) -> dict[str, Any]:
    given = {"minReplicas": params.get("min_replicas"), "maxReplicas": params.get("max_replicas")}
    usual = {"minReplicas": 1, "maxReplicas": 10}
    found = {name: usual[name] if value is None else value for name, value in given.items()}
    whole = {k: int(v) for k, v in found.items() if isinstance(v, float) and v.is_integer()}
    return {**found, **whole}


def _changed(before: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    if params.get("enabled") is False:
        return {**before, "enabled": False}
    asked = {
        "scalingStrategy": params.get("scaling_strategy") or None,
        "metricsSources": params.get("metrics"),
        "behavior": params.get("behavior"),
    }
    said = {name: value for name, value in asked.items() if value is not None}
    return {**before, "enabled": True, **_replicas(params), **said}


def _outputs(
    endpoint_id: Any, config: Mapping[str, Any], before: Mapping[str, Any], **facts: Any
) -> dict[str, Any]:
    return {
        "success": True,
        "endpoint_id": endpoint_id,
        "config": dict(config),
        "previous_config": dict(before),
        "message": "",
        **facts,
    }
