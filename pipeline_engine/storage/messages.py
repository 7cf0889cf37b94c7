"""The SQL of messages: what waits for its next try, what became of a try, how far a turn came."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.subscriptions import EndReason, MessageStatus, Origin
from pipeline_engine.storage.news import Leased
from pipeline_engine.storage.positions import Position
from pipeline_engine.storage.postgres import driver

KEPT_SENT = 100  #: messages that were sent, of each subscription
KEPT_TRIES = 20  #: of each message
MOST_POSTED = 1000  #: messages that wait; what is posted beside them is given up at once
#: Messages of one execution are sent in their order; one that is sent for itself goes its own way.
LANE = "CASE WHEN in_order THEN execution_id::text ELSE message_id END"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is to be sent to a subscription."""

    id: str
    event_type: str
    execution_id: UUID | None
    position: Position
    body: str
    origin: Origin = Origin.EVENT
    in_order: bool = True
    attempts: int = 0  #: tries that have failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a message: sent, dead, or waiting for so many seconds."""

    message: Message
    status: MessageStatus
    tried: dict[str, Any] | None = None  #: the last try; null if there was none
    note: str | None = None
    due_in_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a turn came since it was last written down."""

    cursor: Position
    settled: Sequence[Settled] = ()
    failures: int
    dead_in_a_row: int
    sent: bool = False  #: a message was sent
    error: str | None = None  #: of the last try that has failed
    pause_seconds: float = 0.0  #: the receiver is left alone for so long
    failed: EndReason | None = None  #: the subscription is given up


class Kept(NamedTuple):
    """How the subscription stands after it was written down."""

    status: str
    lock_version: int


_UPDATE = """
UPDATE subscriptions s SET
    cursor_transaction = greatest(s.cursor_transaction, %(transaction)s::text::xid8),
    cursor_event = CASE WHEN s.cursor_transaction < %(transaction)s::text::xid8 THEN %(event)s
        WHEN s.cursor_transaction = %(transaction)s::text::xid8
        THEN greatest(s.cursor_event, %(event)s) ELSE s.cursor_event END,
    replay_transaction = CASE WHEN s.replay_transaction > %(transaction)s::text::xid8
        THEN s.replay_transaction END,
    failures = %(failures)s, dead_in_a_row = %(dead)s,
    last_sent_at = CASE WHEN %(sent)s THEN now() ELSE s.last_sent_at END,
    last_failed_at = CASE WHEN %(error)s::text IS NULL THEN s.last_failed_at ELSE now() END,
    last_error = coalesce(%(error)s, s.last_error),
    not_before = CASE WHEN %(pause)s > 0 THEN now() + make_interval(secs => %(pause)s)
        ELSE s.not_before END,
    status = CASE WHEN s.status = 'active' AND %(failed)s::text IS NOT NULL THEN 'failed'
        ELSE s.status END,
    reason = CASE WHEN s.status = 'active' THEN coalesce(%(failed)s, s.reason) ELSE s.reason END,
    leased_until = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE s.id = %(id)s AND s.leased_by = %(by)s RETURNING s.status, s.lock_version
"""
_COLUMNS = {
    **dict.fromkeys(("message_id", "origin", "status", "event_type", "body", "note"), "text"),
    "in_order": "boolean",
    "execution_id": "uuid",
    "event_transaction": "text",
    "event_id": "bigint",
    "attempts": "int",
    "tries": "jsonb",
    "due": "float",
}
_RECORDSET = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
_TRIES = f"$[last - {KEPT_TRIES - 1} to last]"
_INSERT = f"""
INSERT INTO subscription_messages AS m (subscription_id, message_id, origin, in_order, status,
    event_type, execution_id, event_transaction, event_id, body, attempts, tries, note, due_at,
    settled_at)
SELECT %(id)s, r.message_id, r.origin, r.in_order, r.status, r.event_type, r.execution_id,
    r.event_transaction::xid8, r.event_id, r.body, r.attempts, r.tries, r.note,
    CASE WHEN r.status = 'waiting' THEN now() + make_interval(secs => r.due) END,
    CASE WHEN r.status <> 'waiting' THEN now() END
FROM json_to_recordset(%(rows)s::json) AS r({_RECORDSET})
ON CONFLICT (subscription_id, message_id) DO"""
_ONCE = f"{_INSERT} NOTHING"
_UPSERT = f"""{_INSERT} UPDATE SET status = excluded.status,
    origin = excluded.origin, in_order = excluded.in_order, attempts = excluded.attempts,
    tries = jsonb_path_query_array(m.tries || excluded.tries, '{_TRIES}'),
    note = excluded.note, due_at = excluded.due_at, settled_at = excluded.settled_at
