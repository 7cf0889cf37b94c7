"""A history told again, event by event, with the rules beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

from pipeline_engine.domain.course import Course, End
from pipeline_engine.domain.definitions import PipelineDefinition, StepDefinition
from pipeline_engine.domain.outcome import COMPENSATES, AbortReason, compensating, outcome
from pipeline_engine.domain.readiness import (
    EAGER,
    Dependencies,
    SkipReason,
    Verdict,
    decide,
    is_unhandled_failure,
)
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.services.replay import fan_outs
from pipeline_engine.services.replay.attempts import Row
from pipeline_engine.services.replay.epilogue import Epilogue, Way
from pipeline_engine.services.replay.recorded import (
    EXECUTION_ENDS,
    INTENTS,
    Recorded,
    abort_reason,
    the_end,
)


class Retold:
    """One pass over a history; whatever does not fit is noted, and the pass goes on."""

    def __init__(self, definition: PipelineDefinition, history: Sequence[Recorded]) -> None:
        self._definition = definition
        self._history = history
        self._course = Course(definition)
        self._steps = {step.id for step in definition.steps}
        self._rows: dict[int, Row] = {}
        self._fan_outs: dict[str, Row] = {}  #: or any other row that is no item, by step id
        self._epilogue = Epilogue()
        self._began: set[str] = set()
        self._failures: list[Recorded] = []  #: unhandled
        self._gave_up_at: int | None = None  #: the first step that was stopped with the others
        self._reason_now: AbortReason | None = None  #: as far as it has been told
        self._outranked: AbortReason | None = None  #: what counted before
        self._intended_at: float = inf
        self._forced = False  #: nothing may run any more
        self._reason = abort_reason(history, fails_fast=definition.settings.fail_fast)
        self._said: list[str] = []

    def differences(self) -> list[str]:
        """What does not fit."""
        end = the_end(self._history)
        for event in self._history:
            if end is not None and event.id > end.id:
                self._say([f"{event.type.value} after the end of the execution"])
            elif event.step_execution_id is not None:
                self._read(event, event.step_execution_id)
            elif event.type in INTENTS:
                self._intended(event)
        if end is not None:
            self._say(self._ended(end))
        return self._said

    def _say(self, found: Iterator[str] | list[str]) -> None:
        self._said += found

    def _intended(self, event: Recorded) -> None:
        """The client, or the clock, ends the execution early from here on."""
        reason = INTENTS[event.type]
        if event.details.get("force"):
            self._forced = True
        if reason.outranks(self._reason_now):
            self._outranked = self._reason_now
            self._reason_now, self._intended_at = reason, event.id

    # ── One event ────────────────────────────────────────────────────────────────────────

    def _read(self, event: Recorded, row_id: int) -> None:
        if row_id not in self._rows:
            row = self._new_row(event)
            if row is None:
                self._say([f"{event.step_id} is no step of the definition"])
                return
            self._rows[row_id] = row
        row = self._rows[row_id]
        if not event.is_of_item:
            if row.waits_again:
                self._began.discard(event.step_id)
            self._say(self._begun(event))
        self._say(row.read(event, self._definition.settings))
        if event.end is not None and not event.is_of_item:
            if row.items:
                aborted = bool(self._failures) or self._reason is not AbortReason.FAILED
                self._say(fan_outs.check_end(row, may_be_aborted=aborted and bool(self._reason)))
            self._say(self._step_ended(event, event.end))

    def _new_row(self, event: Recorded) -> Row | None:
        step_id = event.step_id
        definition = self._definition_of(step_id)
        if definition is None:
            return None
        if event.is_of_item:
            row = Row(definition, f"item {event.details['item_index']} of {step_id}")
            parent = self._fan_outs.get(step_id, Row(definition, step_id))
            self._say(fan_outs.check_new_item(parent, event))
            parent.its_items.append(row)
            return row
        row = Row(definition, step_id)
        self._fan_outs[step_id] = row
        if step_id not in self._steps:
            if event.skip_reason is not SkipReason.ABORTED:  # or it has not begun
                self._say(self._epilogue.check_begin(step_id, self._course))
            self._epilogue.rows[step_id] = row
            self._epilogue.began_at = min(self._epilogue.began_at, event.id)
        return row

    def _definition_of(self, step_id: str) -> StepDefinition | None:
        try:
            if not step_id.startswith(COMPENSATES):
                return self._definition.step(step_id)
            undone = self._definition.step(step_id.removeprefix(COMPENSATES))
        except KeyError:
            return None
        return compensating(undone, undone.compensate) if undone.compensate else None

    # ── Beginning ────────────────────────────────────────────────────────────────────────

    def _begun(self, event: Recorded) -> Iterator[str]:
        """The first sign that a step ran, or that its own condition was looked at."""
        step_id = event.step_id
        skipped = event.end is StepStatus.SKIPPED and event.skip_reason is not SkipReason.CONDITION
        if skipped or step_id in self._began or step_id not in self._steps:
            return
        self._began.add(step_id)
        verdicts = self._verdicts(step_id)
        if Verdict.RUN not in verdicts:
            said = " or ".join(sorted(verdicts)) or "it waits for others"
            yield f"{step_id} began, but by its trigger rule: {said}"
        if self._is_given_up(step_id):
            yield f"{step_id} began after the execution had been given up"

    def _verdicts(self, step_id: str) -> set[Verdict]:
        """What may have been decided about a step by now.

        Who decided need not have seen every end that was recorded before: of a step that is
        given up early, because too few are left, one may have missed those that block it.
        """
        step, now = self._definition.step(step_id), self._course.counters(step_id)
        if not now.total:
            return {Verdict.RUN}
        found = {decide(step.trigger_rule, step.at_least, now)}
        if step.trigger_rule in EAGER and now.remaining + now.blocking:
            unseen = Dependencies(
                now.total, now.remaining + now.blocking, now.succeeded, 0, 0, now.branched
            )
            found.add(decide(step.trigger_rule, step.at_least, unseen))
        return found - {Verdict.WAIT}

    # ── Ending ───────────────────────────────────────────────────────────────────────────

    def _step_ended(self, event: Recorded, status: StepStatus) -> Iterator[str]:
        step_id = event.step_id
        if step_id not in self._steps:
            if event.skip_reason is SkipReason.ABORTED and not self._forced:
                yield f"{step_id} was stopped, but only force stops what runs after the steps"
            self._note_failure(event, status)
            return
        if event.skip_reason is not None:
            yield from self._skipped(event, event.skip_reason)
        elif self._is_given_up(step_id) and not (
            # A fan-out whose time was up before waits for its items, and then says so.
            status is StepStatus.TIMEOUT and self._fan_outs[step_id].items
        ):
            yield f"{step_id} ended as {status} after the execution had been given up"
        if step_id not in self._course.ended:
            self._course.count([End(step_id, status, event.skip_reason)])
        self._note_failure(event, status)

    def _note_failure(self, event: Recorded, status: StepStatus) -> None:
        tolerated = event.step_id.startswith(COMPENSATES) or self._course.is_tolerated(
            event.step_id
        )
        if is_unhandled_failure(status, tolerated=tolerated):
            self._failures.append(event)

    def _skipped(self, event: Recorded, reason: SkipReason) -> Iterator[str]:
        step_id = event.step_id
        if reason is SkipReason.CONDITION:
            if self._definition.step(step_id).condition is None:
                yield f"{step_id} was skipped by a condition that it does not have"
        elif reason is SkipReason.ABORTED:
            if self._gave_up_at is None:
                self._gave_up_at = event.id
            yield from self._aborted(step_id)
        elif step_id in self._began:
            yield f"{step_id} was skipped ({reason}) after it had begun"
        elif Verdict(reason.value) not in self._verdicts(step_id) and not (
            reason is SkipReason.BRANCH and self._is_behind_a_branch(step_id)
        ):
            said = " or ".join(sorted(self._verdicts(step_id))) or "wait"
            yield f"{step_id} was skipped ({reason}), but by its trigger rule: {said}"

    def _aborted(self, step_id: str) -> Iterator[str]:
        if not self._may_have_been_given_up():
            yield f"{step_id} was stopped, but nothing had ended the execution early"
        elif self._survives(step_id):
            yield f"{step_id} was stopped, but its trigger rule survives this"

    def _may_have_been_given_up(self) -> bool:
        fails_fast = self._definition.settings.fail_fast
        if fails_fast and any(event.step_id in self._steps for event in self._failures):
            return True
        if the_end(self._history) is None:
            return True  # an older execution may be about to say that its time was up
        return self._reason is AbortReason.TIMED_OUT or self._reason_now is not None

    def _is_given_up(self, step_id: str) -> bool:
        return self._gave_up_at is not None and not self._survives(step_id)

    def _survives(self, step_id: str) -> bool:
        reason = self._reason_now or AbortReason.FAILED
        rule = self._definition.step(step_id).trigger_rule
        return rule in reason.survivors and not self._forced

    def _is_behind_a_branch(self, step_id: str) -> bool:
        """Whether a completed step could choose to skip this one: its params speak of it."""
        return any(
            _mentions(self._definition.step(done).params, step_id)
            for done, end in self._course.ended.items()
            if end.status is StepStatus.COMPLETED
        )

    # ── The execution ────────────────────────────────────────────────────────────────────

    def _ended(self, end: Recorded) -> Iterator[str]:
        missing = [step.id for step in self._definition.steps if step.id not in self._course.ended]
        if missing:
            yield f"the execution ended before {', '.join(missing)}"
            return
        yield from (
            f"the execution ended before {row.name}"
            for row in self._rows.values()
            if row.end is None
        )
        yield from self._not_stopped()
        yield from self._epilogue.check(self._definition, self._course, self._ways())
        yield from self._wrong_status(end)

    def _not_stopped(self) -> Iterator[str]:
        """With ``fail_fast`` a failure stops all that waited for it, before it is counted."""
        for failure in self._failures if self._definition.settings.fail_fast else ():
            for step_id in self._definition.graph.dependents(failure.step_id):
                ended = self._fan_outs[step_id].end
                rule = self._definition.step(step_id).trigger_rule
                waits = rule not in EAGER and rule not in AbortReason.FAILED.survivors
                if not waits or ended is None or ended.id < failure.id:
                    continue
                if ended.skip_reason is not SkipReason.ABORTED:
                    yield f"{failure.step_id} failed, but did not stop {step_id}"

    def _ways(self) -> list[Way]:
        """What may have run after the steps; an abort may have come while it did."""
        failed = any(event.step_id in self._steps for event in self._failures)
        calm = outcome(None, failed=failed or self._outranked is not None)
        if self._reason not in {AbortReason.CANCELLED, AbortReason.TIMED_OUT}:
            return [(calm,)]
        given_up = outcome(self._reason, failed=True)
        added = (given_up,) if self._reason is AbortReason.CANCELLED else ()
        late: list[Way] = [(calm, *added), (calm,)] if self._forced else [(calm, *added)]
        if self._epilogue.began_at < self._intended_at:
            return late
        early: list[Way] = [(given_up,), ()] if self._forced else [(given_up,)]
        return early if self._gave_up_at is not None and not failed else [*early, *late]

    def _wrong_status(self, end: Recorded) -> Iterator[str]:
        recorded = EXECUTION_ENDS[end.type]
        given_up = self._reason in {AbortReason.CANCELLED, AbortReason.TIMED_OUT}
        expected = outcome(self._reason, failed=given_up or bool(self._failures))
        message = str(end.error.get("message", ""))
        no_outputs = recorded is ExecutionStatus.FAILED and message.startswith("outputs: ")
        if recorded is not expected and not (expected is ExecutionStatus.COMPLETED and no_outputs):
            yield f"the execution ended as {recorded}, but what happened makes it {expected}"
        blamed = end.error.get("step_id")
        if blamed is not None and blamed not in {event.step_id for event in self._failures}:
            yield f"the execution blames {blamed}, which did not fail"


def _mentions(value: Any, step_id: str) -> bool:
    if isinstance(value, Mapping):
        return any(_mentions(found, step_id) for found in value.values())
    if isinstance(value, (list, tuple)):
        return any(_mentions(found, step_id) for found in value)
    return bool(value == step_id)
