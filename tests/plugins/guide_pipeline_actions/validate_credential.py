"""Validate Credential Action.

Validates that a credential exists and is accessible for model onboarding.
"""

from __future__ import annotations

import structlog

from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    ExecutionMode,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    register_action,
)
from pipeline_engine.sdk import settings

logger = structlog.get_logger(__name__)


class ValidateCredentialExecutor(BaseActionExecutor):
    """Executor that validates a credential exists."""

    async def execute(self, context: ActionContext) -> ActionResult:
        """Validate credential via budapp."""
        credential_id = context.params.get("credential_id")

        if not credential_id:
            return ActionResult(
                success=False,
                outputs={"valid": False, "credential_type": None},
                error="credential_id is required",
            )

        logger.info(
            "validate_credential_starting",
            step_id=context.step_id,
            credential_id=credential_id,
        )

        try:
            response = await context.invoke_service(
                app_id=settings.budapp_app_id,
                method_path=f"/credentials/{credential_id}",
                http_method="GET",
                timeout_seconds=30,
            )

            credential_data = response.get("data", response)
            credential_type = credential_data.get("type", "unknown")

            logger.info(
                "validate_credential_success",
                step_id=context.step_id,
                credential_id=credential_id,
                credential_type=credential_type,
            )

            return ActionResult(
                success=True,
                outputs={
                    "valid": True,
                    "credential_id": credential_id,
                    "credential_type": credential_type,
                },
            )

        except Exception as e:
            error_msg = f"Failed to validate credential: {e!s}"
            logger.error(
                "validate_credential_failed",
                step_id=context.step_id,
                credential_id=credential_id,
                error=error_msg,
            )
            return ActionResult(
                success=False,
                outputs={"valid": False, "credential_type": None},
                error=error_msg,
            )


META = ActionMeta(
    type="guardrail.validate_credential",
    version="1.0.0",
    name="Validate Credential",
    description="Validates that a credential exists and is accessible for model onboarding",
    category="Guardrail",
    icon="key",
    color="#F59E0B",
    execution_mode=ExecutionMode.SYNC,
    idempotent=True,
    required_services=["budapp"],
    params=[
        ParamDefinition(
            name="credential_id",
            label="Credential ID",
            type=ParamType.STRING,
            required=True,
            description="The credential ID to validate",
        ),
    ],
    outputs=[
        OutputDefinition(
            name="valid",
            type="boolean",
            description="Whether the credential is valid",
        ),
        OutputDefinition(
            name="credential_id",
            type="string",
            description="The validated credential ID",
        ),
        OutputDefinition(
            name="credential_type",
            type="string",
            description="The type of credential",
        ),
    ],
)


@register_action(META)
class ValidateCredentialAction:
    """Validate Credential action for entry point registration."""

    meta = META
    executor_class = ValidateCredentialExecutor
