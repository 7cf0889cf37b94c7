"""One execution retold from its history, event by event, with the rules beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipeline_engine.domain.definitions import OnFailure, PipelineDefinition, StepDefinition
from pipeline_engine.domain.outcome import (
    COMPENSATES,
    AbortReason,
    compensating,
    outcome,
    own_id,
)
from pipeline_engine.domain.paths import IN_BLOCK
from pipeline_engine.domain.readiness import SkipReason, is_unhandled_failure
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.services.audit import blocks, fan_outs, places
from pipeline_engine.services.audit.attempts import Row
from pipeline_engine.services.audit.course import Course
from pipeline_engine.services.audit.final_steps import FinalSteps
from pipeline_engine.services.audit.findings import Disagreement, Finding
from pipeline_engine.services.audit.recorded import (
    EXECUTION_ENDS,
    INTENTS,
    PLACES,
    Recorded,
    the_end,
)
from pipeline_engine.services.audit.scopes import Scope
from pipeline_engine.storage.tables.events import EventType


class HistoryAudit:
    """One pass over a history; whatever does not fit is noted, and the pass goes on."""

    def __init__(self, definition: PipelineDefinition, history: Sequence[Recorded]) -> None:
        self._definition = definition
        self._history = history
        self._course = Course(definition, history)
        self._steps = Scope(definition, self._course)
        #: by where their steps are; of the execution itself None
        self._scopes: dict[str | None, Scope] = {None: self._steps}
        self._rows: dict[int, Row] = {}
        self._final_steps: dict[str, FinalSteps] = {}  #: that a final step is one of
        self._undone: set[str] = set()  #: by blocks
        self._places = places.Places(definition)
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
                self._course.intended(event)
        if end is not None:
            self._note(self._execution_ended(end))
        return self._found

    def _note(self, found: Iterable[Finding]) -> None:
        self._found += found

    # ── One event ────────────────────────────────────────────────────────────────────────

    def _read(self, event: Recorded, row_id: int) -> None:
        row = self._rows.get(row_id) or self._new_row(event)
        if row is None:
            self._note([_unknown(event)])
            return
        self._rows[row_id] = row
        scope = self._scope_of(event)
        if scope is not None:
            if row.waits_again:
                scope.waits_again(event.step_id)
            self._note(scope.begun(event))
        opened = self._scopes.get(row.inside) if row.opens else None
        self._note(row.read(event, self._definition.settings))
        if row.opens:
            self._read_block(row, event, opened)
        around = self._scopes.get(event.within)
        if event.type is EventType.STEP_RETRYING and around and event.step_id in around:
            self._note(around.tried_again(event))
        if event.end is not None and not event.is_of_item:
            self._ended(row, event, event.end, scope)
        if event.ends is not None:
            self._course.ended_by(event, event.ends)

    def _scope_of(self, event: Recorded) -> Scope | None:
        """The steps that the event is about one of; None for items and what runs after all."""
        scope = None if event.is_of_item else self._scopes.get(event.within)
        return scope if scope is not None and event.step_id in scope else None

    def _read_block(self, row: Row, event: Recorded, opened: Scope | None) -> None:
        """Go into a block that is opened, and out of one whose attempt ends."""
        if event.type is EventType.STEP_EXPANDED and opened is None:
            outer = self._scopes.get(row.within)
            scope = Scope(self._definition, self._course, block=row, outer=outer)
            self._scopes[row.inside] = scope
            self._note(blocks.check_open(scope, row))
        elif opened is not None and (event.end or event.type is EventType.STEP_RETRYING):
            self._block_ended(row, event, opened)

    def _block_ended(self, row: Row, event: Recorded, opened: Scope) -> None:
        fails_fast = self._definition.settings.fail_fast
        self._note(blocks.check_end(opened, row, event, fails_fast=fails_fast))
        if blocks.has_to_undo(opened, event):
            to_undo = set(opened.to_undo()) - self._undone
            self._note(opened.final.check_undone(self._definition, row, to_undo))
        elif event.skip_reason is None:  # or it was stopped while it did
            self._note(opened.final.check_undone(self._definition, row, ()))
        self._undone.update(opened.final.rows)
        opened.is_over = True

    def _ended(self, row: Row, event: Recorded, status: StepStatus, scope: Scope | None) -> None:
        if row.items:
            self._note(fan_outs.check_end(row, may_be_aborted=self._course.may_stop_items))
        if scope is not None:
            self._note(scope.step_ended(event, status))
        elif self._course.is_final(event.step_id):
            self._note(self._final_step_ended(event, status))

    def _final_step_ended(self, event: Recorded, status: StepStatus) -> Iterator[Finding]:
        of_all = self._final_steps[event.step_id] is self._steps.final
        if event.skip_reason is SkipReason.ABORTED and of_all and not self._course.is_forced:
            yield Finding(
                code=Disagreement.WRONG_STOP,
                step_id=event.step_id,
                found="skipped (aborted)",
                expected="that it goes on: only force stops final steps",
            )
        undoes = event.step_id.startswith(COMPENSATES)
        tolerated = (
            undoes or self._definition.step(event.step_id).on_failure is OnFailure.CONTINUE
        ) and event.ends is None
        if is_unhandled_failure(status, tolerated=tolerated):
            self._course.failures.append(event)

    # ── A row that is new ────────────────────────────────────────────────────────────────

    def _new_row(self, event: Recorded) -> Row | None:
        definition = self._definition_of(event.step_id)
        if definition is None:
            return None
        row = Row(definition, event.item_index, event.within)
        if event.is_of_item:
            parent = self._fan_out_of(event) or Row(definition, within=event.within)
            self._note(fan_outs.check_new_item(parent, row))
            parent.its_items.append(row)
        elif self._course.is_final(event.step_id):
            self._note_final_step(event, row)
        else:
            return self._new_step(event, row)
        return row

    def _new_step(self, event: Recorded, row: Row) -> Row | None:
        scope = self._scopes.get(event.within)
        if event.within is not None:
            self._note(blocks.check_new_step(scope, row))
        if scope is not None:
            if event.step_id not in scope:
                return None
            scope.rows[event.step_id] = row
        return row

    def _note_final_step(self, event: Recorded, row: Row) -> None:
        scope = self._scopes.get(event.within)
        while scope is not None and not scope.undoes:
            scope = scope.outer
        scope = scope or self._steps
        final = self._final_steps[event.step_id] = scope.final
        if event.skip_reason is not SkipReason.ABORTED:  # or it has not begun
            self._note(final.check_begin(row, all_ended=not scope.still_open))
        final.rows[event.step_id] = row
        final.began_at = min(final.began_at, event.id)

    def _fan_out_of(self, event: Recorded) -> Row | None:
        final = self._final_steps.get(event.step_id)
        if final is not None:
            return final.rows[event.step_id]
        scope = self._scopes.get(event.within)
        return scope.rows.get(event.step_id) if scope else None

    def _definition_of(self, step_id: str) -> StepDefinition | None:
        try:
            known = self._definition.step(own_id(step_id))
        except KeyError:
            return None
        if not step_id.startswith(COMPENSATES):
            return known
        undo, within = known.compensate, step_id.partition(IN_BLOCK)[2] or None
        return compensating(known, undo, within=within) if undo else None

    # ── The execution ────────────────────────────────────────────────────────────────────

    def _execution_ended(self, end: Recorded) -> Iterator[Finding]:
        missing = self._steps.still_open
        open_rows = [row for row in self._rows.values() if row.end is None]
        for step_id in missing:
            yield _ended_before(Row(self._definition.step(step_id)))
        if missing:
            return
        for row in open_rows:
            yield _ended_before(row)
        yield from self._steps.not_stopped(self._course.failures)
        final = self._steps.final
        ways = self._course.ways(began_at=final.began_at, gave_up_at=self._steps.gave_up_at)
        to_undo = set(self._steps.to_undo()) - self._undone
        yield from final.check(self._definition, to_undo, ways)
        yield from self._wrong_status(end)

    def _wrong_status(self, end: Recorded) -> Iterator[Finding]:
        course, recorded = self._course, EXECUTION_ENDS[end.type]
        given_up = course.reason in {AbortReason.CANCELLED, AbortReason.TIMED_OUT}
        expected = outcome(course.reason, failed=given_up or bool(course.failures))
        message = str(end.error.get("message", ""))
        no_outputs = recorded is ExecutionStatus.FAILED and message.startswith("outputs: ")
        if recorded is not expected and not (expected is ExecutionStatus.COMPLETED and no_outputs):
            yield Finding(
                code=Disagreement.WRONG_END,
                found=f"it ended as {recorded}",
                expected=f"{expected}, by what happened",
            )
        blamed = end.error.get("step_id")
        may = {event.step_id for event in (*course.failures, *course.endings)}
        if blamed is not None and blamed not in may:
            yield Finding(
                code=Disagreement.WRONG_END,
                found=f"it says that it failed because of {blamed}",
                expected=f"a step that failed, which {blamed} did not",
            )


def _ended_before(row: Row) -> Finding:
    return row.differs(
        Disagreement.ENDED_TOO_EARLY,
        found="the execution ended, and no event tells of the end of this",
        expected="that its steps end first",
    )


def _after(event: Recorded, end: Recorded) -> Finding:
    is_of_step = event.step_execution_id is not None
    return Finding(
        code=Disagreement.AFTER_THE_END,
        step_id=event.step_id if is_of_step else None,
        item_index=event.item_index,
        within=event.within,
        found=f"{event.type.value} after {end.type.value}",
        expected="nothing after the end of the execution",
    )


def _unknown(event: Recorded) -> Finding:
    return Finding(
        code=Disagreement.UNKNOWN_STEP,
        step_id=event.step_id,
        item_index=event.item_index,
        within=event.within,
        found=event.type.value,
        expected="no event: the definition has no such step",
    )
