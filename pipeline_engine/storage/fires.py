"""The ledger of schedules: what became of each due time, once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.schedules import FireOrigin, FireOutcome, Span
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.executions import OPEN

FAILED = "FAILED"  #: how an execution ends that counts for ``pause_after_failures``
GONE = "GONE"  #: the execution was deleted before anybody looked how it has ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    """A row of the ledger, about to be written."""

    schedule_id: UUID
    due_at: datetime
    outcome: FireOutcome
    schedule_version: int
    late_seconds: float = 0.0
    reason: str | None = None
    execution_id: UUID | None = None
    origin: FireOrigin = FireOrigin.CLOCK
    until_at: datetime | None = None
    count: int = 1


_VALUES = (
    "(%(schedule)s, %(due)s, %(origin)s, %(outcome)s, %(reason)s, %(execution)s, %(late)s,"
    " %(version)s, %(until)s, %(count)s, clock_timestamp())"
)
_INSERT = (
    "INSERT INTO schedule_fires (schedule_id, due_at, origin, outcome, reason, execution_id,"
    f" late_seconds, schedule_version, until_at, count, recorded_at) VALUES {_VALUES}"
)
# What nobody was there for may be made up for: by hand, or because the clock was wrong then.
RECORD = (
    f"{_INSERT} ON CONFLICT (schedule_id, due_at) DO UPDATE SET origin = excluded.origin,"
    " outcome = excluded.outcome, reason = excluded.reason, execution_id = excluded.execution_id,"
    " late_seconds = excluded.late_seconds, schedule_version = excluded.schedule_version,"
    " recorded_at = excluded.recorded_at"
    " WHERE schedule_fires.outcome IN ('skipped', 'merged', 'failed')"
    " AND schedule_fires.until_at IS NULL AND excluded.outcome IN ('fired', 'queued')"
    " RETURNING id"
)


def record(connection: Connection, fire: Fire) -> bool:
    """Write down what becomes of a due time; false if that was decided before.

    One for which nothing was started may be started later; what has started stays.
    """
    return bool(driver.fetch(connection, RECORD, _params(fire)))


def _params(fire: Fire) -> dict[str, object]:
    return {
        "schedule": str(fire.schedule_id),
        "due": fire.due_at,
        "origin": fire.origin,
        "outcome": fire.outcome,
        "reason": fire.reason,
        "execution": None if fire.execution_id is None else str(fire.execution_id),
        "late": fire.late_seconds,
        "version": fire.schedule_version,
        "until": fire.until_at,
        "count": fire.count,
    }


# ── Those that wait ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Queued:
    """A due time that waits for its turn."""

    id: int
    schedule_id: UUID
    due_at: datetime


def queued(connection: Connection, schedule_id: UUID) -> Queued | None:
    """The due time of a schedule that waits, if one does."""
    rows = driver.fetch(
        connection,
        "SELECT id, schedule_id, due_at FROM schedule_fires"
        " WHERE schedule_id = %(id)s AND outcome = 'queued' ORDER BY due_at LIMIT 1",
        {"id": str(schedule_id)},
    )
    return Queued(*rows[0]) if rows else None


def schedules_with_queued(connection: Connection, *, most: int) -> list[UUID]:
    """Schedules with a due time whose turn has come: no execution before it is open."""
    rows = driver.fetch(
        connection,
        "SELECT DISTINCT q.schedule_id FROM schedule_fires q WHERE q.outcome = 'queued'"
        " AND NOT EXISTS (SELECT 1 FROM schedule_fires f JOIN executions e"
        "  ON e.id = f.execution_id WHERE f.schedule_id = q.schedule_id"
        f"  AND f.outcome = 'fired' AND f.ended_as IS NULL AND e.{OPEN}) LIMIT %(most)s",
        {"most": most},
    )
    return [row[0] for row in rows]


def start_queued(connection: Connection, fire_id: int, fire: Fire) -> None:
    """Say that a due time waits no longer: this execution starts for it."""
    driver.run(
        connection,
        "UPDATE schedule_fires SET outcome = 'fired', reason = NULL, execution_id = %(execution)s,"
        " late_seconds = %(late)s, recorded_at = now() WHERE id = %(id)s AND outcome = 'queued'",
        {"id": fire_id, "execution": str(fire.execution_id), "late": fire.late_seconds},
    )


def give_up_queued(
    connection: Connection, ids: Collection[UUID], *, outcome: FireOutcome, reason: str
) -> None:
    """Say of what waits at these schedules that nothing will start for it."""
    driver.run(
        connection,
        "UPDATE schedule_fires SET outcome = %(outcome)s, reason = %(reason)s, recorded_at = now()"
        " WHERE schedule_id = ANY(%(ids)s::uuid[]) AND outcome = 'queued'",
        {"ids": driver.array(ids), "outcome": outcome, "reason": reason},
    )


# ── How they ended ───────────────────────────────────────────────────────────────────────

_ENDED = (
    "UPDATE schedule_fires f SET ended_as = ended.status FROM ("
    f" SELECT g.id, coalesce(e.status, '{GONE}') AS status FROM schedule_fires g"
    " LEFT JOIN executions e ON e.id = g.execution_id"
    " WHERE g.outcome = 'fired' AND g.ended_as IS NULL {which}"
    f" AND (e.id IS NULL OR NOT e.{OPEN}) ORDER BY g.id FOR UPDATE OF g SKIP LOCKED"
    ") ended WHERE f.id = ended.id"
)


def note_ends(connection: Connection, schedule_ids: Sequence[UUID] | None = None) -> None:
    """Write down how executions have ended that these schedules, or all, have started."""
    which = "" if schedule_ids is None else "AND g.schedule_id = ANY(%(ids)s::uuid[])"
    driver.run(connection, _ENDED.format(which=which), {"ids": driver.array(schedule_ids or ())})


def open_executions(connection: Connection, schedule_id: UUID) -> list[UUID]:
    """Executions of a schedule that have not ended; ``note_ends`` was called before."""
    rows = driver.fetch(
        connection,
        "SELECT execution_id FROM schedule_fires WHERE schedule_id = %(id)s"
        " AND outcome = 'fired' AND ended_as IS NULL ORDER BY id",
        {"id": str(schedule_id)},
    )
    return [row[0] for row in rows]


def has_failed(connection: Connection, schedule_id: UUID, *, since: datetime, times: int) -> bool:
    """Whether the last *times* executions of a schedule that have ended *since* have all failed.

    A due time at which nothing could be started counts as one that has failed.
    """
    rows = driver.fetch(
        connection,
        "SELECT outcome = 'failed' OR ended_as = %(failed)s FROM schedule_fires"
        " WHERE schedule_id = %(id)s AND recorded_at >= %(since)s"
        " AND (outcome = 'failed' OR (outcome = 'fired' AND ended_as IS NOT NULL))"
        " ORDER BY due_at DESC LIMIT %(times)s",
        {"id": str(schedule_id), "since": since, "times": times, "failed": FAILED},
    )
    return len(rows) == times and all(row[0] for row in rows)


# ── What is made up for ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a due time, alone or with the others of a range."""

    id: int
    outcome: str
    span: Span | None  #: of the row, if it stands for several


