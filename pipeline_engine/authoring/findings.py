"""What is wrong, or unfinished, about an action that can be loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline_engine.errors import UnknownAction
from pipeline_engine.isolation.between.places import reason_in
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.sdk import BaseActionExecutor, ExecutionMode, check_params


class Severity(StrEnum):
    """Whether an action cannot be used as it is, or its users will miss something."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that its author should know."""

    severity: Severity
    message: str


def findings_of(action: RegisteredAction) -> Iterator[Finding]:
    """What there is to say about an action."""
    for look, severity in _LOOKS:
        for message in look(action):
            yield Finding(severity, message)


def _unmade(action: RegisteredAction) -> Iterator[str]:
    try:
        _ = action.executor
    except UnknownAction as error:
        because = error.__cause__
        yield reason_in(because, whole_path=True) if isinstance(because, Exception) else str(error)


def _no_json(action: RegisteredAction) -> Iterator[str]:
    """What editors cannot be sent."""
    meta = action.meta
    for param in meta.params:
        if not _is_json(param.default):
            yield f"the default of param '{param.name}' is no JSON: {param.default!r}"
        for option in param.options or ():
            if not _is_json(option.value):
                yield f"an option of param '{param.name}' is no JSON: {option.value!r}"
    for example in meta.examples:
        if not _is_json(example.params):
            yield f"the params of the example '{example.title}' are no JSON"


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _wrong_examples(action: RegisteredAction) -> Iterator[str]:
    for example in action.meta.examples:
        for problem in check_params(action.meta, example.params):
            yield f"the example '{example.title}' does not pass the check: {problem}"


def _wrong_defaults(action: RegisteredAction) -> Iterator[str]:
    for param in action.meta.params:
        if param.default is not None:
            given = {param.name: param.default}
            for problem in check_params(action.meta, given):
                if not problem.startswith("Missing required parameter"):
                    yield f"the default of param '{param.name}' does not pass: {problem}"


def _undescribed(action: RegisteredAction) -> Iterator[str]:
    meta = action.meta
    if not meta.outputs and meta.outputs_from is None:
        yield "it declares no outputs, so no later step can be checked that refers to them"
    for output in meta.outputs:
        if not output.description:
            yield f"output '{output.name}' has no description"
    for param in meta.params:
        if not param.description:
            yield f"param '{param.name}' has no description"


def _unfinished(action: RegisteredAction) -> Iterator[str]:
    meta = action.meta
    waits = meta.execution_mode is ExecutionMode.EVENT_DRIVEN
    if (
        waits
        and not action.fans_out
        and not any(_has(action, name) for name in ("on_event", "on_answer", "on_wake"))
    ):
        yield "it is event-driven, and has neither on_event nor on_answer nor on_wake"
    yield from _left_behind(action, waits and bool(meta.required_services))
    if meta.cheap and meta.required_services:
        yield "it is cheap and names required_services, but a cheap action may call nobody"


def _left_behind(action: RegisteredAction, starts_jobs: bool) -> Iterator[str]:
    cleans_up, because = _has(action, "cleanup"), action.meta.not_called_off
    if starts_jobs and not cleans_up and not because:
        yield (
            "it has no cleanup: jobs that nobody waits for any more run on at its peers;"
            " not_called_off says why, if that is how it should be"
        )
    if cleans_up and because:
        yield "it has a cleanup, and not_called_off says that it calls nothing off"


def _has(action: RegisteredAction, method: str) -> bool:
    return getattr(action.executor_class, method) is not getattr(BaseActionExecutor, method)


_LOOKS: tuple[tuple[Callable[[RegisteredAction], Iterator[str]], Severity], ...] = (
    (_unmade, Severity.ERROR),
    (_no_json, Severity.ERROR),
    (_wrong_examples, Severity.ERROR),
    (_wrong_defaults, Severity.ERROR),
    (_undescribed, Severity.WARNING),
    (_unfinished, Severity.WARNING),
)
