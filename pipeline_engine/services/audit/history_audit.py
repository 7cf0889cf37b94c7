"""One execution retold from its history, event by event, with the rules beside it.

The history is trusted for what came from outside: how an action ended, whether a condition was
false, which side a conditional took.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Any

from pipeline_engine.domain.definitions import OnFailure, PipelineDefinition, Rule, StepDefinition
from pipeline_engine.domain.frontier import frontier_of
from pipeline_engine.domain.outcome import COMPENSATES, AbortReason, compensating, outcome
from pipeline_engine.domain.quorums import known_rule
from pipeline_engine.domain.readiness import (
    EAGER,
    Dependencies,
    SkipReason,
    Verdict,
    contribution,
    decide,
    is_unhandled_failure,
)
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.services.audit import fan_outs, places
from pipeline_engine.services.audit.attempts import Row
from pipeline_engine.services.audit.final_steps import FinalSteps, Way
from pipeline_engine.services.audit.findings import Disagreement, Finding
from pipeline_engine.services.audit.recorded import (
    EXECUTION_ENDS,
    INTENTS,
    PLACES,
    Recorded,
    abort_reason,
    the_end,
)

#: Reasons for which a step is skipped that was ready.
ITS_OWN = frozenset({SkipReason.CONDITION, SkipReason.CONCURRENCY})


#: Reasons for which one is skipped that was looked at before.
GOES_AT_ANY_TIME = frozenset({SkipReason.CONCURRENCY, SkipReason.NOT_NEEDED})


class HistoryAudit:
    """One pass over a history; whatever does not fit is noted, and the pass goes on."""

    def __init__(
        self,
        definition: PipelineDefinition,
        history: Sequence[Recorded],
        params: Mapping[str, Any],
    ) -> None:
        self._definition = definition
        self._params = params
        self._history = history
        self._frontier = frontier_of(definition, params)
        self._ended: dict[str, StepStatus] = {}  #: how steps of the definition ended
        self._steps = {step.id for step in definition.steps}
        self._rows: dict[int, Row] = {}
        self._untaken: set[str] = set()  #: what a caught failure does not lead to
        self._led_to: set[str] = set()  #: what one does lead to
        self._fan_outs: dict[str, Row] = {}  #: or any other row that is no item, by step id
        self._final_steps = FinalSteps()
        self._places = places.Places(definition)
        self._began: set[str] = set()
        self._failures: list[Recorded] = []  #: unhandled
        self._ending: list[Recorded] = []  #: steps that ended the execution
        self._gave_up_at: int | None = None  #: the first step that was stopped with the others
        self._reason_now: AbortReason | None = None  #: as far as it has been told
        self._outranked: AbortReason | None = None  #: what counted before
        self._intended_at: float = inf
        self._forced = False  #: nothing may run any more
        self._reason = abort_reason(history, fails_fast=definition.settings.fail_fast)
        self._found: list[Finding] = []

    def findings(self) -> list[Finding]:
        """What does not fit."""
        if places.stands_in_line(self._definition, self._history):
            return list(places.check_waiting(self._history))
        end = the_end(self._history)
        for event in self._history:
            if end is not None and event.id > end.id:
                self._note([_after(event, end)])
            elif event.step_execution_id is not None and event.type in PLACES:
                self._note(self._places.read(event))
            elif event.step_execution_id is not None:
                self._note(self._places.read(event))
                self._read(event, event.step_execution_id)
            elif event.type in INTENTS:
                self._intended(event)
        if end is not None:
            self._note(self._execution_ended(end))
        return self._found

    def _note(self, found: Iterable[Finding]) -> None:
        self._found += found

    def _differs(
        self, code: Disagreement, step_id: str | None = None, *, found: str, expected: str
    ) -> Finding:
        return Finding(code=code, step_id=step_id, found=found, expected=expected)

    def _intended(self, event: Recorded) -> None:
        """The client, or the clock, ends the execution early from here on."""
        if event.details.get("force"):
            self._forced = True
        self._intends(INTENTS[event.type], event)

    def _intends(self, reason: AbortReason, event: Recorded) -> None:
        if reason.outranks(self._reason_now):
            self._outranked = self._reason_now
            self._reason_now, self._intended_at = reason, event.id

    # ── One event ────────────────────────────────────────────────────────────────────────

    def _read(self, event: Recorded, row_id: int) -> None:
        if row_id not in self._rows:
            row = self._new_row(event)
            if row is None:
                self._note([_unknown(event)])
                return
            self._rows[row_id] = row
        row = self._rows[row_id]
        if not event.is_of_item:
            if row.waits_again:
                self._began.discard(event.step_id)
            self._note(self._begun(event))
        self._note(row.read(event, self._definition.settings))
        if event.end is not None and not event.is_of_item:
            if row.items:
                aborted = bool(self._failures) or self._reason is not AbortReason.FAILED
                self._note(fan_outs.check_end(row, may_be_aborted=aborted and bool(self._reason)))
            self._note(self._step_ended(event, event.end))
        self._ends_all(event)

    def _ends_all(self, event: Recorded) -> None:
        """A step ends its whole execution, if it says so and nothing has before."""
        if event.ends is None:
            return
        self._ending.append(event)
        if event.ends is AbortReason.ENDED:
            if self._has_failed_fast or not event.ends.outranks(self._reason_now):
                return
            self._failures.clear()  # whatever has failed before
        elif event.ends is AbortReason.FAILED and event.is_of_item and self._reason_now is None:
            self._failures.append(event)  # that of another item fails its fan-out at most
        self._intends(event.ends, event)

    @property
    def _has_failed_fast(self) -> bool:
        fails_fast = self._definition.settings.fail_fast
        return fails_fast and any(event.step_id in self._steps for event in self._failures)

    def _new_row(self, event: Recorded) -> Row | None:
        step_id = event.step_id
        definition = self._definition_of(step_id)
        if definition is None:
            return None
        if event.is_of_item:
            row = Row(definition, event.item_index)
            parent = self._fan_outs.get(step_id, Row(definition))
            self._note(fan_outs.check_new_item(parent, row))
            parent.its_items.append(row)
            return row
        row = Row(definition)
        self._fan_outs[step_id] = row
        if step_id not in self._steps:
            if event.skip_reason is not SkipReason.ABORTED:  # or it has not begun
                self._note(self._final_steps.check_begin(row, all_ended=not self._still_open()))
            self._final_steps.rows[step_id] = row
            self._final_steps.began_at = min(self._final_steps.began_at, event.id)
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

    def _begun(self, event: Recorded) -> Iterator[Finding]:
        """The first sign that a step ran, or that its own condition was looked at."""
        step_id = event.step_id
        skipped = event.end is StepStatus.SKIPPED and event.skip_reason not in ITS_OWN
        if skipped or step_id in self._began or step_id not in self._steps:
            return
        self._began.add(step_id)
        verdicts = self._verdicts(step_id)
        if Verdict.RUN not in verdicts:
            yield self._differs(
                Disagreement.BEGAN_TOO_EARLY,
                step_id,
                found="it began",
                expected=_by_its_rule(verdicts),
            )
        if self._is_given_up(step_id):
            yield self._differs(
                Disagreement.BEGAN_AFTER_STOP,
                step_id,
                found="it began when steps were being stopped with the execution",
                expected="skipped (aborted)",
            )

    def _verdicts(self, step_id: str) -> set[Verdict]:
        """What may have been decided about a step by now.

        Who decided need not have seen every end that was recorded before: of a step that is
        given up early, because too few are left, one may have missed those that block it.
        """
        rule, now = self._rule(step_id), self._frontier.dependencies(step_id)
        if not now.total:
            return {Verdict.RUN}
        found = {decide(*rule, now)}
        if rule[0] in EAGER and now.remaining + now.blocking:
            unseen = Dependencies(
                now.total, now.remaining + now.blocking, now.succeeded, 0, 0, now.branched
            )
            found.add(decide(*rule, unseen))
        return found - {Verdict.WAIT}

    def _rule(self, step_id: str) -> Rule:
        return known_rule(self._definition, step_id, self._params)

    # ── Ending ───────────────────────────────────────────────────────────────────────────

    def _step_ended(self, event: Recorded, status: StepStatus) -> Iterator[Finding]:
        step_id = event.step_id
        if step_id not in self._steps:
            if event.skip_reason is SkipReason.ABORTED and not self._forced:
                yield self._wrong_stop(step_id, "that it goes on: only force stops final steps")
            self._note_failure(event, status)
            return
        if event.skip_reason is not None:
            yield from self._skipped(event, event.skip_reason)
        elif self._is_given_up(step_id) and not (
            # A fan-out whose time was up before waits for its items, and then says so.
            (status is StepStatus.TIMEOUT or event.caught is not None)
            and self._fan_outs[step_id].items
        ):
            yield self._differs(
                Disagreement.BEGAN_AFTER_STOP,
                step_id,
                found=f"it ended as {status} when steps had been stopped with the execution",
                expected="skipped (aborted)",
            )
        yield from self._caught(event)
        self._untaken |= self._definition.untaken(step_id, event.caught or ())
        self._led_to.update(event.caught or ())
        if step_id not in self._ended:
            self._count(step_id, status, event.skip_reason)
        self._note_failure(event, status)

    def _count(self, step_id: str, status: StepStatus, reason: SkipReason | None) -> None:
        self._ended[step_id] = status
        counted = contribution(status, skip_reason=reason, tolerated=self._is_tolerated(step_id))
        self._frontier.count([(counted, self._definition.graph.dependents(step_id))])

    def _is_tolerated(self, step_id: str) -> bool:
        if step_id.startswith(COMPENSATES):
            return True
        return self._definition.step(step_id).on_failure is OnFailure.CONTINUE

    def _note_failure(self, event: Recorded, status: StepStatus) -> None:
        tolerated = self._is_tolerated(event.step_id) and event.ends is None
        if event.step_id in self._steps and self._reason_now is AbortReason.ENDED:
            # Together with a good end, or it would have been stopped.
            tolerated |= not self._survives(event.step_id)
        if is_unhandled_failure(status, tolerated=tolerated):
            self._failures.append(event)

    def _caught(self, event: Recorded) -> Iterator[Finding]:
        """Whether the first entry of ``catch`` that speaks of the failure was followed."""
        code = event.details.get("error_code")
        entry = self._definition.step(event.step_id).caught_as(code)
        if event.caught is not None and (entry is None or list(entry.next) != event.caught):
            yield self._differs(
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
            if self._gave_up_at is None:
                self._gave_up_at = event.id
            yield from self._aborted(step_id)
        elif step_id in self._began and reason not in GOES_AT_ANY_TIME:
            yield self._wrong_skip(event, "an end of its own, because it had begun")
        elif not self._has_to_be_skipped(step_id, reason):
            yield self._wrong_skip(event, _by_its_rule(self._verdicts(step_id)))

    def _has_to_be_skipped(self, step_id: str, reason: SkipReason) -> bool:
        if reason is SkipReason.CONCURRENCY:
            return self._places.may_be_skipped(step_id)
        if reason is SkipReason.NOT_NEEDED:
            return self._is_not_needed(step_id)
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
            if step_id in self._definition.graph.leads_only_to(winner):
                counted = self._frontier.dependencies(winner)
                if decide(*self._rule(winner), counted) is Verdict.RUN:
                    return True
        return False

    def _wrong_skip(self, event: Recorded, expected: str) -> Finding:
        found = f"skipped ({event.skip_reason})"
        return self._differs(Disagreement.WRONG_SKIP, event.step_id, found=found, expected=expected)

    def _wrong_stop(self, step_id: str, expected: str) -> Finding:
        return self._differs(
            Disagreement.WRONG_STOP, step_id, found="skipped (aborted)", expected=expected
        )

    def _aborted(self, step_id: str) -> Iterator[Finding]:
        if not self._may_have_been_given_up():
            yield self._wrong_stop(step_id, "that it goes on: nothing had ended the execution")
        elif self._survives(step_id):
            yield self._wrong_stop(step_id, "that it goes on, as its trigger rule lets it")

    def _may_have_been_given_up(self) -> bool:
        if self._has_failed_fast:
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
            for done, status in self._ended.items()
            if status is StepStatus.COMPLETED
        )

    # ── The execution ────────────────────────────────────────────────────────────────────

    def _still_open(self) -> list[str]:
        return [step.id for step in self._definition.steps if step.id not in self._ended]

    def _execution_ended(self, end: Recorded) -> Iterator[Finding]:
        missing = self._still_open()
        open_rows = [row for row in self._rows.values() if row.end is None]
        for step_id in missing:
            yield self._ended_before(step_id)
        if missing:
            return
        for row in open_rows:
            yield self._ended_before(row.definition.id, row.item_index)
        yield from self._not_stopped()
        yield from self._final_steps.check(
            self._definition, self._real_ends(), self._item_ends(), self._ways()
        )
        yield from self._wrong_status(end)

    def _real_ends(self) -> dict[str, StepStatus]:
        """How the steps ended, and those whose failures were caught without that."""
        rows = self._fan_outs.items()
        caught = {step_id for step_id, row in rows if row.end and row.end.caught is not None}
        return self._ended | dict.fromkeys(caught & self._ended.keys(), StepStatus.FAILED)

    def _item_ends(self) -> dict[str, set[StepStatus]]:
        return {
            step_id: {item.end.end for item in row.its_items if item.end and item.end.end}
            for step_id, row in self._fan_outs.items()
        }

    def _ended_before(self, step_id: str, item_index: int | None = None) -> Finding:
        return Finding(
            code=Disagreement.ENDED_TOO_EARLY,
            step_id=step_id,
            item_index=item_index,
            found="the execution ended, and no event tells of the end of this",
            expected="that its steps end first",
        )

    def _not_stopped(self) -> Iterator[Finding]:
        """With ``fail_fast`` a failure stops all that waited for it, before it is counted."""
        for failure in self._failures if self._definition.settings.fail_fast else ():
            for step_id in self._definition.graph.dependents(failure.step_id):
                ended = self._fan_outs[step_id].end
                rule = self._definition.step(step_id).trigger_rule
                waits = rule not in EAGER and rule not in AbortReason.FAILED.survivors
                if not waits or ended is None or ended.id < failure.id:
                    continue
                if ended.skip_reason is not SkipReason.ABORTED:
                    yield self._differs(
                        Disagreement.NOT_STOPPED,
                        step_id,
                        found=f"{ended.type.value} after {failure.step_id} failed",
                        expected="skipped (aborted), because the pipeline fails fast",
                    )

    def _ways(self) -> list[Way]:
        """What may have run after the steps; an abort may have come while it did."""
        failed = any(event.step_id in self._steps for event in self._failures)
        gave_up = self._outranked not in {None, AbortReason.ENDED}
        calm = outcome(None, failed=failed or gave_up)
        if self._reason not in {AbortReason.CANCELLED, AbortReason.TIMED_OUT}:
            return [(calm,)]
        given_up = outcome(self._reason, failed=True)
        added = (given_up,) if self._reason is AbortReason.CANCELLED else ()
        late: list[Way] = [(calm, *added), (calm,)] if self._forced else [(calm, *added)]
        if self._final_steps.began_at < self._intended_at:
            return late
        early: list[Way] = [(given_up,), ()] if self._forced else [(given_up,)]
        # What was stopped before that shows nothing: another reason had stopped it.
        has_stopped = self._gave_up_at is not None and self._gave_up_at > self._intended_at
        return early if has_stopped and not failed else [*early, *late]

    def _wrong_status(self, end: Recorded) -> Iterator[Finding]:
        recorded = EXECUTION_ENDS[end.type]
        given_up = self._reason in {AbortReason.CANCELLED, AbortReason.TIMED_OUT}
        expected = outcome(self._reason, failed=given_up or bool(self._failures))
        message = str(end.error.get("message", ""))
        no_outputs = recorded is ExecutionStatus.FAILED and message.startswith("outputs: ")
        if recorded is not expected and not (expected is ExecutionStatus.COMPLETED and no_outputs):
            yield self._differs(
                Disagreement.WRONG_END,
                found=f"it ended as {recorded}",
                expected=f"{expected}, by what happened",
            )
        blamed = end.error.get("step_id")
        may = {event.step_id for event in (*self._failures, *self._ending)}
        if blamed is not None and blamed not in may:
            yield self._differs(
                Disagreement.WRONG_END,
                found=f"it says that it failed because of {blamed}",
                expected=f"a step that failed, which {blamed} did not",
            )


def _after(event: Recorded, end: Recorded) -> Finding:
    return Finding(
        code=Disagreement.AFTER_THE_END,
        step_id=event.step_id if event.step_execution_id is not None else None,
        item_index=event.item_index,
        found=f"{event.type.value} after {end.type.value}",
        expected="nothing after the end of the execution",
    )


def _unknown(event: Recorded) -> Finding:
    return Finding(
        code=Disagreement.UNKNOWN_STEP,
        step_id=event.step_id,
        item_index=event.item_index,
        found=event.type.value,
        expected="no event: the definition has no such step",
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
