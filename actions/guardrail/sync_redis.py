"""Hands the configuration of a guardrail profile to the gateway, which reads it from Redis."""

from __future__ import annotations

from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    JsonShape,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    ServiceError,
    path_segment,
    register_action,
    settings,
)

from ..peers.calls import accepted, for_user, not_done

META = ActionMeta(
    type="guardrail_sync_redis",
    name="Sync Guardrail Config",
    category="Guardrail",
    description="Hands the configuration of a guardrail profile to the gateway.",
    icon="database-sync",
    color="#DC2626",
    timeout_seconds=60,
    # The same table is written again.
    idempotent=True,
    required_services=["budapp"],
    aliases=["guardrail.sync_redis"],
    params=[
        ParamDefinition(
            "profile_id", "Profile", required=True, description="The profile.", secrets=False
        ),
        ParamDefinition(
            "config",
            "Configuration",
            ParamType.JSON,
            required=True,
            description="As guardrail_build_config leaves it.",
            shape=JsonShape.OBJECT,
        ),
        ParamDefinition(
            "endpoint_ids",
            "Endpoints",
            ParamType.JSON,
            default=[],
            description="Endpoints that are guarded by the profile from now on.",
            shape=JsonShape.ARRAY,
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether the gateway can read it."),
        OutputDefinition("key", "string", "Under which key it stands."),
        OutputDefinition("message", "string", "The same in words."),
    ],
    examples=[
        ActionExample(
            "The last step",
            {
                "profile_id": "{{ steps.create_profile.outputs.profile_id }}",
                "config": "{{ steps.build_config.outputs.config }}",
                "endpoint_ids": "{{ params.endpoint_ids }}",
            },
        )
    ],
)


@register_action(META)
class SyncRedis(BaseActionExecutor):
    """Has budapp write the tables: only it knows the gateway's Redis, and its keys."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Write it."""
        params = context.params
        profile_id = params["profile_id"]
        outputs: dict[str, Any] = {
            "success": False,
            "key": f"guardrail_table:{profile_id}",
            "message": "",
        }
        try:
            response = context.invoke_service(
                settings.budapp_app_id,
                f"/internal/guardrails/redis/{path_segment(profile_id)}",
                http_method="PUT",
                data={
                    "config": params["config"],
                    "endpoint_ids": params.get("endpoint_ids") or [],
                },
                params=for_user(context),
            )
            accepted(response)
        except ServiceError as error:
            return not_done("Failed to sync guardrail config", error, outputs)
        done = {"success": True, "message": "The gateway has the configuration"}
        return ActionResult(success=True, outputs=outputs | done)
