"""Calling actions that fan out, and loops: which items there are, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from pipeline_engine.domain.expressions import covered, ledger_of
from pipeline_engine.domain.expressions.values import kind
from pipeline_engine.domain.outcome import own_id
from pipeline_engine.scheduler.actions.calls import are_undefined, guarded, refused
from pipeline_engine.scheduler.actions.item_results import item_result
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.actions.results import (
    Expansion,
    Outcome,
    checked,
    checked_count,
    checked_items,
    checked_more,
    words,
)
from pipeline_engine.sdk import (
    ActionContext,
    ActionError,
    ActionResult,
    FanOutActionExecutor,
    Item,
    ItemResult,
    MoreItems,
    collected,
    failures_in_words,
    run_maybe_async,
)

ITEMS_FAILED = "items_failed"
#: Items that a message names; the others are counted.
MOST_NAMED = 5


def expand(step: Prepared, context: ActionContext) -> Outcome:
    """The items of a fan-out and what holds for them; no items at all are joined at once."""
    is_loop = step.planned.definition.for_each is not None

    def call() -> Outcome:
        items = checked_items(_loop_items(step) if is_loop else _named_items(step, context))
        return _expansion(step, context, items) if items else _joined(step, context, [])

    refusal = None if is_loop else refused(step)  # of a loop the params are those of its items
    return guarded(call, step, context) if refusal is None else refusal


def join(step: Prepared, context: ActionContext, results: Sequence[ItemResult]) -> Outcome:
    """What a fan-out makes of its ended items: its end, or more of them."""
    return guarded(lambda: _joined(step, context, results), step, context)


def _named_items(step: Prepared, context: ActionContext) -> Any:
    return run_maybe_async(cast(FanOutActionExecutor, step.planned.executor).expand(context))


def _loop_items(step: Prepared) -> list[Item]:
    if isinstance(step.planned.executor, FanOutActionExecutor):  # since the pipeline was checked
        raise ActionError(
            f"{step.planned.meta.type} makes items itself, so it cannot have for_each",
            error_code="nested_fan_out",
            retryable=False,
        )
    if step.planned.definition.undoes_items:
        return _items_to_undo(step)
    values = step.planned.for_each.render(step.scope)
    if not isinstance(values, list):
        raise ActionError(
            f"for_each needs a list: {_got(step, values)}",
            error_code="for_each_not_a_list",
            retryable=False,
        )
    keys, ledger = step.planned.item_key, ledger_of(step.scope)
    return [
        Item(
            value=v,
            key=words(keys.render({**step.scope, "item": covered(v, ledger), "item_index": i})),
        )
        for i, v in enumerate(values)
    ]


def _items_to_undo(step: Prepared) -> list[Item]:
    """The items of the fan-out that this compensation undoes, as its ``results`` had them."""
    undone = own_id(step.row.step_id)
    found = step.results.items_to_undo(undone, step.planned.definition.undoes_items)
    results = [item_result(step, row) for row in found]
    return [Item(value=one, key=one["key"]) for one in collected(results)["results"]]


def _without_outputs(undone: Mapping[str, Any]) -> dict[str, Any]:
    """An item that was undone, without what it left: that stands with it, and may be large."""
    return {name: value for name, value in undone.items() if name != "outputs"}


def _got(step: Prepared, values: Any) -> str:
    """What there is instead of a list; a name that stands for nothing is rendered as ``""``."""
    undefined = step.planned.for_each.undefined_in(step.scope) if values in ("", None) else []
    return are_undefined(undefined) if undefined else f"it is {kind(values)}"


def _joined(step: Prepared, context: ActionContext, results: Sequence[ItemResult]) -> Outcome:
    executor = step.planned.executor
    if step.planned.definition.for_each is not None or not isinstance(
        executor, FanOutActionExecutor
    ):
        if step.planned.definition.undoes_items:
            results = [replace(one, value=_without_outputs(one.value)) for one in results]
        return _judged(step, ActionResult(success=True, outputs=collected(results)))
    found: Any = run_maybe_async(executor.join(context, results))
    if isinstance(found, MoreItems):
        more = checked_more(found)
        return _expansion(step, context, more.items, progress=more.progress)
    return _judged(step, checked(found))


def _judged(step: Prepared, result: ActionResult) -> ActionResult:
    """The result of a join; of a loop it is a failure if more items failed than may."""
    row = step.row
    failed, definition = row.items_failed or 0, step.planned.definition
    # All are undone as far as they can be, and then those tell that could not.
    too_many = failed > (0 if definition.undoes_items else row.items_tolerated or 0)
    if too_many and definition.for_each is not None:
        error = failures_in_words(result.outputs)
        if definition.undoes_items:  # by hand now: it has to be known which
            error = f"{error}: {_left(result.outputs['results'])}"
        result = ActionResult(success=False, outputs=result.outputs, error=error)
    if result.success:
        return result
    code, error = result.error_code or ITEMS_FAILED, result.error or "The fan-out failed"
    return replace(result, error_code=code, error=error)


def _left(results: Sequence[Mapping[str, Any]]) -> str:
    """Which items could not be undone, and why: the first few."""
    left = [one for one in results if one["error"] is not None]
    named = [f"{_name_of(one['item'])}: {one['error']}" for one in left[:MOST_NAMED]]
    return "; ".join(named) + (f"; and {len(left) - len(named)} more" if left[MOST_NAMED:] else "")


def _name_of(undone: Mapping[str, Any]) -> str:
    return str(undone["key"] or f"item {undone['index']}")


def _expansion(
    step: Prepared,
    context: ActionContext,
    items: Sequence[Item],
    *,
    progress: float | None = None,
) -> Expansion:
    """These items, with how many of them may run at once, and how many may fail."""
    executor, loop = step.planned.executor, step.planned.definition.for_each
    if loop is not None:
        return Expansion(items, loop.max_concurrency, loop.tolerates(len(items)), progress)
    if not isinstance(executor, FanOutActionExecutor):
        return Expansion(items, None, 0, progress)
    at_once = run_maybe_async(executor.max_concurrency(context)) or 0
    failures = run_maybe_async(executor.tolerated_failures(context))
    return Expansion(
        items,
        checked_count(at_once, "max_concurrency") or None,
        checked_count(failures, "tolerated_failures"),
        progress,
    )
