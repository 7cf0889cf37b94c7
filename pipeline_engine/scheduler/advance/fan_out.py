"""Fan-outs: a step becomes items, a window of them runs, the last one to end wakes the join."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pipeline_engine.dispatch.messages import JOIN, Message
from pipeline_engine.domain.admission import Admission, answer
from pipeline_engine.domain.concurrency import SUPERSEDED
from pipeline_engine.domain.expressions import SecretMisused
from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.domain.readiness import SkipReason, is_unhandled_failure
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.actions.results import Expansion
from pipeline_engine.scheduler.actions.scope import stored_item
from pipeline_engine.scheduler.advance import abort, admission
from pipeline_engine.scheduler.advance.catching import caught
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.sdk import Item
from pipeline_engine.storage import locking, new_steps, queueing, rows, transitions
from pipeline_engine.storage.moves import Ending, Growth
from pipeline_engine.storage.new_steps import NewStep
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.steps import StepKind

FAILURES = frozenset({StepStatus.FAILED, StepStatus.TIMEOUT})
TIMEOUT = "timeout"
REVOKED = "revoked"
#: How a fan-out ends that was stopped for one of these reasons: its status and its words.
STOPPED = {
    TIMEOUT: (StepStatus.TIMEOUT, "Step timed out"),
    REVOKED: (StepStatus.FAILED, "Revoked by a callback"),
    SUPERSEDED: (StepStatus.FAILED, "Cancelled, because a later one needed its place"),
}


NOT_NEEDED = "A step that depends on it has gone on without it"


class TooManyItems(PipelineEngineError):
    """A fan-out has more items than this installation allows."""

    code = "too_many_items"


def add(tx: Transaction, step: Prepared, expansion: Expansion) -> bool:
    """Add items to a fan-out and queue the first window of them; False if it was stopped."""
    row, limit, found = step.row, tx.runtime.settings.max_items, expansion.items
    if len(found) + (row.items_total or 0) > limit:
        raise TooManyItems(f"{row.step_id} has {len(found)} items, at most {limit} are allowed")
    if step.masker.finds([item.key for item in found]):
        raise SecretMisused("The key of an item quotes a secret.")
    first = row.items_total or 0
    deadline = step.planned.definition.timeout_seconds
    growth = Growth(
        row,
        added=len(found),
        tolerated=expansion.tolerated,
        deadline=timedelta(seconds=deadline) if deadline else None,
    )
    if not transitions.expand(tx.connection, [growth]):
        return False
    new = _new_items(tx, step, found, first=first, window=expansion.at_once)
    new_steps.insert_steps(tx.connection, row.execution_id, new)
    started = locking.lock_queued(tx.connection, [n.id for n in new if n.queued])
    if len(started) > 1:
        tx.fan_outs.append(started)
    else:
        tx.ready.extend(started)
    return True


def _new_items(
    tx: Transaction, step: Prepared, found: Sequence[Item], *, first: int, window: int | None
) -> list[NewStep]:
    ids = new_steps.new_step_ids(tx.connection, len(found))
    return [
        _new_item(
            tx,
            step,
            item,
            ids[i],
            first + i,
            answer(window=window, before=i, is_item=True, delay_seconds=item.delay_seconds),
        )
        for i, item in enumerate(found)
    ]


def _new_item(
    tx: Transaction, step: Prepared, item: Item, item_id: int, index: int, admitted: Admission
) -> NewStep:
    row, planned = step.row, step.planned
    if item.action:
        plan = tx.plan(row.execution_id)
        planned = plan.plan(planned.definition, item.action)
    return NewStep(
        id=item_id,
        step_id=row.step_id,
        name=row.name,
        action=planned.action,
        kind=StepKind.ITEM.value,
        sequence_number=index,
        queue=planned.item_queue,
        cheap=planned.item_cheap,
        parent_id=row.id,
        item_index=index,
        item_key=item.key,
        item=_stored(tx, step, item),
        enclosing=row.enclosing,
        within=row.within,
        held=admitted.is_held,
        queued=admitted is Admission.QUEUED,
        due_after=item.delay_seconds or None,
    )


def _stored(tx: Transaction, step: Prepared, item: Item) -> dict[str, Any]:
    sealer, execution_id = tx.runtime.sealer, step.row.execution_id
    stored = stored_item(sealer, execution_id, item.value, item.params, step.masker)
    limit = item.timeout_seconds
    return stored if limit is None else {**stored, "timeout_seconds": limit}


@dataclass(slots=True)
class Counted:
    """What follows when rows have been counted on the fan-outs and blocks that made them."""

    endings: list[Ending] = field(default_factory=list)
    over: list[StepRow] = field(default_factory=list)  #: blocks whose last row has ended


def count(tx: Transaction, ended: Sequence[Ending]) -> Counted:
    """Count ended items on their fan-outs, and steps on the blocks that they are in."""
    found = Counted()
    if not ended:
        return found
    by_parent: dict[int, list[Ending]] = defaultdict(list)
    for ending in ended:
        by_parent[ending.step.parent_id or 0].append(ending)
    counts = {parent: (len(its), sum(map(_has_failed, its))) for parent, its in by_parent.items()}
    wake = tx.runtime.settings.republish_after
    parents = queueing.count_ended_items(tx.connection, counts, wake=wake)
    for parent, holds in parents:
        tx.shares_locks |= parent.items_open != 0
        if by_parent[parent.id][0].step.kind == StepKind.ITEM:
            tx.shares_locks = True
            found.endings += _after_items(tx, parent, *counts[parent.id], holds=holds)
        elif parent.status == StepStatus.RUNNING and parent.items_open == 0:
            found.over.append(parent)
        elif parent.status == StepStatus.RUNNING and counts[parent.id][1] > 0:
            # Only the first failure stops the others; later ones find it done.
            is_first = parent.items_failed == counts[parent.id][1]
            found.endings += _stop_the_rest(tx, parent) if is_first else []
    # Two ends of one wave may stop a block with its last step, which is the end of it, too.
    stopped = {ending.step.id for ending in found.endings}
    found.over = [block for block in found.over if block.id not in stopped]
    return found


def _has_failed(ending: Ending) -> bool:
    if ending.step.kind == StepKind.ITEM:
        return ending.status in FAILURES
    is_step = ending.step.kind == StepKind.STEP
    return is_step and is_unhandled_failure(ending.status, tolerated=ending.tolerated)


def _after_items(
    tx: Transaction, parent: StepRow, ended: int, failed: int, *, holds: bool
) -> list[Ending]:
    if parent.status != StepStatus.RUNNING:
        return []
    if parent.items_open == 0:
        if parent.cancelling:
            return [outcome_of_stopped(tx, parent)]
        tx.messages.append(Message(JOIN, (parent.id,), label=parent.label))
        return []
    tolerated, failures = parent.items_tolerated or 0, parent.items_failed or 0
    if failures > tolerated:
        # Only the ends that cross the line give the others up; later ones find it done.
        return _give_up_the_rest(tx, parent) if failures - failed <= tolerated else []
    if holds:
        admission.admit_items(tx, parent, ended)
    return []


def outcome_of_stopped(tx: Transaction, parent: StepRow) -> Ending:
    """The end of a fan-out that was stopped, now that its last item has ended."""
    if parent.error_code == SkipReason.NOT_NEEDED:
        return abort.stopped([parent], because=NOT_NEEDED, reason=SkipReason.NOT_NEEDED)[0]
    if parent.error_code not in STOPPED:
        because = rows.error_message(tx.connection, parent.id)
        return abort.stopped([parent], because=because or abort.MESSAGES[AbortReason.FAILED])[0]
    status, message = STOPPED[parent.error_code]
    plan = tx.plan(parent.execution_id)
    ending = Ending(
        parent,
        status,
        error_code=parent.error_code,
        error_message=message,
        tolerated=plan.tolerates_failure(parent),
    )
    return caught(tx, ending)


def _give_up_the_rest(tx: Transaction, parent: StepRow) -> list[Ending]:
    """Too many failed: what has not started never will; with ``fail_fast`` all others stop."""
    plan = tx.plan(parent.execution_id)
    steps = abort.lock_below(tx, [parent], plan)
    if not plan.definition.settings.fail_fast:
        items = (step for step in steps if step.parent_id == parent.id)
        steps = [item for item in items if item.status != StepStatus.RUNNING]
    return abort.stop(tx, steps, plan, because="Too many items of the fan-out failed")


def _stop_the_rest(tx: Transaction, block: StepRow) -> list[Ending]:
    """A step of a block failed: with ``fail_fast`` the others stop, but for those that clean up."""
    plan = tx.plan(block.execution_id)
    if not plan.definition.settings.fail_fast:
        return []
    steps = abort.lock_below(tx, [block], plan, AbortReason.FAILED.survivors)
    return abort.stop(tx, steps, plan, because="Another step of the block failed")
