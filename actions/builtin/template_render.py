"""Fills in a text."""

from __future__ import annotations

import json
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    BudgetSpent,
    ExpressionError,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    SelectOption,
    pay_for,
    read_json,
    register_action,
)

META = ActionMeta(
    type="template_render",
    name="Render Template",
    category="Control Flow",
    description="Fills references into a text, and may read the text as JSON.",
    icon="file-text",
    color="#a855f7",
    cheap=True,
    params=[
        ParamDefinition(
            "template",
            "Template",
            ParamType.TEMPLATE,
            required=True,
            description="The text with its {{ references }}.",
        ),
        ParamDefinition(
            "format",
            "Format",
            ParamType.SELECT,
            default="text",
            description="Whether the result stays a text or is read as JSON.",
            options=[SelectOption("text", "Text"), SelectOption("json", "JSON")],
        ),
    ],
    outputs=[OutputDefinition("result", "any", "The text, or what its JSON says; else null.")],
    examples=[ActionExample("A name", {"template": "{{ params.model }}-{{ params.env }}"})],
)


@register_action(META)
class TemplateRender(BaseActionExecutor):
    """Reads what the engine has rendered already."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Return the text or the JSON value in it."""
        text = _as_text(context.params.get("template", ""))
        if context.params.get("format", "text") != "json":
            return ActionResult(success=True, outputs={"result": text})
        context.refuse_secrets(text, "template")  # parts of a secret are not known again
        try:
            return ActionResult(success=True, outputs={"result": read_json(text)})
        except BudgetSpent:
            raise
        except ExpressionError as error:
            return ActionResult(
                success=False,
                outputs={"result": None},
                error=f"The rendered text is not JSON: {error}",
                error_code="invalid_json",
                retryable=False,
            )


def _as_text(value: Any) -> str:
    # A template that is one reference has the type of what it refers to.
    if isinstance(value, str):
        return value
    pay_for(value)
    return json.dumps(value)
