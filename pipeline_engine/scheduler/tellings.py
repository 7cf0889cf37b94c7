"""What an action has a subscription told: a message as any other, written once for each call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pipeline_engine.domain.redaction import redactor_for
from pipeline_engine.domain.subscriptions import NOTIFICATION, Format, Origin, told_id
from pipeline_engine.scheduler import notice_form
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.notice_form import Said
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.sdk import ActionError
from pipeline_engine.storage import messages, news, notices
from pipeline_engine.storage.messages import Message
from pipeline_engine.storage.positions import Position

#: What the message says by itself; the rest of what is told is sent along.
SAID = ("title", "message")


def tell(
    tx: Transaction, step: Prepared, name: str, payload: Mapping[str, Any], *, call: str
) -> None:
    """Post what an action says to the subscription of this *name* of the execution's owner.

    Raises ``ActionError``.
    """
    row, connection = step.row, tx.connection
    facts = news.facts(connection, [row.execution_id])[row.execution_id]
    one = notices.named(connection, facts.user_id, name)
    if one is None:
        missing = f"There is no subscription with the name {name!r}"
        raise ActionError(missing, error_code="subscription_not_found", retryable=False)
    # It is kept and shown, so no secret that the step was given is in it.
    redactor = redactor_for(step.facts.params, facts.parameters)
    said = _said(step, redactor.redact(step.masker.mask(dict(payload))))
    found = told_id(one.id, f"{row.id}:{call}")
    form = Format(one.format)
    message = Message(
        id=found,
        event_type=NOTIFICATION,
        execution_id=row.execution_id,
        position=Position(0, 0),
        body=notice_form.body(found, said, facts, form=form, topic=one.address),
        origin=Origin.NOTICE,
        in_order=False,
    )
    messages.post(connection, one.id, message)


def _said(step: Prepared, payload: Mapping[str, Any]) -> Said:
    row = step.row
    about = {"step_id": row.step_id, "step_name": row.name, "attempt": row.attempt}
    return Said(
        title=str(payload.get("title") or row.name),
        message=str(payload.get("message") or ""),
        subject=row.step_id,
        status=str(payload.get("severity") or "info").upper(),
        at=datetime.now(UTC),
        details={
            **{key: value for key, value in payload.items() if key not in SAID},
            "step": about,
        },
    )
