"""Start what came in by webhooks, many a transaction; a refusal of one undoes no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import structlog

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.expressions import Fuel
from pipeline_engine.domain.webhooks import bodies
from pipeline_engine.domain.webhooks.config import WebhookConfig
from pipeline_engine.domain.webhooks.mapping import Letter, params_of
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.standing_orders import Occasion, follow, opened_params
from pipeline_engine.scheduler.transaction import Transaction, run_surviving_disconnects
from pipeline_engine.storage import webhook_deliveries as deliveries
from pipeline_engine.storage.postgres.session import is_unreachable
from pipeline_engine.storage.tables.webhooks import DeliveryOutcome, Webhook
from pipeline_engine.storage.webhook_deliveries import Outcome, PendingDelivery
from pipeline_engine.storage.webhooks import count_triggers, standing_orders

log = structlog.get_logger(__name__)

INITIATOR = "webhook"
#: Tries of a delivery that break off for no reason that we foresaw, before it counts as refused.
MOST_TRIES = 5
INTERNAL_ERROR = "internal_error"
MOST_PROBLEMS = 5  #: that are told of one refusal


def start_deliveries(runtime: Runtime, ids: Sequence[int]) -> Iterator[Transaction]:
    """Start what these deliveries ask for, and write down why where that cannot be.

    What has been settled, or is in somebody else's hands, is left out.
    """
    locked: list[int] = []

    def change(tx: Transaction) -> None:
        found = deliveries.lock_pending(tx.connection, ids)
        locked[:] = [one.id for one in found]
        follow_all(tx, found)
        if found:
            failpoint(Failpoint.BEFORE_WEBHOOK_START)

    try:
        tx = run_surviving_disconnects(runtime, change)
    except Exception as error:
        if is_unreachable(error) or not locked:
            raise
        yield from _apart(runtime, locked, error)
        return
    if locked:
        failpoint(Failpoint.AFTER_WEBHOOK_START)
    yield tx


def _apart(runtime: Runtime, ids: Sequence[int], error: Exception) -> Iterator[Transaction]:
    """Follow each by itself: what broke off together may be a plug-in's fault in one of them."""
    if len(ids) == 1:
        _broke_off(runtime, ids[0], error)
        return
    log.warning("webhook_deliveries_apart", error=repr(error))
    for one in tuple(ids):
        yield from start_deliveries(runtime, [one])


def _broke_off(runtime: Runtime, delivery_id: int, error: Exception) -> None:
    """Leave a delivery to the sweep, which tries it again; not for ever."""
    log.error("webhook_delivery_broke_off", delivery=delivery_id, exc_info=error)
    with runtime.engine.begin() as connection:
        if deliveries.note_broken_off(connection, delivery_id) >= MOST_TRIES:
            message = f"It was tried {MOST_TRIES} times; the log of the workers says more"
            refused = DeliveryOutcome.REFUSED.value
            outcome = Outcome(id=delivery_id, outcome=refused, code=INTERNAL_ERROR, message=message)
            deliveries.settle(connection, [outcome])


def follow_all(tx: Transaction, pending: Sequence[PendingDelivery]) -> None:
    """Follow the orders of locked deliveries, and say what became of each."""
    if not pending:
        return
    orders = standing_orders(tx.connection, {one.webhook_id for one in pending})
    outcomes = [_followed(tx, orders[one.webhook_id], one) for one in pending]
    deliveries.settle(tx.connection, outcomes)
    _count(tx, pending, outcomes)


def _followed(tx: Transaction, webhook: Webhook, delivery: PendingDelivery) -> Outcome:
    try:
        with tx.connection.begin_nested():
            follow(tx, webhook, _occasion(tx, webhook, delivery))
    except PipelineEngineError as error:
        return Outcome(
            id=delivery.id,
            outcome=DeliveryOutcome.REFUSED.value,
            code=error.code,
            message=tx.runtime.masker.mask(_told(error)),
        )
    return Outcome(id=delivery.id, outcome=DeliveryOutcome.STARTED.value)


def _told(error: PipelineEngineError) -> str:
    problems = islice(error.facts.get("problems") or (), MOST_PROBLEMS)
    return "; ".join([str(error), *(str(issue.message) for issue in problems)])


def _occasion(tx: Transaction, webhook: Webhook, delivery: PendingDelivery) -> Occasion:
    settings = tx.runtime.settings
    letter = letter_of(delivery, most=settings.webhook_max_body_bytes)
    own = opened_params(tx.runtime.sealer, webhook).value
    given = params_of(WebhookConfig.of(webhook.config), letter, own, Fuel())
    json_guard.check(given, max_bytes=settings.max_body_bytes)
    kept = len(delivery.raw) <= settings.webhook_kept_body_bytes
    return Occasion(
        initiator=INITIATOR,
        trigger=_trigger(webhook, delivery, letter.body if kept else None, is_whole=kept),
        params=given,
        execution_id=delivery.execution_id,
    )


def letter_of(delivery: PendingDelivery, *, most: int) -> Letter:
    """What was sent, read. Raises ``UnreadableBody`` and ``JsonRejected``."""
    body = bodies.read(delivery.raw, delivery.content_type, most=most)
    return Letter(body, delivery.headers, delivery.query)


def _trigger(
    webhook: Webhook, delivery: PendingDelivery, body: Any, *, is_whole: bool
) -> dict[str, Any]:
    sent_at = delivery.sent_at
    found = {
        "type": INITIATOR,
        "webhook_id": str(webhook.id),
        "webhook_name": webhook.name,
        "triggered_at": delivery.received_at.isoformat(),
        "delivery_id": str(delivery.id),
        "delivery_key": delivery.key,
        "sent_at": None if sent_at is None else sent_at.isoformat(),
        "body": body,
        "body_bytes": len(delivery.raw),
        "query": delivery.query,
    }
    if not is_whole:
        found["body_omitted"] = True
    if delivery.is_test:
        found["test"] = True
    return found


def _count(
    tx: Transaction, pending: Sequence[PendingDelivery], outcomes: Sequence[Outcome]
) -> None:
    counts: Counter[UUID] = Counter()
    latest: dict[UUID, datetime] = {}
    for one, outcome in zip(pending, outcomes, strict=True):
        if outcome.outcome == DeliveryOutcome.STARTED:
            counts[one.webhook_id] += 1
            at = one.received_at
            latest[one.webhook_id] = max(latest.get(one.webhook_id, at), at)
    count_triggers(tx.connection, counts, latest=latest)
