"""Tells guardrail rules which models were onboarded for them."""

from __future__ import annotations

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

from ..peers.created import created_id

META = ActionMeta(
    type="guardrail_update_rule_model_ids",
    name="Update Rule Model IDs",
    category="Guardrail",
    description="Writes the ids of onboarded models to the guardrail rules that need them.",
    icon="refresh",
    color="#6366F1",
    required_services=["budapp"],
    aliases=["guardrail.update_rule_model_ids"],
    params=[
        ParamDefinition(
            "onboard_results",
            "Onboarding results",
            ParamType.JSON,
            required=True,
            description="A list of {rule_id, model_id}, as onboarding returns it.",
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether every update succeeded."),
        OutputDefinition("updated_count", "number", "How many rules were updated."),
        OutputDefinition("errors", "array", "What went wrong, one text per rule."),
        OutputDefinition(
            "rules", "array", "Which model each of them was given: {rule_id, model_id}."
        ),
    ],
)


@register_action(META)
class UpdateRuleModelIds(BaseActionExecutor):
    """Patches one rule after the other, also after a failure."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Update the rules."""
        results = context.params.get("onboard_results") or []
        if not isinstance(results, list):
            raise InvalidActionParams("onboard_results must be a list")
        complete = [r for r in (_completed(context, r) for r in results) if r is not None]
        told = [(result, _update(context, result)) for result in complete]
        errors = [error for _, error in told if error]
        return ActionResult(
            success=not errors,
            error=f"Failed to update {len(errors)} rules" if errors else None,
            error_code="service_error" if errors else None,
            outputs={
                "success": not errors,
                "updated_count": len(complete) - len(errors),
                "errors": errors,
                "rules": [
                    {name: result[name] for name in ("rule_id", "model_id")}
                    for result, error in told
                    if not error
                ],
            },
        )


def _completed(context: ActionContext, result: dict[str, Any]) -> dict[str, Any] | None:
    """Return the result with its model, which budapp may have made after the last event."""
    found = result.get("model_id")
    if not found and result.get("workflow_id") and result.get("status") == "completed":
        found = created_id(context, str(result["workflow_id"]), "model")
    return {**result, "model_id": found} if found and result.get("rule_id") else None


def _update(context: ActionContext, result: dict[str, Any]) -> str | None:
    context.heartbeat()
    try:
        context.invoke_service(
            settings.budapp_app_id,
            f"/internal/guardrails/rules/{path_segment(result['rule_id'])}/model",
            http_method="PATCH",
            data={"model_id": result["model_id"]},
        )
    except ServiceError as error:
        return f"Failed to update rule {result['rule_id']}: {error}"
    return None
