"""Waits until people have said yes or no, or the time for it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
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
    InvalidAnswer,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    SelectOption,
    StepStatus,
    ValidationRules,
    in_words,
    problem,
    read_answer,
    register_action,
)

from .panel import MOST_REQUIRED, Panel, problems, with_decision

DAY = 86_400
REJECTED = "approval_rejected"
#: What becomes of the step when its time is over: TIMEOUT, or as if somebody had said so.
FAIL, APPROVE, REJECT = "fail", "approve", "reject"

_NAMES = ValidationRules(pattern=r"(?s).*\S.*", pattern_message="must name somebody")

META = ActionMeta(
    type="approval",
    name="Approval",
    category="Control Flow",
    description="Waits for people to approve or to refuse.",
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
            description="Users who may answer: names, or one name. Without any, and without"
            " groups: whoever may control the execution.",
            secrets=False,
            validation=_NAMES,
        ),
        ParamDefinition(
            "approver_groups",
            "Groups of approvers",
            ParamType.JSON,
            default=[],
            description="Groups whose members may answer, signed in to the API: names, or one.",
            secrets=False,
            validation=_NAMES,
        ),
        ParamDefinition(
            "required_approvals",
            "Approvals needed",
            ParamType.NUMBER,
            default=1,
            description="How many different people have to say yes. One no is enough to refuse.",
            validation=ValidationRules(min=1, max=MOST_REQUIRED),
        ),
        ParamDefinition(
            "timeout_seconds",
            "Time to answer",
            ParamType.NUMBER,
            default=DAY,
            description="After so long on_timeout says what becomes of the step.",
            validation=ValidationRules(min=1, max=7 * DAY),
        ),
        ParamDefinition(
            "on_timeout",
            "When the time is over",
            ParamType.SELECT,
            default=FAIL,
            description="End as TIMEOUT, or as if it had been approved or refused.",
            options=[
                SelectOption(FAIL, "Time out"),
                SelectOption(APPROVE, "Approve"),
                SelectOption(REJECT, "Refuse"),
            ],
        ),
        ParamDefinition(
            "remind_every_seconds",
            "Remind every",
            ParamType.NUMBER,
            description="Seconds between reminders, which `notify` of the step sends"
            ' (`"on": "reminder"`), from 60; none by default.',
            validation=ValidationRules(min=60, max=7 * DAY),
        ),
    ],
    outputs=[
        OutputDefinition("approved", "boolean", "The answer; null before it."),
        OutputDefinition("by", "string", "Who gave the last answer; null if time did."),
        OutputDefinition("comment", "string", "What they said."),
        OutputDefinition("decisions", "array", "Each answer: by, approved, comment, at."),
        OutputDefinition("expired", "boolean", "Whether it was decided by on_timeout."),
        OutputDefinition("message", "string", "What is to be approved."),
        OutputDefinition("asked", "object", "Who may answer: users, groups, required."),
        OutputDefinition("deadline", "string", "Until when."),
        OutputDefinition("page_url", "string", "The page on which one answers."),
    ],
    examples=[
        ActionExample(
            "Before production",
            {"message": "Deploy {{ params.model }}?", "approvers": ["ops@example.com"]},
        ),
        ActionExample(
            "Two of a group, or no",
            {
                "message": "Delete {{ params.cluster }}?",
                "approver_groups": ["ops"],
                "required_approvals": 2,
                "timeout_seconds": 4 * 3600,
                "on_timeout": REJECT,
                "remind_every_seconds": 1800,
            },
        ),
    ],
)

#: The outputs that the step goes by; nobody may write them over.
OWN = {output.name for output in META.outputs}


@register_action(META)
class Approval(BaseActionExecutor):
    """Parks until enough of those who are asked have answered."""

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Refuse approvers that are no names, and more approvals than approvers."""
        return list(problems(params))

    def execute(self, context: ActionContext) -> ActionResult:
        """Park."""
        panel = Panel.of(context.params)
        message = str(context.params.get("message") or "")
        context.log.info("approval_requested", message=message)
        seconds = float(context.params.get("timeout_seconds") or DAY)
        now = datetime.now(UTC)
        deadline = now + timedelta(seconds=seconds)
        outputs = {
            **_verdict_of(None, None, None),
            "decisions": [],
            "message": message,
            "asked": panel.as_outputs(),
            "deadline": deadline.isoformat(),
            "page_url": context.page_url,
        }
        return _waiting(context.params, outputs, now=now)

    def on_wake(self, context: ActionContext) -> ActionResult:
        """Remind those who are asked, or decide for them when the time is over."""
        outputs = dict(context.stored_outputs)
        now = datetime.now(UTC)
        if now < _deadline(outputs):
            return replace(_waiting(context.params, outputs, now=now), reminder=True)
        approved = context.params.get("on_timeout") == APPROVE
        outputs |= {**_verdict_of(approved, None, "Nobody has decided in time"), "expired": True}
        if approved:
            return ActionResult(success=True, outputs=outputs)
        return ActionResult(
            success=False,
            outputs=outputs,
            error="Refused, as nobody has decided in time",
            error_code=REJECTED,
            retryable=False,
        )

    def check_event(self, context: EventContext) -> None:
        """Refuse an answer that is none, and one of somebody who was not asked."""
        answer = read_answer(context.event_data)
        wrong = list(_own_outputs(answer) if answer else _problems(context.event_data))
        if wrong:
            raise InvalidAnswer(f"{len(wrong)} problem(s) in the answer.", problems=wrong)
        if answer is None or answer.action is EventAction.COMPLETE:
            Panel.of(context.params).check_sender(context)

    def on_answer(self, context: EventContext, answer: EventResult) -> EventResult:
        """Take ``complete`` for a yes and ``fail`` for a no."""
        self.check_event(context)
        if answer.action is not EventAction.COMPLETE:
            return answer
        said = context.event_data
        comment = said.get("comment") or answer.error
        return _counted(context, answer.status is StepStatus.COMPLETED, said.get("by"), comment)

    def on_event(self, context: EventContext) -> EventResult:
        """Read ``{"approved": true, "by": ..., "comment": ...}``."""
        self.check_event(context)
        said = context.event_data
        return _counted(context, said["approved"], said.get("by"), said.get("comment"))


