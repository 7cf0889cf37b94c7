"""Waits for a person to say yes or no."""

from __future__ import annotations

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
    in_words,
    register_action,
)

DAY = 86_400

META = ActionMeta(
    type="approval",
    name="Approval",
    category="Control Flow",
    description="Waits for a person to approve or to refuse.",
    icon="user-check",
    color="#a855f7",
    cheap=True,
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=7 * DAY,
    params=[
        ParamDefinition(
            "message",
            "Message",
            ParamType.TEMPLATE,
            default="",
            description="What is to be approved.",
        ),
        ParamDefinition(
            "approvers",
            "Approvers",
            ParamType.JSON,
            default=[],
            description="Who may answer, as the caller names itself in by; empty: everybody.",
        ),
        ParamDefinition(
            "timeout_seconds",
            "Time to answer",
            ParamType.NUMBER,
            default=DAY,
            description="After so long the step ends as TIMEOUT.",
            validation=ValidationRules(min=1, max=7 * DAY),
        ),
    ],
    outputs=[
        OutputDefinition("approved", "boolean", "The answer; null before it."),
        OutputDefinition("by", "string", "Who answered."),
        OutputDefinition("comment", "string", "What they said."),
    ],
    examples=[
        ActionExample(
            "Before production",
            {"message": "Deploy {{ params.model }}?", "approvers": ["ops@example.com"]},
        )
    ],
)


@register_action(META)
class Approval(BaseActionExecutor):
    """Parks on its callback URL."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Park."""
        context.log.info("approval_requested", message=context.params.get("message", ""))
        return ActionResult(
            success=True,
            awaiting_event=True,
            awaiting_callback=True,
            timeout_seconds=float(context.params.get("timeout_seconds") or DAY),
            outputs=_outputs(None, None, None),
        )

    def on_event(self, context: EventContext) -> EventResult:
        """Read ``{"approved": true, "by": ..., "comment": ...}``; anything else says nothing."""
        approved, by = context.event_data.get("approved"), context.event_data.get("by")
        approvers = context.params.get("approvers") or []
        if not isinstance(approved, bool) or (approvers and by not in approvers):
            return EventResult(action=EventAction.IGNORE)
        comment = context.event_data.get("comment")
        said = in_words(comment) or "no comment"
        refusal = None if approved else f"Refused by {in_words(by) or 'somebody'}: {said}"
        return EventResult(
            action=EventAction.COMPLETE,
            status=StepStatus.COMPLETED if approved else StepStatus.FAILED,
            outputs=_outputs(approved, by, comment),
            error=refusal,
            error_code=None if approved else "approval_rejected",
        )


def _outputs(approved: bool | None, by: Any, comment: Any) -> dict[str, Any]:
    return {"approved": approved, "by": by, "comment": comment}
