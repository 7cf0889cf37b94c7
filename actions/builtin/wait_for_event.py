"""Waits for an event with a key of the author's choice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
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
    InvalidAnswer,
    JsonShape,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    StepStatus,
    ValidationRules,
    evaluate_condition,
    read_answer,
    register_action,
    render_value,
)

DAY = 86_400
PLACE = re.compile(r"\d{1,9}", re.ASCII)  # in a list

META = ActionMeta(
    type="wait_for_event",
    name="Wait For Event",
    category="Control Flow",
    description="Waits for an event with a key of your choice.",
    icon="bell-ringing",
    color="#6366f1",
    cheap=True,
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=7 * DAY,
    unrendered_params=frozenset({"match", "condition", "outputs"}),
    adds_names=frozenset({"event"}),
    params=[
        ParamDefinition(
            "event_key",
            "Event key",
            ParamType.TEMPLATE,
            required=True,
            description="The event_key that the event will carry.",
            secrets=False,
        ),
        ParamDefinition(
            "match",
            "Match",
            ParamType.JSON,
            default={},
            description="Dotted path to expected value; other events are ignored.",
            shape=JsonShape.OBJECT,
            secrets=False,
        ),
        ParamDefinition(
            "condition",
            "Condition",
            ParamType.TEMPLATE,
            default=True,
            description="Evaluated for each event, as event; other events are ignored.",
        ),
        ParamDefinition(
            "outputs",
            "More outputs",
            ParamType.JSON,
            default={},
            description="Rendered when the event has come, as event; outputs beside it.",
            shape=JsonShape.OBJECT,
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
        if not isinstance(context.params.get("match") or {}, dict | str):
            raise InvalidActionParams("match must be an object")
        return ActionResult(
            success=True,
            awaiting_event=True,
            event_keys=[key],
            timeout_seconds=float(context.params.get("timeout_seconds") or DAY),
            outputs={"event": None},
        )

    def on_answer(self, context: EventContext, answer: EventResult) -> EventResult:
        """Keep what came, as of any other event."""
        if not _is_success(answer):
            return answer
        return replace(answer, outputs={"event": dict(context.event_data), **answer.outputs})

    def on_event(self, context: EventContext) -> EventResult:
        """End with the first event that matches; ``fail``, ``revoke``, ``progress`` need not."""
        answer = _answer_in(context)
        if answer and not _is_success(answer):
            return answer
        if not _matches(context):
            return EventResult(action=EventAction.IGNORE)
        more = render_value(context.params.get("outputs") or {}, context.scope)
        return EventResult(
            action=EventAction.COMPLETE,
            status=StepStatus.COMPLETED,
            outputs={
                **more,
                "event": dict(context.event_data),
                **(answer.outputs if answer else {}),
            },
        )


def _answer_in(context: EventContext) -> EventResult | None:
    """What the ``action`` of an event says, unless the author took that word for his own use."""
    match = context.params.get("match")
    paths = match if isinstance(match, Mapping) else ()
    is_taken = any(path.partition(".")[0] == "action" for path in paths)
    if is_taken or "event.action" in str(context.params.get("condition")):
        return None
    try:
        return read_answer(context.event_data)
    except InvalidAnswer:
        return None


def _is_success(answer: EventResult) -> bool:
    return answer.action is EventAction.COMPLETE and answer.status is StepStatus.COMPLETED


def _matches(context: EventContext) -> bool:
    expected = render_value(context.params.get("match") or {}, context.scope)
    if not isinstance(expected, dict):
        raise InvalidActionParams("match must be an object")
    if any(_at(context.event_data, path) != value for path, value in expected.items()):
        return False
    return evaluate_condition(context.params.get("condition", True), context.scope)


def _at(value: Any, path: str) -> Any:
    """Follow *path*; a key that holds dots itself wins."""
    if isinstance(value, Mapping) and path in value:
        return value[path]
    first, _, rest = path.partition(".")
    if isinstance(value, list) and PLACE.fullmatch(first) and int(first) < len(value):
        return _at(value[int(first)], rest) if rest else value[int(first)]
    return (
        _at(value[first], rest) if rest and isinstance(value, Mapping) and first in value else None
    )
