"""Limits how often a deployment may be asked."""

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
    SelectOption,
    ServiceError,
    ValidationRules,
    path_segment,
    register_action,
    settings,
)

from ..peers.calls import accepted, for_user, not_done

FAILED = "Failed to configure rate limiting"
ALGORITHMS = {
    "token_bucket": "Token bucket",
    "fixed_window": "Fixed window",
    "sliding_window": "Sliding window",
}
RATES = ("requests_per_second", "requests_per_minute", "requests_per_hour")
BURST_SIZE = 100


def _rate(name: str, label: str, most: int) -> ParamDefinition:
    return ParamDefinition(
        name,
        label,
        ParamType.NUMBER,
        description="At least one of the three rates is given.",
        validation=ValidationRules(min=1, max=most),
    )


META = ActionMeta(
    type="deployment_ratelimit",
    version="1.1.0",
    name="Configure Rate Limiting",
    category="Deployment",
    description="Limits how often a deployment may be asked.",
    icon="shield",
    color="#6366F1",
    timeout_seconds=60,
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
            "algorithm",
            "Algorithm",
            ParamType.SELECT,
            default="token_bucket",
            description="How requests are counted.",
            options=[SelectOption(value, label) for value, label in ALGORITHMS.items()],
        ),
        _rate("requests_per_second", "Per second", 100_000),
        _rate("requests_per_minute", "Per minute", 1_000_000),
        _rate("requests_per_hour", "Per hour", 10_000_000),
        ParamDefinition(
            "burst_size",
            "Burst",
            ParamType.NUMBER,
            default=BURST_SIZE,
            description="How many may come at once.",
            validation=ValidationRules(min=1, max=10_000),
        ),
        ParamDefinition(
            "enabled",
            "Enabled",
            ParamType.BOOLEAN,
            default=True,
            description="Whether it is limited.",
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether budapp has taken it."),
        OutputDefinition("endpoint_id", "string", "The deployment."),
        OutputDefinition("config", "object", "The limits that were sent."),
        OutputDefinition("message", "string", "What budapp says."),
    ],
    examples=[
        ActionExample(
            "A hundred in a minute",
            {"endpoint_id": "{{ params.endpoint_id }}", "requests_per_minute": 100},
        )
    ],
)


@register_action(META)
class DeploymentRatelimit(BaseActionExecutor):
    """Writes the settings of an endpoint at budapp."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check that there is something to count by."""
        if params.get("enabled") is False or any(params.get(n) is not None for n in RATES):
            return []
        return [f"At least one of {', '.join(RATES)} is required"]

    def execute(self, context: ActionContext) -> ActionResult:
        """Set the limits."""
        endpoint_id, limits = context.params["endpoint_id"], _limits(context.params)
        outputs = {"success": False, "endpoint_id": endpoint_id, "config": limits, "message": ""}
        problems = self.validate_params(context.params)
        if problems:
            return not_done(FAILED, InvalidActionParams(problems[0]), outputs)
        try:
            response = context.invoke_service(
                settings.budapp_app_id,
                f"/endpoints/{path_segment(endpoint_id)}/deployment-settings",
                http_method="PUT",
                data={"rate_limits": limits},
                params=for_user(context),
            )
            message = str(accepted(response).get("message") or "The limits were set")
        except ServiceError as error:
            return not_done(FAILED, error, outputs)
        return ActionResult(success=True, outputs={**outputs, "success": True, "message": message})


def _limits(params: Mapping[str, Any]) -> dict[str, Any]:
    rates = {name: params[name] for name in RATES if params.get(name) is not None}
    return {
        "algorithm": params.get("algorithm") or "token_bucket",
        "enabled": params.get("enabled") is not False,
        **rates,
        "burst_size": params.get("burst_size") or BURST_SIZE,
    }
