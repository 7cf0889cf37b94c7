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

from ..peers.calls import accepted, for_user, looked_up, not_done
from .made import by_whom

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
    """Writes the gateway's tables, or has budapp do it where only that knows the gateway."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Write it."""
        profile_id = str(context.params["profile_id"])
        outputs: dict[str, Any] = {
            "success": False,
            "key": f"guardrail_table:{profile_id}",
            "message": "",
        }
        try:
            _write(context, profile_id)
        except ServiceError as error:
            return not_done("Failed to sync guardrail config", error, outputs)
        done = {"success": True, "message": "The gateway has the configuration"}
        return ActionResult(success=True, outputs=outputs | done)


def _write(context: ActionContext, profile_id: str) -> None:
    config, endpoints = context.params["config"], context.params.get("endpoint_ids") or []
    tables = context.gateway_tables
    if tables is None:
        told = {"config": config, "endpoint_ids": endpoints, **by_whom(context)}
        _have_written(context, profile_id, told)
        return
    # The gateway's Redis lets anybody write anything: budapp knows what the user may see.
    accepted(looked_up(context, f"/guardrails/profile/{path_segment(profile_id)}"))
    for endpoint in endpoints:
        accepted(looked_up(context, f"/endpoints/{path_segment(endpoint)}"))
    tables.write(profile_id, config, [str(one) for one in endpoints], by=context.execution_id)


def _have_written(context: ActionContext, profile_id: str, tables: dict[str, Any]) -> None:
    response = context.invoke_service(
        settings.budapp_app_id,
        f"/internal/guardrails/redis/{path_segment(profile_id)}",
        http_method="PUT",
        data=tables,
        params=for_user(context),
    )
    accepted(response)
