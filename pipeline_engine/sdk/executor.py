"""The class that every action extends, and how an action is put together."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar, cast

from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.sdk.context import ActionContext, EventContext
from pipeline_engine.sdk.errors import ActionError
from pipeline_engine.sdk.results import ActionResult, EventResult

T = TypeVar("T")
C = TypeVar("C", bound=type)


class BaseActionExecutor(ABC):
    """The work of one action; every method may be ``def`` or ``async def``.

    One instance serves all steps of a process, in several threads: keep no state in it.

    What a method raises is a failure of the step: an ``ActionError`` with its own code, anything
    else with ``action_crashed``. Methods that say otherwise are told apart below.
    """

    #: What the action says about itself; ``register_action`` puts it here.
    meta: ClassVar[ActionMeta]

    @abstractmethod
    def execute(self, context: ActionContext) -> ActionResult | Awaitable[ActionResult]:
        """Do the work, or start it and park.

        Return the end of the step, or ``ActionResult(success=True, awaiting_event=True, …)`` to
        park: ``on_event``, ``on_answer`` or ``on_wake`` ends it then. A failure that may be
        retried leads to another attempt while the step has attempts left.

        Called once for each attempt. Other steps wait for an action that is ``cheap``: it only
        computes. A worker may die in it: then an action with ``idempotent=True`` is called again,
        with the same ``idempotency_key``; the step of another one fails with ``outcome_unknown``.
        """

    def on_event(self, context: EventContext) -> EventResult | Awaitable[EventResult]:
        """Return what an event means for the parked step.

        Called for every event that comes for one of its ids or keys, and for every callback
        without an ``action``: one at a time, under the lock of its row, in the order of arrival,
        and not any more once the step has ended. Be quick: a transaction waits. At the end of a job
        ask its peer for no more than an id that the event lacks, and give it some seconds only.
        It may be called twice for one event if the database went away between.

        What it raises counts as IGNORE: the step goes on waiting, and the delivery has a note.
        """
        raise NotImplementedError(f"{type(self).__name__} does not read events")

    def on_answer(
        self,
        context: EventContext,  # noqa: ARG002 - the contract
        answer: EventResult,
    ) -> EventResult | Awaitable[EventResult]:
        """Return what a callback means that says so itself, in its field ``action``.

        *answer* is what it says: return it as it is, or another one. Called in place of
        ``on_event``, under the same rules.
        """
        return answer

    def check_event(self, context: EventContext) -> None:  # noqa: ARG002 - the contract
        """Refuse a callback while its sender still waits for the answer of the API.

        Raise ``InvalidAnswer`` for what makes no sense (422), ``AnswerNotAllowed`` for a sender
        who may not answer (403); return nothing to let it pass. Called once for each request,
        in the web process, without a lock and only while the step is parked: ``on_event`` has to
        look again.
        """
        return

    def on_wake(self, context: ActionContext) -> ActionResult | Awaitable[ActionResult]:
        """End the step when its ``wake_at`` is reached, or let it wait on.

        Return what ``execute`` may return; with ``awaiting_event`` the step stays parked on what
        that says. Called once when the time has come, under the lock of the row: be quick, and
        call nobody. By default it is a success with the outputs that are there.
        """
        return ActionResult(success=True, outputs=dict(context.stored_outputs))

    def validate_params(self, params: dict[str, Any]) -> list[str]:  # noqa: ARG002 - the contract
        """Return what is wrong with *params*, in words; an empty list if nothing is.

        Templates in them are not rendered yet. Called for ``POST /actions/validate``, as often as
        an editor asks.
        """
        return []

    def cleanup(self, context: ActionContext) -> Awaitable[None] | None:  # noqa: ARG002 - the contract
        """Stop what ``execute`` started elsewhere, because the step waits for it no more.

        Called when the step is cancelled, revoked, or out of time and not tried again; of an
        action that is not idempotent before every other attempt, too. Called again if its worker
        dies, so what is stopped already has to be fine. What it raises is noted in the error of
        the step and stops nothing.
        """
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


_ANSWERS = frozenset({ActionResult, EventResult})


def run_maybe_async(outcome: T | Awaitable[T]) -> T:
    """Return what an executor's method returned, after awaiting it if it was ``async``.

    Raises what the method raises, and ``ActionError`` if what it awaited was cancelled. Not for
    code that runs in an event loop already.
    """
    if type(outcome) in _ANSWERS:  # they can be awaited, too, but most need no event loop
        return cast(T, outcome)
    # What ``isinstance(outcome, Awaitable)`` asks, without its detour.
    if hasattr(type(outcome), "__await__"):
        try:
            return asyncio.run(_finished(cast(Awaitable[T], outcome)))
        except asyncio.CancelledError as error:  # no ``Exception``, but as good a failure as one
            raise ActionError("Something that it awaited was cancelled") from error
    return cast(T, outcome)


async def _finished(outcome: Awaitable[T]) -> T:
    return await outcome
