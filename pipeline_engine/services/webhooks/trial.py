"""Try a webhook: see what it makes of a request, and let it come in as if it had been sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.definitions import merge_params
from pipeline_engine.domain.expressions import ExpressionError, Fuel
from pipeline_engine.domain.issues import Issue
from pipeline_engine.domain.redaction import redactor_for
from pipeline_engine.domain.standing_orders import TRIGGER
from pipeline_engine.domain.webhooks.config import WebhookConfig, is_secret_header
from pipeline_engine.domain.webhooks.mapping import Letter, digest_of, key_of, params_of
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.standing_orders import opened_params
from pipeline_engine.scheduler.start import pipeline_with_id
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.services import audit_log
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.webhooks.refusals import PipelineGone
from pipeline_engine.services.webhooks.stored import get, parameters_of
from pipeline_engine.storage import webhook_deliveries as deliveries
from pipeline_engine.storage.tables.webhooks import Webhook
from pipeline_engine.storage.webhook_deliveries import NewWebhookDelivery


@dataclass(frozen=True, slots=True)
class Trial:
    """What a webhook makes of a request."""

    params: Mapping[str, Any]  #: of the execution, but for ``_trigger``; without secrets
    dedupe_key: str | None
    problems: Sequence[Issue]  #: why it could not be started
    execution_id: UUID | None = None  #: null: nothing was started
    delivery_id: int | None = None


def try_out(
    caller: Caller,
    runtime: Runtime,
    webhook_id: str,
    *,
    body: Any,
    headers: Mapping[str, str],
    query: Mapping[str, Any],
    dry_run: bool,
    now: datetime | None = None,
) -> Trial:
    """Treat a request as if it had come with a right secret; a disabled webhook can be tried, too.

    No secret, address or rate is asked for, and its key claims nothing. It is kept, and started
    by a worker, unless it is a *dry_run* or cannot be started. Raises ``WebhookNotFound``
    and ``PipelineGone``.
    """
    letter = Letter(body, {name.lower(): value for name, value in headers.items()}, query)
    with runtime.sessions.begin() as session:
        webhook = get(caller, session, runtime, webhook_id).webhook
        trial = _tried(caller, session, runtime, webhook, letter)
        if dry_run or trial.problems:
            return trial
        delivery = _delivery(webhook, letter, now or datetime.now(UTC))
        delivery_id = deliveries.insert(session.connection(), delivery)
        assert delivery_id is not None, "it has no key, and an id of its own"
        about = {"name": webhook.name, "execution_id": str(delivery.execution_id)}
        audit_log.record(caller, session, Act.WEBHOOK_TEST, webhook.id, webhook.user_id, **about)
    runtime.dispatch.announce_webhook(delivery_id)
    execution_id = delivery.execution_id
    return Trial(trial.params, trial.dedupe_key, (), execution_id, delivery_id)


def _tried(
    caller: Caller, session: Session, runtime: Runtime, webhook: Webhook, letter: Letter
) -> Trial:
    if webhook.pipeline_id is None:
        raise PipelineGone
    tx = Transaction(session.connection(), runtime)
    plan = pipeline_with_id(tx, (caller,), webhook.pipeline_id).plan
    config, own = WebhookConfig.of(webhook.config), opened_params(runtime.sealer, webhook)
    try:
        key = key_of(config, letter)
        given = {**own.value, **params_of(config, letter, own.value, Fuel())}
    except (
        ExpressionError
    ) as error:  # at the door it is a refusal, or one in the list of deliveries
        return Trial({}, None, [Issue("/config", error.code, str(error), error.hint)])
    given.pop(TRIGGER, None)
    params, problems = merge_params(plan.definition, given)
    problems = problems or runtime.plans.misfits(plan, params, runtime.masker)
    parameters = parameters_of(session, webhook.pipeline_id)
    shown = redactor_for(params, parameters).params(params)
    return Trial(shown, key, problems)


def _delivery(webhook: Webhook, letter: Letter, now: datetime) -> NewWebhookDelivery:
    raw = b"" if letter.body is None else json_guard.dumps(letter.body).encode()
    return NewWebhookDelivery(
        webhook_id=webhook.id,
        owner=webhook.user_id,
        raw=raw,
        content_type="application/json",
        headers={n: v for n, v in letter.headers.items() if not is_secret_header(n)},
        query=dict(letter.query),
        body_digest=digest_of(raw),
        received_at=now,
        is_test=True,
    )
