"""Actions that do the same work for many items, each with its own retries and its own parking."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline_engine.domain.states import StepStatus
from pipeline_engine.sdk.context import ActionContext
from pipeline_engine.sdk.executor import BaseActionExecutor
from pipeline_engine.sdk.results import ActionResult


@dataclass(frozen=True, kw_only=True)
class Item:
    """One child of a fan-out; with ``action`` that action runs it instead of ``execute_item``.

    ``timeout_seconds`` is the time of each attempt of this item, in place of its action's.
    """

    value: Any
    key: str | None = None
    action: str | None = None
    params: dict[str, Any] | None = None
    delay_seconds: float = 0
    timeout_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class ItemResult:
    """How one item ended."""

    index: int
    key: str | None
    value: Any
    status: StepStatus
    outputs: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    error_code: str | None = None

    @property
    def succeeded(self) -> bool:
        """Tell whether the item did what it was for."""
        return self.status is StepStatus.COMPLETED

    @property
    def called_off(self) -> bool:
        """Tell whether the item was stopped, or never began, because others had failed."""
        return self.status is StepStatus.SKIPPED


@dataclass(frozen=True, kw_only=True)
class MoreItems:
    """The answer of a join that is not done: these items come next."""

    items: Sequence[Item]
    progress: float | None = None


class FanOutActionExecutor(BaseActionExecutor):
    """An action whose step expands into items and joins when all of them have ended.

    ``execute_item``, ``on_event`` and ``cleanup`` see one item. No items at all is a join of
    nothing: ``join(context, [])`` is asked at once.
    """

    @abstractmethod
    def expand(self, context: ActionContext) -> list[Item] | Awaitable[list[Item]]:
        """Return the items, in the order in which their results will be joined."""

    def execute_item(self, context: ActionContext) -> ActionResult | Awaitable[ActionResult]:
        """Do the work of ``context.item``, or start it and park."""
        raise NotImplementedError(f"{type(self).__name__} names an action for each item")

    @abstractmethod
    def join(
        self, context: ActionContext, results: Sequence[ItemResult]
    ) -> ActionResult | MoreItems | Awaitable[ActionResult | MoreItems]:
        """Turn the ordered results into the step's own, whatever their statuses are."""

    def max_concurrency(self, context: ActionContext) -> int | None:  # noqa: ARG002 - the contract
        """Return how many items may run at once; ``None`` leaves it to the engine."""
        return None

    def tolerated_failures(self, context: ActionContext) -> int:  # noqa: ARG002 - the contract
        """Return how many items may fail before those that have not started are given up."""
        return 0

    def execute(self, context: ActionContext) -> ActionResult | Awaitable[ActionResult]:
        """Run one item; the step itself is expanded and joined, never executed."""
        return self.execute_item(context)
