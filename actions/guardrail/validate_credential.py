"""Checks that a credential exists before models are onboarded with it."""

from __future__ import annotations

from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    ServiceError,
    ServiceResponse,
    path_segment,
    register_action,
    settings,
)

from ..peers.answers import inner

#: What budapp says when it serves no GET on ``/credentials/{id}``.
NOT_SERVED = (404, 405)

META = ActionMeta(
    type="guardrail_validate_credential",
    name="Validate Credential",
    category="Guardrail",
    description="Checks that a credential exists and may be read.",
    icon="key",
    color="#F59E0B",
    required_services=["budapp"],
    aliases=["guardrail.validate_credential"],
    params=[
        ParamDefinition(
            "credential_id",
            "Credential",
            ParamType.CREDENTIAL_REF,
            required=True,
            description="The credential to look up.",
        ),
    ],
    outputs=[
        OutputDefinition("valid", "boolean", "Whether it was found."),
        OutputDefinition("credential_id", "string", "The credential that was looked up."),
        OutputDefinition("credential_type", "string", "Its type, or null if it was not found."),
    ],
)


@register_action(META)
class ValidateCredential(BaseActionExecutor):
    """Reads a credential from budapp."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Look it up."""
        credential_id = context.params.get("credential_id")
        if not credential_id:
            return _invalid(credential_id, "credential_id is required", "invalid_params")
        try:
            found = inner(_looked_up(context, credential_id), "data", "credential")
        except ServiceError as error:
            message = f"Failed to validate credential: {error}"
            return _invalid(credential_id, message, error.error_code, retryable=error.retryable)
        return ActionResult(
            success=True,
            outputs={
                "valid": True,
                "credential_id": credential_id,
                "credential_type": found.get("type") or "unknown",
            },
        )


def _looked_up(context: ActionContext, credential_id: Any) -> ServiceResponse:
    segment = path_segment(credential_id)
    try:
        return _get(context, f"/credentials/{segment}")
    except ServiceError as error:
        if error.status not in NOT_SERVED:
            raise
    return _get(context, f"/proprietary/credentials/{segment}/details")


def _get(context: ActionContext, path: str) -> ServiceResponse:
    return context.invoke_service(
        settings.budapp_app_id,
        path,
        http_method="GET",
        params={"user_id": context.acting_user_id},
    )


def _invalid(credential_id: Any, error: str, code: str, *, retryable: bool = False) -> ActionResult:
    return ActionResult(
        success=False,
        error=error,
        error_code=code,
        retryable=retryable,
        outputs={"valid": False, "credential_id": credential_id, "credential_type": None},
    )
