"""Workflows as they are now: what has ended meanwhile counts, and is written when it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.guardrails import RunStatus
from pipeline_engine.guardrails import runs
from pipeline_engine.guardrails.records import Known, open_run, state_of, write
from pipeline_engine.guardrails.rules.endings import End, ended
from pipeline_engine.guardrails.rules.steps import State, Step
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage import guardrails
from pipeline_engine.storage.tables.guardrails import GuardrailRun, GuardrailWorkflow

log = structlog.get_logger(__name__)

UNUSABLE = {"code": "unusable_results", "message": "The pipeline has left what nobody can use"}


def known(session: Session, rows: Sequence[GuardrailWorkflow]) -> list[Known]:
    """These workflows with what has ended; nothing is written."""
    its_runs = guardrails.runs_of(session, [row.id for row in rows])
    return [_known(session, row, its_runs[row.id]) for row in rows]


def _known(session: Session, row: GuardrailWorkflow, its_runs: Sequence[GuardrailRun]) -> Known:
    state, run = state_of(row), open_run(its_runs)
    end = None if run is None else runs.end_of(session, run)
    if run is None or end is None:
        return Known(row, its_runs, state)
    new, end = _after(state, run, end)
    return Known(row, its_runs, new, end)


def _after(state: State, run: GuardrailRun, end: End) -> tuple[State, End]:
    step = Step(run.step_number)
    try:
        return ended(state, step, end), end
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        # What peers have answered is in it. A workflow that nobody can move any more would be
        # worse than one that fails.
        log.warning("unusable_results", execution_id=str(run.execution_id), exc_info=True)
        failed = replace(end, status=RunStatus.FAILED, outputs={}, error=UNUSABLE, onboarded=())
        return ended(state, step, failed), failed


def settle(runtime: Runtime, workflow_id: UUID, *, wait: bool = True) -> bool:
    """Write what has ended of a workflow; false if there is nothing, or somebody else does it.

    Without *wait* nobody waits for whoever has it locked.
    """
    with runtime.sessions.begin() as session:
        row = locked(session, GuardrailWorkflow.id == workflow_id, wait=wait)
        return row is not None and settle_locked(session, row)


def settle_locked(session: Session, row: GuardrailWorkflow) -> bool:
    """The same for a row that this transaction has locked."""
    found = known(session, [row])[0]
    run = open_run(found.runs)
    if found.end is None or run is None:
        return False
    run.status, run.ended_at = found.end.status.value, found.end.at
    run.results = found.end.results
    run.error = None if found.end.error is None else dict(found.end.error)
    write(row, found.state)
    session.flush()
    session.refresh(row)
    return True


def locked(
    session: Session, *conditions: ColumnElement[bool], wait: bool = True
) -> GuardrailWorkflow | None:
    """The workflow that fulfils *conditions*, which nobody else changes until the commit."""
    return session.scalar(
        select(GuardrailWorkflow)
        .where(*conditions)
        .with_for_update(skip_locked=not wait)
        .execution_options(populate_existing=True)
    )
