"""The SQL of subscriptions: make them, and move them from one status to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func
from sqlalchemy.orm import Session

from pipeline_engine.domain.identity import new_id
from pipeline_engine.domain.subscriptions import (
    EndReason,
    Format,
    Reach,
    SubscriptionStatus,
    TargetType,
    heard,
)
from pipeline_engine.storage.positions import Position
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.subscriptions import Subscription

READER = "subscriptions"  #: the name of whoever looks for news
#: One that waits for nothing need not read again what the reader found not to be for it.
SETTLED = f"""
    cursor_transaction = CASE WHEN s.news_before <= s.cursor_transaction
        THEN greatest(s.cursor_transaction, coalesce((SELECT transaction_id FROM history_readers
            WHERE name = '{READER}'), s.cursor_transaction))
        ELSE s.cursor_transaction END,
    cursor_event = CASE WHEN s.news_before <= s.cursor_transaction
        AND s.cursor_transaction < (SELECT transaction_id FROM history_readers
            WHERE name = '{READER}') THEN 0 ELSE s.cursor_event END
"""


@dataclass(frozen=True, slots=True)
class Topics:
    """Where the events of an execution go that is about to be stored."""

    names: Sequence[str]
    target: TargetType
    by: str  #: the principal that starts it


def follow(
    connection: Connection,
    execution_id: UUID,
    topics: Topics,
    *,
    owner: str | None,
    pipeline_id: UUID | None,
) -> None:
    """Tell these topics of an execution, from the first of its events on.

    For the transaction that stores it.
    """
    driver.run(
        connection,
        "INSERT INTO subscriptions (id, user_id, reach, execution_id, pipeline_id, by_execution,"
        " heard, format, target, address, created_by, cursor_transaction, news_before)"
        " SELECT t.id, %(owner)s, %(reach)s, %(execution)s, %(pipeline)s, true, %(heard)s,"
        " %(format)s, %(target)s, t.address, %(by)s, pg_current_xact_id(), pg_current_xact_id()"
        " FROM unnest(%(ids)s::uuid[], %(addresses)s::text[]) AS t (id, address)",
        {
            "ids": [str(new_id()) for _ in topics.names],
            "addresses": list(topics.names),
            "owner": owner,
            "reach": Reach.EXECUTION.value,
            "execution": str(execution_id),
            "pipeline": None if pipeline_id is None else str(pipeline_id),
            "heard": heard(Format.REFERENCE, None),
            "format": Format.REFERENCE.value,
            "target": topics.target.value,
            "by": topics.by,
        },
    )


def add(session: Session, subscription: Subscription) -> None:
    """Keep a new one: it is told of what is committed from now on.

    Its first turn reads what was committed while it was made, and the reader had not seen it.
    """
    subscription.cursor_transaction = func.pg_snapshot_xmin(func.pg_current_snapshot())
    subscription.news_before = func.pg_current_xact_id()
    session.add(subscription)
    session.flush()


def pause(connection: Connection, subscription_id: UUID) -> None:
    """Send nothing until it is resumed."""
    _change(connection, subscription_id, f"status = '{SubscriptionStatus.PAUSED}', {SETTLED}")


def resume(connection: Connection, subscription_id: UUID) -> None:
    """Go on where it was, with what waits first."""
    _change(
        connection,
        subscription_id,
        f"status = '{SubscriptionStatus.ACTIVE}', reason = NULL, not_before = now(), failures = 0,"
        " dead_in_a_row = 0, news_before = greatest(s.news_before, pg_current_xact_id()),"
        " retry_at = (SELECT min(now()) FROM subscription_messages m"
        " WHERE m.subscription_id = s.id AND m.status = 'waiting')",
    )
    driver.run(
        connection,
        "UPDATE subscription_messages SET due_at = now()"
        " WHERE subscription_id = %(id)s AND status = 'waiting'",
        {"id": str(subscription_id)},
    )


def settle(connection: Connection, subscription_id: UUID) -> None:
    """Before another kind of events is listened to: those of the past were not asked for."""
    _change(connection, subscription_id, SETTLED)


def replay_from(connection: Connection, subscription_id: UUID, start: Position) -> None:
    """Set the cursor back: what follows is sent again, in its order."""
    _change(
        connection,
        subscription_id,
        "replay_transaction = greatest(s.replay_transaction, s.cursor_transaction),"
        " cursor_transaction = least(s.cursor_transaction, %(transaction)s::text::xid8),"
        " cursor_event = CASE WHEN %(transaction)s::text::xid8 < s.cursor_transaction"
        " THEN %(event)s ELSE least(s.cursor_event, %(event)s) END,"
        " news_before = greatest(s.news_before, pg_current_xact_id()), leased_by = NULL",
        transaction=start.transaction_id,
        event=start.event_id,
    )


def _change(connection: Connection, subscription_id: UUID, changes: str, **given: object) -> None:
    driver.run(
        connection,
        f"UPDATE subscriptions s SET {changes}, lock_version = s.lock_version + 1,"
        " updated_at = now() WHERE s.id = %(id)s",
        {"id": str(subscription_id), **given},
    )


# ── Ends ─────────────────────────────────────────────────────────────────────────────────

_GIVE_UP = """
), given_up AS (
    UPDATE subscription_messages m SET status = 'dead', note = %(reason)s, due_at = NULL,
        settled_at = now()
    FROM ended WHERE m.subscription_id = ended.id AND m.status = 'waiting'
)
SELECT id FROM ended
"""


def expire(connection: Connection) -> int:
    """End those whose time is over; returns how many."""
    return _end(
        connection,
        "UPDATE subscriptions s SET status = 'expired', reason = %(reason)s, updated_at = now(),"
        " retry_at = NULL WHERE s.status IN ('active', 'paused', 'failed')"
        " AND s.expires_at <= now() RETURNING s.id",
        EndReason.EXPIRED,
    )


def end_of_executions(connection: Connection) -> int:
    """End those of executions that have ended, once they were told everything; how many."""
    return _end(
        connection,
        "UPDATE subscriptions s SET status = 'expired', reason = %(reason)s, updated_at = now()"
        " FROM executions x, history_readers r WHERE s.status = 'active' AND s.reach = 'execution'"
        " AND s.news_before <= s.cursor_transaction AND s.retry_at IS NULL"
        " AND x.id = s.execution_id AND x.finished_at IS NOT NULL"
        f" AND r.name = '{READER}' AND NOT EXISTS (SELECT FROM events e"
        " WHERE e.execution_id = x.id AND e.transaction_id >= r.transaction_id) RETURNING s.id",
        EndReason.EXECUTION_ENDED,
    )


def end_of_pipeline(connection: Connection, pipeline_id: UUID) -> int:
    """End those of a pipeline that is deleted; those of its executions go on."""
    return _end(
        connection,
        "UPDATE subscriptions s SET status = 'expired', reason = %(reason)s, updated_at = now(),"
        " retry_at = NULL, lock_version = s.lock_version + 1"
        " WHERE s.pipeline_id = %(pipeline)s AND s.reach = 'pipeline' RETURNING s.id",
        EndReason.PIPELINE_DELETED,
        pipeline=str(pipeline_id),
    )


def _end(connection: Connection, update: str, reason: EndReason, **given: object) -> int:
    statement = f"WITH ended AS ({update}{_GIVE_UP}"
    return len(driver.fetch(connection, statement, {"reason": reason.value, **given}))


# ── What is asked about them ─────────────────────────────────────────────────────────────


class Standing(NamedTuple):
    """How all subscriptions stand."""

    failed: int  #: were given up
    failing: int  #: have failed the last time, and are tried again
    late: int  #: have not, and are later than was asked about


def standing(connection: Connection, *, late_seconds: float) -> Standing:
    """How many have failed, do, and are late although nothing is wrong with them."""
    row = connection.exec_driver_sql(
        "SELECT count(*) FILTER (WHERE s.status = 'failed'),"
        " count(*) FILTER (WHERE s.status = 'active' AND s.failures > 0),"
        " count(*) FILTER (WHERE s.status = 'active' AND s.failures = 0"
        " AND s.news_before > s.cursor_transaction AND (SELECT e.created_at FROM events e"
        " WHERE e.transaction_id >= s.cursor_transaction ORDER BY e.transaction_id LIMIT 1)"
        " < now() - make_interval(secs => %(late)s))"
        " FROM subscriptions s WHERE s.status IN ('active', 'failed')",
        {"late": late_seconds},
    ).one()
    return Standing(*row)


def kept(connection: Connection, owner: str | None) -> int:
    """How many subscriptions of *owner* somebody has made that have not ended."""
    found: int = connection.exec_driver_sql(
        "SELECT count(*) FROM subscriptions WHERE coalesce(user_id, '') = coalesce(%(owner)s, '')"
        " AND NOT by_execution AND status <> 'expired'",
        {"owner": owner},
    ).scalar_one()
    return found
