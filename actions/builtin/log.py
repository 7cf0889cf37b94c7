"""Writes a line to the log of the execution."""

from __future__ import annotations

import logging

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    SelectOption,
    register_action,
    text_of,
)

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

META = ActionMeta(
    type="log",
    name="Log",
    category="Control Flow",
    description="Writes a message to the log of the execution.",
    icon="note",
    color="#6b7280",
    cheap=True,
    params=[
        ParamDefinition(
            name="message",
            label="Message",
            type=ParamType.TEMPLATE,
            default="",
            description="What to write; references to params and outputs are filled in.",
        ),
        ParamDefinition(
            name="level",
            label="Level",
            type=ParamType.SELECT,
            default="info",
            description="How important it is.",
            options=[SelectOption(level, level.capitalize()) for level in LEVELS],
        ),
    ],
    outputs=[
        OutputDefinition("logged", "boolean", "Always true."),
        OutputDefinition("message", "string", "The message as it was written."),
        OutputDefinition("level", "string", "The level as it was given."),
    ],
    examples=[ActionExample("Greet", {"message": "Hello {{ params.name }}", "level": "info"})],
)


@register_action(META)
class Log(BaseActionExecutor):
    """Logs and echoes its message."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Write the message; an unknown level counts as info."""
        message = context.params.get("message", "No message provided")
        level = context.params.get("level", "info")
        severity = LEVELS.get(level, logging.INFO) if isinstance(level, str) else logging.INFO
        context.log.log(severity, text_of(message))
        return ActionResult(
            success=True, outputs={"logged": True, "message": message, "level": level}
        )
