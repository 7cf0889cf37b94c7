"""Send messages in this process, one turn after another, the way the threads of a worker would."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.domain.subscriptions import Format, Target, TargetType
from pipeline_engine.messaging import look, notices
from pipeline_engine.messaging.look import Places
from pipeline_engine.messaging.progress import ProgressNotes
from pipeline_engine.messaging.turn import Turn, utc_now
from pipeline_engine.messaging.wishes import Wish
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import subscriptions
from pipeline_engine.services.subscriptions import WithSecret
from pipeline_engine.storage.tables.events import Event
from pipeline_engine.storage.tables.subscriptions import Subscription, SubscriptionMessage

SENDER = "a-test"


@dataclass
class OneMessenger:
    """Looks and sends when a test says so."""

    runtime: Runtime

    def __post_init__(self) -> None:
        self.notes = ProgressNotes(self.runtime)

    def look(self, *, now: datetime | None = None, suspects: int = 100) -> int:
        """Look once, and serve all whose turn it is; returns how many these were."""
        self.notes.write(look.ring(self.runtime).came_further)
        notices.tell(self.runtime)
        taken = look.take_turns(self.runtime, SENDER, Places(100, suspects))
        for one in taken:
            Turn(self.runtime, one, SENDER, now=(lambda: now) if now else utc_now).run()
        return len(taken)

    def send_all(self, *, now: datetime | None = None) -> None:
        """Look until there is nothing to be done at the moment."""
        while self.look(now=now):
            pass

    def make_due(self) -> None:
        """Let the time pass that somebody waits for his next try."""
        with self.runtime.engine.begin() as connection:
            connection.execute(
                text(
                    "UPDATE subscriptions SET not_before = now(), retry_at = now()"
                    " WHERE retry_at IS NOT NULL"
                )
            )
            connection.execute(
                text("UPDATE subscription_messages SET due_at = now() WHERE status = 'waiting'")
            )

    def messages(self, subscription_id: UUID) -> list[SubscriptionMessage]:
        """What is kept of the messages, in the order of their events."""
        with Session(self.runtime.engine) as session:
            return (
                session.query(SubscriptionMessage)
                .filter_by(subscription_id=subscription_id)
                .order_by(SubscriptionMessage.id)
                .all()
            )

    def row(self, subscription_id: UUID) -> Subscription:
        with Session(self.runtime.engine) as session:
            return session.get_one(Subscription, subscription_id)


def subscribe(
    runtime: Runtime,
    address: str,
    *,
    caller: Caller = SYSTEM,
    target: TargetType = TargetType.HTTP,
    **wanted: Any,
) -> WithSecret:
    """A new subscription, of all that is the caller's unless something else is wanted."""
    form = Format(wanted.pop("format", Format.EVENT))
    most = wanted.pop("max_length", None)
    wish = Wish(target=Target(target, address, most), format=form, said=frozenset(wanted), **wanted)
    with runtime.sessions.begin() as session:
        return subscriptions.create(caller, session, runtime, wish)


def happened(session: Session, execution_id: UUID, event_type: str, **details: Any) -> Event:
    """One event of an execution, not committed yet."""
    event = Event(execution_id=execution_id, event_type=event_type, details=details)
    session.add(event)
    session.flush()
    return event
