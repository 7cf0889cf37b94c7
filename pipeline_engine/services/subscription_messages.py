"""The messages of a subscription: what waits, what was given up, the last that were sent.

Sent again, a message has the same id and the same bytes as before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.subscriptions import MessageStatus, Origin
from pipeline_engine.errors import InvalidSubscription, MessageNotFound, MessageWaits
from pipeline_engine.services import audit_log
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.subscriptions import locked, require_alive, visible
from pipeline_engine.storage import messages, subscriptions
from pipeline_engine.storage.messages import Message
from pipeline_engine.storage.positions import Position, position_at
from pipeline_engine.storage.tables.subscriptions import Subscription, SubscriptionMessage

STATUSES: tuple[str, ...] = tuple(MessageStatus)
TEST = "test"  #: the type of a message that says nothing else


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message as it is told."""

    row: SubscriptionMessage

    @property
    def position(self) -> str | None:
        """Where its event is in the history of everything; null if it is about none."""
        row = self.row
        if row.event_id == 0:
            return None
        return str(Position(int(row.event_transaction), row.event_id))


def listed(
    caller: Caller, session: Session, subscription_id: str, status: str | None, page: Page
) -> Listed[MessageRecord]:
    """Messages, the newest first; their bodies are left out.

    Raises ``SubscriptionNotFound``.
    """
    found = visible(caller, session, subscription_id)
    conditions = [SubscriptionMessage.subscription_id == found.id]
    if status is not None:
        conditions.append(SubscriptionMessage.status == status)
    wanted = select(func.count()).select_from(SubscriptionMessage).where(*conditions)
    total = session.scalar(wanted) or 0
    rows: Sequence[SubscriptionMessage] = session.scalars(
        select(SubscriptionMessage)
        .where(*conditions)
        .order_by(SubscriptionMessage.id.desc())
        .limit(page.size)
        .offset(page.offset)
    ).all()
    return Listed([MessageRecord(row) for row in rows], total, page)


def get(caller: Caller, session: Session, subscription_id: str, message_id: str) -> MessageRecord:
    """One message with what it says. Raises ``SubscriptionNotFound`` and ``MessageNotFound``."""
    return _found(session, visible(caller, session, subscription_id), message_id)


def replay_one(
    caller: Caller, session: Session, subscription_id: str, message_id: str
) -> MessageRecord:
    """Try a message anew that was sent or given up; only once at a time.

    Raises ``SubscriptionNotFound``, ``SubscriptionEnded``, ``MessageNotFound`` and
    ``MessageWaits``.
    """
    subscription = locked(caller, session, subscription_id)
    require_alive(subscription)
    _found(session, subscription, message_id)
    if not messages.replay(session.connection(), subscription.id, message_id):
        raise MessageWaits(f"The message {message_id} waits for its next try.")
    _record(caller, session, Act.SUBSCRIPTION_REPLAY, subscription, message=message_id)
    return _found(session, subscription, message_id)


def replay_from(
    caller: Caller,
    session: Session,
    subscription_id: str,
    *,
    since: datetime | None = None,
    position: str | None = None,
) -> Position | None:
    """Send everything again from a moment, or from a position on; null if there is nothing.

    Raises ``SubscriptionNotFound``, ``SubscriptionEnded`` and ``InvalidSubscription``.
    """
    subscription = locked(caller, session, subscription_id)
    require_alive(subscription)
    connection = session.connection()
    start = None
    if since is not None:
        start = position_at(connection, since)
    elif position is not None:
        start = Position.parse(position)
        if start is None:
            raise InvalidSubscription(f"{position!r} is no position such as 7421-903.")
        start = Position(start.transaction_id, max(start.event_id - 1, 0))
    if start is not None:
        subscriptions.replay_from(connection, subscription.id, start)
    told = {"since": since and since.isoformat(), "position": position}
    _record(caller, session, Act.SUBSCRIPTION_REPLAY, subscription, **told)
    return start


def test(caller: Caller, session: Session, subscription_id: str) -> MessageRecord:
    """Send one message that says that it is a test; it counts for nothing.

    Raises ``SubscriptionNotFound`` and ``SubscriptionEnded``.
    """
    subscription = locked(caller, session, subscription_id)
    require_alive(subscription)
    message_id = f"msg_{subscription.id.hex}_test_{uuid4().hex}"
    message = Message(
        id=message_id,
        event_type=TEST,
        execution_id=None,
        position=Position(0, 0),
        body=_body(message_id, subscription),
        origin=Origin.TEST,
        in_order=False,
    )
    messages.post(session.connection(), subscription.id, message)
    _record(caller, session, Act.SUBSCRIPTION_TEST, subscription)
    return _found(session, subscription, message_id)


def _body(message_id: str, subscription: Subscription) -> str:
    """The same in every form: there is no event that it could be about."""
    return json_guard.dumps(
        {
            "specversion": "1.0",
            "id": message_id,
            "source": f"/api/v1/subscriptions/{subscription.id}",
            "type": TEST,
            "time": datetime.now(UTC).isoformat(),
            "datacontenttype": "application/json",
            "data": {"message": "This is a test of your subscription."},
        }
    )


def _found(session: Session, subscription: Subscription, message_id: str) -> MessageRecord:
    row = session.scalar(
        select(SubscriptionMessage)
        .where(
            SubscriptionMessage.subscription_id == subscription.id,
            SubscriptionMessage.message_id == message_id,
        )
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise MessageNotFound(f"The subscription keeps no message {message_id!r}.")
    return MessageRecord(row)


def _record(
    caller: Caller, session: Session, act: Act, subscription: Subscription, **details: Any
) -> None:
    told = {name: value for name, value in details.items() if value is not None}
    audit_log.record(caller, session, act, subscription.id, subscription.user_id, **told)
