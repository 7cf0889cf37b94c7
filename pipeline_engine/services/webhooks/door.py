"""The door of webhooks: who may pass, and what is kept of it before the answer.

In this order: the size (before this is called), the webhook, the address, the secret over the bytes
as they came, how often, the same one before. So what anybody can send costs nobody his share, and
what is refused has claimed nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline_engine.domain.expressions import ExpressionError
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.domain.webhooks import addresses, bodies, proofs
from pipeline_engine.domain.webhooks.bodies import UnreadableBody
from pipeline_engine.domain.webhooks.config import is_secret_header
from pipeline_engine.domain.webhooks.mapping import Letter, digest_of, key_of
from pipeline_engine.domain.webhooks.proofs import Proven
from pipeline_engine.errors import PipelineEngineError, StorageUnavailable
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services.rate_limits import RateLimited, RateLimits
from pipeline_engine.services.webhooks import spooling
from pipeline_engine.services.webhooks.keeping import Kept, keep
from pipeline_engine.services.webhooks.last_known import LastKnownWebhooks
from pipeline_engine.services.webhooks.refusals import (
    AddressNotAllowed,
    DedupeKeyFailed,
    InvalidWebhookSecret,
    PipelineGone,
    WebhookDisabled,
    WebhookNotFound,
)
from pipeline_engine.services.webhooks.view import View
from pipeline_engine.storage.postgres.session import autocommit, is_unreachable
from pipeline_engine.storage.tables.webhooks import DeliveryOutcome
from pipeline_engine.storage.webhook_deliveries import NewWebhookDelivery
from pipeline_engine.storage.webhooks import at_the_door

__all__ = ["Door", "Knock", "Receipt", "UnreadableBody"]

SECONDS = 60.0  #: in which as many may come as the limit of a webhook says


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """A request at the door, as it came."""

    webhook_id: str  #: of the path; may be anything
    raw: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)  #: by names in small letters
    query: str = ""  #: as it stands in the address
    address: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender is told."""

    execution_id: UUID
    pipeline_id: UUID
    status: str
    delivery_id: str
    duplicate: bool


