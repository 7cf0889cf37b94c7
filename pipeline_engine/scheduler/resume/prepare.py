"""A waiting step, rendered as it was when it began."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace

from pipeline_engine.domain.expressions import Fuel
from pipeline_engine.scheduler.actions import prepared
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.actions.scope import (
    View,
    as_it_ends,
    load_blocks,
    load_results,
    step_results,
)
from pipeline_engine.scheduler.plan.planned_step import PlannedStep
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage.rows import ExecutionFacts, StepRow


def prepare(
    tx: Transaction, row: StepRow, *, lasting: bool = False, lenient: bool = False
) -> Prepared:
    """Render a waiting step's params again, as they were when it began.

    What is to outlast the transaction does not read other results through its connection. For
    what only ends a step (an event, its clean-up) be *lenient*: a secret that was deleted since
    reads as the mask.
    """
    return prepare_all(tx, [row], lasting=lasting, lenient=lenient)[row.id]


def prepare_all(
    tx: Transaction, rows: Collection[StepRow], *, lasting: bool = False, lenient: bool = False
) -> dict[int, Prepared]:
    """The same for many steps, by their ids."""
    unlocked = tx.unlocked({row.execution_id for row in rows})
    planned: dict[int, PlannedStep] = {}
    facts: dict[int, ExecutionFacts] = {}
    for row in rows:
        its, plan = unlocked[row.execution_id]
        if lenient and plan.named:
            its = replace(its, known_secrets=replace(its.known_secrets, is_lenient=True))
        planned[row.id] = plan.step(row)
        facts[row.id] = as_it_ends(tx.connection, its, plan, planned[row.id], row)
    views = {row.id: View.of(unlocked[row.execution_id][1], row) for row in rows}
    wanted = [(views[row.id], planned[row.id].results_needed) for row in rows]
    known = load_results(tx.connection, wanted)
    around = load_blocks(tx.connection, views.values())
    connection = None if lasting else tx.connection
    found: dict[int, Prepared] = {}
    for row in rows:
        results = step_results(tx.runtime, views[row.id], known, connection, blocks=around)
        # The transaction waits for this; what an action evaluates after it does not.
        fuel = Fuel(deadline=time.monotonic() + tx.runtime.settings.cheap_step_seconds)
        found[row.id] = prepared.prepare(row, planned[row.id], facts[row.id], results, fuel)
        if lasting:
            fuel.deadline = None
    return found
