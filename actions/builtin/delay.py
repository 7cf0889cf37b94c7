"""Waits for some seconds, without a worker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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
    OutputDefinition,
    ParamDefinition,
    ParamType,
    StepStatus,
    ValidationRules,
    register_action,
)

SECONDS = 1
LONGEST_SECONDS = 3600

META = ActionMeta(
    type="delay",
    name="Delay",
    category="Control Flow",
    description="Waits for some seconds, at most an hour; wait_until waits for longer.",
    icon="timer",
    color="#6b7280",
    cheap=True,
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=LONGEST_SECONDS + 60,
    params=[
        ParamDefinition(
            "duration_seconds",
            "Duration",
            ParamType.NUMBER,
            default=SECONDS,
            description="How long to wait, in seconds.",
            validation=ValidationRules(min=0, max=LONGEST_SECONDS),
        ),
        ParamDefinition(
            "reason",
            "Reason",
            default="",
            placeholder="Until the cache is warm",
            description="Why, for those who look at the execution.",
        ),
    ],
    outputs=[
        OutputDefinition("delayed", "boolean", "Whether the wait is over."),
        OutputDefinition("duration_seconds", "number", "How long it was to be."),
        OutputDefinition("reason", "string", "Why, as it was given."),
    ],
    examples=[ActionExample("Half a minute", {"duration_seconds": 30, "reason": "Rate limit"})],
)


@register_action(META)
class Delay(BaseActionExecutor):
    """Parks with a time to wake; a callback ends the wait earlier."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Park, if there is anything to wait for."""
        given = context.params.get("duration_seconds")
        seconds = SECONDS if given is None or given == "" else float(given)
        reason = context.params.get("reason") or ""
        outputs: dict[str, Any] = {"duration_seconds": seconds, "reason": reason}
        if not seconds:
            return ActionResult(success=True, outputs={"delayed": True, **outputs})
        return ActionResult(
            success=True,
            awaiting_event=True,
            awaiting_callback=True,
            wake_at=datetime.now(UTC) + timedelta(seconds=seconds),
            outputs={"delayed": False, **outputs},
        )

    def on_wake(self, context: ActionContext) -> ActionResult:
        """Say that the wait is over."""
        return ActionResult(success=True, outputs={**context.stored_outputs, "delayed": True})

    def on_event(self, context: EventContext) -> EventResult:  # noqa: ARG002 - the contract
        """End the wait early."""
        return EventResult(
            action=EventAction.COMPLETE, status=StepStatus.COMPLETED, outputs={"delayed": True}
        )