class Door:
    """What one web process needs to answer at webhooks."""

    def __init__(self, runtime: Runtime) -> None:
        settings = runtime.settings
        prefix = f"{settings.key_prefix}rate:webhook:"
        self._runtime = runtime
        self._rates = RateLimits(runtime.redis, prefix, settings.webhook_rate_limit, SECONDS)
        self.copies = LastKnownWebhooks(runtime.redis, settings.key_prefix)

    def receive(self, knock: Knock, *, now: datetime | None = None) -> Receipt:
        """Keep a delivery, and say which execution it starts; it is lasting by then.

        Raises ``WebhookNotFound``, ``WebhookDisabled``, ``PipelineGone``, ``AddressNotAllowed``,
        ``InvalidWebhookSecret``, ``RateLimited``, ``UnreadableBody``, ``JsonRejected``,
        ``DedupeKeyFailed`` and ``StorageUnavailable``.
        """
        now = now or datetime.now(UTC)
        view = self._view(knock.webhook_id)
        with _told_to(view.owner):
            proven = self._checked(view, knock, now)
            self._count(view)
            delivery = self._delivery(view, knock, proven, now)
        try:
            return _receipt(view, keep(self._runtime, delivery))
        except IntegrityError as error:  # it was deleted a moment ago
            raise WebhookNotFound from error
        except (DBAPIError, PoolTimeout) as error:
            if not is_unreachable(error):
                raise
            return self._spooled(view, delivery, error)

    def _view(self, webhook_id: str) -> View:
        try:
            wanted = UUID(webhook_id)
        except ValueError:
            raise WebhookNotFound from None
        try:
            with autocommit(self._runtime.engine) as connection:
                document = at_the_door(connection, wanted)
            if document is not None:
                self.copies.refresh(document)
        except (DBAPIError, PoolTimeout) as error:
            if not is_unreachable(error):
                raise
            document = self._last_known(wanted)
        if document is None:
            raise WebhookNotFound
        return View.of(document)

    def _last_known(self, webhook_id: UUID) -> Mapping[str, Any] | None:
        try:
            return self.copies.find(webhook_id)
        except (RedisError, KeyError) as error:
            raise StorageUnavailable from error

    def _checked(self, view: View, knock: Knock, now: datetime) -> Proven | None:
        """How the sender has proven the secret; null if this webhook wants no secret."""
        if view.is_gone:
            raise PipelineGone
        if not view.enabled:
            raise WebhookDisabled
        if not addresses.is_allowed(view.config.allowed_ips, knock.address):
            raise AddressNotAllowed
        if not view.config.require_secret:
            return None
        candidates = view.candidates(self._runtime.sealer, now)
        forms, headers = view.config.accepts, knock.headers
        proven = proofs.prove(forms, candidates, headers, knock.raw, now)
        if proven is None:
            raise InvalidWebhookSecret
        return proven

    def _count(self, view: View) -> None:
        taken = self._rates.take(str(view.id), limit=view.config.max_per_minute)
        if taken is None or taken.is_given:
            return
        seconds = taken.retry_after_seconds
        raise RateLimited(
            f"This webhook takes {taken.limit} requests a minute: come back in {seconds} s.",
            limit=taken.limit,
            retry_after_seconds=seconds,
        )

    def _delivery(
        self, view: View, knock: Knock, proven: Proven | None, now: datetime
    ) -> NewWebhookDelivery:
        kind = knock.headers.get("content-type", "")
        most = self._runtime.settings.webhook_max_body_bytes
        shown = {n: v for n, v in knock.headers.items() if not is_secret_header(n)}
        body, query = bodies.read(knock.raw, kind, most=most), bodies.fields(knock.query)
        digest = digest_of(knock.raw)
        return NewWebhookDelivery(
            webhook_id=view.id,
            owner=view.owner,
            raw=knock.raw,
            content_type=kind,
            headers=shown,
            query=query,
            body_digest=digest,
            received_at=now,
            key=_key(view, Letter(body, shown, query)),
            body_key=digest if view.config.repeat_seconds else None,
            repeat_seconds=view.config.repeat_seconds,
            address=knock.address or None,
            form=None if proven is None else proven.form.value,
            sent_at=None if proven is None else proven.sent_at,
        )

    def _spooled(self, view: View, delivery: NewWebhookDelivery, error: Exception) -> Receipt:
        execution_id = spooling.add(self._runtime, delivery, error)
        return Receipt(
            execution_id=execution_id,
            pipeline_id=_pipeline(view),
            status=ExecutionStatus.PENDING.value,
            delivery_id=f"spool:{execution_id}",
            duplicate=execution_id != delivery.execution_id,
        )


def _key(view: View, letter: Letter) -> str | None:
    try:
        return key_of(view.config, letter)
    except ExpressionError as error:
        raise DedupeKeyFailed(f"The dedupe_key cannot be evaluated: {error}") from error


@contextmanager
def _told_to(owner: str | None) -> Iterator[None]:
    """Let what is refused here say whose webhook it is: the owner reads it in the audit log."""
    try:
        yield
    except PipelineEngineError as error:
        error.facts["owner"] = owner
        raise


def _receipt(view: View, kept: Kept) -> Receipt:
    status = ExecutionStatus.PENDING.value
    if kept.before is not None and kept.before.execution_status is not None:
        status = kept.before.execution_status
    elif kept.before is not None and kept.before.outcome != DeliveryOutcome.PENDING:
        status = ExecutionStatus.FAILED.value  # it was refused: there will be none
    return Receipt(
        execution_id=kept.execution_id,
        pipeline_id=_pipeline(view),
        status=status,
        delivery_id=str(kept.id),
        duplicate=kept.before is not None,
    )


def _pipeline(view: View) -> UUID:
    assert view.pipeline_id is not None, "what is gone was refused"
    return view.pipeline_id
