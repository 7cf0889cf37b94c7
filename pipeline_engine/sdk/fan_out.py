"""Actions that do the same work for many items, each with its own retries and its own parking."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline_engine.domain.states import StepStatus
from pipeline_engine.sdk.context import ActionContext
from pipeline_engine.sdk.executor import BaseActionExecutor
from pipeline_engine.sdk.results import ActionResult


@dataclass(frozen=True, kw_only=True)
class Item:
    """One child of a fan-out: a row of its own, with its own attempts, retries and parking."""

    #: Value of the item (JSON), which ``context.item`` is.
    value: Any
    #: Name of the item, for ``context.item_key`` and for lists that people read; None: its place.
    key: str | None = None
    #: Type of the action that runs the item; None: ``execute_item`` does.
    action: str | None = None
    #: Params for that action; None: the params of the step.
    params: dict[str, Any] | None = None
    #: Seconds that the item waits before its first attempt.
    delay_seconds: float = 0
    #: Seconds for each attempt of the item; None: what its action says.
    timeout_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class ItemResult:
    """How one item ended."""

    #: Place of the item, from 0.
    index: int
    #: Name of the item; None if it has none.
    key: str | None
    #: Value of the item (JSON).
    value: Any
    #: COMPLETED, FAILED, TIMEOUT, or SKIPPED if it was called off.
    status: StepStatus
    #: Outputs of the item (JSON); empty if it left none.
    outputs: dict[str, Any] = field(default_factory=dict)
    #: What went wrong, in words; None of a success.
    error: str | None = None
    #: Stable word for it; None of a success.
    error_code: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the item completed."""
        return self.status is StepStatus.COMPLETED

    @property
    def called_off(self) -> bool:
        """Whether the item was stopped, or never began, because others had failed."""
        return self.status is StepStatus.SKIPPED


def collected(results: Sequence[ItemResult]) -> dict[str, Any]:
    """Return what a loop leaves of its items: ``results``, ``total``, ``completed``, ``failed``.

    ``results`` has ``{index, key, item, status, outputs, error}`` of each, in their order. An item
    that was called off has neither completed nor failed.
    """
    completed = sum(result.succeeded for result in results)
    called_off = sum(result.called_off for result in results)
    return {
        "results": [
            {
                "index": result.index,
                "key": result.key,
                "item": result.value,
                "status": result.status.value,
                "outputs": result.outputs,
                "error": result.error,
            }
            for result in results
        ],
        "total": len(results),
        "completed": completed,
        "failed": len(results) - completed - called_off,
    }


def failures_in_words(outputs: Mapping[str, Any]) -> str:
    """Say how many items failed, and how many were called off, from what ``collected`` returns."""
    total, failed = outputs["total"], outputs["failed"]
    called_off = total - failed - outputs["completed"]
    words = f"{failed} of {total} items failed"
    verb = "was" if called_off == 1 else "were"
    return f"{words}, {called_off} {verb} called off" if called_off else words


@dataclass(frozen=True, kw_only=True)
class MoreItems:
    """The answer of a join that is not done: these items come next."""

    #: Items that come next, at least one; ``join`` is asked again when they have ended.
    items: Sequence[Item]
    #: Progress of the step, from 0 to 100; None leaves it to the engine.
    progress: float | None = None


class FanOutActionExecutor(BaseActionExecutor):
    """An action whose step expands into items and joins when all of them have ended.

    ``execute_item``, ``on_event`` and ``cleanup`` see one item. No items at all is a join of
    nothing: ``join(context, [])`` is asked at once.
    """

    @abstractmethod
    def expand(self, context: ActionContext) -> list[Item] | Awaitable[list[Item]]:
        """Return the items, in the order in which their results will be joined.

        Called once for a step, and again if its worker dies. Only compute: a transaction waits.
        """

    def execute_item(self, context: ActionContext) -> ActionResult | Awaitable[ActionResult]:
        """Do the work of ``context.item``, or start it and park.

        Called once for each attempt of each item, and not for an item that names an action.
        """
        raise NotImplementedError(f"{type(self).__name__} names an action for each item")

    @abstractmethod
    def join(
        self, context: ActionContext, results: Sequence[ItemResult]
    ) -> ActionResult | MoreItems | Awaitable[ActionResult | MoreItems]:
        """Turn the ordered results into the step's own, whatever their statuses are.

        Called when every item has ended, and again if its worker dies or the answer was
        ``MoreItems``. Only compute: a transaction waits. A success that leaves failed items
        unmentioned is a success.
        """

    def max_concurrency(self, context: ActionContext) -> int | None:  # noqa: ARG002 - the contract
        """Return how many items may run at once, at least 1; None sets no limit.

        Called once for each time that the step expands, after ``expand``.
        """
        return None

    def tolerated_failures(self, context: ActionContext) -> int:  # noqa: ARG002 - the contract
        """Return how many items may fail (0 or more) before the others are called off.

        Called together with ``max_concurrency``.
        """
        return 0

    def execute(self, context: ActionContext) -> ActionResult | Awaitable[ActionResult]:
        """Run one item; the step itself is expanded and joined, never executed."""
        return self.execute_item(context)
