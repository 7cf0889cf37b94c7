"""The SQL of the logs of attempts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sql
from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.storage.positions import HORIZON, Position
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.base import Json
from pipeline_engine.storage.tables.step_logs import StepLog


@dataclass(frozen=True, slots=True)
class Line:
    """One line that an attempt has written; secrets are masked already."""

    execution_id: UUID
    step_execution_id: int
    attempt: int
    at: datetime
    level: str
    message: str
    facts: dict[str, Json]

    @property
    def record(self) -> dict[str, Any]:
        """As the statement reads it."""
        return {
            "execution": str(self.execution_id),
            "step": self.step_execution_id,
            "attempt": self.attempt,
            "at": self.at.isoformat(),
            "level": self.level,
            "message": self.message,
            "facts": self.facts or None,
        }


class StoredLine(NamedTuple):
    """A line as readers see it, and where it is in the log of its execution."""

    transaction_id: int
    id: int
    at: datetime
    level: str
    message: str
    facts: dict[str, Json] | None
    step_execution_id: int
    attempt: int
    step_id: str
    item_index: int | None
    within: str | None

    @property
    def position(self) -> Position:
        """The place behind it."""
        return Position(self.transaction_id, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines are read, oldest first."""

    execution_id: UUID
    after: Position | None = None
    before: Position | None = None
    q: str | None = None  #: a part of the message or of the facts
    levels: Collection[str] | None = None
    step_id: str | None = None
    row: int | None = None  #: one step execution
    attempt: int | None = None
    newest: bool = False  #: the last ones, in place of the first
    limit: int = 500


def insert(connection: Connection, lines: Sequence[Line], *, most: int) -> None:
    """Store lines in their order; an attempt that has more than *most* already gets no more.

    One that has just as many may still say that it had more to say. Lines of a step that was
    deleted in the meantime are dropped: nothing would ever delete them.
    """
    given = {"lines": json_guard.dumps([line.record for line in lines]), "most": most}
    driver.run(connection, _INSERT, given)


_INSERT = """
WITH given AS (
    SELECT v.*, o.number
    FROM json_array_elements(%(lines)s::json) WITH ORDINALITY AS o(line, number),
        json_to_record(o.line) AS v(execution uuid, step bigint, attempt int, at timestamptz,
            level text, message text, facts jsonb)
), room AS (
    SELECT k.step, k.attempt FROM (SELECT DISTINCT step, attempt FROM given) k
    JOIN step_executions e ON e.id = k.step
    WHERE (SELECT count(*) FROM step_logs s
        WHERE s.step_execution_id = k.step AND s.attempt = k.attempt) <= %(most)s
)
INSERT INTO step_logs (execution_id, step_execution_id, attempt, at, level, message, facts)
SELECT g.execution, g.step, g.attempt, g.at, g.level, g.message, g.facts
FROM given g JOIN room USING (step, attempt) ORDER BY g.number
"""


def read(connection: Connection, wanted: Wanted) -> list[StoredLine]:
    """Lines that nothing can be written in front of any more, the oldest first.

    Of an execution that has ended all lines: who has seen the end need not ask again.
    """
    order = "DESC" if wanted.newest else "ASC"
    rows = driver.fetch(
        connection,
        f"{_READ} ORDER BY l.transaction_id {order}, l.id {order} LIMIT %(limit)s",
        _given(wanted),
    )
    found = [StoredLine(*row) for row in rows]
    return found[::-1] if wanted.newest else found


_READ = f"""
SELECT l.transaction_id::text::bigint, l.id, l.at, l.level, l.message, l.facts,
    l.step_execution_id, l.attempt, s.step_id, s.item_index, s.within
FROM step_logs l JOIN step_executions s ON s.id = l.step_execution_id
WHERE l.execution_id = %(execution)s
    AND (l.transaction_id < {HORIZON}
        OR (SELECT e.finished_at IS NOT NULL FROM executions e WHERE e.id = %(execution)s))
    AND (%(at)s::text IS NULL OR (l.transaction_id, l.id) > (%(at)s::text::xid8, %(id)s))
    AND (%(to)s::text IS NULL OR (l.transaction_id, l.id) < (%(to)s::text::xid8, %(to_id)s))
    AND (%(q)s::text IS NULL
        OR strpos(lower(l.message || ' ' || coalesce(l.facts::text, '')), lower(%(q)s)) > 0)
    AND (%(levels)s::text[] IS NULL OR l.level = ANY(%(levels)s::text[]))
    AND (%(step)s::text IS NULL OR s.step_id = %(step)s)
    AND (%(row)s::bigint IS NULL OR l.step_execution_id = %(row)s)
    AND (%(attempt)s::int IS NULL OR l.attempt = %(attempt)s)
"""


def _given(wanted: Wanted) -> dict[str, Any]:
    after, before = wanted.after, wanted.before
    return {
        "execution": str(wanted.execution_id),
        "at": None if after is None else str(after.transaction_id),
        "id": 0 if after is None else after.event_id,
        "to": None if before is None else str(before.transaction_id),
        "to_id": 0 if before is None else before.event_id,
        "q": wanted.q,
        "levels": None if wanted.levels is None else list(wanted.levels),
        "step": wanted.step_id,
        "row": wanted.row,
        "attempt": wanted.attempt,
        "limit": wanted.limit,
    }


def delete(connection: Connection, ids: Collection[UUID]) -> None:
    """Delete the logs of executions."""
    connection.execute(sql.delete(StepLog).where(StepLog.execution_id.in_(ids)))
