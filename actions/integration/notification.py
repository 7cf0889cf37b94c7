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
    InvalidActionParams,
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
            description="How the notification service delivers it; not with `subscription`.",
            options=[SelectOption(channel, channel.capitalize()) for channel in CHANNELS],
        ),
        ParamDefinition(
            "subscription",
            "Subscription",
            description="A subscription of the execution's owner that is told, in place of that"
            " service.",
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
        ActionExample("Done", {"channel": "slack", "message": "{{ params.model }} is deployed"}),
        ActionExample(
            "To a subscription",
            {"subscription": "on-call", "message": "{{ params.model }} is deployed"},
        ),
    ],
)


@register_action(META)
class Notification(BaseActionExecutor):
    """Publishes; a receiver drops what it has seen by its notification_id."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """One of the two ways has to be named."""
        named = params.get("channel") or params.get("subscription")
        return [] if named else ["channel is required, or subscription"]

    def execute(self, context: ActionContext) -> ActionResult:
        """Hand the notification over."""
        notification = _notification(context)
        outputs = {"sent": True, "notification_id": notification["notification_id"]}
        try:
            _hand_over(context, notification)
        except ActionError as error:
            return ActionResult(
                success=False,
                error=_words(error),
                error_code=error.error_code,
                retryable=error.retryable,
                outputs={**outputs, "sent": False},
            )
        return ActionResult(success=True, outputs=outputs)


def _hand_over(context: ActionContext, notification: dict[str, Any]) -> None:
    if subscription := context.params.get("subscription"):
        told = {name: value for name, value in notification.items() if name != "channel"}
        context.tell_subscription(str(subscription), told)
    elif not notification["channel"]:
        raise InvalidActionParams("channel is required, or subscription")
    else:
        context.publish_notification(notification)


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
