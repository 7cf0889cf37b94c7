"""What becomes of a step whose turn raises, for whatever reason: a few more turns, then its end.

What actions do wrong is caught where they are called. This is for all that nobody has foreseen:
a plug-in whose metadata breaks, a fault of our own. A turn that raises counts as an attempt that
was lost, so that it ends after as many of them as a step that kills its workers does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.scheduler.advance import outcome
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.leases import worker_name
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction, run_surviving_disconnects
from pipeline_engine.storage import locking, transitions
from pipeline_engine.storage.moves import Claim, Ending
from pipeline_engine.storage.postgres.session import is_unreachable
from pipeline_engine.storage.rows import StepRow

log = structlog.get_logger(__name__)

ENGINE_ERROR = "engine_error"
OUTCOME_UNKNOWN = "outcome_unknown"
UNKNOWN = (
    "The engine failed while the action ran ({}), and the action must not be repeated"
    " without knowing what it did"
)
#: The pause before the turn after one that raised is doubled so often: an interval of the sweep.
MOST_DOUBLINGS = 6

Lock = Callable[[Connection, int], StepRow | None]


def not_taken(runtime: Runtime, step_execution_id: int, error: Exception) -> Transaction:
    """Count a turn that raised before its queued step could be claimed."""
    log.error("a step could not be taken", step=step_execution_id, exc_info=error)

    def change(tx: Transaction) -> None:
        for row in locking.lock_queued(tx.connection, [step_execution_id]):
            advance(tx, lose(tx, row, error))

    return run_surviving_disconnects(runtime, change)


def lose(tx: Transaction, row: StepRow, error: Exception) -> list[Ending]:
    """Begin an attempt of a locked, queued step and lose it; its end, if it was the last one.

    Nothing has run, so that the next attempt may be another worker's, which has what this lacks.
    """
    if _is_last(tx, row):
        return ended(tx, row, error)
    claim = Claim(row, None, None)
    transitions.claim(tx.connection, [claim], worker=worker_name(), lease=timedelta(0))
    _requeue(tx, row, error)
    return []


def not_ended(
    runtime: Runtime, step: StepRow, error: Exception, *, is_idempotent: bool
) -> Transaction:
    """Count a turn that raised after its step was claimed; its action may have run."""
    log.error("a claimed step could not be ended", step=step.id, exc_info=error)

    def change(tx: Transaction) -> None:
        row = locking.lock_attempt(tx.connection, step)
        if row is None:
            return
        if not is_idempotent:
            advance(tx, _failed(tx, row, OUTCOME_UNKNOWN, UNKNOWN.format(_name(error))))
        elif _is_last(tx, row):
            advance(tx, ended(tx, row, error))
        else:
            _requeue(tx, row, error)

    return run_surviving_disconnects(runtime, change)


def ended(tx: Transaction, row: StepRow, error: Exception) -> list[Ending]:
    """The end of a locked step that would only raise again."""
    if isinstance(error, PipelineEngineError):  # raised on purpose: its words are for people
        return _failed(tx, row, error.code, str(error))
    message = f"The engine cannot run this step ({_name(error)}); the worker's log says where"
    return _failed(tx, row, ENGINE_ERROR, message)


def _failed(tx: Transaction, row: StepRow, code: str, message: str) -> list[Ending]:
    return outcome.failed(tx, row, None, error_code=code, message=message, retryable=False)


def _is_last(tx: Transaction, row: StepRow) -> bool:
    return row.lost_count + 1 >= tx.runtime.settings.max_lost_attempts


def _requeue(tx: Transaction, row: StepRow, error: Exception) -> None:
    pause = tx.runtime.settings.sweep_interval_seconds * 2 ** min(row.lost_count, MOST_DOUBLINGS)
    transitions.requeue_lost(tx.connection, row, delay=timedelta(seconds=pause), error=_name(error))


def _name(error: Exception) -> str:
    """What it is, and not what it says: that may quote anything."""
    return type(error).__name__


# ── Steps that nobody claims: joins, timers, deadlines ───────────────────────────────────


def watched(
    runtime: Runtime, step_execution_id: int, lock: Lock, change: Callable[[Transaction], object]
) -> Transaction:
    """Run *change* on a waiting step, and end the step once that has raised too often in a row.

    It raises as *change* does before. Counted is in this process: no row may be written for a
    step that nobody has claimed, and the clock or a message brings it here again.
    """
    try:
        tx = run_surviving_disconnects(runtime, change)
    except Exception as error:
        if is_unreachable(error):
            raise
        if runtime.raises.counted(step_execution_id) < runtime.settings.max_lost_attempts:
            raise
        log.exception("a waiting step could not be moved", step=step_execution_id)
        tx = run_surviving_disconnects(runtime, partial(_give_up, step_execution_id, lock, error))
    runtime.raises.forget(step_execution_id)
    return tx


def _give_up(step_execution_id: int, lock: Lock, error: Exception, tx: Transaction) -> None:
    row = lock(tx.connection, step_execution_id)
    if row is not None:
        advance(tx, ended(tx, row, error))
