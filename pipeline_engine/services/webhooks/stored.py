"""Webhooks of an owner: make, list, show and change them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.webhooks.proofs import as_standard
from pipeline_engine.errors import VersionMismatch
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import audit_log
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.standing_orders import shown_params
from pipeline_engine.services.webhooks.last_known import LastKnownWebhooks, keep_after_commit
from pipeline_engine.services.webhooks.refusals import WebhookNotFound
from pipeline_engine.storage.standing_orders import hold_pipeline_of
from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineRevision
from pipeline_engine.storage.tables.webhooks import Webhook, WebhookSecret
from pipeline_engine.storage.visibility import visible_to
from pipeline_engine.storage.webhooks import at_the_door


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWebhook:
    """All that is told of a webhook."""

    webhook: Webhook
    params: Mapping[str, Any]  #: without secrets
    endpoint_url: str
    secrets: Sequence[WebhookSecret]  #: the newest first; the texts are sealed
    #: the text of the newest secret, when it was made just now
    secret: str | None = field(default=None, repr=False)

    @property
    def standard_secret(self) -> str | None:
        """The same as senders of Standard Webhooks take it."""
        return None if self.secret is None else as_standard(self.secret)


def listed(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    *,
    pipeline_id: UUID | None,
    enabled: bool | None,
    page: Page,
) -> Listed[StoredWebhook]:
    """The webhooks that *caller* may see, newest first: three queries, however many."""
    seen = [visible_to(Webhook, caller)]
    if pipeline_id is not None:
        seen.append(Webhook.pipeline_id == pipeline_id)
    if enabled is not None:
        seen.append(Webhook.enabled.is_(enabled))
    total = session.scalar(select(func.count()).select_from(Webhook).where(*seen)) or 0
    newest = _with_parameters().where(*seen).order_by(Webhook.created_at.desc(), Webhook.id.desc())
    rows = session.execute(newest.limit(page.size).offset(page.offset)).all()
    secrets = _secrets(session, [webhook.id for webhook, _ in rows])
    found = [_stored(runtime, row[0], row[1], secrets[row[0].id]) for row in rows]
    return Listed(found, total, page)


def get(
    caller: Caller, session: Session, runtime: Runtime, webhook_id: UUID | str
) -> StoredWebhook:
    """One webhook. Raises ``WebhookNotFound``, also for what belongs to somebody else."""
    wanted = _with_parameters().where(Webhook.id == as_id(webhook_id), visible_to(Webhook, caller))
    found = session.execute(wanted.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise WebhookNotFound
    webhook, parameters = found
    return _stored(runtime, webhook, parameters, _secrets(session, [webhook.id])[webhook.id])


def locked(
    caller: Caller, session: Session, webhook_id: UUID | str, versions: Collection[int] | None
) -> Webhook:
    """A webhook that is about to be changed, if it still is one of these lock versions.

    Raises ``WebhookNotFound`` and ``VersionMismatch``.
    """
    hold_pipeline_of(session.connection(), Webhook, as_id(webhook_id))
    wanted = select(Webhook).where(Webhook.id == as_id(webhook_id), visible_to(Webhook, caller))
    webhook = session.scalar(wanted.with_for_update().execution_options(populate_existing=True))
    if webhook is None:
        raise WebhookNotFound
    if versions is not None and webhook.lock_version not in versions:
        raise VersionMismatch(
            "The webhook was changed since it was read.", lock_version=webhook.lock_version
        )
    return webhook


def changed(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    webhook: Webhook,
    act: Act,
    **details: Any,
) -> StoredWebhook:
    """*webhook* as it is now: written, recorded, and known at the door once it is committed."""
    session.flush()
    about = {"name": webhook.name, **details}
    audit_log.record(caller, session, act, webhook.id, webhook.user_id, **about)
    document = at_the_door(session.connection(), webhook.id)
    assert document is not None, "it was just written"
    copies = LastKnownWebhooks(runtime.redis, runtime.settings.key_prefix)
    keep_after_commit(session, copies, document)
    return get(caller, session, runtime, webhook.id)


def as_id(webhook_id: UUID | str) -> UUID:
    """*webhook_id* as it is stored. Raises ``WebhookNotFound``: no other text names one."""
    try:
        return webhook_id if isinstance(webhook_id, UUID) else UUID(webhook_id)
    except ValueError:
        raise WebhookNotFound from None


def parameters_of(session: Session, pipeline_id: UUID | None) -> Any:
    """What the newest revision of a pipeline declares as its parameters."""
    if pipeline_id is None:
        return []
    return session.scalar(
        select(PipelineRevision.document["parameters"])
        .join(Pipeline, Pipeline.id == PipelineRevision.pipeline_id)
        .where(Pipeline.id == pipeline_id, Pipeline.revision == PipelineRevision.revision)
    )


def _with_parameters() -> Select[*tuple[Any, ...]]:
    parameters = PipelineRevision.document["parameters"]
    newest = (PipelineRevision.pipeline_id == Pipeline.id) & (
        PipelineRevision.revision == Pipeline.revision
    )
    return (
        select(Webhook.__mapper__, parameters)
        .outerjoin(Pipeline, Pipeline.id == Webhook.pipeline_id)
        .outerjoin(PipelineRevision, newest)
    )


def _stored(
    runtime: Runtime, webhook: Webhook, parameters: object, secrets: Sequence[WebhookSecret]
) -> StoredWebhook:
    return StoredWebhook(
        webhook=webhook,
        params=shown_params(webhook, parameters),
        endpoint_url=f"{runtime.settings.public_url.rstrip('/')}/trigger/{webhook.id}",
        secrets=secrets,
    )


def _secrets(session: Session, ids: Collection[UUID]) -> Mapping[UUID, list[WebhookSecret]]:
    newest = select(WebhookSecret).where(WebhookSecret.webhook_id.in_(ids))
    rows = session.scalars(
        newest.order_by(WebhookSecret.created_at.desc(), WebhookSecret.id.desc()).execution_options(
            populate_existing=True
        )
    )
    found: dict[UUID, list[WebhookSecret]] = {one: [] for one in ids}
    for row in rows:
        found[row.webhook_id].append(row)
    return found
