"""What was taken back of a deployment, read from the steps that did it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_engine.domain.outcome import COMPENSATES

#: What can be made, and therefore taken back.
KINDS = ("deployments", "redis_keys", "endpoints", "profiles")


@dataclass(frozen=True, slots=True)
class Undone:
    """One step that takes something back: a handler, or a compensation."""

    step_id: str
    has_failed: bool
    outputs: Mapping[str, Any]
    error: str | None


def result(steps: Sequence[Undone], left: Any) -> dict[str, Any]:
    """``{status, cleaned_up, kept, errors}``; *left* are compensations that could not be done."""
    cleaned_up = {kind: _united(steps, "cleaned_up", kind) for kind in KINDS}
    kept = {kind: found for kind in KINDS if (found := _united(steps, "preserved", kind))}
    told = [step for step in steps if _has_the_last_word(step)]
    # A handler looks at all that there is, and does again what a compensation could not do.
    errors = list(dict.fromkeys(_errors(told) if told else [*_errors(steps), *_words(steps, left)]))
    is_something = any(cleaned_up.values())
    status = "success" if not errors else "partial" if is_something else "error"
    return {"status": status, "cleaned_up": cleaned_up, "kept": kept, "errors": errors}


def _has_the_last_word(step: Undone) -> bool:
    return not step.step_id.startswith(COMPENSATES) and "errors" in step.outputs


def _united(steps: Sequence[Undone], where: str, kind: str) -> list[str]:
    found = (
        str(one) for step in steps for one in _list(_mapping(step.outputs.get(where)).get(kind))
    )
    return list(dict.fromkeys(found))


def _errors(steps: Sequence[Undone]) -> Iterator[str]:
    for step in steps:
        told = [str(error) for error in _list(step.outputs.get("errors"))]
        if not told and step.has_failed:
            told = [f"{step.step_id}: {step.error or 'it has failed'}"]
        yield from told


def _words(steps: Sequence[Undone], left: Any) -> Iterator[str]:
    """What the execution says of compensations, but for those that have said it themselves."""
    told = {step.step_id for step in steps}
    for one in map(_mapping, _list(left)):
        step_id = str(one.get("step_id"))
        if not {step_id, f"compensate:{step_id}"} & told:
            yield f"{step_id}: {one.get('message') or one.get('code') or 'it was not undone'}"


# What peers have answered is in it, so it may be anything.


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
