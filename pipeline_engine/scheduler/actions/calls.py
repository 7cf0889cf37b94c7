"""Calling actions: with ``fan_outs.py`` the only place where foreign code runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog
from billiard.common import terminate_handler_fired  # type: ignore[attr-defined]

from pipeline_engine.domain.action_params import param_problems
from pipeline_engine.domain.expressions import (
    ExpressionError,
    Fuel,
    SecretMisused,
    paying,
)
from pipeline_engine.domain.masking import out_of_logs
from pipeline_engine.domain.scopes import missing_among, needs
from pipeline_engine.errors import (
    FOREIGN_ERRORS,
    AnswerNotAllowed,
    InvalidAnswer,
    PermissionDenied,
    PipelineEngineError,
)
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler.actions.alarm import TimeIsUp, alarm
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.actions.results import (
    InvalidResult,
    checked,
    checked_pause,
    checked_verdict,
    raised,
    storable,
    words,
)
from pipeline_engine.sdk import (
    ActionContext,
    ActionError,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    read_answer,
    run_maybe_async,
)
from pipeline_engine.sdk.deadlines import DEADLINES

log = structlog.get_logger(__name__)
T = TypeVar("T")

ACTION_CRASHED = "action_crashed"
INVALID_PARAMS = "invalid_params"
#: Seconds after the limit of a step in which the sweep ends it, before its peers are hung up on.
GRACE_SECONDS = 5.0
TOO_SLOW = "too_slow"
_UNWATCHED = nullcontext()


def execute(step: Prepared, context: ActionContext) -> ActionResult:
    """Run the action; whatever it does wrong becomes a failed result."""
    refusal = refused(step)
    if refusal is not None:
        return refusal
    return guarded(lambda: checked(_called(step, context)), step, context)


def refused(step: Prepared) -> ActionResult | None:
    """The failure of a step that may not run its action, or whose params that does not take."""
    meta, masker = step.planned.meta, step.masker
    if missing := missing_among(step.facts.authority.rights, meta.required_permissions):
        return _failure(needs(meta.type, missing), PermissionDenied.code, retryable=False)
    problems = [
        problem.message + _because_undefined(step, problem.param)
        for problem in param_problems(meta, step.params, rendered=True)
    ]
    if problems:
        return _failure("; ".join(problems), INVALID_PARAMS, retryable=False)
    for param in meta.params if masker else ():
        if not param.takes_secrets and masker.finds(step.params.get(param.name)):
            message = f"{param.name}: A secret cannot be used here"
            return _failure(message, SecretMisused.code, retryable=False)
    return None


def _because_undefined(step: Prepared, param: str) -> str:
    """A remark if a param does not fit because a name in it stands for nothing."""
    if step.params.get(param) not in ("", None):
        return ""
    undefined = step.planned.params.undefined_in(step.scope, f"/{param}")
    return f" ({are_undefined(undefined)})" if undefined else ""


def are_undefined(names: Sequence[str]) -> str:
    """Say of names that they stand for nothing."""
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} undefined"


def in_time(
    call: Callable[[Prepared, ActionContext], T],
    step: Prepared,
    context: ActionContext,
    *,
    ends_at: float,
    seconds: float,
) -> T | ActionResult:
    """What a cheap action answers to *call*, or its failure if that takes longer than it may.

    It has *seconds*; *ends_at* is a moment of ``time.monotonic()``. Nobody tries again what is
    too slow: it would hold up the others as long as before.
    """
    try:
        with alarm(ends_at):
            found = call(step, context)
    except TimeIsUp:
        pass
    else:
        if time.monotonic() <= ends_at:
            return found
    error = f"The step took longer than {seconds:g} s, which is all that a cheap one may take"
    return ActionResult(success=False, error=error, error_code=TOO_SLOW, retryable=False)


def _called(step: Prepared, context: ActionContext) -> Any:
    with _watched(step, context):
        answer = run_maybe_async(step.planned.executor.execute(context))
    failpoint(Failpoint.IN_EXECUTE)
    return answer


def _watched(step: Prepared, context: ActionContext) -> AbstractContextManager[object]:
    """Bring the thread back soon after the step has ended as TIMEOUT, whatever peers do."""
    if step.planned.meta.cheap or context.deadline is None:  # a cheap step talks to nobody
        return _UNWATCHED
    left = (context.deadline - datetime.now(UTC)).total_seconds()
    return DEADLINES.within(left + GRACE_SECONDS)


def wake(step: Prepared, context: ActionContext) -> ActionResult:
    """End a parked step whose time has come."""
    executor = step.planned.executor
    return guarded(lambda: checked(run_maybe_async(executor.on_wake(context))), step, context)


def read_event(
    step: Prepared, context: EventContext, *, is_callback: bool = False
) -> tuple[EventResult, str | None]:
    """What an event means, and a note when the action could not say it.

    A callback may say what every step understands; then its action does not have to read it.
    """
    with out_of_logs(lambda: step.masker):
        return _read(step, context, is_callback=is_callback)


def _read(
    step: Prepared, context: EventContext, *, is_callback: bool
) -> tuple[EventResult, str | None]:
    executor = step.planned.executor
    try:
        answer = read_answer(context.event_data) if is_callback else None
        with paying(Fuel()):  # other events may have been read before it
            said = executor.on_answer(context, answer) if answer else executor.on_event(context)
            return checked_verdict(run_maybe_async(said)), None
    except (InvalidAnswer, AnswerNotAllowed) as error:
        return EventResult(action=EventAction.IGNORE), f"refused: {error}"
    except NotImplementedError:
        return EventResult(action=EventAction.IGNORE), "the action does not read events"
    except InvalidResult as error:
        log.warning("on_event failed", error=str(error), execution_id=context.execution_id)
        return EventResult(action=EventAction.IGNORE), f"on_event failed: {error}"
    except FOREIGN_ERRORS as error:  # foreign code: its fault must not lose the delivery
        _let_out(error)
        log.warning("on_event failed", exc_info=True, execution_id=context.execution_id)
        return EventResult(action=EventAction.IGNORE), f"on_event failed: {raised(error)}"


def clean_up(step: Prepared, context: ActionContext) -> str | None:
    """Let the action stop what it started; returns what went wrong, if anything."""
    with out_of_logs(lambda: step.masker):
        try:
            with paying(step.fuel):
                run_maybe_async(step.planned.executor.cleanup(context))
        except FOREIGN_ERRORS as error:  # a failed clean-up must not stop the cancelling
            _let_out(error)
            log.warning("cleanup failed", exc_info=True, execution_id=context.execution_id)
            return raised(error)
    return None


def guarded(call: Callable[[], T], step: Prepared, context: ActionContext) -> T | ActionResult:
    """What foreign code answers, or the failure that its exception is; it pays from its budget."""
    with out_of_logs(lambda: step.masker), paying(step.fuel):
        return caught(call, context)


def caught(call: Callable[[], T], context: ActionContext) -> T | ActionResult:
    """What foreign code answers, or the failure that its exception is."""
    try:
        return call()
    except ActionError as error:
        # Absent where a subclass did not call the constructor of this one.
        code, retryable = (
            getattr(error, "error_code", error.code),
            getattr(error, "retryable", True),
        )
        pause = checked_pause(getattr(error, "retry_after_seconds", None))
        failure = _failure(error, code, retryable=retryable)
        return failure if pause is None else replace(failure, retry_after_seconds=pause)
    except (ExpressionError, PermissionDenied) as error:
        # The template stays the same, and so do the rights of the execution.
        return _failure(error, error.code, retryable=False)
    except PipelineEngineError as error:
        return _failure(error, error.code)
    except FOREIGN_ERRORS as error:  # foreign code: an exception is a failure like any other
        _let_out(error)
        context.log.exception("action raised", step_id=context.step_id)
        return _failure(raised(error), ACTION_CRASHED)


def _let_out(error: BaseException) -> None:
    """Raise it again if it is none of the action's: the pool has told this process to end."""
    if isinstance(error, SystemExit) and terminate_handler_fired():
        raise error


def _failure(error: object, code: str | None, *, retryable: bool = True) -> ActionResult:
    return ActionResult(
        success=False, error=storable(error), error_code=words(code), retryable=retryable
    )