def _waiting(params: Mapping[str, Any], outputs: dict[str, Any], *, now: datetime) -> ActionResult:
    """Wait for the rest of the time, and wake up for whatever comes first."""
    deadline = _deadline(outputs)
    decides = params.get("on_timeout") in {APPROVE, REJECT}
    moments = [deadline] if decides else []
    if every := params.get("remind_every_seconds"):
        moments.append(now + timedelta(seconds=float(every)))
    wake_at = min(moments, default=None)
    if wake_at is not None and wake_at > deadline:
        wake_at = None
    return ActionResult(
        success=True,
        awaiting_event=True,
        awaiting_callback=True,
        timeout_seconds=None if decides else (deadline - now).total_seconds(),
        wake_at=wake_at,
        outputs=outputs,
    )


def _deadline(outputs: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(outputs["deadline"]))


def _counted(
    context: EventContext, approved: bool, by: str | None, comment: str | None
) -> EventResult:
    """What an answer comes to, together with those before it."""
    new = {
        "by": by,
        "approved": approved,
        "comment": comment,
        "at": context.received_at.isoformat(),
    }
    decisions = with_decision(context.step_outputs.get("decisions") or (), new)
    required = Panel.of(context.params).required
    yes = sum(1 for one in decisions if one["approved"])
    if approved and yes < required:
        return EventResult(
            action=EventAction.UPDATE_PROGRESS,
            progress=100 * yes / required,
            outputs={"decisions": decisions},
        )
    said = in_words(comment) or "no comment"
    return EventResult(
        action=EventAction.COMPLETE,
        status=StepStatus.COMPLETED if approved else StepStatus.FAILED,
        outputs={**_verdict_of(approved, by, comment), "decisions": decisions},
        error=None if approved else f"Refused by {in_words(by) or 'somebody'}: {said}",
        error_code=None if approved else REJECTED,
    )


def _own_outputs(answer: EventResult) -> Iterator[dict[str, Any]]:
    """What news may not say: who was asked, until when, and what they have decided."""
    if answer.action is EventAction.UPDATE_PROGRESS:
        for name in sorted(OWN & set(answer.outputs)):
            yield problem(f"/outputs/{name}", "Only the step itself says this.")


def _problems(said: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if not isinstance(said.get("approved"), bool):
        yield problem("/approved", "Has to be true or false.")
    for name in ("by", "comment"):
        if not isinstance(said.get(name), str | None):
            yield problem(f"/{name}", "Has to be a text.")


def _verdict_of(approved: bool | None, by: str | None, comment: str | None) -> dict[str, Any]:
    return {"approved": approved, "by": by, "comment": comment, "expired": False}
