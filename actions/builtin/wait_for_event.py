"""Waits for an event with a key of the author's choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    EventAction,
    EventContext,
    EventResult,
    ExecutionMode,
    InvalidActionParams,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    StepStatus,
    ValidationRules,
    register_action,
)

DAY = 86_400

META = ActionMeta(
    type="wait_for_event",
    name="Wait For Event",
    category="Control Flow",
    description="Waits for an event whose workflow id is a key of your choice.",
    icon="bell-ringing",
    color="#6366f1",
    cheap=True,
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=7 * DAY,
    params=[
        ParamDefinition(
            "event_key",
            "Event key",
            ParamType.TEMPLATE,
            required=True,
            description="The workflow_id that the event will carry.",
        ),
        ParamDefinition(
            "match",
            "Match",
            ParamType.JSON,
            default={},
            description="Dotted path to expected value; other events are ignored.",
        ),
        ParamDefinition(
            "timeout_seconds",
            "Time to wait",
            ParamType.NUMBER,
            default=DAY,
            description="After so long the step ends as TIMEOUT.",
            validation=ValidationRules(min=1, max=7 * DAY),
        ),
    ],
    outputs=[OutputDefinition("event", "object", "The event that came; null before it.")],
    examples=[
        ActionExample(
            "A build",
            {"event_key": "build-{{ params.sha }}", "match": {"payload.status": "green"}},
        )
    ],
)


@register_action(META)
class WaitForEvent(BaseActionExecutor):
    """Parks on its key."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Park."""
        key = str(context.params.get("event_key") or "").strip()
        if not key:
            raise InvalidActionParams("event_key is required")
        if not isinstance(context.params.get("match") or {}, dict):
            raise InvalidActionParams("match must be an object")
        return ActionResult(
            success=True,
            awaiting_event=True,
            external_workflow_id=key,
            timeout_seconds=float(context.params.get("timeout_seconds") or DAY),
            outputs={"event": None},
        )

    def on_event(self, context: EventContext) -> EventResult:
        """End with the first event that matches."""
        expected = context.params.get("match") or {}
        event = context.event_data
        if any(_at(event, path) != value for path, value in expected.items()):
            return EventResult(action=EventAction.IGNORE)
        return EventResult(
            action=EventAction.COMPLETE,
            status=StepStatus.COMPLETED,
            outputs={"event": dict(event)},
        )


def _at(value: Any, path: str) -> Any:
    """Follow *path*; a key that holds dots itself wins."""
    if isinstance(value, Mapping) and path in value:
        return value[path]
    first, _, rest = path.partition(".")
    if isinstance(value, list) and first.isdecimal() and int(first) < len(value):
        return _at(value[int(first)], rest) if rest else value[int(first)]
    return (
        _at(value[first], rest) if rest and isinstance(value, Mapping) and first in value else None
    )
