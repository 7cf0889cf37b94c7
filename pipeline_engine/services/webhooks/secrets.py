"""The secrets of a webhook: rotated with an overlap, revoked at once, and never read again.

Each is kept twice (ADR 54): a hash to know it again, and its sealed text to check signatures.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.identity import new_id
from pipeline_engine.domain.issues import Issue
from pipeline_engine.domain.webhooks.proofs import SECRET_RULE, digest_of, is_usable
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.webhooks.refusals import InvalidWebhook, WebhookSecretNotFound
from pipeline_engine.services.webhooks.stored import StoredWebhook, changed, get, locked
from pipeline_engine.services.webhooks.view import place_of
from pipeline_engine.storage import webhooks
from pipeline_engine.storage.tables.webhooks import WebhookSecret

SECRET_BYTES = 32
KEPT_SECRETS = 10  #: of each webhook, the newest; older ones count no more


def rotate(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    webhook_id: str,
    *,
    overlap: timedelta,
    secret: str | None = None,
    now: datetime | None = None,
) -> StoredWebhook:
    """Give a webhook a new secret; those before count for *overlap* yet, or until their own end.

    One that was made without a secret needs it from now on. Raises ``WebhookNotFound`` and
    ``InvalidWebhook``.
    """
    webhook = locked(caller, session, webhook_id, None)
    at = (now or datetime.now(UTC)) + overlap
    webhooks.end_secrets(session.connection(), webhook.id, at=at)
    text = insert_secret(caller, session, runtime, webhook.id, secret)
    webhooks.forget_secrets(session.connection(), webhook.id, kept=KEPT_SECRETS)
    webhook.config = webhook.config | {"require_secret": True}
    webhook.lock_version += 1
    stored = changed(caller, session, runtime, webhook, Act.WEBHOOK_ROTATE_SECRET)
    return replace(stored, secret=text)


def revoke(
    caller: Caller, session: Session, runtime: Runtime, webhook_id: str, secret_id: UUID | None
) -> StoredWebhook:
    """End a secret, for the very next request; without *secret_id* all but the newest.

    Raises ``WebhookNotFound`` and ``WebhookSecretNotFound``.
    """
    webhook = locked(caller, session, webhook_id, None)
    known = get(caller, session, runtime, webhook.id).secrets
    ended = [one.id for one in _meant(known, secret_id) if one.revoked_at is None]
    if not ended:
        raise WebhookSecretNotFound
    webhooks.revoke_secrets(session.connection(), ended)
    webhook.lock_version += 1
    about = {"secrets": [str(one) for one in ended]}
    return changed(caller, session, runtime, webhook, Act.WEBHOOK_REVOKE_SECRET, **about)


def _meant(known: Sequence[WebhookSecret], secret_id: UUID | None) -> Sequence[WebhookSecret]:
    return known[1:] if secret_id is None else [one for one in known if one.id == secret_id]


def insert_secret(
    caller: Caller, session: Session, runtime: Runtime, webhook_id: UUID, given: str | None
) -> str:
    """Keep a secret, or make one; returns its text. Raises ``InvalidWebhook``."""
    if given is not None and not is_usable(given):
        issue = Issue("/secret", "invalid_secret", SECRET_RULE)
        raise InvalidWebhook("1 problem(s) with the webhook.", problems=[issue])
    text = given or secrets.token_urlsafe(SECRET_BYTES)
    secret_id = new_id()
    sealed = runtime.sealer.encrypted(text, (), place_of(webhook_id, secret_id))
    row = WebhookSecret(
        id=secret_id,
        webhook_id=webhook_id,
        digest=digest_of(text),
        sealed=sealed,
        created_by=caller.principal,
    )
    session.add(row)
    session.flush()
    return text