-- Read once more, what waits does not begin again.
WHERE NOT (m.status = 'waiting' AND excluded.status = 'waiting' AND excluded.attempts = 0)
"""


def write_down(
    connection: Connection, one: Leased, progress: Progress, *, by: str, seconds: float
) -> Kept | None:
    """Write down how far a turn came, and go on for so long; None if somebody else has it now."""
    rows = driver.fetch(
        connection,
        _UPDATE,
        {
            "id": str(one.id),
            "by": by,
            "seconds": seconds,
            "transaction": progress.cursor.transaction_id,
            "event": progress.cursor.event_id,
            "failures": progress.failures,
            "dead": progress.dead_in_a_row,
            "sent": progress.sent,
            "error": progress.error,
            "pause": progress.pause_seconds,
            "failed": progress.failed and progress.failed.value,
        },
    )
    if not rows:
        return None
    if progress.settled:
        settled = json_guard.dumps([_row(each) for each in progress.settled])
        driver.run(connection, _UPSERT, {"id": str(one.id), "rows": settled})
    if progress.failed is EndReason.GONE:
        bury(connection, one.id, EndReason.GONE)
    return Kept(*rows[0])


def keep_lease(connection: Connection, subscription_id: UUID, *, by: str, seconds: float) -> bool:
    """Go on with a turn for so many seconds; false if somebody else has it now."""
    rows = driver.fetch(
        connection,
        "UPDATE subscriptions SET leased_until = clock_timestamp() + make_interval(secs => %(s)s)"
        " WHERE id = %(id)s AND leased_by = %(by)s RETURNING id",
        {"id": str(subscription_id), "by": by, "s": seconds},
    )
    return bool(rows)


def _row(settled: Settled) -> dict[str, Any]:
    message = settled.message
    return {
        "message_id": message.id,
        "origin": message.origin,
        "status": settled.status,
        "event_type": message.event_type,
        "execution_id": message.execution_id and str(message.execution_id),
        "event_transaction": str(message.position.transaction_id),
        "event_id": message.position.event_id,
        "body": message.body,
        "in_order": message.in_order,
        "attempts": message.attempts,
        "tries": [] if settled.tried is None else [settled.tried],
        "note": settled.note,
        "due": settled.due_in_seconds,
    }


def bury(connection: Connection, subscription_id: UUID, why: EndReason) -> None:
    """Give up what waits."""
    driver.run(
        connection,
        "UPDATE subscription_messages SET status = 'dead', note = %(why)s, due_at = NULL,"
        " settled_at = now() WHERE subscription_id = %(id)s AND status = 'waiting'",
        {"id": str(subscription_id), "why": why.value},
    )


# ── What waits ───────────────────────────────────────────────────────────────────────────

_MESSAGE = (
    "message_id, event_type, execution_id, event_transaction::text::bigint, event_id, body,"
    " origin, in_order, attempts"
)
_FIRST = (
    f"SELECT DISTINCT ON ({LANE}) * FROM subscription_messages"
    " WHERE subscription_id = %(id)s AND status = 'waiting'"
    f" ORDER BY {LANE}, event_transaction, event_id"
)


def due(connection: Connection, subscription_id: UUID, *, tests: bool, most: int) -> list[Message]:
    """The messages whose next try is due: the first of each execution, in their order.

    *tests*: only those that somebody has asked for as a test, or none of these.
    """
    rows = driver.fetch(
        connection,
        f"SELECT {_MESSAGE} FROM ({_FIRST}) first WHERE due_at <= now()"
        " AND (origin = 'test') = %(tests)s"
        " ORDER BY event_transaction, event_id LIMIT %(most)s",
        {"id": str(subscription_id), "tests": tests, "most": most},
    )
    return [_message(row) for row in rows]


def _message(row: tuple[Any, ...]) -> Message:
    return Message(
        id=row[0],
        event_type=row[1],
        execution_id=row[2],
        position=Position(row[3], row[4]),
        body=row[5],
        origin=Origin(row[6]),
        in_order=row[7],
        attempts=row[8],
    )


def held_up(connection: Connection, subscription_id: UUID) -> tuple[set[UUID], int]:
    """The executions of which a message waits, and how many wait in all."""
    rows = driver.fetch(
        connection,
        "SELECT execution_id, count(*) FROM subscription_messages WHERE subscription_id = %(id)s"
        " AND status = 'waiting' AND in_order GROUP BY 1",
        {"id": str(subscription_id)},
    )
    return {row[0] for row in rows}, sum(row[1] for row in rows)


_GIVE_BACK = f"""
UPDATE subscriptions s SET leased_until = clock_timestamp(), leased_by = NULL,
    retry_at = w.at,
    has_test = EXISTS (SELECT FROM subscription_messages WHERE subscription_id = s.id
        AND status = 'waiting' AND origin = 'test'),
    not_before = greatest(s.not_before, CASE WHEN %(is_full)s THEN w.at END,
        CASE WHEN %(broken)s > 0 THEN now() + make_interval(secs => %(broken)s) END),
    last_error = CASE WHEN %(broken)s > 0 THEN 'The sender has failed: see its log.'
        ELSE s.last_error END,
    last_failed_at = CASE WHEN %(broken)s > 0 THEN now() ELSE s.last_failed_at END
