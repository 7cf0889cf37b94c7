"""Work on one waiting step: join a fan-out, wake a timer, clean up.

Each takes the row's lock, so that concurrent wake-ups cannot overwrite each other, and each
does nothing when there is nothing to do: a message may come twice, late, or forged. What the
committed transaction has set free is for the caller to go on with.
"""

from __future__ import annotations

import time
from collections.abc import Collection

from pipeline_engine.domain.expressions import ExpressionError, Fuel
from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler import abort, items, last_net, outcomes, perform
from pipeline_engine.scheduler.advance import advance
from pipeline_engine.scheduler.door import StepDoor
from pipeline_engine.scheduler.item_results import ItemResults
from pipeline_engine.scheduler.perform import Prepared
from pipeline_engine.scheduler.plans import PlannedStep
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.scope import as_it_ends, load_results, step_results
from pipeline_engine.scheduler.work import Work, insisted, transaction
from pipeline_engine.storage import locking, rows, transitions, trees
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.rows import ExecutionFacts, StepRow


def prepare(work: Work, row: StepRow, *, lasting: bool = False) -> Prepared:
    """Render a waiting step's params again, as they were when it began.

    What is to outlast the transaction does not read other results through its connection.
    """
    return prepare_all(work, [row], lasting=lasting)[row.id]


def prepare_all(
    work: Work, rows: Collection[StepRow], *, lasting: bool = False
) -> dict[int, Prepared]:
    """The same for many steps, by their ids."""
    known_facts = work.runtime.facts(work.connection, {row.execution_id for row in rows})
    planned: dict[int, PlannedStep] = {}
    facts: dict[int, ExecutionFacts] = {}
    for row in rows:
        its = known_facts[row.execution_id]
        plan = work.runtime.plans.of(work.connection, its.revision_id)
        planned[row.id] = plan.step(row)
        facts[row.id] = as_it_ends(work.connection, its, plan, planned[row.id], row)
    wanted = [(row.execution_id, planned[row.id].results_needed) for row in rows]
    known = load_results(work.connection, wanted)
    connection = None if lasting else work.connection
    prepared: dict[int, Prepared] = {}
    for row in rows:
        execution_id = row.execution_id
        results = step_results(work.runtime, execution_id, known[execution_id], connection)
        # The transaction waits for this; what an action evaluates after it does not.
        fuel = Fuel(deadline=time.monotonic() + work.runtime.settings.cheap_step_seconds)
        prepared[row.id] = perform.prepare(row, planned[row.id], facts[row.id], results, fuel)
        if lasting:
            fuel.deadline = None
    return prepared


# ── Fan-outs ─────────────────────────────────────────────────────────────────────────────


def join(runtime: Runtime, parent_id: int) -> Work:
    """Join a fan-out if every item has ended."""

    def change(work: Work) -> None:
        failpoint(Failpoint.BEFORE_JOIN)
        row = locking.lock_joinable(work.connection, parent_id)
        if row is not None:
            advance(work, _joined(work, row))

    return last_net.watched(runtime, parent_id, locking.lock_joinable, change)


def _joined(work: Work, row: StepRow) -> list[Ending]:
    if row.cancelling:
        return [items.outcome_of_stopped(work, row)]
    try:
        step = prepare(work, row)
    except (PipelineEngineError, ExpressionError) as error:
        return outcomes.failed(
            work, row, None, error_code=error.code, message=str(error), retryable=False
        )
    door = StepDoor(work.runtime, step, work)
    context = perform.make_context(work.runtime, step, door=door)
    results = ItemResults(work.connection, step)
    return outcomes.joined(work, step, context, perform.join(step, context, results))


# ── Timers ───────────────────────────────────────────────────────────────────────────────


