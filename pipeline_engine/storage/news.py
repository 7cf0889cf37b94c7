"""What is new in the history, and for which subscriptions; the events that one of them is sent.

One reader for all: it says of a subscription that there is news, once, however much it is. Each
then reads from its own cursor.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.subscriptions import Reach
from pipeline_engine.storage.positions import HORIZON, Position
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.subscriptions import READER
from pipeline_engine.storage.tables.base import Json
from pipeline_engine.storage.tables.events import EventType

#: After which events an execution may have come further.
STEPS_ON = (
    EventType.STEP_PROGRESS,
    EventType.STEP_COMPLETED,
    EventType.STEP_SKIPPED,
    EventType.STEP_FAILED,
    EventType.STEP_TIMEOUT,
)
_STEPS_ON = ", ".join(f"'{kind}'" for kind in STEPS_ON)

# What is before the cursors of all was handled by all; what is before the reader, told by it. One
# statement has one snapshot: who is not seen by it is younger than its horizon, and will be told.
_RING = f"""
WITH lowest AS (
    SELECT cursor_transaction AS at FROM subscriptions WHERE status = 'active'
    ORDER BY cursor_transaction LIMIT 1
), reader AS (
    SELECT transaction_id AS at FROM history_readers WHERE name = '{READER}'
    FOR UPDATE SKIP LOCKED
), span AS MATERIALIZED (
    SELECT greatest(reader.at, lowest.at) AS since, {HORIZON} AS below FROM reader, lowest
), fresh AS MATERIALIZED (
    SELECT execution_id, event_type FROM events
    WHERE transaction_id >= (SELECT since FROM span)
        AND transaction_id < (SELECT below FROM span)
    GROUP BY 1, 2
), concerned AS MATERIALIZED (
    SELECT s.id, s.heard, f.execution_id, f.event_type
    FROM fresh f JOIN subscriptions s ON s.execution_id = f.execution_id
    WHERE s.status = 'active' AND s.reach = 'execution'
    UNION ALL
    SELECT s.id, s.heard, f.execution_id, f.event_type
    FROM fresh f JOIN executions x ON x.id = f.execution_id
    JOIN subscriptions s ON coalesce(s.user_id, '') = coalesce(x.user_id, '')
        AND s.reach <> 'execution' AND (s.reach = 'owner' OR s.pipeline_id = x.pipeline_id)
    WHERE s.status = 'active'
), rung AS (
    UPDATE subscriptions s SET news_before = span.below,
        cursor_transaction = CASE WHEN s.news_before <= s.cursor_transaction
            THEN greatest(s.cursor_transaction, span.since) ELSE s.cursor_transaction END,
        cursor_event = CASE WHEN s.news_before <= s.cursor_transaction
            AND s.cursor_transaction < span.since THEN 0 ELSE s.cursor_event END
    FROM span, (SELECT DISTINCT id FROM concerned
        WHERE heard IS NULL OR event_type = ANY(heard)) found
    WHERE s.id = found.id AND s.news_before < span.below
), moved AS (
    UPDATE history_readers r SET transaction_id = span.below FROM span
    WHERE r.name = '{READER}' AND r.transaction_id < span.below AND EXISTS (SELECT FROM fresh)
)
SELECT EXISTS (SELECT FROM lowest), ARRAY(
    SELECT DISTINCT execution_id FROM concerned
    WHERE (heard IS NULL OR '{EventType.WORKFLOW_PROGRESS}' = ANY(heard))
        AND event_type IN ({_STEPS_ON}))
"""
# A new installation, or one that was emptied: nothing was read yet.
_APPEAR = (
    "INSERT INTO history_readers (name, transaction_id)"
    f" SELECT '{READER}', coalesce((SELECT cursor_transaction FROM subscriptions"
    f" ORDER BY cursor_transaction LIMIT 1), {HORIZON})"
    " WHERE NOT EXISTS (SELECT FROM history_readers WHERE name = 'subscriptions')"
    " ON CONFLICT (name) DO NOTHING; "
)


class Rung(NamedTuple):
    """What a look at the history has found."""

    anybody: bool  #: there are active subscriptions
    came_further: Sequence[UUID]  #: executions whose progress somebody wants to know


def ring(connection: Connection) -> Rung:
    """Say of each subscription that there is news for it, if there is."""
    return Rung(*driver.fetch(connection, _APPEAR + _RING, {})[0])


# ── Whose turn it is ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """A subscription whose turn it is, as far as sending is concerned."""

    id: UUID
    user_id: str | None
    reach: str
    execution_id: UUID | None
    pipeline_id: UUID | None
    heard: list[str] | None
    format: str
    target: str
    address: str
    max_length: int | None
    secret: str | None
    old_secret: str | None
    old_secret_until: datetime | None
    status: str
    cursor_transaction: int
    cursor_event: int
    news_before: int
    replay_transaction: int | None
    is_early: bool  #: it may only be tested
    failures: int
    dead_in_a_row: int
    has_test: bool
    lock_version: int

    @property
    def cursor(self) -> Position:
        """How far it has read."""
        return Position(self.cursor_transaction, self.cursor_event)


_XID8 = ("cursor_transaction", "news_before", "replay_transaction")
_EARLY = "is_early"
_COLUMNS = tuple(Leased.__dataclass_fields__)
_SELECTED = ", ".join(
    f"s.{name}::text::bigint"
    if name in _XID8
    else "s.status <> 'active' OR s.not_before > now()"
    if name == _EARLY
    else f"s.{name}"
    for name in _COLUMNS
)
_CLAIM = f"""
UPDATE subscriptions s SET leased_by = %(by)s,
    leased_until = clock_timestamp() + make_interval(secs => %(seconds)s)
