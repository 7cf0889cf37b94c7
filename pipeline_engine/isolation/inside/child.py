"""The program of a child: it loads the actions of one package and answers calls of their methods.

``python -I -c BOOTSTRAP`` runs it. What it is told comes over one socket; when that closes, the
engine is gone, and so is the child with all that it has started.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import traceback
from collections.abc import Mapping
from functools import partial
from importlib import metadata
from itertools import count
from queue import SimpleQueue
from typing import Any

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.expressions import Fuel, ledger_of, paying
from pipeline_engine.errors import FOREIGN_ERRORS
from pipeline_engine.isolation.between.calls import METHODS, answer_to_json
from pipeline_engine.isolation.between.contexts import AskedResults, context_from_json
from pipeline_engine.isolation.between.failures import confessed, raised_again
from pipeline_engine.isolation.between.loading import executor_class_of, meta_of, reason_of
from pipeline_engine.isolation.between.plain import from_json, to_json
from pipeline_engine.isolation.between.wire import Channel, Garbled, Message
from pipeline_engine.isolation.inside.landlock import restrict
from pipeline_engine.isolation.inside.limits import limit, limit_call
from pipeline_engine.isolation.inside.remote_engine import RemoteEngine
from pipeline_engine.sdk import (
    ActionContext,
    BaseActionExecutor,
    EventContext,
    EventResult,
    FanOutActionExecutor,
    run_maybe_async,
)
from pipeline_engine.sdk.action_log import ActionLog


class Child:
    """One process: a thread reads what comes, the main one runs the actions."""

    def __init__(self, channel: Channel, terms: Message) -> None:
        self._channel, self._terms = channel, terms
        self._calls: SimpleQueue[Message] = SimpleQueue()
        self._replies: dict[int, SimpleQueue[Message]] = {}
        self._numbers = count(1)
        self._executors: dict[str, BaseActionExecutor] = {}

    def run(self) -> None:
        """Answer until the engine hangs up."""
        threading.Thread(target=self._read, daemon=True, name="reader").start()
        self._channel.send({"ready": True})
        while True:
            call = self._calls.get()
            limit_call(self._terms["limits"]["cpu"])
            self._channel.send({"done": call["call"], **self._done(call)})

    def _read(self) -> None:
        try:
            while (message := self._channel.receive()) is not None:
                if "reply" in message:
                    self._replies[message["reply"]].put(message)
                else:
                    self._calls.put(message)
        finally:  # nobody is there any more, whatever the main thread does
            os.killpg(0, signal.SIGKILL)

    def _ask(self, call: int, what: str, **told: Any) -> Any:
        """Let the engine do something for a call; raises what it raises there."""
        number = next(self._numbers)
        reply = self._replies[number] = SimpleQueue()
        request = {"ask": number, "call": call, "what": what, "with": to_json(told)}
        try:
            self._channel.send(request)
        except Garbled as error:
            raise TypeError(str(error)) from error
        message = reply.get()
        del self._replies[number]
        if "error" in message:
            raise raised_again(message["error"])
        return message["value"]

    def _log(self, call: int) -> ActionLog:
        """What a context logs with: each line goes to the engine, and is kept there."""

        def send(level: str, message: str, facts: Mapping[str, Any]) -> None:
            plain = {str(name): _shown(value) for name, value in facts.items()}
            self._channel.send({"log": level, "call": call, "event": message, "facts": plain})

        return ActionLog(_Silent(), send)

    # ── Calls ────────────────────────────────────────────────────────────────────────────

    def _done(self, call: Message) -> Message:
        try:
            if call["method"] == "describe":
                return {"value": [self._described(*one) for one in call["targets"]]}
            return self._called(call)
        except FOREIGN_ERRORS as error:  # foreign code: whatever it raises is its answer
            return {"error": confessed(error), "traceback": traceback.format_exc()[-8000:]}

    def _called(self, call: Message) -> Message:
        method = METHODS[call["method"]]
        executor = self._executor(call["name"], call["target"])
        fuel = Fuel(call["fuel"], room=call["room"])
        arguments, context = self._arguments(call)
        known = frozenset(call["context"]["secrets"]) if context is not None else frozenset()
        try:
            with paying(fuel):
                found = run_maybe_async(getattr(executor, method.name)(*arguments))
            answer: Message = {"value": answer_to_json(found, method)}
        except FOREIGN_ERRORS as error:  # as above
            answer = {"error": confessed(error), "traceback": traceback.format_exc()[-8000:]}
        ledger = ledger_of(context.scope) if context is not None else None
        made = sorted(ledger.masker.secrets - known) if ledger else []
        return {**answer, "made": made, "fuel": fuel.left, "room": fuel.room}

    def _arguments(self, call: Message) -> tuple[list[Any], Any]:
        if call["context"] is None:
            return [call["more"]["params"]], None
        kind: Any = EventContext if METHODS[call["method"]].of_event else ActionContext
        ask = partial(self._ask, call["call"])
        context = context_from_json(kind, call["context"], engine=RemoteEngine(ask), ask=ask)
        vars(context)["log"] = self._log(call["call"])
        more: list[Any] = []
        if "answer" in call["more"]:
            more = [from_json(EventResult, call["more"]["answer"])]
        if "items" in call["more"]:
            more = [AskedResults(call["more"]["items"], ask)]
        return [context, *more], context

    # ── Actions ──────────────────────────────────────────────────────────────────────────

    def _executor(self, name: str, target: str) -> BaseActionExecutor:
        key = f"{name} = {target}"
        if key not in self._executors:
            self._executors[key] = executor_class_of(_loaded(name, target))()
        return self._executors[key]

    def _described(self, name: str, target: str) -> Message:
        try:
            loaded = _loaded(name, target)
            meta, executor_class = meta_of(loaded, name), executor_class_of(loaded)
        except FOREIGN_ERRORS as error:  # foreign code: whatever it raises is its reason
            return {"broken": reason_of(error)}
        base = FanOutActionExecutor if issubclass(executor_class, FanOutActionExecutor) else None
        return {
            "meta": json_guard.check(to_json(meta)),
            "fans_out": base is not None,
            "methods": [m for m in METHODS if _overrides(executor_class, m)],
        }


class _Silent:
    """A logger that is none: nobody reads a log in here."""

    def bind(self, **_: Any) -> _Silent:
        return self

    def try_unbind(self, *_: str) -> _Silent:
        return self

    def log(self, *_: Any, **__: Any) -> None:
        return


def _overrides(executor_class: type[BaseActionExecutor], method: str) -> bool:
    inherited = (BaseActionExecutor, FanOutActionExecutor)
    found = getattr(executor_class, method, None)
    return found is not None and all(found is not getattr(one, method, None) for one in inherited)


def _loaded(name: str, target: str) -> Any:
    return metadata.EntryPoint(name, target, "pipeline_engine.actions").load()


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    try:
        return json_guard.check(value)
    except Exception:  # noqa: BLE001 - foreign code: a fact may be any object
        return repr(value)[:1000]


def main(handle: int, terms: Mapping[str, Any]) -> None:
    """Close the door behind us, and answer."""
    os.environ.clear()
    os.environ.update(terms["environment"])
    os.chdir(terms["directory"])
    limit(terms["limits"])
    if terms["landlock"]:
        own = [terms["directory"], "/dev/null"]
        if not restrict(readable=terms["readable"], writable=own):
            raise SystemExit("Landlock does not work here")
    limit_call(terms["limits"]["cpu"])
    Child(Channel(socket.socket(fileno=handle)), dict(terms)).run()