_DECIDED = (
    "SELECT d.due_at, f.id, f.outcome, f.due_at, f.until_at, f.count"
    " FROM unnest(%(due)s::timestamptz[]) AS d(due_at), LATERAL ("
    # Rows do not overlap, so the last one that has begun is the only one it may belong to.
    "  SELECT * FROM schedule_fires WHERE schedule_id = %(id)s AND due_at <= d.due_at"
    "  AND origin <> 'manual' ORDER BY due_at DESC LIMIT 1"
    " ) f WHERE coalesce(f.until_at, f.due_at) >= d.due_at"
)


def decided(
    connection: Connection, schedule_id: UUID, due: Sequence[datetime]
) -> dict[datetime, Decided]:
    """What became of these due times, as far as it is known."""
    rows = driver.fetch(connection, _DECIDED, {"id": str(schedule_id), "due": list(due)})
    return {row[0]: Decided(row[1], row[2], _span(*row[3:])) for row in rows}


def _span(first: datetime, last: datetime | None, count: int) -> Span | None:
    return None if last is None else Span(first, last, count)


def split(connection: Connection, range_id: int, left: Sequence[Span]) -> None:
    """Put the rows of *left* in the place of the one of a range; all else that it says stays."""
    driver.run(
        connection,
        "WITH gone AS (DELETE FROM schedule_fires WHERE id = %(id)s RETURNING *)"
        " INSERT INTO schedule_fires (schedule_id, due_at, origin, outcome, reason, execution_id,"
        " late_seconds, schedule_version, until_at, count, recorded_at)"
        " SELECT g.schedule_id, s.first, g.origin, g.outcome, g.reason, g.execution_id,"
        " g.late_seconds, g.schedule_version, nullif(s.last, s.first), s.count, g.recorded_at"
        " FROM gone g, unnest(%(first)s::timestamptz[], %(last)s::timestamptz[], %(count)s::int[])"
        " AS s(first, last, count)",
        {
            "id": range_id,
            "first": [one.first for one in left],
            "last": [one.last for one in left],
            "count": [one.count for one in left],
        },
    )
