"""What was raised on one side, raised again on the other.

The engine tells a child the class: that makes it one of those that it knows. A child tells the
engine what its error comes to, and no class of its choice.
"""

from __future__ import annotations

from typing import Any

import requests

from pipeline_engine import errors as engine_errors
from pipeline_engine.domain import expressions, json_guard
from pipeline_engine.errors import AnswerNotAllowed, InvalidAnswer, PipelineEngineError
from pipeline_engine.isolation.between.plain import to_json
from pipeline_engine.isolation.between.wire import Message
from pipeline_engine.sdk import ActionError, ExpressionError, bodies
from pipeline_engine.sdk import errors as sdk_errors

#: Where the classes are that the engine raises towards an action.
_PLACES: tuple[Any, ...] = (
    sdk_errors,
    engine_errors,
    bodies,
    expressions,
    json_guard,
    requests.exceptions,
)
#: Characters of a message or a name.
LONGEST = 4000
_ANSWERS = {one.__name__: one for one in (InvalidAnswer, AnswerNotAllowed)}


class IsolationFault(ActionError):
    """The child process of an isolated action has failed."""

    code = "isolated_crashed"


# ── From the engine to a child ───────────────────────────────────────────────────────────


def told(error: Exception) -> Message:
    """An error of the engine, for the action that asked for something."""
    facts = {name: value for name, value in vars(error).items() if _is_plain(value)}
    return {"class": type(error).__name__, "message": str(error), "facts": facts}


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(member) for key, member in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float | bool)


def raised_again(error: Message) -> Exception:
    """The same for the action to catch; one that it cannot know is a ``RuntimeError``."""
    name, message = error["class"], error["message"]
    for place in _PLACES:
        kind = getattr(place, name, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            made = kind.__new__(kind)
            made.args = (message,)
            vars(made).update(error["facts"])
            return made
    return RuntimeError(f"{name}: {message}")


# ── From a child to the engine ───────────────────────────────────────────────────────────


def confessed(error: BaseException) -> Message:
    """What an action has raised, as it comes to be judged."""
    if isinstance(error, NotImplementedError):
        return {"kind": "absent", "message": _words(error)}
    if isinstance(error, InvalidAnswer | AnswerNotAllowed):
        facts = to_json(error.facts)
        return {"kind": "answer", "class": type(error).__name__, "message": str(error)} | {
            "facts": facts
        }
    if isinstance(error, ActionError):
        return _failure(
            error,
            getattr(error, "error_code", error.code),
            retryable=getattr(error, "retryable", True),
            pause=getattr(error, "retry_after_seconds", None),
        )
    if isinstance(error, ExpressionError | engine_errors.PermissionDenied):
        return _failure(error, error.code, retryable=False)
    if isinstance(error, PipelineEngineError):
        return _failure(error, error.code)
    kind = type(error)
    return {"kind": "crash", "class": kind.__name__, "module": kind.__module__} | {
        "message": _words(error)
    }


def _failure(
    error: BaseException, code: Any, *, retryable: Any = True, pause: Any = None
) -> Message:
    seconds = pause if isinstance(pause, int | float) else None
    return {
        "kind": "failure",
        "message": _words(error),
        "code": None if code is None else str(code),
        "retryable": bool(retryable),
        "retry_after_seconds": seconds,
    }


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - foreign code: errors with a broken __str__ are common
        return f"{type(error).__name__}, which cannot be shown"


def judged(error: Any) -> Exception:
    """What an action's error comes to in the engine; whatever it says is words only."""
    if not isinstance(error, dict):
        return IsolationFault("The child process answered nonsense")
    message, kind = _text(error.get("message")), error.get("kind")
    if kind == "absent":
        return NotImplementedError(message)
    if kind == "answer" and error.get("class") in _ANSWERS:
        return _ANSWERS[error["class"]](message, **_problems(error.get("facts")))
    if kind == "failure":
        pause = error.get("retry_after_seconds")
        return ActionError(
            message,
            error_code=_text(error.get("code")) or None,
            retryable=bool(error.get("retryable")),
            retry_after_seconds=pause if isinstance(pause, int | float) else None,
        )
    return _crash(_text(error.get("class")), _text(error.get("module")), message)


def _problems(facts: Any) -> dict[str, Any]:
    problems = facts.get("problems") if isinstance(facts, dict) else None
    if isinstance(problems, list) and all(isinstance(one, dict) for one in problems):
        return {"problems": problems}
    return {}


def _crash(name: str, module: str, message: str) -> Exception:
    """An exception that reads as the one of the child does, and is of no use but that."""
    named = name if name.isidentifier() else "Exception"
    kind = type(named, (RuntimeError,), {"__module__": module or "builtins"})
    crash: Exception = kind(message)
    return crash


def _text(value: Any) -> str:
    return value[:LONGEST] if isinstance(value, str) else ""
