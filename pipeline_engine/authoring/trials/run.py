"""One run of one action, without servers: what the engine would make of its answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from pipeline_engine.authoring.trials.engine import TrialEngine
from pipeline_engine.authoring.trials.items import fanned_out
from pipeline_engine.authoring.trials.log import caught_log
from pipeline_engine.authoring.trials.trial import Ending, Heard, Trial, Wish
from pipeline_engine.config import Settings
from pipeline_engine.domain import json_guard
from pipeline_engine.domain.expressions import Fuel, paying
from pipeline_engine.errors import FOREIGN_ERRORS
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.scheduler.actions.alarm import TimeIsUp, alarm
from pipeline_engine.scheduler.actions.calls import caught
from pipeline_engine.scheduler.actions.results import checked, checked_verdict, raised
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventEnvelope,
    EventResult,
    FanOutActionExecutor,
    StepStatus,
    param_problems,
    read_answer,
    run_maybe_async,
)

FindAction = Callable[[str], RegisteredAction]


def problems_of(action: RegisteredAction, params: Mapping[str, Any]) -> list[str]:
    """Why the engine would not run an action with these params."""
    found = [p.message for p in param_problems(action.meta, params, rendered=True)]
    try:
        own = run_maybe_async(action.executor.validate_params(dict(params)))
        return [*found, *map(str, own)]
    except FOREIGN_ERRORS as error:  # foreign code: whatever it raises is an answer
        return [*found, f"validate_params raised {raised(error)}"]


def tried(action: RegisteredAction, wish: Wish, settings: Settings, find: FindAction) -> Trial:
    """Run an action once, and hand it the events if it parks.

    *find* knows the actions that items of a fan-out may name. Raises ``UnknownAction`` if its
    executor cannot be made.
    """
    trial = Trial()
    with caught_log(trial.log):
        run = _Run(action, wish, settings, trial)
        if problems := problems_of(action, wish.params):
            trial.fail("; ".join(problems), "invalid_params", ending=Ending.REFUSED)
        else:
            run.carry_out(find)
    return trial


class _Run:
    """The step that the action believes to carry out."""

    def __init__(
        self, action: RegisteredAction, wish: Wish, settings: Settings, trial: Trial
    ) -> None:
        self._action, self._executor = action, action.executor
        self._wish, self._settings, self._trial = wish, settings, trial
        self._engine = TrialEngine(settings, lambda *told: trial.progress.append(told))
        usual = action.meta.timeout_seconds or settings.step_timeout_seconds
        self._seconds = wish.timeout_seconds or usual
        self._execution_id = str(uuid4())

    def carry_out(self, find: FindAction) -> None:
        """Call the action, and say what came of it."""
        began = time.monotonic()
        try:
            with alarm(began + self._seconds), paying(Fuel()):
                self._execute(find)
                if self._trial.ending is Ending.PARKED and self._wish.cancel:
                    self._clean_up()
        except TimeIsUp:
            message = f"it has not come back after {self._seconds:g} s"
            self._trial.fail(message, "timeout", ending=Ending.TIMED_OUT)
        finally:
            self._engine.peers.close()
            self._trial.seconds = round(time.monotonic() - began, 3)
        self._trial.notes += self._remarks()

    def _execute(self, find: FindAction) -> None:
        context = self._context()
        result = caught(lambda: self._answer(context, find), context)
        self._end(result, context)
        for event in self._wish.events:
            if self._trial.ending is Ending.PARKED:
                self._trial.heard.append(self._hear(event, result))
        if self._trial.ending is Ending.PARKED and self._wish.wake and result.wake_at:
            self._wake()

    def _wake(self) -> None:
        context = self._context(stored_outputs=self._trial.outputs)
        woken = caught(
            lambda: _storable(checked(run_maybe_async(self._executor.on_wake(context)))), context
        )
        self._end(woken, context)

    def _end(self, result: ActionResult, context: ActionContext) -> None:
        trial = self._trial
        trial.outputs |= result.outputs
        if not result.success:
            trial.fail(result.error, result.error_code or "action_failed")
            trial.retryable = result.retryable
        elif not result.awaiting_event:
            trial.ending = Ending.COMPLETED
        else:
            trial.ending, trial.waited_for = Ending.PARKED, _waits(result, context)

    def _answer(self, context: ActionContext, find: FindAction) -> ActionResult:
        if isinstance(self._executor, FanOutActionExecutor):
            return _storable(fanned_out(self._executor, context, find))
        return _storable(checked(run_maybe_async(self._executor.execute(context))))

    def _hear(self, event: Mapping[str, Any], parked: ActionResult) -> Heard:
        named = EventEnvelope.of(event).workflow_id or event.get("event_key")
        if named is not None and named not in parked.awaited:
            return Heard(event, "nobody", f"no step waits for {named}")
        context = self._event_context(event, named or (*parked.awaited, "1")[0])
        is_callback = named is None and parked.awaiting_callback
        note = None if named or is_callback else "it names no workflow_id: taken for the step's"
        try:
            answer = checked_verdict(self._said(context, is_callback=is_callback))
        except NotImplementedError:
            return Heard(event, "ignore", "the action does not read events")
        except FOREIGN_ERRORS as error:  # foreign code: the engine ignores the event
            return Heard(event, "ignore", f"on_event failed: {raised(error)}")
        self._take(answer)
        return Heard(event, answer.action.value, note or answer.error)

    def _said(self, context: EventContext, *, is_callback: bool) -> EventResult:
        answer = None
        if is_callback:
            self._executor.check_event(context)
            answer = read_answer(context.event_data)
        if answer:
            return run_maybe_async(self._executor.on_answer(context, answer))
        return run_maybe_async(self._executor.on_event(context))

    def _take(self, answer: EventResult) -> None:
        trial = self._trial
        trial.outputs |= json_guard.check(answer.outputs)
        if answer.progress is not None or answer.eta_seconds is not None:
            trial.progress.append((answer.progress or 0.0, answer.eta_seconds))
        if answer.status is StepStatus.COMPLETED:
            trial.ending = Ending.COMPLETED
        elif answer.status is StepStatus.FAILED or answer.action is EventAction.REVOKE:
            trial.fail(answer.error, answer.error_code or "event_failed")

    def _clean_up(self) -> None:
        waited = (self._trial.waited_for or {}).get("ids", ())
        context = self._context(
            stored_outputs=self._trial.outputs, external_workflow_ids=tuple(waited)
        )
        try:
            run_maybe_async(self._executor.cleanup(context))
        except FOREIGN_ERRORS as error:  # foreign code: a cancel goes on without it
            self._trial.notes.append(f"cleanup failed: {raised(error)}")
            return
        self._trial.notes.append("cancelled: cleanup was called")

    def _context(self, **facts: Any) -> ActionContext:
        return ActionContext(
            step_id="alone",
            params=dict(self._wish.params),
            timeout_seconds=self._seconds,
            deadline=datetime.now(UTC) + timedelta(seconds=self._seconds),
            may_repeat=self._action.meta.may_repeat(self._settings.peers_with_idempotency),
            max_output_bytes=self._settings.max_output_bytes,
            scope=self._scope(),
            **self._caller(),
            **facts,
        )

    def _event_context(self, event: Mapping[str, Any], external_id: str) -> EventContext:
        return EventContext(
            external_workflow_id=external_id,
            event_type=str(event.get("type") or ""),
            event_data=event,
            params=dict(self._wish.params),
            step_outputs=dict(self._trial.outputs),
            scope={**self._scope(), "event": event},
            **self._caller(),
        )

    def _caller(self) -> dict[str, Any]:
        return {
            "execution_id": self._execution_id,
            "step_execution_id": "1",
            "idempotency_key": f"{self._execution_id}:alone",
            "system_user_id": self._settings.system_user_id,
            "app_ids": self._settings.app_ids,
            "engine": self._engine,
        }

    def _scope(self) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat()
        execution = {"id": self._execution_id}
        return {"params": {}, "steps": {}, "secrets": {}, "execution": execution, "now": now}

    def _remarks(self) -> Iterator[str]:
        """What the engine, or a later step, would stumble over."""
        trial, meta = self._trial, self._action.meta
        known = {param.name for param in meta.params}
        for name in self._wish.params:
            if name not in known:
                yield f"it declares no param '{name}'"
        if meta.cheap and trial.seconds > self._settings.cheap_step_seconds:
            limit = self._settings.cheap_step_seconds
            yield f"it is cheap, so it has {limit:g} s; it took {trial.seconds:g} s"
        if trial.ending is Ending.COMPLETED:
            declared = {output.name for output in meta.outputs}
            yield from (f"it left no output '{n}'" for n in sorted(declared - {*trial.outputs}))
            if declared:
                strange = sorted({*trial.outputs} - declared)
                yield from (f"it does not declare the output '{name}'" for name in strange)


def _storable(result: ActionResult) -> ActionResult:
    """Its outputs as the engine stores them: a time is a text. Raises ``JsonRejected``."""
    return replace(result, outputs=json_guard.check(dict(result.outputs)))


def _waits(result: ActionResult, context: ActionContext) -> dict[str, Any]:
    """What wakes a parked step, for people and programs."""
    return {
        "ids": list(result.external_workflow_ids),
        "keys": list(result.event_keys),
        "callback": context.callback_url if result.awaiting_callback else None,
        "wake_at": result.wake_at.isoformat() if result.wake_at else None,
        "timeout_seconds": result.timeout_seconds,
    }
