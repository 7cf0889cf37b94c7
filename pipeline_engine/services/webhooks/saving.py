"""Make, change and delete webhooks; what one gives to its pipeline is checked when it is saved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.identity import new_id
from pipeline_engine.domain.issues import Issue, join
from pipeline_engine.domain.webhooks.config import WebhookConfig, normal, problems
from pipeline_engine.domain.webhooks.proofs import Form
from pipeline_engine.scheduler.outbox import send
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.standing_orders import opened_params
from pipeline_engine.scheduler.transaction import Transaction, retry_on_conflict, transaction
from pipeline_engine.scheduler.webhooks import follow_all
from pipeline_engine.services import audit_log
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.standing_orders import checked, kept_params
from pipeline_engine.services.webhooks.last_known import LastKnownWebhooks
from pipeline_engine.services.webhooks.refusals import InvalidWebhook, PipelineGone
from pipeline_engine.services.webhooks.secrets import insert_secret
from pipeline_engine.services.webhooks.stored import (
    StoredWebhook,
    as_id,
    changed,
    locked,
    parameters_of,
)
from pipeline_engine.storage.tables.webhooks import Webhook
from pipeline_engine.storage.webhook_deliveries import lock_pending_of

#: The words of the proofs that a webhook may accept.
FORMS: tuple[str, ...] = tuple(Form)
#: Fields of a request that a row keeps as they are.
PLAIN = (
    "name",
    "description",
    "callback_topics",
    "subscriber_ids",
    "payload_type",
    "notification_workflow_id",
)


def create(
    caller: Caller, session: Session, runtime: Runtime, given: Mapping[str, Any]
) -> StoredWebhook:
    """Make a webhook; with ``require_secret`` it has one, whose text is in the answer only.

    Raises ``InvalidWebhook`` and what ``standing_orders.checked`` raises.
    """
    config = WebhookConfig.of(given.get("config") or {})
    secret = given.get("secret")
    if secret is not None and not config.require_secret:
        hint = "Leave the secret out, or require it."
        raise _invalid([Issue("/secret", "contradiction", "No secret is asked for", hint)])
    webhook = Webhook(
        id=new_id(),
        user_id=caller.user_id,
        created_by=caller.principal,
        enabled=given.get("enabled", True),
        trigger_count=0,
        lock_version=1,
        **{name: given.get(name) for name in PLAIN},
    )
    params = given.get("params") or {}
    _fill_in(caller, session, runtime, webhook, given["pipeline_id"], params, config)
    session.add(webhook)
    session.flush()
    if config.require_secret:
        secret = insert_secret(caller, session, runtime, webhook.id, secret)
    about = {"pipeline_id": str(webhook.pipeline_id)}
    stored = changed(caller, session, runtime, webhook, Act.WEBHOOK_CREATE, **about)
    return replace(stored, secret=secret)


def change(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    webhook_id: str,
    given: Mapping[str, Any],
    *,
    versions: Collection[int] | None,
) -> StoredWebhook:
    """Change what is *given*; the rest stays, and so does whether a secret is needed.

    It acts with the rights of *caller* from then on, unless all that he does is to disable it.

    Raises ``WebhookNotFound``, ``VersionMismatch``, ``PipelineGone``, ``InvalidWebhook`` and what
    ``standing_orders.checked`` raises.
    """
    webhook = locked(caller, session, webhook_id, versions)
    if given.keys() != {"enabled"} or given["enabled"]:
        pipeline_id = given.get("pipeline_id") or webhook.pipeline_id
        if pipeline_id is None:
            raise PipelineGone
        params, config = _changed_params(session, runtime, webhook, given), _config(webhook, given)
        saver = caller.acting_for(webhook.user_id)
        _fill_in(saver, session, runtime, webhook, pipeline_id, params, config)
    for name in PLAIN:
        if name in given:
            setattr(webhook, name, given[name])
    if "enabled" in given:
        webhook.enabled, webhook.disabled_reason = given["enabled"], None
    webhook.lock_version += 1
    fields = sorted(given)
    return changed(caller, session, runtime, webhook, Act.WEBHOOK_CHANGE, fields=fields)


def delete(
    caller: Caller,
    runtime: Runtime,
    webhook_id: str,
    *,
    versions: Collection[int] | None = None,
) -> None:
    """Delete a webhook with its secrets and the list of what came in; what was started goes on.

    What was accepted and is not started yet is started first: its senders were told so.
    Raises ``WebhookNotFound`` and ``VersionMismatch``.
    """
    wanted = as_id(webhook_id)

    def attempt() -> Transaction:
        with transaction(runtime) as tx, Session(tx.connection) as session:
            # Whoever would keep a delivery now waits for this lock, and then finds no webhook.
            webhook = locked(caller, session, wanted, versions)
            follow_all(tx, lock_pending_of(tx.connection, wanted))
            owner, about = webhook.user_id, {"name": webhook.name}
            session.delete(webhook)
            session.flush()
            audit_log.record(caller, session, Act.WEBHOOK_DELETE, wanted, owner, **about)
        return tx

    tx = retry_on_conflict(attempt)
    LastKnownWebhooks(runtime.redis, runtime.settings.key_prefix).forget(wanted)
    send(tx)


def _fill_in(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    webhook: Webhook,
    pipeline_id: UUID | str,
    params: Mapping[str, Any],
    config: WebhookConfig,
) -> None:
    """Give *webhook* its pipeline, params, config and authority, all of them checked."""
    declared = _declared(session, pipeline_id)
    supplied = declared if config.map is None else config.names_given
    order = checked(
        caller,
        session,
        runtime,
        pipeline_id,
        params,
        order_id=webhook.id,
        before=webhook,
        supplied=supplied,
    )
    if found := [*problems(config), *_unknown(config, declared)]:
        raise _invalid(found)
    webhook.pipeline_id = order.pipeline_id
    webhook.params, webhook.sealed = order.params, order.sealed
    webhook.authority = order.authority
    webhook.config = normal(config).document()


def _declared(session: Session, pipeline_id: UUID | str) -> frozenset[str]:
    try:
        wanted = UUID(str(pipeline_id))
    except ValueError:  # the check says that there is none
        return frozenset()
    parameters = parameters_of(session, wanted) or []
    return frozenset(str(one.get("name")) for one in parameters)


def _unknown(config: WebhookConfig, declared: Collection[str]) -> Iterator[Issue]:
    for name in config.map or ():
        if name not in declared:
            pointer = join("/config/map", name)
            hint = "Declare it in the pipeline's parameters."
            yield Issue(pointer, "unknown_parameter", f"There is no parameter {name!r}", hint)


def _changed_params(
    session: Session, runtime: Runtime, webhook: Webhook, given: Mapping[str, Any]
) -> Mapping[str, Any]:
    if given.get("params") is None:
        found: Mapping[str, Any] = opened_params(runtime.sealer, webhook).value
        return found
    parameters = parameters_of(session, webhook.pipeline_id)
    return kept_params(runtime.sealer, webhook, given["params"], parameters)


def _config(webhook: Webhook, given: Mapping[str, Any]) -> WebhookConfig:
    before, wanted = webhook.config, given.get("config") or {}
    kept = {"require_secret": before["require_secret"]}
    return WebhookConfig.of(before | wanted | kept)


def _invalid(found: Collection[Issue]) -> InvalidWebhook:
    return InvalidWebhook(f"{len(found)} problem(s) with the webhook.", problems=list(found))
