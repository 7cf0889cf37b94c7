"""Ends a step badly, on purpose."""

from __future__ import annotations

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    OutputDefinition,
    ParamDefinition,
    in_words,
    register_action,
)

MESSAGE = "Intentional failure"
ERROR_CODE = "INTENTIONAL_FAILURE"

META = ActionMeta(
    type="fail",
    name="Fail",
    category="Control Flow",
    description="Fails with a message and a code that other steps can read.",
    icon="x-circle",
    color="#ef4444",
    cheap=True,
    params=[
        ParamDefinition("message", "Message", default=MESSAGE, description="The error."),
        ParamDefinition(
            "error_code",
            "Error code",
            default=ERROR_CODE,
            description="The code of the error.",
            secrets=False,
        ),
    ],
    outputs=[
        OutputDefinition("error_code", "string", "The code that was given."),
        OutputDefinition("message", "string", "The message that was given."),
    ],
    examples=[ActionExample("Give up", {"message": "No cluster fits", "error_code": "NO_FIT"})],
)


@register_action(META)
class Fail(BaseActionExecutor):
    """Never succeeds."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Fail."""
        message = in_words(context.params.get("message", MESSAGE))
        error_code = str(context.params.get("error_code") or ERROR_CODE)
        return ActionResult(
            success=False,
            error=message,
            error_code=error_code,
            outputs={"error_code": error_code, "message": message},
        )
