"""Asks how a cluster is, check by check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
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

from ..peers.answers import inner

CHECKS = {"nodes": "Nodes", "api": "API", "storage": "Storage", "network": "Network", "gpu": "GPU"}
USUAL_CHECKS = ["nodes", "api"]
TIMEOUT_SECONDS = 30
LONGEST_SECONDS = 300

META = ActionMeta(
    type="cluster_health",
    name="Cluster Health Check",
    category="Cluster Operations",
    description="Asks how a cluster is; one that is not well is no failure of the step.",
    icon="heart-pulse",
    color="#059669",
    timeout_seconds=LONGEST_SECONDS + 30,  # more than the param allows
    required_services=["budcluster"],
    params=[
        ParamDefinition(
            "cluster_id",
            "Cluster",
            ParamType.CLUSTER_REF,
            required=True,
            description="The cluster, by its id in budcluster.",
        ),
        ParamDefinition(
            "checks",
            "Checks",
            ParamType.MULTISELECT,
            default=USUAL_CHECKS,
            description="What is looked at.",
            options=[SelectOption(value, label) for value, label in CHECKS.items()],
        ),
        ParamDefinition(
            "timeout_seconds",
            "Timeout",
            ParamType.NUMBER,
            default=TIMEOUT_SECONDS,
            description="How long budcluster may take.",
            validation=ValidationRules(min=5, max=LONGEST_SECONDS),
        ),
    ],
    outputs=[
        OutputDefinition("healthy", "boolean", "Whether every check is well, and there was one."),
        OutputDefinition("status", "string", "healthy, degraded, or unknown without a check."),
        OutputDefinition("issues", "array", "What is not well, in words."),
        OutputDefinition("details", "object", "{healthy, message} by check."),
    ],
    examples=[
        ActionExample(
            "Before a deployment",
            {"cluster_id": "{{ params.cluster_id }}", "checks": ["nodes", "gpu"]},
            "A later step has the condition {{ steps.health.outputs.healthy }}.",
        )
    ],
)


@register_action(META)
class ClusterHealth(BaseActionExecutor):
    """Reads the health of a cluster from budcluster; a call that fails is an ill cluster."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Ask."""
        given = context.params.get("checks")
        checks = USUAL_CHECKS if given is None else given
        try:
            answers = _asked(context, checks) if checks else {}
            details = {check: _detail(check, answers.get(check)) for check in checks}
        except ServiceError as error:
            context.log.warning("cluster_not_checked", reason=str(error))
            details = {c: _ill(f"Failed to check {c}: {error}") for c in checks}
        issues = [one["message"] for one in details.values() if not one["healthy"]]
        status = "degraded" if issues else "healthy"
        return ActionResult(
            success=True,
            outputs={
                "healthy": bool(details) and not issues,
                "status": status if details else "unknown",
                "issues": issues,
                "details": details,
            },
        )


def _asked(context: ActionContext, checks: list[str]) -> Mapping[str, Any]:
    response = context.invoke_service(
        settings.budcluster_app_id,
        f"/cluster/{path_segment(context.params['cluster_id'])}/health",
        http_method="GET",
        params={"checks": ",".join(checks)},
        timeout_seconds=float(context.params.get("timeout_seconds") or TIMEOUT_SECONDS),
    )
    return inner(response)


def _detail(check: str, answer: Any) -> dict[str, Any]:
    if not isinstance(answer, Mapping):
        return _ill(f"{check} check not available")
    if answer.get("healthy") is True:
        return {"healthy": True, "message": str(answer.get("message") or "")}
    return _ill(str(answer.get("message") or f"{check} is not healthy"))


def _ill(message: str) -> dict[str, Any]:
    return {"healthy": False, "message": message}
