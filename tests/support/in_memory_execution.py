"""One execution in memory: what ``scheduler/advance/advance.py`` does, without rows.

All decisions are those of ``domain/``; the waves are those of ``advance()``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline_engine.domain.definitions import OnFailure, PipelineDefinition, StepDefinition
from pipeline_engine.domain.frontier import frontier_of
from pipeline_engine.domain.outcome import AbortReason, outcome
from pipeline_engine.domain.readiness import (
    Contribution,
    Dependencies,
    SkipReason,
    Verdict,
    contribution,
    is_unhandled_failure,
)
from pipeline_engine.domain.states import ExecutionStatus, StepStatus


@dataclass(frozen=True, slots=True)
class End:
    """How a step ended."""

    step_id: str
    status: StepStatus
    skip_reason: SkipReason | None = None
    skip_targets: Sequence[str] = ()  #: steps on the sides that this conditional did not take
    error_code: str | None = None  #: of a failure, also if it was caught
    goes_to: Sequence[str] = ()  #: the only steps that go on, because it was


class InMemoryExecution:
    """Which steps of an execution may run, which have ended, and how."""

    def __init__(self, definition: PipelineDefinition) -> None:
        self.ended: dict[str, End] = {}
        self.set_free = list(definition.graph.roots)  #: all that might begin, in this order
        self.ready = set(self.set_free)  #: those that have not begun yet
        self.running: set[str] = set()
        self.stopping: set[str] = set()  #: of the running ones, those that only clean up
        self.abort_reason: AbortReason | None = None
        self.forced = False  #: nothing may run any more
        self.failed = False
        self._definition = definition
        self._frontier = frontier_of(definition)

    @property
    def status(self) -> ExecutionStatus | None:
        """How the execution ends, once every step has."""
        if len(self.ended) < len(self._definition.steps):
            return None
        return outcome(self.abort_reason, failed=self.failed)

    def counters(self, step_id: str) -> Dependencies:
        """How the dependencies of a step stand."""
        return self._frontier.dependencies(step_id)

    # ── What happens ─────────────────────────────────────────────────────────────────────

    def begin(self, step_id: str) -> None:
        """A worker takes a step that is ready. Raises ``KeyError`` if it is not."""
        self.ready.remove(step_id)
        self.running.add(step_id)

    def end(self, ends: Iterable[End], *, slow: Collection[str] = ()) -> None:
        """Steps that were ready or running end; what came too late for that changes nothing.

        If the end of one aborts the execution, the running steps in *slow* have to clean up.
        """
        self._advance([self._caught(end) for end in ends if self._is_in_time(end)], slow)

    def abort(
        self, reason: AbortReason, *, slow: Collection[str] = (), force: bool = False
    ) -> None:
        """End the execution early; the running steps in *slow* end when they have cleaned up.

        With *force* no rule lets a step go on.
        """
        self._advance(self._given_up(reason, slow, force=force), slow)

    def clean_up(self, step_id: str) -> None:
        """A step that was stopped has cleaned up. Raises ``KeyError`` if it was not stopped."""
        self.stopping.remove(step_id)
        self._advance([End(step_id, StepStatus.SKIPPED, SkipReason.ABORTED)], ())

    # ── What follows ─────────────────────────────────────────────────────────────────────

    def _advance(self, ended: list[End], slow: Collection[str]) -> None:
        while ended:
            skipped = {target for end in ended for target in self._untaken(end)}
            ended += [End(s, StepStatus.SKIPPED, SkipReason.BRANCH) for s in sorted(skipped)]
            for end in ended:
                self._note(end)
            # An abort comes first, so that nothing is set free which it is about to stop.
            stopped = self._failures(ended, slow)
            for end in stopped:
                self._note(end)
            ended = list(self._set_free([*ended, *stopped]))

    def _note(self, end: End) -> None:
        self.ended[end.step_id] = end
        for places in (self.ready, self.running, self.stopping):
            places.discard(end.step_id)

    def _is_in_time(self, end: End) -> bool:
        runs = end.step_id in self.running and end.step_id not in self.stopping
        return runs or end.step_id in self.ready

    def _caught(self, end: End) -> End:
        if end.status not in {StepStatus.FAILED, StepStatus.TIMEOUT}:
            return end
        entry = self._definition.step(end.step_id).caught_as(end.error_code)
        if entry is None:
            return end
        return replace(end, status=StepStatus.COMPLETED, goes_to=entry.next)

    def _untaken(self, end: End) -> Iterator[str]:
        for target in (*end.skip_targets, *self._definition.untaken(end.step_id, end.goes_to)):
            if target not in self.ended and target not in self.running:
                yield target

    def _failures(self, ended: Sequence[End], slow: Collection[str]) -> list[End]:
        for end in ended:
            if is_unhandled_failure(end.status, tolerated=self._is_tolerated(end.step_id)):
                self.failed = True
                if self._definition.settings.fail_fast:
                    return self._given_up(AbortReason.FAILED, slow)
        return []

    def _given_up(
        self, reason: AbortReason, slow: Collection[str], *, force: bool = False
    ) -> list[End]:
        outranks = reason.outranks(self.abort_reason)
        if self.status or not (outranks or (force and not self.forced)):
            return []
        if outranks:
            self.abort_reason = reason
        self.failed = True
        self.forced |= force
        stopped = [step.id for step in self._definition.steps if not self._goes_on(step)]
        self.stopping |= self.running.intersection(stopped).intersection(slow)
        now = [step_id for step_id in stopped if step_id not in self.stopping]
        return [End(step_id, StepStatus.SKIPPED, SkipReason.ABORTED) for step_id in now]

    def _goes_on(self, step: StepDefinition) -> bool:
        """Whether the step has nothing to do with it that the execution ends early."""
        if step.id in self.ended or step.id in self.stopping:
            return True
        reason = self.abort_reason
        return bool(reason and step.trigger_rule in reason.survivors and not self.forced)

    def _set_free(self, ended: Sequence[End]) -> Iterator[End]:
        """Count these ends; yields the skips that follow from them at once."""
        dependents = self._definition.graph.dependents
        counted = [(self._contribution(end), dependents(end.step_id)) for end in ended]
        for step_id, verdict in self._frontier.count(counted):
            if step_id in self.ended or step_id in self.running:
                continue
            if verdict is Verdict.RUN and self._waits_in_vain(step_id):
                yield End(step_id, StepStatus.SKIPPED, SkipReason.BRANCH)
            elif verdict is Verdict.RUN:
                self.set_free.append(step_id)
                self.ready.add(step_id)
            else:
                yield End(step_id, StepStatus.SKIPPED, SkipReason(verdict.value))

    def _waits_in_vain(self, step_id: str) -> bool:
        """Whether only failures lead to the step, and none was caught for it."""
        ends = [self.ended.get(one) for one in self._definition.catchers.get(step_id, ())]
        return bool(ends) and not any(end and step_id in end.goes_to for end in ends)

    def _contribution(self, end: End) -> Contribution:
        tolerated = self._is_tolerated(end.step_id)
        return contribution(end.status, skip_reason=end.skip_reason, tolerated=tolerated)

    def _is_tolerated(self, step_id: str) -> bool:
        """Whether a failure of this step leaves the execution alone."""
        return self._definition.step(step_id).on_failure is OnFailure.CONTINUE
