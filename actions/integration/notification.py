"""Tells people what happened."""

from __future__ import annotations

from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionError,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    SelectOption,
    ServiceError,
    register_action,
)

CHANNELS = ("email", "slack", "teams", "webhook")
SEVERITIES = ("info", "warning", "error", "critical")
TITLE = "Workflow Notification"

META = ActionMeta(
    type="notification",
    name="Send Notification",
    category="Integration",
    description="Publishes a message for people; the notification service delivers it.",
    icon="bell",
    color="#F59E0B",
    timeout_seconds=30,
    params=[
        ParamDefinition(
            "channel",
            "Channel",
            ParamType.SELECT,
            required=True,
            description="How it is delivered.",
            options=[SelectOption(channel, channel.capitalize()) for channel in CHANNELS],
        ),
        ParamDefinition("title", "Title", default=TITLE, description="One line."),
        ParamDefinition(
            "message", "Message", ParamType.TEMPLATE, required=True, description="The text."
        ),
        ParamDefinition(
            "severity",
            "Severity",
            ParamType.SELECT,
            default="info",
            description="How urgent it is.",
            options=[SelectOption(severity, severity.capitalize()) for severity in SEVERITIES],
        ),
        ParamDefinition(
            "recipients", "Recipients", ParamType.JSON, default=[], description="Who gets it."
        ),
        ParamDefinition(
            "metadata", "Metadata", ParamType.JSON, default={}, description="Sent along."
        ),
    ],
    outputs=[
        OutputDefinition("sent", "boolean", "Whether it was handed over."),
        OutputDefinition("notification_id", "string", "The same on every attempt."),
    ],
    examples=[
        ActionExample("Done", {"channel": "slack", "message": "{{ params.model }} is deployed"})
    ],
)


@register_action(META)
class Notification(BaseActionExecutor):
    """Publishes; a receiver drops what it has seen by its notification_id."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Hand the notification over."""
        notification = _notification(context)
        outputs = {"sent": True, "notification_id": notification["notification_id"]}
        try:
            context.publish_notification(notification)
        except ActionError as error:
            return ActionResult(
                success=False,
                error=_words(error),
                error_code=error.error_code,
                retryable=error.retryable,
                outputs={**outputs, "sent": False},
            )
        return ActionResult(success=True, outputs=outputs)


def _notification(context: ActionContext) -> dict[str, Any]:
    params = context.params
    given = params.get("metadata")
    return {
        "notification_id": f"{context.execution_id}-{context.step_id}",
        "channel": params.get("channel"),
        "title": params.get("title") or TITLE,
        "message": params.get("message"),
        "severity": params.get("severity") or "info",
        "recipients": params.get("recipients") or [],
        "metadata": {
            **(given if isinstance(given, dict) else {}),
            "source": "budpipeline",
            "workflow_execution_id": context.execution_id,
            "step_id": context.step_id,
        },
    }


def _words(error: ActionError) -> str:
    status = error.status if isinstance(error, ServiceError) else 0
    reason = f"HTTP {status}" if status else str(error)
    return f"Failed to publish notification: {reason}"
