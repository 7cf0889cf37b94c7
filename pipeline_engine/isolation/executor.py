"""An action of another process, as an executor that looks like any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from pipeline_engine.domain.expressions import ledger_of
from pipeline_engine.domain.expressions.fuel import current_fuel
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.isolation.between.calls import METHODS, Method, answer_from_json
from pipeline_engine.isolation.between.contexts import Context, context_to_json
from pipeline_engine.isolation.between.failures import judged
from pipeline_engine.isolation.between.plain import to_json
from pipeline_engine.isolation.between.wire import Message
from pipeline_engine.isolation.clerk import USUAL_SECONDS, Clerk
from pipeline_engine.isolation.pool import Pool
from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    BaseActionExecutor,
    EventResult,
    FanOutActionExecutor,
    ItemResult,
)

log = structlog.get_logger(__name__)

#: Seconds after the limit of an attempt: the sweep says that its time is over, and then it is.
GRACE_SECONDS = 2.0
#: Seconds that a call waits for a child to get free, if it has no longer itself.
WAITING_SECONDS = 30.0


class Remote:
    """One action of one package: how its methods are called in a child."""

    def __init__(self, pool: Pool, package: str, name: str, target: str, meta: ActionMeta) -> None:
        self._pool, self._package = pool, package
        self._name, self._target, self._meta = name, target, meta

    def call(
        self,
        method: Method,
        context: Context | None,
        *,
        results: Sequence[ItemResult] = (),
        **more: Any,
    ) -> Any:
        """What a method answers there; raises what it raises, and ``IsolationFault``."""
        seconds = method.seconds or _seconds_left(context)
        fuel = current_fuel()
        message: Message = {
            "name": self._name,
            "target": self._target,
            "method": method.name,
            "context": None if context is None else context_to_json(context, self._meta),
            "more": to_json(more),
            "fuel": fuel.left,
            "room": fuel.room,
        }
        # What is not counted as the child's own time has an end as well.
        all_told = seconds if method.seconds is None else USUAL_SECONDS
        clerk = Clerk(self._meta, context, results, seconds=all_told)
        waiting = max(seconds, WAITING_SECONDS)
        with self._pool.child(self._package, within=waiting) as child:
            done = child.call(message, clerk, seconds=seconds, pausing=method.seconds is not None)
        _pay(fuel, done)
        _keep_secrets(context, done)
        return self._answer(done)

    def _answer(self, done: Message) -> Any:
        if "error" not in done:
            return answer_from_json(done.get("value"))
        error, trace = judged(done["error"]), done.get("traceback")
        if not isinstance(error, PipelineEngineError) and isinstance(trace, str):
            log.info("isolated action raised", action=self._meta.type, traceback=trace)
        raise error


def _seconds_left(context: Context | None) -> float:
    deadline = context.deadline if isinstance(context, ActionContext) else None
    if deadline is None:
        return USUAL_SECONDS
    return max((deadline - datetime.now(UTC)).total_seconds(), 0) + GRACE_SECONDS


def _pay(fuel: Any, done: Message) -> None:
    """Take what its expressions have used from the budget of the step, and give none back."""
    for name in ("left", "room"):
        told = done.get("fuel" if name == "left" else "room")
        if isinstance(told, int):
            setattr(fuel, name, max(0, min(getattr(fuel, name), told)))


def _keep_secrets(context: Context | None, done: Message) -> None:
    """Hide what it has made of secrets in all that the step leaves."""
    ledger = None if context is None else ledger_of(context.scope)
    made = done.get("made")
    if ledger is not None and isinstance(made, list):
        for text in made[:1000]:
            if isinstance(text, str):
                ledger.secret(text)


def executor_class(
    remote: Remote, meta: ActionMeta, methods: Sequence[str], *, fans_out: bool
) -> type[BaseActionExecutor]:
    """A class that has the methods which the action itself has, and inherits the others.

    So whoever asks whether an action checks its params, or its callbacks, is told the truth.
    """
    base: Any = FanOutActionExecutor if fans_out else BaseActionExecutor
    own = {name: _METHODS[name] for name in methods if name in _METHODS}
    return type("Isolated", (base,), {"remote": remote, "meta": meta, **own})


# ── The methods, as a class takes them ───────────────────────────────────────────────────


def _with_context(name: str) -> Callable[..., Any]:
    method = METHODS[name]

    def call(self: Any, context: Context) -> Any:
        return self.remote.call(method, context)

    return call


def _on_answer(self: Any, context: Context, answer: EventResult) -> Any:
    return self.remote.call(METHODS["on_answer"], context, answer=answer)


def _join(self: Any, context: Context, results: Sequence[ItemResult]) -> Any:
    return self.remote.call(METHODS["join"], context, results=results, items=len(results))


def _validate_params(self: Any, params: dict[str, Any]) -> Any:
    return self.remote.call(METHODS["validate_params"], None, params=params)


_METHODS: Mapping[str, Callable[..., Any]] = {
    **{name: _with_context(name) for name in METHODS},
    "on_answer": _on_answer,
    "join": _join,
    "validate_params": _validate_params,
}
