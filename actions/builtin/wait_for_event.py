"""Waits for an event with a key of the author's choice, or for several."""

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
    ConditionalVisibility,
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
    SelectOption,
    StepStatus,
    ValidationRules,
    evaluate_condition,
    is_templated,
    read_answer,
    register_action,
    render_value,
)

from .awaited_events import ALL, ANY, Collected, Wanted, check

DAY = 86_400
MOST_EVENTS = 1000
PLACE = re.compile(r"\d{1,9}", re.ASCII)  # in a list

META = ActionMeta(
    type="wait_for_event",
    name="Wait For Event",
    category="Control Flow",
    description="Waits for an event with a key of your choice, or for several.",
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
            show_when=ConditionalVisibility("event_keys", equals=[]),
            secrets=False,
        ),
        ParamDefinition(
            "event_keys",
            "Event keys",
            ParamType.JSON,
            default=[],
            description="Several keys, in place of event_key.",
            shape=JsonShape.ARRAY,
            secrets=False,
        ),
        ParamDefinition(
            "wait_for",
            "Wait for",
            ParamType.SELECT,
            default=ANY,
            description="Of several keys: an event with any of them, or one with each.",
            options=[SelectOption(ANY, "Any of the keys"), SelectOption(ALL, "All keys")],
        ),
        ParamDefinition(
            "count",
            "Events",
            ParamType.NUMBER,
            default=1,
            description="How many events end the wait; with wait_for all, how many of each key.",
            validation=ValidationRules(min=1, max=MOST_EVENTS),
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
            description="Evaluated for each event, as event: {{ event.temperature > 38 }}. Other"
            " events are ignored.",
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
    outputs=[
        OutputDefinition("event", "object", "The event that came, the last one; null before it."),
        OutputDefinition(
            "events", "array", "With count or event_keys: all of them, in order of arrival."
        ),
        OutputDefinition("received_at", "array", "Beside events: when each of them arrived."),
        OutputDefinition(
            "by_key", "object", "With event_keys: the last event of each key; null if none came."
        ),
    ],
    examples=[
        ActionExample(
            "A build",
            {"event_key": "build-{{ params.sha }}", "match": {"payload.status": "green"}},
        ),
        ActionExample(
            "Three readings of a fever",
            {
                "event_key": "temperature-{{ params.patient }}",
                "condition": "{{ event.temperature > 38 }}",
                "count": 3,
            },
        ),
        ActionExample(
            "Legal and security",
            {"event_keys": ["legal-{{ params.id }}", "security-{{ params.id }}"], "wait_for": ALL},
        ),
    ],
)


@register_action(META)
class WaitForEvent(BaseActionExecutor):
    """Parks on its keys."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check that there is something to wait for."""
        names = ("event_key", "event_keys", "count", "wait_for")
        if any(is_templated(str(params.get(name))) for name in names):
            return []  # known when it runs
        try:
            check(params)
        except InvalidActionParams as error:
            return [str(error)]
        return []

    def execute(self, context: ActionContext) -> ActionResult:
        """Park; another attempt goes on with what the one before has collected."""
        wanted = check(context.params)
        if not isinstance(context.params.get("match") or {}, dict | str):
            raise InvalidActionParams("match must be an object")
        before = Collected.of(context.stored_outputs if wanted.collects else {})
        return ActionResult(
            success=True,
            awaiting_event=True,
            event_keys=wanted.keys,
            timeout_seconds=float(context.params.get("timeout_seconds") or DAY),
            outputs=wanted.outputs(before),
        )

    def on_answer(self, context: EventContext, answer: EventResult) -> EventResult:
        """Keep what came, as of any other event."""
        if not _is_success(answer):
            return answer
        return replace(answer, outputs={"event": dict(context.event_data), **answer.outputs})

    def on_event(self, context: EventContext) -> EventResult:
        """Take an event that matches; ``fail``, ``revoke``, ``progress`` need not."""
        answer = _answer_in(context)
        if answer and not _is_success(answer):
            return answer
        wanted, before = Wanted.of(context.params), Collected.of(context.step_outputs)
        if not wanted.takes(context.external_workflow_id, before) or not _matches(context):
            return EventResult(action=EventAction.IGNORE)
        collected = before.with_event(context)
        outputs = {**wanted.outputs(collected), **(answer.outputs if answer else {})}
        missing = wanted.missing(collected)
        if missing > 0:
            done = 100 * (1 - missing / wanted.count)
            return EventResult(action=EventAction.UPDATE_OUTPUTS, outputs=outputs, progress=done)
        more = render_value(context.params.get("outputs") or {}, context.scope)
        return EventResult(
            action=EventAction.COMPLETE,
            status=StepStatus.COMPLETED,
            outputs={**more, **outputs},
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
