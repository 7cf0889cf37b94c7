"""The class that every action extends, and how an action is put together."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.sdk.context import ActionContext, EventContext
from pipeline_engine.sdk.results import ActionResult, EventResult

T = TypeVar("T")
C = TypeVar("C", bound=type)


class BaseActionExecutor(ABC):
    """The work of one action; every method may be ``def`` or ``async def``.

    One instance serves all steps of a process, in several threads: keep no state in it.
    """

    meta: ClassVar[ActionMeta]

    @abstractmethod
    def execute(self, context: ActionContext) -> ActionResult | Awaitable[ActionResult]:
        """Do the work, or start it and park."""

    def on_event(self, context: EventContext) -> EventResult | Awaitable[EventResult]:
        """Say what an event means for the parked step."""
        raise NotImplementedError(f"{type(self).__name__} does not read events")

    def on_answer(
        self,
        context: EventContext,  # noqa: ARG002 - the contract
        answer: EventResult,
    ) -> EventResult | Awaitable[EventResult]:
        """Say what a callback with an ``action`` means; it says *answer* to most steps."""
        return answer

    def check_event(self, context: EventContext) -> None:  # noqa: ARG002 - the contract
        """Refuse a callback while its sender listens.

        Raise ``InvalidAnswer`` for what makes no sense, ``AnswerNotAllowed`` for a sender who
        may not answer. Asked without any lock, and only while the step is parked: ``on_event``
        has to look again.
        """
        return

    def on_wake(self, context: ActionContext) -> ActionResult | Awaitable[ActionResult]:
        """End the step when its ``wake_at`` is reached."""
        return ActionResult(success=True, outputs=dict(context.stored_outputs))

    def validate_params(self, params: dict[str, Any]) -> list[str]:  # noqa: ARG002 - the contract
        """Return what metadata cannot say about wrong params; templates may be unrendered."""
        return []

    def cleanup(self, context: ActionContext) -> Awaitable[None] | None:  # noqa: ARG002 - the contract
        """Stop what ``execute`` started elsewhere, because nobody waits for it any more."""
        return None


def register_action(meta: ActionMeta) -> Callable[[C], C]:
    """Tie metadata to an executor, or to a class that names one as ``executor_class``.

    Nothing is stored anywhere: the entry-point group ``pipeline_engine.actions`` decides which
    actions exist.
    """

    def tie(action: C) -> C:
        action.meta = meta  # type: ignore[attr-defined]
        return action

    return tie


def settled(outcome: T | Awaitable[T]) -> T:
    """Return what an executor's method returned, after awaiting it if it was ``async``."""
    if isinstance(outcome, Awaitable):
        result: T = asyncio.run(_finished(outcome))
        return result
    return outcome


async def _finished(outcome: Awaitable[T]) -> T:
    return await outcome
