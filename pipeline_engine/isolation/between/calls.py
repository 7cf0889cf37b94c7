"""The methods of an action that a child can be asked for, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.isolation.between.plain import Misshapen, from_json, to_json
from pipeline_engine.sdk import ActionError, ActionResult, EventResult, Item, MoreItems

#: Seconds of its own for what runs while a transaction holds the row of a step.
LOCKED_SECONDS = 5.0
#: The same for what computes the items of a fan-out, or puts their results together.
JOINING_SECONDS = 30.0
#: Seconds for stopping what was started elsewhere.
CLEAN_UP_SECONDS = 30.0
#: JSON of an answer: far more than any limit of the engine, which looks at it afterwards.
_ROOM = {"max_bytes": 48 * 1024 * 1024, "max_nodes": 2_000_000, "max_depth": 200}


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the contract."""

    name: str
    #: Seconds that the child itself may take; None: until the attempt is over.
    seconds: float | None
    of_event: bool = False


METHODS: Mapping[str, Method] = {
    one.name: one
    for one in (
        Method("execute", None),
        Method("execute_item", None),
        Method("on_wake", LOCKED_SECONDS),
        Method("on_event", LOCKED_SECONDS, of_event=True),
        Method("on_answer", LOCKED_SECONDS, of_event=True),
        Method("check_event", LOCKED_SECONDS, of_event=True),
        Method("validate_params", LOCKED_SECONDS),
        Method("cleanup", CLEAN_UP_SECONDS),
        Method("expand", JOINING_SECONDS),
        Method("join", JOINING_SECONDS),
        Method("max_concurrency", LOCKED_SECONDS),
        Method("tolerated_failures", LOCKED_SECONDS),
    )
}
#: What an answer may be, by the name under which it travels.
_KINDS: Mapping[str, type] = {
    "result": ActionResult,
    "verdict": EventResult,
    "more": MoreItems,
}


# ── In a child ───────────────────────────────────────────────────────────────────────────


def answer_to_json(found: Any, method: Method) -> Any:
    """What a method has returned. Raises ``ActionError`` for what cannot be sent."""
    try:
        return json_guard.check(_plain(found, method), **_ROOM)
    except JsonRejected as error:
        message = f"The outputs cannot be stored: {error}"
        raise ActionError(message, error_code=error.code, retryable=False) from error


def _plain(found: Any, method: Method) -> Any:
    for name, kind in _KINDS.items():
        if isinstance(found, kind):
            return {"kind": name, "value": to_json(found)}
    if method.name == "expand" and _are_items(found):
        return {"kind": "items", "value": to_json(found)}
    if method.name == "validate_params":
        return {"kind": "plain", "value": [str(problem) for problem in found]}
    if found is None or isinstance(found, int | float):
        return {"kind": "plain", "value": found}
    return {"kind": type(found).__name__, "value": None}


def _are_items(found: Any) -> bool:
    return isinstance(found, list | tuple) and all(isinstance(item, Item) for item in found)


# ── In the engine ────────────────────────────────────────────────────────────────────────


def answer_from_json(told: Any) -> Any:
    """The same in the engine; what is no answer is told by its name. Raises ``ActionError``."""
    kind, value = (told.get("kind"), told.get("value")) if isinstance(told, dict) else ("", None)
    try:
        if isinstance(kind, str) and kind in _KINDS:
            return from_json(_KINDS[kind], value)
        if kind == "items" and isinstance(value, list):
            return [from_json(Item, one) for one in value]
    except Misshapen as error:
        message = f"The answer of the action cannot be read: {error}"
        raise ActionError(message, error_code="invalid_result", retryable=False) from error
    if kind == "plain":
        return value
    return type(str(kind) if str(kind).isidentifier() else "object", (), {})()
