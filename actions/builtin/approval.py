"""Waits for a person to say yes or no."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    AnswerNotAllowed,
    BaseActionExecutor,
    EventAction,
    EventContext,
    EventResult,
    ExecutionMode,
    InvalidActionParams,
    InvalidAnswer,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    StepStatus,
    ValidationRules,
    in_words,
    problem,
    read_answer,
    register_action,
)

DAY = 86_400
WRONG_APPROVERS = "approvers has to be a list of names, or one name, and no name may be empty"

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
            description="Who may answer, as the caller names itself in by: names, or one name;"
            " none: everybody.",
            secrets=False,
            validation=ValidationRules(pattern=r"(?s).*\S.*", pattern_message="must name somebody"),
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

    def validate_params(self, params: dict[str, Any]) -> list[str]:
        """Refuse approvers that are no names."""
        given = params.get("approvers")
        if isinstance(given, str) and "{{" in given:
            return []  # known when it runs
        return [] if _are_names(given) else [WRONG_APPROVERS]

    def execute(self, context: ActionContext) -> ActionResult:
        """Park."""
        if not _are_names(context.params.get("approvers")):
            raise InvalidActionParams(WRONG_APPROVERS)
        context.log.info("approval_requested", message=context.params.get("message", ""))
        return ActionResult(
            success=True,
            awaiting_event=True,
            awaiting_callback=True,
            timeout_seconds=float(context.params.get("timeout_seconds") or DAY),
            outputs=_outputs(None, None, None),
        )

    def check_event(self, context: EventContext) -> None:
        """Refuse an answer that is none, and one of somebody who was not asked."""
        answer = read_answer(context.event_data)
        problems = [] if answer else list(_problems(context.event_data))
        if problems:
            raise InvalidAnswer(f"{len(problems)} problem(s) in the answer.", problems=problems)
        if answer is None or answer.action is EventAction.COMPLETE:
            _check_sender(context)

    def on_answer(self, context: EventContext, answer: EventResult) -> EventResult:
        """Take ``complete`` for a yes and ``fail`` for a no."""
        if answer.action is not EventAction.COMPLETE:
            return answer
        _check_sender(context)
        said = context.event_data
        comment = said.get("comment") or answer.error
        return _verdict(answer.status is StepStatus.COMPLETED, said.get("by"), comment)

    def on_event(self, context: EventContext) -> EventResult:
        """Read ``{"approved": true, "by": ..., "comment": ...}``."""
        self.check_event(context)
        said = context.event_data
        return _verdict(said["approved"], said.get("by"), said.get("comment"))


def _verdict(approved: bool, by: str | None, comment: str | None) -> EventResult:
    said = in_words(comment) or "no comment"
    refusal = None if approved else f"Refused by {in_words(by) or 'somebody'}: {said}"
    return EventResult(
        action=EventAction.COMPLETE,
        status=StepStatus.COMPLETED if approved else StepStatus.FAILED,
        outputs=_outputs(approved, by, comment),
        error=refusal,
        error_code=None if approved else "approval_rejected",
    )


def _problems(said: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if not isinstance(said.get("approved"), bool):
        yield problem("/approved", "Has to be true or false.")
    for name in ("by", "comment"):
        if not isinstance(said.get(name), str | None):
            yield problem(f"/{name}", "Has to be a text.")


def _check_sender(context: EventContext) -> None:
    approvers, by = context.params.get("approvers"), context.event_data.get("by")
    named = [approvers] if isinstance(approvers, str) else approvers or []
    if named and by not in named:
        raise AnswerNotAllowed("by does not name one of the approvers of this step")


def _are_names(given: Any) -> bool:
    names = [given] if isinstance(given, str) else given
    if names is None:
        return True
    return isinstance(names, list) and all(isinstance(n, str) and n.strip() for n in names)


def _outputs(approved: bool | None, by: Any, comment: Any) -> dict[str, Any]:
    return {"approved": approved, "by": by, "comment": comment}
