"""The action of a claimed step is called, outside of any transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler.actions import calls, fan_outs
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.actions.results import Outcome
from pipeline_engine.scheduler.advance import outcome
from pipeline_engine.scheduler.attempt_api import context_for
from pipeline_engine.scheduler.outbox import Origin
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.storage.rows import StepRow

Call = Callable[[Prepared, ActionContext], Outcome]


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt whose action has returned, and who ran it."""

    step: Prepared
    context: ActionContext
    found: Outcome
    origin: Origin
    hand: Sequence[StepRow] = ()  #: what its thread may claim next
    first: str | None = None  #: the owner whose turn comes before that

    @property
    def awaited(self) -> Sequence[str]:
        """The external ids and keys whose events it is to wait for."""
        if isinstance(self.found, ActionResult) and self.found.awaiting_event:
            return self.found.awaited
        return ()

    def clean_up(self) -> None:
        """Call off what it has started: it was stopped, and its clean-up could not know of this."""
        if isinstance(self.found, ActionResult) and self.found.awaiting_event:
            self.context.external_workflow_ids = tuple(self.found.external_workflow_ids)
            self.context.stored_outputs = self.found.outputs
            calls.clean_up(self.step, self.context)


def run_action(
    runtime: Runtime, step: Prepared, origin: Origin, hand: Sequence[StepRow] = ()
) -> Finished:
    """Call the action of a claimed step; whatever goes wrong in it is what it has found."""
    failpoint(Failpoint.AFTER_CLAIM_BEFORE_EXECUTE)
    context = context_for(runtime, step)
    seconds = seconds_for(step, runtime)
    with runtime.occupied.by(f"step {step.row.id} ({step.row.action})", seconds=seconds):
        found = _found(step, context, seconds)
    return Finished(step, context, found, origin, hand)


def _found(step: Prepared, context: ActionContext, seconds: float) -> Outcome:
    call: Call = fan_outs.expand if outcome.expands(step.row, step.planned) else calls.execute
    if not step.row.cheap:
        return call(step, context)
    # A cheap one is not given more time for having been claimed.
    return calls.in_time(call, step, context, ends_at=time.monotonic() + seconds, seconds=seconds)


def seconds_for(step: Prepared, runtime: Runtime) -> float:
    """How long the action of a claimed step may take."""
    # Of the row: expanding a fan-out is always cheap, and its items, which it plans for, are not.
    if step.row.cheap:  # one that may not run in a transaction may take no longer outside
        return runtime.settings.cheap_step_seconds
    return step.timeout_seconds or runtime.settings.step_timeout_seconds