FROM (SELECT min(due_at) AS at FROM ({_FIRST}) first WHERE origin <> 'test') w
WHERE s.id = %(id)s AND (s.leased_by = %(by)s OR s.leased_by IS NULL)
"""
# A statement of its own: what was posted by who has held the row is seen by the next one.
_LOCK = "SELECT id FROM subscriptions WHERE id = %(id)s FOR NO KEY UPDATE; "
# Whoever looks at what was sent looks at the last of it.
_TRIM = (
    "DELETE FROM subscription_messages WHERE subscription_id = %(id)s AND status = 'sent'"
    " AND id <= (SELECT id FROM subscription_messages WHERE subscription_id = %(id)s"
    " AND status = 'sent' ORDER BY id DESC OFFSET %(kept)s LIMIT 1); "
)


def give_back(
    connection: Connection,
    subscription_id: UUID,
    *,
    by: str,
    is_full: bool,
    broken_seconds: float = 0.0,
) -> None:
    """End a turn; *is_full*: as much waits as may, so nothing is read before the next try.

    *broken_seconds*: the turn has raised, and the next one is to be so much later.
    """
    given = {"id": str(subscription_id), "by": by, "is_full": is_full, "broken": broken_seconds}
    driver.run(connection, _TRIM + _LOCK + _GIVE_BACK, given | {"kept": KEPT_SENT})


# ── What somebody asks for ───────────────────────────────────────────────────────────────


def post(connection: Connection, subscription_id: UUID, message: Message) -> None:
    """Let a message be sent that is about no event of the history, such as a test.

    For any transaction that has something to say: it is sent once that is committed, and under
    its id only once, however often it is posted. What nobody comes for is bounded.
    """
    is_test = message.origin is Origin.TEST
    too_many = not is_test and _waiting(connection, subscription_id) >= MOST_POSTED
    settled = Settled(
        message=message,
        status=MessageStatus.DEAD if too_many else MessageStatus.WAITING,
        note=f"{MOST_POSTED} messages wait" if too_many else None,
    )
    rows = json_guard.dumps([_row(settled)])
    driver.run(connection, _ONCE, {"id": str(subscription_id), "rows": rows})
    due = "has_test = true" if is_test else "retry_at = least(retry_at, now())"
    driver.run(
        connection,
        f"UPDATE subscriptions SET {due} WHERE id = %(id)s",
        {"id": str(subscription_id)},
    )


def _waiting(connection: Connection, subscription_id: UUID) -> int:
    rows = driver.fetch(
        connection,
        "SELECT count(*) FROM subscription_messages WHERE subscription_id = %(id)s"
        " AND status = 'waiting'",
        {"id": str(subscription_id)},
    )
    found: int = rows[0][0]
    return found


def replay(connection: Connection, subscription_id: UUID, message_id: str) -> bool:
    """Let a message that was sent or given up be tried anew, for itself; false if it waits."""
    rows = driver.fetch(
        connection,
        "UPDATE subscription_messages SET status = 'waiting', origin = 'replay', attempts = 0,"
        " in_order = false, note = NULL, due_at = now(), settled_at = NULL"
        " WHERE subscription_id = %(id)s AND message_id = %(message)s AND status <> 'waiting'"
        " RETURNING id",
        {"id": str(subscription_id), "message": message_id},
    )
    if rows:
        driver.run(
            connection,
            "UPDATE subscriptions SET retry_at = least(retry_at, now()) WHERE id = %(id)s",
            {"id": str(subscription_id)},
        )
    return bool(rows)


def counts(connection: Connection, ids: Collection[UUID]) -> dict[UUID, dict[MessageStatus, int]]:
    """How many messages of these subscriptions wait, and are dead; tests count for nothing."""
    rows = driver.fetch(
        connection,
        "SELECT subscription_id, status, count(*) FROM subscription_messages"
        " WHERE subscription_id = ANY(%(ids)s::uuid[]) AND status <> 'sent' AND origin <> 'test'"
        " GROUP BY 1, 2",
        {"ids": driver.array(ids)},
    )
    found: dict[UUID, dict[MessageStatus, int]] = {one: {} for one in ids}
    for subscription_id, status, count in rows:
        found[subscription_id][MessageStatus(status)] = count
    return found
