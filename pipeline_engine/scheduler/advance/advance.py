"""What the end of a step sets free; always in the transaction that ends it.

The cost is the out-degree of what ended. Nothing here looks at a whole execution, except an
abort, which has to stop all of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from pipeline_engine.dispatch.messages import CANCEL_REST, Message
from pipeline_engine.domain.definitions import Rule, TriggerRule
from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.domain.readiness import (
    Contribution,
    SkipReason,
    Verdict,
    contribution,
    is_unhandled_failure,
    reaction,
)
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.scheduler.advance import (
    abort,
    admission,
    blocks,
    fan_out,
    finalize,
    places,
)
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage import locking, queueing, races, transitions
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.rows import Home, StepRow, step_results
from pipeline_engine.storage.tables.base import Json
from pipeline_engine.storage.tables.steps import StepKind


def advance(tx: Transaction, endings: Sequence[Ending], *, durable: bool = True) -> None:
    """End steps, and go on until nothing more follows from it.

    Without *durable* the commit need not wait for the disk, unless something follows that must.
    """
    durable = durable or tx.waits_for_disk
    while endings:
        ended = transitions.end(tx.connection, endings, durable=durable)
        durable = True  # said once; the end of an execution may have said otherwise since
        ended += transitions.end(tx.connection, _untaken(tx, ended))
        # An abort comes first, so that nothing is set free which it is about to stop.
        ended += _give_up(tx, ended)
        places.freed_by_steps(tx, ended)
        counted = fan_out.count(tx, [e for e in ended if e.step.parent_id is not None])
        endings = [
            *counted.endings,
            *blocks.conclude(tx, counted.over, ended),
            *_set_free(tx, [e for e in ended if e.step.kind != StepKind.ITEM]),
        ]


def _set_free(tx: Transaction, ended: Sequence[Ending]) -> list[Ending]:
    """Count these ends on their successors; returns the steps that are skipped by that."""
    changes: dict[int, Contribution] = {}
    counted_already = {ending.step.id for ending in ended if ending.counted}
    for ending in ended:
        counted = contribution(
            ending.status, skip_reason=ending.skip_reason, tolerated=ending.tolerated
        )
        for successor in ending.step.successors:
            if successor not in counted_already:
                before = changes.get(successor)
                changes[successor] = before + counted if before else counted
    follow_ups: list[Ending] = []
    sinks: list[StepRow] = []
    ready: list[StepRow] = []
    asked = admission.Asked.about(tx, [ending.step for ending in ended])
    if changes:
        windowed, unlimited = asked.windowed, asked.unlimited
        for row in queueing.count_ends(
            tx.connection, changes, windowed=windowed, unlimited=unlimited
        ):
            tx.shares_locks |= row.remaining > 0
            _react(tx, row, changes[row.id], follow_ups, sinks, ready)
    _cancel_rest(tx, ready)
    freed = {ending.step.execution_id for ending in ended if ending.step.in_window}
    admission.admit(tx, ready, freed=freed, asked=asked)
    return [*follow_ups, *finalize.conclude(tx, sinks)]


def _cancel_rest(tx: Transaction, ready: Sequence[StepRow]) -> None:
    """Have what these steps go on without stopped, where their definition says so."""
    winners = [
        row.id
        for row in ready
        if tx.plan(row.execution_id).cancels_rest(row.step_id, still_open=row.remaining)
    ]
    if winners:
        races.mark(tx.connection, winners)
        tx.messages.extend(Message(CANCEL_REST, (winner,)) for winner in winners)


def _react(
    tx: Transaction,
    row: StepRow,
    counted: Contribution,
    follow_ups: list[Ending],
    sinks: list[StepRow],
    ready: list[StepRow],
) -> None:
    verdict = _verdict(tx, row, counted)
    if verdict is Verdict.WAIT:
        return
    if row.kind == StepKind.SINK:
        sinks.append(row)
    elif verdict is not Verdict.RUN:
        follow_ups.append(skipped(row, SkipReason(verdict.value)))
    elif row.kind == StepKind.STEP and (vain := _waits_in_vain(tx, row)):
        follow_ups.append(skipped(row, SkipReason.BRANCH, because=vain))
    else:
        ready.append(row)


def _waits_in_vain(tx: Transaction, row: StepRow) -> str | None:
    """Why a step that only failures lead to does not run, now that all before it has ended."""
    definition = tx.plan(row.execution_id).definition
    catchers = definition.catchers.get(row.step_id, ())
    if not catchers:
        return None
    ends = step_results(tx.connection, [(row.home, one) for one in catchers])
    for (_, step_id), end in ends.items():
        was_caught = end.status == StepStatus.COMPLETED and end.error_code is not None
        if was_caught and definition.leads_to(step_id, end.error_code, row.step_id):
            return None
    return NOT_CAUGHT.format(" or ".join(f"'{one}'" for one in catchers))


def _verdict(tx: Transaction, row: StepRow, ends: Contribution) -> Verdict:
    if row.status != StepStatus.PENDING:
        return Verdict.WAIT
    rule, at_least = _rule(tx, row)
    return reaction(rule, at_least, row.dependencies, ends)


def _rule(tx: Transaction, row: StepRow) -> Rule:
    if row.kind != StepKind.STEP:
        return TriggerRule.ALL_DONE, None
    return tx.rule(row)


def _untaken(tx: Transaction, ended: Iterable[Ending]) -> list[Ending]:
    """The ends of the steps on the sides that conditionals, or failures, did not take."""
    targets: dict[Home, dict[str, str]] = defaultdict(dict)
    for ending in ended:
        step = ending.step
        # An item decides for itself alone: another one may go the other way.
        if step.kind != StepKind.STEP or not (ending.goes_to or ending.skip_targets):
            continue
        untaken = tx.plan(step.execution_id).definition.untaken(step.step_id, ending.goes_to)
        targets[step.home] |= dict.fromkeys(untaken, CAUGHT.format(step.step_id))
        usual = SKIPPED_BECAUSE[SkipReason.BRANCH]
        targets[step.home] |= dict.fromkeys(ending.skip_targets, usual)
    return [
        skipped(row, SkipReason.BRANCH, because=words[row.step_id])
        for home, words in sorted(targets.items(), key=_in_order)
        for row in locking.lock_waiting(tx.connection, home, sorted(words))
    ]


def _in_order(targets: tuple[Home, object]) -> tuple[UUID, int]:
    home, _ = targets
    return home.execution_id, home.block or 0


def skipped(row: StepRow, reason: SkipReason, *, because: str | None = None) -> Ending:
    """The end of a step that will never begin."""
    return Ending(
        row,
        StepStatus.SKIPPED,
        error_message=because or SKIPPED_BECAUSE[reason],
        skip_reason=reason,
        ran=False,
    )


CAUGHT = "The failure of '{}' was caught, and leads elsewhere"
NOT_CAUGHT = "Only a failure of {} leads here, and there was none of that kind"
SKIPPED_BECAUSE = {
    SkipReason.CONDITION: "Condition was false",
    SkipReason.BRANCH: "Branch condition not matched",
    SkipReason.RULE: "Trigger rule cannot be met any more",
    SkipReason.UPSTREAM_FAILED: "A step that it depends on failed",
    SkipReason.CONCURRENCY: "There was no place for it",
    SkipReason.NOT_NEEDED: "A step that depends on it has gone on without it",
    SkipReason.ABORTED: "Workflow aborted",
}


def _give_up(tx: Transaction, ended: Sequence[Ending]) -> list[Ending]:
    """End executions early for these ends, in their order; returns the ends of what is stopped.

    A step may end its whole execution, and with ``fail_fast`` the first unhandled failure does.
    """
    stopped: list[Ending] = []
    over: set[UUID] = set()  #: ended well by one of these
    _note_not_undone(tx, [e for e in ended if e.step.kind == StepKind.COMPENSATION])
    for ending in ended:
        step, end = ending.step, ending.ends
        if end is not None:
            stop = partial(abort.give_up, reason=end.reason, error=end.error, outputs=end.outputs)
            found = stop(tx, step.execution_id, because=abort.ENDED.format(step.step_id))
            if found is not None and end.reason is AbortReason.ENDED:
                over.add(step.execution_id)
            stopped += transitions.end(tx.connection, found or ())
        if not _is_unhandled_failure(ending):
            continue
        # One that has only just not been stopped by a good end changes nothing about that.
        if step.execution_id not in over or _survives_a_good_end(tx, step):
            stopped += transitions.end(tx.connection, _failed(tx, ending))
    return stopped


def _survives_a_good_end(tx: Transaction, step: StepRow) -> bool:
    return step.kind != StepKind.STEP or tx.rule(step)[0] in AbortReason.ENDED.survivors


def _failed(tx: Transaction, ending: Ending) -> Sequence[Ending]:
    """Note an unhandled failure, and end the execution by it if that is to be."""
    step = ending.step
    error = {
        "code": ending.error_code or "step_failed",
        "message": ending.error_message or "The step failed",
        "step_id": step.step_id,
    }
    transitions.note_failure(tx.connection, step.execution_id, error)
    plan = tx.plan(step.execution_id)
    if not plan.definition.settings.fail_fast or step.kind != StepKind.STEP:
        return ()
    return abort.give_up(tx, step.execution_id, reason=AbortReason.FAILED, error=error) or ()


def _note_not_undone(tx: Transaction, ended: Sequence[Ending]) -> None:
    """Note compensations that failed, or were stopped: they change no status, but must be seen."""
    left: dict[UUID, list[dict[str, Json]]] = defaultdict(list)
    for ending in ended:
        if ending.status is not StepStatus.COMPLETED:
            step, code = ending.step, ending.error_code or "step_failed"
            entry = {"step_id": step.step_id, "code": code, "message": ending.error_message}
            left[step.execution_id].append(entry)
    for execution_id, entries in left.items():
        transitions.note_not_undone(tx.connection, execution_id, entries)


def _is_unhandled_failure(ending: Ending) -> bool:
    if ending.step.kind not in {StepKind.STEP, StepKind.HANDLER}:
        return False
    if ending.step.parent_id is not None:  # it is for its block to fail
        return False
    return is_unhandled_failure(ending.status, tolerated=ending.tolerated)