FROM (
    SELECT id FROM subscriptions
    WHERE (leased_until IS NULL OR leased_until < now()) AND (failures = 0 OR %(suspects)s)
        AND (expires_at IS NULL OR expires_at > now())
        AND (has_test OR (status = 'active' AND not_before <= now()
            AND (retry_at <= now()
                -- Behind the horizon is nothing to read, however long that stays where it is.
                OR (news_before > cursor_transaction AND cursor_transaction < {HORIZON}))))
    ORDER BY leased_until NULLS FIRST LIMIT %(most)s FOR UPDATE SKIP LOCKED
) due WHERE s.id = due.id RETURNING {_SELECTED}
"""


def claim(
    connection: Connection, *, by: str, seconds: float, most: int, suspects: bool
) -> list[Leased]:
    """Take those whose turn it is, for so long; *suspects*: also those that have failed last."""
    given = {"by": by, "seconds": seconds, "most": most, "suspects": suspects}
    rows = driver.fetch(connection, _CLAIM, given)
    return [Leased(**dict(zip(_COLUMNS, row, strict=True))) for row in rows]


# ── What it is sent ──────────────────────────────────────────────────────────────────────


class Heard(NamedTuple):
    """One event for a subscription."""

    transaction_id: int
    id: int
    execution_id: UUID
    step_execution_id: int | None
    event_type: str
    details: dict[str, Json] | None
    progress_percentage: Decimal | None
    eta_seconds: int | None
    created_at: datetime
    number: int  #: in the history of its execution, from 1

    @property
    def position(self) -> Position:
        """Where it is."""
        return Position(self.transaction_id, self.id)


@dataclass(frozen=True, slots=True)
class Reading:
    """Some events for a subscription, and how far they reach."""

    events: Sequence[Heard]
    reached: Position  #: what is in front of it, and not among the events, is not for it
    is_all: bool  #: there is nothing more before the horizon


_OF_REACH = {
    Reach.EXECUTION: "true",
    Reach.PIPELINE: "coalesce(x.user_id, '') = %(owner)s AND x.pipeline_id = %(pipeline)s::uuid",
    Reach.OWNER: "coalesce(x.user_id, '') = %(owner)s",
}


def _reading(reach: Reach) -> str:
    of_one = " AND execution_id = %(execution)s::uuid" if reach is Reach.EXECUTION else ""
    joined = (
        ""
        if reach is Reach.EXECUTION
        else f" JOIN executions x ON x.id = e.execution_id AND {_OF_REACH[reach]}"
    )
    return f"""
WITH looked_at AS MATERIALIZED (
    SELECT * FROM events
    WHERE (transaction_id, id) > (%(transaction)s::text::xid8, %(event)s)
        AND transaction_id < {HORIZON}{of_one}
    ORDER BY transaction_id, id LIMIT %(looks)s
), heard AS MATERIALIZED (
    SELECT e.* FROM looked_at e{joined}
    WHERE %(heard)s::text[] IS NULL OR e.event_type = ANY(%(heard)s::text[])
    ORDER BY e.transaction_id, e.id LIMIT %(most)s
), last AS (
    SELECT DISTINCT ON (execution_id) execution_id, transaction_id, id FROM heard
    ORDER BY execution_id, transaction_id DESC, id DESC
), numbered AS (
    SELECT n.id, coalesce(k.number, 0) + row_number() OVER (
        PARTITION BY l.execution_id ORDER BY n.transaction_id, n.id) AS number
    FROM last l LEFT JOIN json_to_recordset(%(counted)s::json) AS k(execution_id uuid,
        transaction_id text, event_id bigint, number bigint) USING (execution_id)
    CROSS JOIN LATERAL (SELECT transaction_id, id FROM events e
        WHERE e.execution_id = l.execution_id
            AND (e.transaction_id, e.id)
                > (coalesce(k.transaction_id, '0')::xid8, coalesce(k.event_id, 0))
            AND (e.transaction_id, e.id) <= (l.transaction_id, l.id)) n
)
SELECT (SELECT count(*) FROM looked_at), (SELECT count(*) FROM heard),
    {HORIZON}::text::bigint, l.transaction_id::text::bigint, l.id,
    h.transaction_id::text::bigint, h.id, h.execution_id, h.step_execution_id, h.event_type,
    h.details, h.progress_percentage, h.eta_seconds, h.created_at, n.number
