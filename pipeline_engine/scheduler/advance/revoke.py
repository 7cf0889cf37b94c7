"""Revoke a step: somebody outside says that nobody waits for what it started any more.

Or a later one needs its place. It is stopped as a cancel would stop it, and then ends as a failure
that is not tried again.
"""

from __future__ import annotations

from pipeline_engine.errors import InvalidAnswer
from pipeline_engine.scheduler.advance import abort, outcome
from pipeline_engine.scheduler.advance.fan_out import REVOKED
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.sdk import EventAction, EventResult, read_answer
from pipeline_engine.storage import transitions
from pipeline_engine.storage.deliveries import DeliveryRow
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.rows import StepRow

NO_REASON = "Revoked by a callback"


def revoke(
    tx: Transaction, row: StepRow, *, because: str | None, code: str = REVOKED
) -> list[Ending]:
    """Stop a locked step that has not ended; returns the ends that are due at once.

    The task that may still run is revoked, its attempt is fenced, and its action cleans up.
    """
    plan = tx.plan(row.execution_id)
    masker = tx.masker_of(row.execution_id)
    message = masker.mask(because or NO_REASON)
    if row.task_id:
        tx.revoked.append(row)
    if row.items_open:
        _begin(tx, row, code, message)
        return abort.stop(tx, abort.lock_below(tx, [row], plan), plan, because=message)
    if abort.has_to_clean_up(row, plan):
        _begin(tx, row, code, message)
        abort.ask_to_clean_up(tx, [row])
        return []
    return outcome.failed(tx, row, None, error_code=code, message=message, retryable=False)


def _begin(tx: Transaction, row: StepRow, code: str, message: str) -> None:
    wake = tx.runtime.settings.republish_after
    transitions.begin_stopping(
        tx.connection, [row.id], wake=wake, error_code=code, error_message=message
    )


def revocation_in(callback: DeliveryRow) -> EventResult | None:
    """The revocation that a callback is; None if it says something else."""
    try:
        answer = read_answer(callback.body)
    except InvalidAnswer:  # kept by a version that did not look
        return None
    return answer if answer and answer.action is EventAction.REVOKE else None