def wake(work: Work, row: StepRow) -> None:
    """End a parked step whose ``wake_at`` is reached; its row is locked already."""
    try:
        step = prepare(work, row)
    except ExpressionError as error:
        # They could be rendered when it began: now they took longer than they may.
        code, message = error.code, str(error)
        advance(
            work,
            outcomes.failed(work, row, None, error_code=code, message=message, retryable=False),
        )
        return
    stored = rows.stored_outputs(work.connection, row.id)
    door = StepDoor(work.runtime, step, work)
    context = perform.make_context(work.runtime, step, door=door, stored_outputs=stored)
    advance(work, outcomes.settle(work, step, perform.wake(step, context)))


# ── Stopped steps ────────────────────────────────────────────────────────────────────────


def clean_up(runtime: Runtime, step_execution_id: int) -> Work:
    """Let the action of a stopped step stop what it started, then end the step."""
    lease, within = runtime.settings.lease, runtime.settings.clean_up_timeout
    with transaction(runtime) as work:
        claim = transitions.claim_clean_up
        row = claim(work.connection, step_execution_id, lease=lease, within=within)
        if row is None:
            return work
        stored = rows.stored_outputs(work.connection, row.id)
        external_ids = _started(work, row)
        try:
            step = prepare(work, row, lasting=True)
        except (PipelineEngineError, ExpressionError):
            step = None
    if step is None:
        return _end_cleaned(runtime, row, None, None)
    if row.lost_count > runtime.settings.max_lost_attempts:
        died = f"{row.lost_count - 1} workers died before its end"
        return _end_cleaned(runtime, row, step.planned, died)
    context = perform.make_context(
        runtime, step, door=StepDoor(runtime, step), stored_outputs=stored
    )
    context.external_workflow_ids = external_ids
    with runtime.leases.held(row):
        note = perform.clean_up(step, context)
    return _end_cleaned(runtime, row, step.planned, step.masker.mask(note))


def _started(work: Work, row: StepRow) -> tuple[str, ...]:
    """What a step was parked on, and executions that it has started and never parked on."""
    known = rows.external_ids(work.connection, row.id)
    children = trees.open_children(work.connection, row.id)
    return tuple(dict.fromkeys([*known, *(f"execution:{child}" for child in children)]))


def _revoked(work: Work, row: StepRow, note: str | None) -> list[Ending]:
    message = rows.error_message(work.connection, row.id) or items.STOPPED[items.REVOKED][1]
    if note:
        message = f"{message}. Clean-up failed: {note}"
    code = items.REVOKED
    return outcomes.failed(work, row, None, error_code=code, message=message, retryable=False)


def _end_cleaned(
    runtime: Runtime, row: StepRow, planned: PlannedStep | None, note: str | None
) -> Work:
    def change(work: Work) -> None:
        now = locking.lock_cleaned(work.connection, row)
        if now is not None:
            advance(work, _cleaned(work, now, planned, note))

    return insisted(runtime, change)


def end_late_clean_up(work: Work, row: StepRow) -> None:
    """End a stopped step whose clean-up takes too long; its row is locked already."""
    try:
        planned = work.plan(row.execution_id).step(row)
    except PipelineEngineError:  # the plug-in that the step needs is not installed any more
        planned = None
    note = f"it was not over after {work.runtime.settings.clean_up_timeout_seconds:g} s"
    advance(work, _cleaned(work, row, planned, note))


def _cleaned(
    work: Work, row: StepRow, planned: PlannedStep | None, note: str | None
) -> list[Ending]:
    if row.error_code == items.TIMEOUT:  # and nothing has stopped it for good since
        words = outcomes.TOO_SLOW if row.task_id else outcomes.NO_EVENT
        message = words + (f". Clean-up failed: {note}" if note else "")
        return outcomes.timed_out(work, row, planned, message=message)
    if row.error_code == items.REVOKED:
        return _revoked(work, row, note)
    because = f"Clean-up failed: {note}" if note else abort.MESSAGES[AbortReason.FAILED]
    return abort.aborted([row], because=because)