FROM (SELECT) AS once
LEFT JOIN (SELECT transaction_id, id FROM looked_at
    ORDER BY transaction_id DESC, id DESC LIMIT 1) l ON true
LEFT JOIN heard h ON true LEFT JOIN numbered n ON n.id = h.id
ORDER BY h.transaction_id, h.id
"""


_READINGS = {reach: _reading(reach) for reach in Reach}
LOOKS = 5000  #: events that one reading looks at, whoever's they are


@dataclass(slots=True)
class Numbers:
    """Up to which event of some executions somebody has counted.

    An execution of ten thousand items has a long history: it is counted through once a turn.
    """

    _last: dict[UUID, Heard] = field(default_factory=dict)

    def note(self, events: Sequence[Heard]) -> None:
        """Remember the last of these; of other executions, nothing."""
        if events:
            self._last = {event.execution_id: event for event in events}

    def __str__(self) -> str:
        """As a statement reads it."""
        return json_guard.dumps(
            [
                {
                    "execution_id": str(last.execution_id),
                    "transaction_id": str(last.transaction_id),
                    "event_id": last.id,
                    "number": last.number,
                }
                for last in self._last.values()
            ]
        )


def read(
    connection: Connection,
    one: Leased,
    after: Position,
    *,
    most: int,
    numbers: Numbers | None = None,
) -> Reading:
    """The next events for a subscription behind *after*, in their order.

    *numbers*: of what is in front of *after*; it is brought up to date.
    """
    numbers = numbers or Numbers()
    rows = driver.fetch(
        connection,
        _READINGS[Reach(one.reach)],
        {
            "transaction": after.transaction_id,
            "event": after.event_id,
            "execution": one.execution_id and str(one.execution_id),
            "pipeline": one.pipeline_id and str(one.pipeline_id),
            "owner": one.user_id or "",
            "heard": one.heard,
            "looks": LOOKS,
            "most": most,
            "counted": str(numbers),
        },
    )
    looked, found, horizon, last_transaction, last_id = rows[0][:5]
    events = [Heard(*row[5:]) for row in rows if row[6] is not None]
    numbers.note(events)
    if found == most:
        return Reading(events, events[-1].position, is_all=False)
    if looked == LOOKS:
        return Reading(events, Position(last_transaction, last_id), is_all=False)
    # Everything in front of the horizon was looked at; never back, should it be an older one.
    return Reading(events, max(after, Position(horizon, 0)), is_all=True)


class Facts(NamedTuple):
    """What messages say of an execution."""

    id: UUID
    name: str
    pipeline_id: UUID | None
    user_id: str | None
    status: str
    params: dict[str, Json]
    parameters: Json  #: what its definition declares
    outputs: dict[str, Json] | None
    error: dict[str, Json] | None
    subscriber_ids: str | None
    payload_type: str | None
    notification_workflow_id: str | None


def facts(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Facts]:
    """What messages say of these executions."""
    columns = ", ".join(
        "r.document -> 'parameters'" if name == "parameters" else f"x.{name}"
        for name in Facts._fields
    )
    rows = driver.fetch(
        connection,
        f"SELECT {columns} FROM executions x JOIN pipeline_revisions r ON r.id = x.revision_id"
        " WHERE x.id = ANY(%(ids)s::uuid[])",
        {"ids": driver.array(ids)},
    )
    return {row[0]: Facts(*row) for row in rows}


def seconds_of_steps(connection: Connection, ids: Collection[int]) -> dict[int, float]:
    """How long these steps took, as far as they have ended."""
    rows = driver.fetch(
        connection,
        "SELECT id, extract(epoch FROM finished_at - started_at) FROM step_executions"
        " WHERE id = ANY(%(ids)s::bigint[]) AND finished_at IS NOT NULL AND started_at IS NOT NULL",
        {"ids": driver.array(ids)},
    )
    return {row[0]: float(row[1]) for row in rows}


def note_progress(
    connection: Connection, execution_id: UUID, overall: Decimal, eta_seconds: int | None
) -> bool:
    """Write to the history how far a running execution is; false if it has ended or is locked."""
    rows: list[Any] = driver.fetch(
        connection,
        "WITH running AS (SELECT id FROM executions WHERE id = %(id)s AND status = 'RUNNING'"
        " FOR NO KEY UPDATE SKIP LOCKED), raised AS (UPDATE executions e SET"
        " progress_percentage = greatest(e.progress_percentage, %(overall)s) FROM running"
        " WHERE e.id = running.id RETURNING e.id, e.progress_percentage) INSERT INTO events"
        " (execution_id, event_type, details, progress_percentage, eta_seconds)"
        f" SELECT id, '{EventType.WORKFLOW_PROGRESS}', '{{}}', progress_percentage, %(eta)s"
        " FROM raised RETURNING id",
        {"id": str(execution_id), "overall": overall, "eta": eta_seconds},
    )
    return bool(rows)
