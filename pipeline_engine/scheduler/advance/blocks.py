"""Blocks: a step opens into the steps that it holds, and ends when they have.

These are rows of the same execution, which wait for each other as those outside do. Each end is
counted on the row of the block, as the ends of items are on their fan-out; whoever counts the last
one concludes the block in the same transaction.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from pipeline_engine.domain.definitions import JSON, OnFailure
from pipeline_engine.domain.expressions import ExpressionError, Fuel, masker_in
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.scheduler.actions.output_limits import Room, guarded_outputs
from pipeline_engine.scheduler.actions.prepared import given_seconds
from pipeline_engine.scheduler.actions.scope import (
    EndedHere,
    StepResults,
    View,
    load_blocks,
    load_results,
    make_scope,
    step_results,
)
from pipeline_engine.scheduler.advance import admission, outcome, undoing
from pipeline_engine.scheduler.advance.fan_out import STOPPED, TIMEOUT, outcome_of_stopped
from pipeline_engine.scheduler.plan.planned_step import PlannedStep, steps_named
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage import locking, new_steps, rows, transitions
from pipeline_engine.storage.moves import Ending, Growth
from pipeline_engine.storage.new_steps import NewStep
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.steps import StepKind


@dataclass(frozen=True, slots=True)
class Opened:
    """The steps that blocks were opened into, and that nobody else knows of yet."""

    ready: Sequence[StepRow] = ()  #: queued, in the order of their ids
    ahead: Sequence[StepRow] = ()  #: cheap, and waiting for nothing but these and each other


def open_all(tx: Transaction, blocks: Sequence[tuple[StepRow, PlannedStep]]) -> Opened:
    """Begin the attempts of locked blocks. Raises ``UnknownAction``."""
    planned = [(row, step, tx.plan(row.execution_id).block(row.step_id)) for row, step in blocks]
    growths = [
        Growth(row, added=len(block.rows), deadline=_deadline(row, step), noun="steps")
        for row, step, block in planned
    ]
    grown = transitions.expand(tx.connection, growths)
    ids = new_steps.new_step_ids(tx.connection, sum(len(block.rows) for *_, block in planned))
    added: list[tuple[NewStep, StepRow]] = []
    ahead: list[StepRow] = []
    for row, _, block in planned:
        if row.id not in grown:
            continue
        its, ids = ids[: len(block.rows)], ids[len(block.rows) :]
        enclosing = [*(row.enclosing or ()), row.id]
        for rank, new in enumerate(block.rows_in(row.inside, enclosing, its), start=1):
            fresh = new_steps.fresh(row, new)
            added.append((new, fresh))
            if rank in block.ahead and new.dependency_count:
                ahead.append(fresh)
    new_steps.insert_inside(tx.connection, [(row.execution_id, new) for new, row in added])
    held = [row for new, row in added if not (new.queued or new.dependency_count)]
    if held:
        admission.admit(tx, held)
    return Opened([row for new, row in added if new.queued], ahead)


def _deadline(row: StepRow, step: PlannedStep) -> timedelta | None:
    seconds = given_seconds(row, step)
    return None if seconds is None else timedelta(seconds=seconds)


class NoOutputs(NamedTuple):
    """Why the outputs of a block cannot be made, though nothing in it has failed."""

    code: str
    message: str


# ── The end ──────────────────────────────────────────────────────────────────────────────


def conclude(tx: Transaction, blocks: Sequence[StepRow], ended: Sequence[Ending]) -> list[Ending]:
    """What follows when the last step of each of these blocks has ended: its end, or a retry.

    What *ended* just now need not be read again.
    """
    if not blocks:
        return []
    found: list[Ending] = []
    blocks = [row for row in blocks if not (_has_failed(row) and _undo(tx, row))]
    failed = [row for row in blocks if row.items_failed and not row.cancelling]
    causes = rows.failures_inside(tx.connection, [row.inside for row in failed]) if failed else {}
    for row in failed:
        found += _failed(tx, row, causes[row.inside])
    completed: list[StepRow] = []
    for row in blocks:
        if row.cancelling:
            found += _stopped(tx, row)
        elif not row.items_failed and _has_undone(tx, row):
            found += _without_outputs(tx, row, _noted(tx, row))
        elif not row.items_failed:
            completed.append(row)
    return found + (_completed(tx, completed, ended) if completed else [])


def _has_failed(row: StepRow) -> bool:
    """Whether the failure of its attempt is the end of it, and not of the whole execution."""
    return row.error_code in STOPPED if row.cancelling else bool(row.items_failed)


def _has_undone(tx: Transaction, row: StepRow) -> bool:
    """Whether more has ended in its attempt than the steps that it holds."""
    block = tx.plan(row.execution_id).definition.step(row.step_id).block
    return block is not None and (row.items_total or 0) > len(block.steps)


def _undo(tx: Transaction, row: StepRow, *, error: NoOutputs | None = None) -> bool:
    """Let a block that has failed undo what it has done, before anything follows from that.

    Its *error* is noted meanwhile if it is none of a step in it.
    """
    plan = tx.plan(row.execution_id)
    left = undoing.left_in_block(tx.connection, row, plan)
    if not left:
        return False
    growth = Growth(row, added=len(left), noun="compensations", undoes=True, error=error)
    transitions.expand(tx.connection, [growth])
    ids = new_steps.new_step_ids(tx.connection, len(left))
    new = undoing.chained(plan, left, ids, after=row.items_total or 0)
    for one in new:
        one.parent_id = row.id
    new_steps.insert_steps(tx.connection, row.execution_id, new)
    tx.ready.extend(locking.lock_queued(tx.connection, ids[:1]))
    return True


def _failed(tx: Transaction, row: StepRow, failures: Sequence[rows.Failure]) -> list[Ending]:
    """The first failure inside that nothing tolerated is that of the block."""
    definition = tx.plan(row.execution_id).definition
    tolerant = OnFailure.CONTINUE
    cause = next(f for f in failures if definition.step(f.step_id).on_failure is not tolerant)
    message = f"{cause.step_id}: {cause.error_message or 'The step failed'}"
    code = cause.error_code or "step_failed"
    return outcome.failed(tx, row, _planned(tx, row), error_code=code, message=message)


def _stopped(tx: Transaction, row: StepRow) -> list[Ending]:
    if row.error_code != TIMEOUT:
        return [outcome_of_stopped(tx, row)]
    return outcome.timed_out(tx, row, _planned(tx, row), message=outcome.TOO_SLOW)


def _planned(tx: Transaction, row: StepRow) -> PlannedStep:
    return tx.plan(row.execution_id).step(row)


def _completed(tx: Transaction, blocks: Sequence[StepRow], ended: Sequence[Ending]) -> list[Ending]:
    here = EndedHere()
    for ending in ended:
        if ending.step.enclosing and ending.step.kind == StepKind.STEP:
            here.add(ending)
    views = [View.of(tx.plan(row.execution_id), row, inside=True) for row in blocks]
    wanted = [(view, _named(tx, row)) for view, row in zip(views, blocks, strict=True)]
    known = load_results(tx.connection, wanted, here)
    around = load_blocks(tx.connection, views)
    found: list[Ending] = []
    for view, row in zip(views, blocks, strict=True):
        results = step_results(tx.runtime, view, known, tx.connection, blocks=around)
        try:
            outputs = _outputs(tx, row, results)
        except (ExpressionError, JsonRejected, PipelineEngineError) as error:
            message = tx.masker_of(row.execution_id).mask(str(error))
            failure = NoOutputs(error.code, f"outputs: {message}")
            found += [] if _undo(tx, row, error=failure) else _without_outputs(tx, row, failure)
        else:
            found.append(Ending(row, StepStatus.COMPLETED, outputs=outputs))
    return found


def _without_outputs(tx: Transaction, row: StepRow, error: NoOutputs) -> list[Ending]:
    """The end of a block whose outputs cannot be made; no other attempt could make them."""
    planned, code = _planned(tx, row), error.code
    return outcome.failed(tx, row, planned, error_code=code, message=error.message, retryable=False)


def _noted(tx: Transaction, row: StepRow) -> NoOutputs:
    message = rows.error_message(tx.connection, row.id)
    return NoOutputs(row.error_code or "step_failed", message or "The step failed")


def _named(tx: Transaction, row: StepRow) -> frozenset[str]:
    outputs = tx.plan(row.execution_id).outputs_of(row.step_id)
    return steps_named(reference for _, reference in outputs.references)


def _outputs(tx: Transaction, row: StepRow, results: StepResults) -> dict[str, JSON]:
    runtime, plan = tx.runtime, tx.plan(row.execution_id)
    facts = runtime.facts(tx.connection, [row.execution_id])[row.execution_id]
    masker = facts.masker or runtime.masker
    scope = make_scope(facts, results, masker=masker, sealer=runtime.sealer)
    fuel = Fuel(deadline=time.monotonic() + runtime.settings.cheap_step_seconds)
    rendered = plan.outputs_of(row.step_id).render(scope, fuel)
    return guarded_outputs(runtime, rendered, masker_in(scope), Room.ASSEMBLED)
