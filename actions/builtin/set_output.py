"""Gives values names that other steps can refer to."""

from __future__ import annotations

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    JsonShape,
    ParamDefinition,
    ParamType,
    register_action,
)

META = ActionMeta(
    type="set_output",
    name="Set Output",
    category="Control Flow",
    description="Makes a map the outputs of this step.",
    icon="arrow-square-out",
    color="#06b6d4",
    cheap=True,
    params=[
        ParamDefinition(
            "outputs",
            "Outputs",
            ParamType.JSON,
            default={},
            description="The map; its keys are the outputs of the step.",
            shape=JsonShape.OBJECT,
        ),
    ],
    outputs_from="outputs",
    examples=[
        ActionExample("Name a value", {"outputs": {"url": "{{ steps.deploy.outputs.url }}"}})
    ],
)


@register_action(META)
class SetOutput(BaseActionExecutor):
    """Hands its param through."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Return the map itself."""
        outputs = context.params.get("outputs", {})
        if isinstance(outputs, dict):
            return ActionResult(success=True, outputs=outputs)
        return ActionResult(
            success=False,
            error=f"outputs must be a dictionary, got {type(outputs).__name__}",
            error_code="invalid_params",
            retryable=False,
        )
