"""One execution as a whole: what failed in it, and what ended it before its steps had."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from pipeline_engine.domain.definitions import PipelineDefinition, TriggerRule
from pipeline_engine.domain.outcome import COMPENSATES, AbortReason, outcome
from pipeline_engine.services.audit.final_steps import Way
from pipeline_engine.services.audit.recorded import INTENTS, Recorded, abort_reason, the_end


class Course:
    """What the events that were read so far say about the execution."""

    def __init__(self, definition: PipelineDefinition, history: Sequence[Recorded]) -> None:
        self._definition = definition
        self.failures: list[Recorded] = []  #: unhandled
        self.endings: list[Recorded] = []  #: steps that ended the execution
        self.reason_now: AbortReason | None = None  #: as far as it has been told
        self.is_forced = False  #: nothing may run any more
        self.was_told_to_end = False  #: by the client, or the clock: what is open was locked first
        #: why it was given up in the end, if it was
        self.reason = abort_reason(history, fails_fast=definition.settings.fail_fast)
        self._is_open = the_end(history) is None
        self._outranked: AbortReason | None = None  #: what counted before
        self._intended_at: float = inf

    def is_final(self, step_id: str) -> bool:
        """Whether this is a handler or a compensation."""
        return step_id.startswith(COMPENSATES) or self._definition.is_handler(step_id)

    # ── What is told ─────────────────────────────────────────────────────────────────────

    def intended(self, event: Recorded) -> None:
        """The client, or the clock, ends the execution early from here on."""
        self.was_told_to_end = True
        if event.details.get("force"):
            self.is_forced = True
        self._intends(INTENTS[event.type], event)

    def _intends(self, reason: AbortReason, event: Recorded) -> None:
        if reason.outranks(self.reason_now):
            self._outranked = self.reason_now
            self.reason_now, self._intended_at = reason, event.id

    def ended_by(self, event: Recorded, reason: AbortReason) -> None:
        """A step ends its whole execution, if nothing has before."""
        self.endings.append(event)
        if reason is AbortReason.ENDED:
            if self.has_failed_fast or not reason.outranks(self.reason_now):
                return
            self.failures.clear()  # whatever has failed before
        elif reason is AbortReason.FAILED and event.fails_others and self.reason_now is None:
            self.failures.append(event)  # another one like it fails what it is in at most
        self._intends(reason, event)

    # ── What follows ─────────────────────────────────────────────────────────────────────

    @property
    def has_failed(self) -> bool:
        """Whether a step has failed that is no handler."""
        return any(not self.is_final(event.step_id) for event in self.failures)

    @property
    def has_failed_fast(self) -> bool:
        """Whether a failure stops everything else."""
        return self._definition.settings.fail_fast and self.has_failed

    @property
    def may_be_given_up(self) -> bool:
        """Whether steps may be stopped with the execution by now."""
        if self.has_failed_fast or self._is_open:
            return True  # an older execution may be about to say that its time was up
        return self.reason is AbortReason.TIMED_OUT or self.reason_now is not None

    @property
    def may_stop_items(self) -> bool:
        """The same for the items of a fan-out that ends now."""
        aborted = bool(self.failures) or self.reason is not AbortReason.FAILED
        return aborted and bool(self.reason)

    def spares(self, rule: TriggerRule) -> bool:
        """Whether a step with this trigger rule goes on when the execution is given up."""
        reason = self.reason_now or AbortReason.FAILED
        return rule in reason.survivors and not self.is_forced

    def ways(self, *, began_at: float, gave_up_at: int | None) -> list[Way]:
        """What may have run after the steps; an abort may have come while it did.

        The first of it *began_at* one event, and a step was stopped with the others at another.
        """
        failed = self.has_failed
        gave_up = self._outranked not in {None, AbortReason.ENDED}
        calm = outcome(None, failed=failed or gave_up)
        if self.reason not in {AbortReason.CANCELLED, AbortReason.TIMED_OUT}:
            return [(calm,)]
        given_up = outcome(self.reason, failed=True)
        added = (given_up,) if self.reason is AbortReason.CANCELLED else ()
        late: list[Way] = [(calm, *added), (calm,)] if self.is_forced else [(calm, *added)]
        if began_at < self._intended_at:
            return late
        early: list[Way] = [(given_up,), ()] if self.is_forced else [(given_up,)]
        # What was stopped before that shows nothing: another reason had stopped it.
        has_stopped = gave_up_at is not None and gave_up_at > self._intended_at
        return early if has_stopped and not failed else [*early, *late]
