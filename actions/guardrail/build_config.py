"""Builds what the gateway has to know of a guardrail deployment."""

from __future__ import annotations

from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    OutputDefinition,
    ParamDefinition,
    ServiceError,
    path_segment,
    register_action,
)

from ..peers.answers import inner, list_in
from ..peers.calls import looked_up, not_done
from .gateway_config import gateway_config

META = ActionMeta(
    type="guardrail_build_config",
    name="Build Guardrail Config",
    category="Guardrail",
    description="Builds what the gateway has to know of a guardrail deployment.",
    icon="file-cog",
    color="#64748B",
    timeout_seconds=90,
    required_services=["budapp"],
    aliases=["guardrail.build_config"],
    params=[
        ParamDefinition(
            "deployment_id",
            "Deployment",
            required=True,
            description="The guardrail deployment.",
            secrets=False,
        ),
        ParamDefinition(
            "profile_id", "Profile", required=True, description="Its profile.", secrets=False
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether it was built."),
        OutputDefinition("config", "object", "For guardrail_sync_redis; without any key."),
        OutputDefinition("message", "string", "The same in words."),
    ],
    examples=[
        ActionExample(
            "After the records",
            {
                "deployment_id": "{{ steps.create_deployment.outputs.deployment_id }}",
                "profile_id": "{{ steps.create_profile.outputs.profile_id }}",
            },
        )
    ],
)


@register_action(META)
class BuildConfig(BaseActionExecutor):
    """Reads the profile and the rules of its deployment from budapp."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Build it."""
        profile_id, deployment_id = (context.params[n] for n in ("profile_id", "deployment_id"))
        outputs: dict[str, Any] = {"success": False, "config": {}, "message": ""}
        try:
            profile = looked_up(context, f"/guardrails/profile/{path_segment(profile_id)}")
            path = f"/internal/guardrails/deployments/{path_segment(deployment_id)}"
            deployment = looked_up(context, path)
        except ServiceError as error:
            return not_done("Failed to build guardrail config", error, outputs)
        rules = list_in(inner(deployment, "deployment", "data"), "rules")
        config = gateway_config(
            inner(profile, "profile", "data"), [rule for rule in rules if rule.get("rule_uri")]
        )
        message = f"The configuration has {len(rules)} rule(s)"
        return ActionResult(
            success=True, outputs={"success": True, "config": config, "message": message}
        )
