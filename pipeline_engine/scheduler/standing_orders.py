"""Start what a standing order says: for its owner, with the rights of whoever has saved it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pipeline_engine.domain.authority import Authority
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.masking import NOTHING_HIDDEN, Masker, remember
from pipeline_engine.domain.sealing import Opened, Sealer
from pipeline_engine.domain.standing_orders import TRIGGER
from pipeline_engine.errors import PipelineNotFound
from pipeline_engine.scheduler import start as starting
from pipeline_engine.scheduler.start import Request, Startable, Started
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage.tables.standing_orders import StandingOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What has happened, so that an order is to be followed."""

    initiator: str  #: ``scheduled``, ``webhook`` or ``event``
    trigger: Mapping[str, Any]  #: what the execution is told of it, as ``params._trigger``
    params: Mapping[str, Any]  #: beside those of the order, and before them
    execution_id: UUID | None = None  #: chosen before; null makes a new one


def follow(tx: Transaction, order: StandingOrder, occasion: Occasion) -> Started:
    """Start the newest revision of the order's pipeline in this transaction.

    Raises ``PipelineNotFound``, ``DraftNotExecutable``, ``InvalidParams``, ``PermissionDenied``,
    ``TooManyOpenExecutions`` and ``SecretUnreadable``: the order stands, and whoever follows it
    writes down why nothing has started.
    """
    caller, found = startable(tx, order)
    opened = opened_params(tx.runtime.sealer, order)
    request = Request(
        params={**opened.value, **occasion.params, TRIGGER: dict(occasion.trigger)},
        user_id=order.user_id,
        caller=caller,
        execution_id=occasion.execution_id,
        initiator=occasion.initiator,
        callback_topics=_topics(order),
        subscriber_ids=order.subscriber_ids,
        payload_type=order.payload_type,
        notification_workflow_id=order.notification_workflow_id,
        masker=_masker(tx, opened),
    )
    return starting.start(tx, found, request)


def startable(tx: Transaction, order: StandingOrder) -> tuple[Caller, Startable]:
    """What an order starts, and for whom it does.

    Raises ``PipelineNotFound``, ``PipelineArchived`` and ``DraftNotExecutable``.
    """
    if order.pipeline_id is None:
        raise PipelineNotFound("The pipeline was deleted")
    caller = Caller.resumed(Authority.of(order.authority, order.user_id), order.user_id)
    return caller, starting.pipeline_with_id(tx, (caller,), order.pipeline_id)


def opened_params(sealer: Sealer, order: StandingOrder) -> Opened:
    """The params of an order as they were given. Raises ``SecretUnreadable``."""
    if not order.sealed:
        return Opened(order.params, frozenset())
    return sealer.open(order.params, str(order.id))


def _masker(tx: Transaction, opened: Opened) -> Masker:
    secrets = opened.secrets
    return remember(tx.runtime.masker.hiding(secrets)) if secrets else NOTHING_HIDDEN


def _topics(order: StandingOrder) -> tuple[str, ...] | None:
    return None if order.callback_topics is None else tuple(order.callback_topics)
