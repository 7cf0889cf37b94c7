"""Steps that wait for each other: those of an execution, or of one attempt of a block.

The history is trusted for what came from outside: how an action ended, whether a condition was
false, which side a conditional took.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline_engine.domain.definitions import (
    Block,
    OnFailure,
    PipelineDefinition,
    WhenFull,
)
from pipeline_engine.domain.frontier import frontier_of
from pipeline_engine.domain.outcome import AbortReason, compensating, undone
from pipeline_engine.domain.readiness import (
    EAGER,
    Dependencies,
    SkipReason,
    Verdict,
    contribution,
    decide,
    is_unhandled_failure,
)
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.services.audit.attempts import Row
from pipeline_engine.services.audit.course import Course
from pipeline_engine.services.audit.final_steps import FinalSteps
from pipeline_engine.services.audit.findings import Disagreement, Finding
from pipeline_engine.services.audit.recorded import Recorded

#: Reasons for which a step is skipped that was ready.
ITS_OWN = frozenset({SkipReason.CONDITION, SkipReason.CONCURRENCY})
#: Reasons for which one is skipped that was looked at before.
GOES_AT_ANY_TIME = frozenset({SkipReason.CONCURRENCY, SkipReason.NOT_NEEDED})


class Scope:
    """What is known of these steps, and what their next events may say."""

    def __init__(
        self,
        definition: PipelineDefinition,
        course: Course,
        *,
        block: Row | None = None,
        outer: Scope | None = None,
    ) -> None:
        self._definition = definition
        self._course = course
        self.block = block  #: whose attempt this is; None: these are the steps of the execution
        self.outer = outer  #: that the block is in
        self._inner: list[Scope] = []  #: attempts of blocks among these steps
        if outer is not None:
            outer._inner.append(self)
        self.within = block.inside if block else None
        held: PipelineDefinition | Block = definition
        if block is not None and block.definition.block is not None:
            held = block.definition.block
        self.graph = held.graph
        self.step_ids = [step.id for step in held.steps]
        self.rows: dict[str, Row] = {}  #: that have a history
        self.final = FinalSteps()  #: what ran when these steps had ended
        self.ended: dict[str, StepStatus] = {}
        self.failures: list[Recorded] = []  #: unhandled
        self.stopped: list[str] = []  #: with the execution, or with the block
        self.not_needed: list[str] = []  #: as the block is not, if anything
        self.gave_up_at: int | None = None  #: the first that was stopped
        self.is_over = False  #: the attempt of the block has ended
        self._known = frozenset(self.step_ids)
        self._frontier = frontier_of(definition, held)
        self._began: set[str] = set()
        self._untaken: set[str] = set()  #: what a caught failure does not lead to
        self._led_to: set[str] = set()  #: what one does lead to

    def __contains__(self, step_id: object) -> bool:
        return step_id in self._known

    def differs(
        self, code: Disagreement, step_id: str | None = None, *, found: str, expected: str
    ) -> Finding:
        """A finding about one of these steps."""
        return Finding(
            code=code, step_id=step_id, within=self.within, found=found, expected=expected
        )

    @property
    def still_open(self) -> list[str]:
        """The steps whose ends were not told of."""
        return [step_id for step_id in self.step_ids if step_id not in self.ended]

    @property
    def undoes(self) -> bool:
        """Whether this is a block that undoes what it has done."""
        return self.block is not None and self.block.compensations > 0 and not self.is_over

    def to_undo(self) -> Iterator[str]:
        """The compensations that these steps, and blocks in them, call for after a bad end."""
        for step_id, status in self.ended.items():
            step, row = self._definition.step(step_id), self.rows[step_id]
            if step.compensate is None:
                continue
            caught = row.end is not None and row.end.caught is not None
            items = {item.end.end for item in row.its_items if item.end and item.end.end}
            if undone(step.compensate, StepStatus.FAILED if caught else status, items):
                yield compensating(step, step.compensate, within=self.within).id
        for scope in self._inner:
            yield from scope.to_undo()

    # ── Beginning ────────────────────────────────────────────────────────────────────────

    def waits_again(self, step_id: str) -> None:
        """The worker of a step has died, and its beginning is looked at once more."""
        self._began.discard(step_id)

    def begun(self, event: Recorded) -> Iterator[Finding]:
        """The first sign that a step ran, or that its own condition was looked at."""
        step_id = event.step_id
        skipped = event.end is StepStatus.SKIPPED and event.skip_reason not in ITS_OWN
        if skipped or step_id in self._began:
            return
        self._began.add(step_id)
        verdicts = self._verdicts(step_id)
        if Verdict.RUN not in verdicts:
            expected = _by_its_rule(verdicts)
            yield self.differs(
                Disagreement.BEGAN_TOO_EARLY, step_id, found="it began", expected=expected
            )
        if self._is_given_up(step_id):
            yield self._went_on(step_id, "it began when steps were being stopped")

    def _went_on(self, step_id: str, found: str) -> Finding:
        return self.differs(
            Disagreement.BEGAN_AFTER_STOP,
            step_id,
            found=f"{found} with the {'execution' if self.block is None else 'block'}",
            expected="skipped (aborted)",
        )

    def _verdicts(self, step_id: str) -> set[Verdict]:
        """What may have been decided about a step by now.

        Who decided need not have seen every end that was recorded before: of a step that is
        given up early, because too few are left, one may have missed those that block it.
        """
        rule, now = self._definition.rule(step_id), self._frontier.dependencies(step_id)
        if not now.total:
            return {Verdict.RUN}
        found = {decide(*rule, now)}
        if rule[0] in EAGER and now.remaining + now.blocking:
            unseen = Dependencies(
                now.total, now.remaining + now.blocking, now.succeeded, 0, 0, now.branched
            )
            found.add(decide(*rule, unseen))
        return found - {Verdict.WAIT}

    def tried_again(self, event: Recorded) -> Iterator[Finding]:
        """What is wrong with another attempt of one of these steps, or of an item of it."""
        if self._course.was_told_to_end and not self._goes_on(event.step_id):
            yield self._went_on(event.step_id, "it was tried again when steps were being stopped")

    # ── Ending ───────────────────────────────────────────────────────────────────────────

    def step_ended(self, event: Recorded, status: StepStatus) -> Iterator[Finding]:
        """What the end of one of these steps says."""
        step_id = event.step_id
        if event.skip_reason is not None:
            yield from self._skipped(event, event.skip_reason)
        elif self._is_given_up(step_id) and not (
            # A fan-out or a block whose time was up before waits for its own, and then says so.
            (status is StepStatus.TIMEOUT or event.caught is not None) and self.rows[step_id].made
        ):
            yield self._went_on(step_id, f"it ended as {status} when steps had been stopped")
        yield from self._caught(event)
        self._untaken |= self._definition.untaken(step_id, event.caught or ())
        self._led_to.update(event.caught or ())
        if step_id not in self.ended:
            self._count(step_id, status, event.skip_reason)
        self._note_failure(event, status)

    def _count(self, step_id: str, status: StepStatus, reason: SkipReason | None) -> None:
        self.ended[step_id] = status
        counted = contribution(status, skip_reason=reason, tolerated=self._is_tolerated(step_id))
        self._frontier.count([(counted, self.graph.dependents(step_id))])

    def _is_tolerated(self, step_id: str) -> bool:
        return self._definition.step(step_id).on_failure is OnFailure.CONTINUE

    def _note_failure(self, event: Recorded, status: StepStatus) -> None:
        tolerated = self._is_tolerated(event.step_id)
        if is_unhandled_failure(status, tolerated=tolerated):
            self.failures.append(event)
        if self.block is not None:  # it is for that to fail
            return
        tolerated &= event.ends is None
        if self._course.reason_now is AbortReason.ENDED:
            # Together with a good end, or it would have been stopped.
            tolerated |= not self._survives(event.step_id)
        if is_unhandled_failure(status, tolerated=tolerated):
            self._course.failures.append(event)

    def _caught(self, event: Recorded) -> Iterator[Finding]:
        """Whether the first entry of ``catch`` that speaks of the failure was followed."""
        code = event.details.get("error_code")
        entry = self._definition.step(event.step_id).caught_as(code)
        if event.caught is not None and (entry is None or list(entry.next) != event.caught):
            yield self.differs(
                Disagreement.WRONG_CATCH,
                event.step_id,
                found=f"{code or 'a failure'} was caught for {', '.join(event.caught) or 'all'}",
                expected="what catch of the step says of it",
            )

    def _skipped(self, event: Recorded, reason: SkipReason) -> Iterator[Finding]:
        step_id = event.step_id
        if reason is SkipReason.CONDITION:
            if self._definition.step(step_id).condition is None:
                yield self._wrong_skip(event, "a condition, which it does not have")
        elif reason is SkipReason.ABORTED:
            self.stopped.append(step_id)
            if self.gave_up_at is None:
                self.gave_up_at = event.id
            if self.block is None:  # of others the end of the block tells why
                yield from self._aborted(step_id)
        elif step_id in self._began and reason not in GOES_AT_ANY_TIME:
            yield self._wrong_skip(event, "an end of its own, because it had begun")
        elif not self._has_to_be_skipped(step_id, reason):
            yield self._wrong_skip(event, _by_its_rule(self._verdicts(step_id)))

    def _has_to_be_skipped(self, step_id: str, reason: SkipReason) -> bool:
        if reason is SkipReason.CONCURRENCY:
            wanted = self._definition.step(step_id).concurrency
            return wanted is not None and wanted.when_full is WhenFull.SKIP
        if reason is SkipReason.NOT_NEEDED:
            if self._is_not_needed(step_id):
                return True
            self.not_needed.append(step_id)
            return self.block is not None  # whose end tells why
        if reason is SkipReason.BRANCH and (
            step_id in self._untaken or self._waits_in_vain(step_id)
        ):
            return True
        if Verdict(reason.value) in self._verdicts(step_id):
            return True
        return reason is SkipReason.BRANCH and self._is_behind_a_branch(step_id)

    def _waits_in_vain(self, step_id: str) -> bool:
        """Whether only a failure leads to a step, and there was none of that kind."""
        return step_id in self._definition.catchers and step_id not in self._led_to

    def _is_not_needed(self, step_id: str) -> bool:
        """Whether a step that may go on without it, and says so, has its trigger rule met."""
        for winner in self._definition.cancelling_rest:
            if winner in self and step_id in self.graph.leads_only_to(winner):
                counted = self._frontier.dependencies(winner)
                if decide(*self._definition.rule(winner), counted) is Verdict.RUN:
                    return True
        return False

    def _wrong_skip(self, event: Recorded, expected: str) -> Finding:
        found = f"skipped ({event.skip_reason})"
        return self.differs(Disagreement.WRONG_SKIP, event.step_id, found=found, expected=expected)

    def _wrong_stop(self, step_id: str, expected: str) -> Finding:
        return self.differs(
            Disagreement.WRONG_STOP, step_id, found="skipped (aborted)", expected=expected
        )

    def _aborted(self, step_id: str) -> Iterator[Finding]:
        if not self._course.may_be_given_up:
            yield self._wrong_stop(step_id, "that it goes on: nothing had ended the execution")
        elif self._survives(step_id):
            yield self._wrong_stop(step_id, "that it goes on, as its trigger rule lets it")

    def _is_given_up(self, step_id: str) -> bool:
        return self.gave_up_at is not None and not self._survives(step_id)

    def _survives(self, step_id: str) -> bool:
        rule = self._definition.step(step_id).trigger_rule
        if self._course.spares(rule):
            return True
        # In a block that goes on nothing but the failure of its own steps stops the others.
        return self._goes_on(step_id) and rule in AbortReason.FAILED.survivors

    def _goes_on(self, step_id: str) -> bool:
        """Whether a step, or a block that it is in, goes on although the execution is given up."""
        if self._course.spares(self._definition.step(step_id).trigger_rule):
            return True
        if self.outer is None or self.block is None:
            return False
        return self.outer._goes_on(self.block.definition.id)

    def _is_behind_a_branch(self, step_id: str) -> bool:
        """Whether a completed step could choose to skip this one: its params speak of it."""
        return any(
            _mentions(self._definition.step(done).params, step_id)
            for done, status in self.ended.items()
            if status is StepStatus.COMPLETED
        )

    # ── The end of all ───────────────────────────────────────────────────────────────────

    def not_stopped(self, failures: Iterable[Recorded]) -> Iterator[Finding]:
        """With ``fail_fast`` a failure stops all that waited for it, before it is counted."""
        for failure in failures if self._definition.settings.fail_fast else ():
            for step_id in self.graph.dependents(failure.step_id):
                ended = self.rows[step_id].end
                rule = self._definition.step(step_id).trigger_rule
                waits = rule not in EAGER and rule not in AbortReason.FAILED.survivors
                if not waits or ended is None or ended.id < failure.id:
                    continue
                if ended.skip_reason is not SkipReason.ABORTED:
                    yield self.differs(
                        Disagreement.NOT_STOPPED,
                        step_id,
                        found=f"{ended.type.value} after {failure.step_id} failed",
                        expected="skipped (aborted), because the pipeline fails fast",
                    )


def _by_its_rule(verdicts: Iterable[Verdict]) -> str:
    """What a trigger rule says, in words."""
    said = (
        verdict.value if verdict is Verdict.RUN else f"skipped ({verdict.value})"
        for verdict in sorted(verdicts)
    )
    return f"{' or '.join(said) or 'wait'}, by its trigger rule"


def _mentions(value: Any, step_id: str) -> bool:
    if isinstance(value, Mapping):
        return any(_mentions(found, step_id) for found in value.values())
    if isinstance(value, (list, tuple)):
        return any(_mentions(found, step_id) for found in value)
    return bool(value == step_id)
