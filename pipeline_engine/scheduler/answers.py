"""What foreign code answered, made fit to be stored; an answer that makes no sense is an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipeline_engine.domain import json_guard
from pipeline_engine.sdk import ActionResult, EventResult, Item

#: Characters of an error; a whole response body in one would fill the history.
LONGEST_MESSAGE = 4000


def storable(words: object) -> str:
    """Foreign words without what PostgreSQL refuses in a text: NUL and half surrogate pairs."""
    clean = str(words).encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")
    return clean[:LONGEST_MESSAGE]


def checked(result: Any) -> ActionResult:
    """An answer of ``execute``, ``on_wake`` or ``join``. Raises ``TypeError``."""
    if not isinstance(result, ActionResult):
        raise TypeError(f"the action returned {type(result).__name__}, not an ActionResult")
    if not isinstance(result.outputs, Mapping):
        raise TypeError(f"outputs are {type(result.outputs).__name__}, not an object")
    if result.error is None and result.error_code is None:
        return result
    return replace(result, error=words(result.error), error_code=words(result.error_code))


def checked_verdict(verdict: Any) -> EventResult:
    """An answer of ``on_event``. Raises ``TypeError`` and ``ValueError``."""
    if not isinstance(verdict, EventResult):
        raise TypeError(f"on_event returned {type(verdict).__name__}")
    if not isinstance(verdict.outputs, Mapping):
        raise TypeError(f"outputs are {type(verdict.outputs).__name__}, not an object")
    return replace(
        verdict,
        error=words(verdict.error),
        error_code=words(verdict.error_code),
        progress=None if verdict.progress is None else float(verdict.progress),
        eta_minutes=None if verdict.eta_minutes is None else int(verdict.eta_minutes),
    )


def checked_items(found: Any) -> list[Item]:
    """Items that can be stored. Raises ``TypeError`` and ``JsonRejected``."""
    if not isinstance(found, list | tuple) or not all(isinstance(item, Item) for item in found):
        raise TypeError("a fan-out has to name its items in a list of Item")
    return [
        replace(
            item,
            value=json_guard.check(item.value),
            params=None if item.params is None else json_guard.check(item.params),
            key=words(item.key),
        )
        for item in found
    ]


def words(given: Any) -> str | None:
    """A text that may be absent."""
    return None if given is None else storable(given)
