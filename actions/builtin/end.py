"""Ends the whole execution at once."""

from __future__ import annotations

from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    ExecutionStatus,
    InvalidActionParams,
    JsonShape,
    ParamDefinition,
    ParamType,
    SelectOption,
    in_words,
    register_action,
)

ERROR_CODE = "ended"
MESSAGES = {
    ExecutionStatus.FAILED: "The pipeline has ended itself as failed",
    ExecutionStatus.INTERRUPTED: "The pipeline has ended itself as interrupted",
}

META = ActionMeta(
    type="end",
    name="End",
    category="Control Flow",
    description="Ends the execution at once, and cancels what still runs.",
    icon="stop-circle",
    color="#ef4444",
    cheap=True,
    outputs_from="outputs",
    params=[
        ParamDefinition(
            "status",
            "Status",
            ParamType.SELECT,
            default="completed",
            description="How the execution ends.",
            options=[
                SelectOption("completed", "Completed"),
                SelectOption("failed", "Failed"),
                SelectOption("interrupted", "Interrupted"),
            ],
        ),
        ParamDefinition(
            "outputs",
            "Outputs",
            ParamType.JSON,
            description="Of the execution; without any, the pipeline's own if it completes.",
            shape=JsonShape.OBJECT,
        ),
        ParamDefinition("message", "Message", description="Why; of an end that is not good."),
        ParamDefinition(
            "error_code",
            "Error code",
            default=ERROR_CODE,
            description="The code of that.",
            secrets=False,
        ),
    ],
    examples=[
        ActionExample("Nothing to do", {"outputs": {"changed": 0}}),
        ActionExample("Give up", {"status": "failed", "message": "No cluster fits"}),
    ],
)


@register_action(META)
class End(BaseActionExecutor):
    """Says how the execution ends; the engine does the rest."""

    def execute(self, context: ActionContext) -> ActionResult:
        """End the execution."""
        status = _status(context.params.get("status") or "completed")
        given = context.params.get("outputs")
        if given is not None and not isinstance(given, dict):
            raise InvalidActionParams(f"outputs must be an object, got {type(given).__name__}")
        if status is ExecutionStatus.COMPLETED:
            return ActionResult(success=True, ends_execution=status, outputs=given or {})
        return ActionResult(
            success=status is not ExecutionStatus.FAILED,
            ends_execution=status,
            outputs=given or {},
            error=in_words(context.params.get("message") or MESSAGES[status]),
            error_code=str(context.params.get("error_code") or ERROR_CODE),
            retryable=False,
        )


def _status(given: Any) -> ExecutionStatus:
    try:
        return ExecutionStatus(str(given).upper())
    except ValueError:
        raise InvalidActionParams(f"status cannot be {given!r}") from None
