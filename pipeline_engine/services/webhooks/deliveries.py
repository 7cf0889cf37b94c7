"""What came in by a webhook, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.redaction import Redactor, redactor_for
from pipeline_engine.domain.webhooks import bodies
from pipeline_engine.domain.webhooks.mapping import own_params
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.webhooks.refusals import WebhookNotFound
from pipeline_engine.services.webhooks.stored import as_id, parameters_of
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.webhooks import DeliveryOutcome, Webhook, WebhookDelivery
from pipeline_engine.storage.visibility import visible_to

OUTCOMES: tuple[str, ...] = tuple(DeliveryOutcome)


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One delivery; what it was is shown without what looks like a secret."""

    delivery: WebhookDelivery
    execution_status: str | None  #: null: there is no such execution (any more)
    headers: dict[str, Any]
    query: dict[str, Any]
    message: str | None
    body: str | None = None  #: left out of lists unless asked for


def listed(
    caller: Caller,
    session: Session,
    webhook_id: str,
    *,
    outcome: str | None,
    with_body: bool,
    page: Page,
) -> Listed[DeliveryRecord]:
    """The deliveries of one webhook, newest first. Raises ``WebhookNotFound``."""
    webhook = _required(caller, session, webhook_id)
    seen = [WebhookDelivery.webhook_id == webhook.id, visible_to(WebhookDelivery, caller)]
    if outcome is not None:
        seen.append(WebhookDelivery.outcome == outcome)
    total = session.scalar(select(func.count()).select_from(WebhookDelivery).where(*seen)) or 0
    rows = session.execute(
        select(WebhookDelivery, Execution.status)
        .outerjoin(Execution, Execution.id == WebhookDelivery.execution_id)
        .where(*seen)
        .options(*(() if with_body else (defer(WebhookDelivery.raw),)))
        .order_by(WebhookDelivery.id.desc())
        .limit(page.size)
        .offset(page.offset)
    ).all()
    parameters = parameters_of(session, webhook.pipeline_id) if with_body else None
    records = [_record(*row, parameters=parameters, with_body=with_body) for row in rows]
    return Listed(records, total, page)


def _required(caller: Caller, session: Session, webhook_id: str) -> Webhook:
    seen = select(Webhook).where(Webhook.id == as_id(webhook_id), visible_to(Webhook, caller))
    webhook = session.scalar(seen)
    if webhook is None:
        raise WebhookNotFound
    return webhook


def _record(
    row: WebhookDelivery, status: str | None, *, parameters: object, with_body: bool
) -> DeliveryRecord:
    redactor = redactor_for(_own_params(row), parameters) if with_body else Redactor()
    return DeliveryRecord(
        delivery=row,
        execution_status=status,
        headers=redactor.redact(row.headers),
        query=redactor.redact(row.query),
        message=redactor.redact(row.message),
        body=redactor.text(bytes(row.raw).decode(errors="replace")) if with_body else None,
    )


def _own_params(row: WebhookDelivery) -> Mapping[str, Any]:
    """What a body gives as params; the secret ones among them are hidden wherever they stand."""
    try:
        body = bodies.read(row.raw, row.content_type, most=len(row.raw))
    except PipelineEngineError:  # the limits were others when it came
        return {}
    return own_params(body)
