"""Steps that expand into items, and join them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from pipeline_engine.contract_kit.clause import clause
from pipeline_engine.contract_kit.trial import Trial, attempted
from pipeline_engine.domain import json_guard
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.sdk import (
    ActionResult,
    FanOutActionExecutor,
    Item,
    ItemResult,
    MoreItems,
    StepStatus,
)


@clause()
def expanding_twice_is_the_same(trial: Trial) -> Iterator[str]:
    """A fan-out expands into the same items, of JSON, when it is asked again."""
    first, second = _items(trial), _items(trial)
    if first != second:
        yield "It expands into other items when it is asked again."
    for number, item in enumerate(first):
        try:
            json_guard.check([item.value, item.params])
        except json_guard.JsonRejected as error:
            yield f"Item {number} cannot be stored: {error}"


@clause()
def joins_bear_any_end(trial: Trial) -> Iterator[str]:
    """A fan-out joins items that ended well, badly and not at all, with the same output keys."""
    items = _items(trial)
    for status in (StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.TIMEOUT, StepStatus.SKIPPED):
        result = _joined(trial, [_ended(index, item, status) for index, item in enumerate(items)])
        yield from _wrong(trial, result, status.name) if result is not None else ()


def _wrong(trial: Trial, result: Any, how: str) -> Iterator[str]:
    if isinstance(result, MoreItems):
        return
    if not isinstance(result, ActionResult):
        yield f"join returned {type(result).__name__}, no ActionResult."
        return
    declared = trial.declared
    if declared and set(result.outputs) != declared:
        told = f"META declares {sorted(declared)}"
        yield f"Of items that are {how} it leaves {sorted(result.outputs)}, and {told}."


def _items(trial: Trial) -> Sequence[Item]:
    executor = trial.executor
    if not isinstance(executor, FanOutActionExecutor):
        return []
    with trial.engine() as engine:
        try:
            return trial.items(executor, trial.context(engine))
        except PipelineEngineError:  # an orderly failure of the step
            return []


def _joined(trial: Trial, results: Sequence[ItemResult]) -> Any:
    executor = trial.executor
    if not isinstance(executor, FanOutActionExecutor):
        return None
    with trial.engine() as engine:
        try:
            join = partial(executor.join, trial.context(engine), results)
            return attempted("join", join)
        except PipelineEngineError:
            return None


def _ended(index: int, item: Item, status: StepStatus) -> ItemResult:
    is_done = status is StepStatus.COMPLETED
    error = None if is_done else "It did not end well"
    return ItemResult(
        index=index, key=item.key, value=item.value, status=status, error=error,
        error_code=None if is_done else "action_failed",
    )  # fmt: skip
