"""Waits for a duration or for a time of day, without a worker."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

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
    is_templated,
    register_action,
)

MIN_HOURS = 0.0167
MAX_HOURS = 168
MAX_WAIT = timedelta(hours=MAX_HOURS)
MIN_SECONDS = 1
WAYS = ("duration_seconds", "duration_hours", "until_time")  # the first one given wins
TIME_OF_DAY = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")

META = ActionMeta(
    type="wait_until",
    name="Wait Until",
    category="Control Flow",
    description="Waits for a duration, or until a time, for at most a week.",
    icon="clock",
    color="#6366f1",
    cheap=True,
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=604_860,
    params=[
        ParamDefinition(
            "duration_seconds",
            "Duration in seconds",
            ParamType.NUMBER,
            description="How long to wait, in seconds.",
            validation=ValidationRules(min=MIN_SECONDS, max=MAX_WAIT.total_seconds()),
        ),
        ParamDefinition(
            "duration_hours",
            "Duration in hours",
            ParamType.NUMBER,
            description="The same in hours, as the reference service has it; a minute is 0.0167.",
            validation=ValidationRules(min=MIN_HOURS, max=MAX_HOURS),
        ),
        ParamDefinition(
            "until_time",
            "Until",
            placeholder="2026-12-24T18:00 or 18:00",
            description="A date with a time, or the next time that a clock shows HH:MM.",
            secrets=False,
        ),
        ParamDefinition(
            "timezone",
            "Time zone",
            default="UTC",
            description="Of a time that names none.",
            secrets=False,
        ),
    ],
    outputs=[
        OutputDefinition("waited", "boolean", "Whether the time has come."),
        OutputDefinition("scheduled_wake_time", "string", "When it was to come."),
        OutputDefinition("actual_wake_time", "string", "When the step went on; null before."),
        OutputDefinition("wait_duration_seconds", "number", "How long the wait was to be."),
    ],
    examples=[
        ActionExample("Half an hour", {"duration_seconds": 1800}),
        ActionExample("Tonight", {"until_time": "22:00", "timezone": "Europe/Berlin"}),
    ],
)


@register_action(META)
class WaitUntil(BaseActionExecutor):
    """Parks with a time to wake; any event for its id wakes it earlier."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Check what the clock will be asked."""
        if any(is_templated(value) for value in params.values()):
            return []
        given = [name for name in WAYS if params.get(name) not in (None, "")]
        if len(given) > 1:
            return [f"Specify either {' or '.join(given)}, not both"]
        try:
            wake_time(params, datetime.now(UTC))
        except InvalidActionParams as error:
            return [str(error)]
        return []

    def execute(self, context: ActionContext) -> ActionResult:
        """Park."""
        now = datetime.now(UTC)
        wake_at = wake_time(context.params, now)
        return ActionResult(
            success=True,
            awaiting_event=True,
            external_workflow_id=f"wait_until:{context.step_execution_id or uuid4()}",
            wake_at=wake_at,
            outputs={
                "waited": False,
                "scheduled_wake_time": wake_at.isoformat(),
                "actual_wake_time": None,
                "wait_duration_seconds": (wake_at - now).total_seconds(),
            },
        )

    def on_wake(self, context: ActionContext) -> ActionResult:
        """Say that the time has come."""
        return ActionResult(success=True, outputs={**context.stored_outputs, **_awake()})

    def on_event(self, context: EventContext) -> EventResult:  # noqa: ARG002 - the contract
        """End the wait early."""
        return EventResult(
            action=EventAction.COMPLETE, status=StepStatus.COMPLETED, outputs=_awake()
        )


def _awake() -> dict[str, Any]:
    return {"waited": True, "actual_wake_time": datetime.now(UTC).isoformat()}


def wake_time(params: dict[str, Any], now: datetime) -> datetime:
    """Return when a wait that begins *now* ends; raises ``InvalidActionParams``."""
    seconds, hours, until = (params.get(name) for name in WAYS)
    if seconds is not None:
        return now + _seconds(seconds)
    if hours is not None:
        return now + _duration(hours)
    if not until:
        # In the words of the reference service, which clients compare.
        raise InvalidActionParams("Either duration_hours or until_time must be specified")
    wake_at = _point_in_time(str(until).strip(), _zone(params.get("timezone") or "UTC"), now)
    if wake_at <= now:
        raise InvalidActionParams(f"until_time must be in the future, got {until}")
    if wake_at - now > MAX_WAIT:
        raise InvalidActionParams(f"until_time cannot be more than {MAX_HOURS} hours (1 week) away")
    return wake_at


def _seconds(given: Any) -> timedelta:
    try:
        number = float(given)
    except (TypeError, ValueError):
        raise InvalidActionParams(f"duration_seconds must be a number, got {given!r}") from None
    longest = MAX_WAIT.total_seconds()
    if not MIN_SECONDS <= number <= longest:
        raise InvalidActionParams(f"duration_seconds must be {MIN_SECONDS} to {longest:.0f}")
    return timedelta(seconds=number)


def _duration(hours: Any) -> timedelta:
    try:
        number = float(hours)
    except (TypeError, ValueError):
        raise InvalidActionParams(f"duration_hours must be a number, got {hours!r}") from None
    if not number >= MIN_HOURS:
        raise InvalidActionParams(f"duration_hours must be at least {MIN_HOURS} (1 minute)")
    if number > MAX_HOURS:
        raise InvalidActionParams(f"duration_hours cannot exceed {MAX_HOURS} (1 week)")
    return timedelta(hours=number)


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ValueError, OSError, LookupError):  # no such file, no such key, or a bad name
        raise InvalidActionParams(f"Invalid timezone: '{name}'") from None


def _point_in_time(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    try:
        if "T" in text:
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
        if TIME_OF_DAY.fullmatch(text):
            clock = text if text[2] == ":" else f"0{text}"
            return _next_time_of_day(time.fromisoformat(clock), zone, now)
    except (ValueError, OverflowError):
        pass  # looks like a time, but there is none such
    raise InvalidActionParams(f"Unrecognized time format: '{text}'")


def _next_time_of_day(clock: time, zone: ZoneInfo, now: datetime) -> datetime:
    today = now.astimezone(zone).date()
    for days in (0, 1):
        moment = datetime.combine(today + timedelta(days=days), clock, zone).astimezone(UTC)
        if moment > now:
            return moment
    return moment + timedelta(days=1)
