"""Look at a callback while its sender listens: a refusal after a 2xx reaches nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline_engine.errors import FOREIGN_ERRORS, AnswerNotAllowed, InvalidAnswer
from pipeline_engine.scheduler.actions.callback_tokens import CallbackToken
from pipeline_engine.scheduler.attempt_api import context_of_event
from pipeline_engine.scheduler.resume.prepare import prepare
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import transaction
from pipeline_engine.storage import rows
from pipeline_engine.storage.deliveries import DeliveryRow
from pipeline_engine.storage.postgres.session import is_unreachable

log = structlog.get_logger(__name__)


def check_callback(runtime: Runtime, target: CallbackToken, body: dict[str, Any]) -> None:
    """Let the action of a parked step refuse a callback, without any lock.

    Raises ``InvalidAnswer`` and ``AnswerNotAllowed``. What cannot be known now is no reason to
    refuse: the step may not be parked yet, or the database may be away.
    """
    try:
        _check(runtime, target, body)
    except (InvalidAnswer, AnswerNotAllowed):
        raise
    except (DBAPIError, PoolTimeout) as error:
        if not is_unreachable(error):
            raise
    except FOREIGN_ERRORS:  # foreign code: its fault must not lose the delivery
        log.warning("a callback could not be checked", exc_info=True)


def _check(runtime: Runtime, target: CallbackToken, body: dict[str, Any]) -> None:
    with transaction(runtime) as tx:
        row = rows.parked_step(tx.connection, target.step_execution_id, target.attempt)
        if row is None:
            return
        step = prepare(tx, row, lenient=True)
        callback = DeliveryRow(
            id=0,
            owner=step.facts.user_id,
            external_id=None,
            step_execution_id=row.id,
            attempt=row.attempt,
            event_type=str(body.get("type") or "callback"),
            body=body,
            received_at=datetime.now(UTC),
            is_queued=True,
        )
        outputs = rows.stored_outputs(tx.connection, row.id)
        context = context_of_event(tx, step, outputs, callback)
        step.planned.executor.check_event(context)
