"""The items of a fan-out, tried one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pipeline_engine.registry import RegisteredAction
from pipeline_engine.scheduler.actions.calls import caught
from pipeline_engine.scheduler.actions.results import checked, checked_items, checked_more
from pipeline_engine.sdk import (
    ActionContext,
    ActionError,
    ActionResult,
    FanOutActionExecutor,
    Item,
    ItemResult,
    MoreItems,
    StepStatus,
    run_maybe_async,
)


def fanned_out(
    executor: FanOutActionExecutor, context: ActionContext, find: Callable[[str], RegisteredAction]
) -> ActionResult:
    """What a fan-out comes to; an item that would park fails, as nobody wakes it here."""
    items = checked_items(run_maybe_async(executor.expand(context)))
    results: list[ItemResult] = []
    while True:
        for item in items:
            results.append(_ended(executor, context, item, len(results), find))
        found = run_maybe_async(executor.join(context, results))
        if not isinstance(found, MoreItems):
            return checked(found)
        items = list(checked_more(found).items)


def _ended(
    executor: FanOutActionExecutor,
    context: ActionContext,
    item: Item,
    index: int,
    find: Callable[[str], RegisteredAction],
) -> ItemResult:
    own = replace(
        context,
        params=context.params if item.params is None else dict(item.params),
        scope={**context.scope, "item": item.value, "item_index": index, "item_key": item.key},
        item=item.value,
        item_index=index,
        item_key=item.key,
        idempotency_key=f"{context.idempotency_key}:{index}",
    )
    result = caught(lambda: _result(executor, own, item, find), own)
    return ItemResult(
        index=index,
        key=item.key,
        value=item.value,
        status=StepStatus.COMPLETED if result.success else StepStatus.FAILED,
        outputs=dict(result.outputs),
        error=result.error,
        error_code=result.error_code,
    )


def _result(
    executor: FanOutActionExecutor,
    context: ActionContext,
    item: Item,
    find: Callable[[str], RegisteredAction],
) -> ActionResult:
    if item.action is None:
        called = executor.execute_item(context)
    else:
        called = find(item.action).executor.execute(context)
    result = checked(run_maybe_async(called))
    if result.awaiting_event:
        raise ActionError("the item parks, and nobody wakes it here", error_code="needs_engine")
    return result
