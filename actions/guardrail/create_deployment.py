"""Records that a guardrail profile is applied, and which endpoints serve its rules."""

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
    JsonShape,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    ServiceError,
    is_templated,
    register_action,
    settings,
)

from ..peers.answers import id_in
from ..peers.calls import accepted, for_user, not_done
from .made import by_whom
from .taking_back import DEPLOYMENTS, deleted

FAILED = "Failed to create guardrail deployment"
DEPLOYMENT_IDS = ("deployment.id", "data.deployment_id", "data.id", "deployment_id", "id")


def _list(name: str, label: str, description: str) -> ParamDefinition:
    return ParamDefinition(
        name,
        label,
        ParamType.JSON,
        default=[],
        description=description,
        shape=JsonShape.ARRAY,
    )


META = ActionMeta(
    type="guardrail_create_deployment",
    name="Create Guardrail Deployment",
    category="Guardrail",
    description="Records where a guardrail profile is applied, and what serves its rules.",
    icon="shield-check",
    color="#0EA5E9",
    timeout_seconds=60,
    idempotent=True,
    needs_keys_at=["budapp"],
    required_services=["budapp"],
    aliases=["guardrail.create_deployment"],
    params=[
        ParamDefinition(
            "profile_id",
            "Profile",
            required=True,
            description="The profile that is applied.",
            secrets=False,
        ),
        ParamDefinition(
            "project_id",
            "Project",
            ParamType.PROJECT_REF,
            required=True,
            description="The project that it belongs to.",
        ),
        _list(
            "endpoint_ids", "Endpoints", "The endpoints that it guards; none if it stands alone."
        ),
        ParamDefinition(
            "is_standalone",
            "Standalone",
            ParamType.BOOLEAN,
            default=False,
            description="Whether it is asked by itself, and guards no endpoint.",
        ),
        _list(
            "deployed_models", "Deployed models", "As guardrail_deploy_models leaves its results."
        ),
        _list("reused_models", "Reused models", "{rule_id, model_id, endpoint_id, …}, which ran."),
        ParamDefinition(
            "user_id",
            "User",
            description="Accepted and not believed: peers see the user of the execution.",
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether it was recorded."),
        OutputDefinition("deployment_id", "string", "The deployment; null if there is none."),
        OutputDefinition("message", "string", "The same in words."),
    ],
    examples=[
        ActionExample(
            "In front of an endpoint",
            {
                "profile_id": "{{ steps.create_profile.outputs.profile_id }}",
                "project_id": "{{ params.project_id }}",
                "endpoint_ids": ["{{ params.endpoint_id }}"],
                "deployed_models": "{{ steps.deploy_models.outputs.results }}",
            },
        )
    ],
)


@register_action(META)
class CreateDeployment(BaseActionExecutor):
    """Asks budapp to record it."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check that it either stands alone or guards something."""
        endpoints, alone = params.get("endpoint_ids"), params.get("is_standalone")
        if is_templated(endpoints) or is_templated(alone):
            return []
        if alone and endpoints:
            return ["endpoint_ids and is_standalone exclude each other"]
        return [] if alone or endpoints else ["Either endpoint_ids or is_standalone is required"]

    def execute(self, context: ActionContext) -> ActionResult:
        """Record the deployment."""
        outputs: dict[str, Any] = {"success": False, "deployment_id": None, "message": ""}
        problems = self.validate_params(context.params)
        if problems:
            return not_done(FAILED, InvalidActionParams(problems[0]), outputs)
        try:
            deployment_id = _made(context)
        except ServiceError as error:
            return not_done(FAILED, error, outputs)
        done = {"success": True, "deployment_id": deployment_id}
        message = "The deployment was recorded"
        return ActionResult(success=True, outputs={**outputs, **done, "message": message})

    def cleanup(self, context: ActionContext) -> None:
        """Delete what an attempt may have recorded that was stopped before it heard of it.

        The same call with the same key is answered with it, and leaves nothing to come later.
        """
        if not context.may_repeat or self.validate_params(context.params):
            return
        try:
            deleted(context, DEPLOYMENTS, _made(context))
        except ServiceError as error:
            context.log.warning("not_taken_back", reason=str(error))


def _made(context: ActionContext) -> str:
    params: Mapping[str, Any] = context.params
    lists = ("endpoint_ids", "deployed_models", "reused_models")
    response = context.start_once(
        settings.budapp_app_id,
        "/internal/guardrails/deployments",
        data={
            "profile_id": params["profile_id"],
            "project_id": params["project_id"],
            "is_standalone": bool(params.get("is_standalone")),
            **{name: params.get(name) or [] for name in lists},
            **by_whom(context),
        },
        params=for_user(context),
    )
    deployment_id = id_in(accepted(response), *DEPLOYMENT_IDS)
    if deployment_id is None:
        raise ServiceError("budapp returned no deployment_id", retryable=False)
    return deployment_id
