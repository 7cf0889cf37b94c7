"""The rows of one execution held against its events, and against each other.

Each statement returns what disagrees, and no more than *most* of it, with how much there is.
It reads the rows and events of that execution once, whatever their number; the database does the
counting, so that nothing but disagreements is held in memory here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.states import FINAL_EXECUTION_STATUSES, FINAL_STEP_STATUSES
from pipeline_engine.storage.places import IS_LIVE
from pipeline_engine.storage.tables.base import Json
from pipeline_engine.storage.tables.events import EventType

#: Longest statement of an audit: the events of a very large execution take their time.
STATEMENT_TIMEOUT = "5min"
#: Types of events that change no status.
NEWS = (EventType.STEP_PROGRESS, EventType.ETA_UPDATE, EventType.WORKFLOW_PROGRESS)
_FINAL = ", ".join(repr(status.value) for status in sorted(FINAL_STEP_STATUSES))
_EXECUTION_FINAL = ", ".join(repr(status.value) for status in sorted(FINAL_EXECUTION_STATUSES))
_NEWS = ", ".join(repr(kind.value) for kind in NEWS)


@dataclass(frozen=True, slots=True)
class Header:
    """What is to be known of an execution before its history is read."""

    status: str
    revision_id: UUID
    finished_at: datetime | None
    params: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Disagreeing:
    """A column of a row, or what stands for it, that is not what something else says."""

    code: str
    column: str
    found: str | None
    expected: str | None
    step_id: str | None = None  #: None: a column of the execution
    item_index: int | None = None
    within: str | None = None


@dataclass(frozen=True, slots=True)
class DefinedStep:
    """What the definition says about a step, as far as rows are held against it."""

    id: str
    holder: str | None = None  #: the block that it is in
    is_repeated: bool = False  #: the block has items or rounds, which hold it
    is_tolerated: bool = False  #: its failure is to be ignored


@dataclass(frozen=True, slots=True)
class Disagreements:
    """What one statement has found: the first of them, and how many there are."""

    listed: Sequence[Disagreeing]
    total: int


def header(connection: Connection, execution_id: UUID) -> Header | None:
    """The execution itself; None if there is none."""
    row = connection.exec_driver_sql(
        "SELECT status, revision_id, finished_at, params FROM executions WHERE id = %(id)s",
        {"id": str(execution_id)},
    ).first()
    return Header(*row) if row else None


def allow_time(connection: Connection) -> None:
    """Let the statements of this transaction take longer than those of requests may."""
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'")


def count_events(connection: Connection, execution_id: UUID) -> int:
    """How many events of an execution decide anything."""
    found: int = connection.exec_driver_sql(
        f"SELECT count(*) FROM events WHERE execution_id = %(id)s AND event_type NOT IN ({_NEWS})",
        {"id": str(execution_id)},
    ).scalar_one()
    return found


def events(
    connection: Connection, execution_id: UUID
) -> Iterator[tuple[int, EventType, int | None, dict[str, Json]]]:
    """Those events in the order of their ids, all at once: id, kind, the step's row, details."""
    # Of errors, outputs and external ids, which can be long, nothing is decided by.
    rows = connection.exec_driver_sql(
        "SELECT id, event_type, step_execution_id, CASE WHEN step_execution_id IS NULL"
        " THEN details ELSE details - ARRAY['error', 'step_name', 'external_ids', 'worker'] END"
        f" FROM events WHERE execution_id = %(id)s AND event_type NOT IN ({_NEWS}) ORDER BY id",
        {"id": str(execution_id)},
    )
    for row in rows:
        yield row[0], EventType(row[1]), row[2], row[3] or {}


def newest_ended(connection: Connection, *, limit: int) -> list[UUID]:
    """The executions that ended last."""
    found = connection.exec_driver_sql(
        "SELECT id FROM executions WHERE finished_at IS NOT NULL"
        " ORDER BY finished_at DESC LIMIT %(limit)s",
        {"limit": limit},
    )
    return list(found.scalars())


def row_disagreements(
    connection: Connection,
    execution_id: UUID,
    *,
    steps: Sequence[DefinedStep],
    most: int,
) -> Iterator[Disagreements]:
    """Whatever rows say that their events or the rows that they count do not.

    *steps* are those of the definition, and of the blocks in it.
    """
    params = {
        "id": str(execution_id),
        "steps": [step.id for step in steps],
        "holders": [step.holder for step in steps],
        "repeated": [step.is_repeated for step in steps],
        "tolerated": [step.id for step in steps if step.is_tolerated],
        "most": most,
    }
    for statement in (_EXECUTION, _MISSING, _ROWS, _DEPENDENCIES, _ITEMS, _PLACES):
        yield _disagreements(connection, statement, params)


def _disagreements(connection: Connection, statement: str, params: dict[str, Any]) -> Disagreements:
    sql = f"SELECT f.*, count(*) OVER () FROM ({statement}) f LIMIT %(most)s"
    rows = connection.exec_driver_sql(sql, params).all()
    listed = [
        Disagreeing(code, column, found, expected, step_id, item_index, within)
        for within, step_id, item_index, code, column, found, expected, _ in rows
    ]
    return Disagreements(listed, rows[0][-1] if rows else 0)


_EXECUTION = f"""
SELECT NULL AS within, NULL AS step_id, NULL::int, f.code, f.name, f.found, f.expected
FROM executions e
LEFT JOIN LATERAL (
    SELECT CASE event_type WHEN 'workflow_completed' THEN 'COMPLETED'
        WHEN 'workflow_failed' THEN 'FAILED' ELSE 'INTERRUPTED' END AS status
    FROM events WHERE execution_id = e.id
        AND event_type IN ('workflow_completed', 'workflow_failed', 'workflow_interrupted')
    ORDER BY id LIMIT 1
) t ON true
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM events WHERE execution_id = e.id
            AND event_type = 'cancel_requested') AS cancelled,
        EXISTS (SELECT FROM events WHERE execution_id = e.id
            AND event_type IN ('cancel_requested', 'deadline_passed')
            AND details ->> 'force' = 'true') AS forced,
        e.status IN ({_EXECUTION_FINAL}) AS ended
) a
CROSS JOIN LATERAL (VALUES
    ('end_not_told', 'status', a.ended AND t.status IS NULL, e.status, NULL),
    ('row_differs', 'status', e.status <> t.status, e.status, t.status),
    ('row_differs', 'finished_at', a.ended = (e.finished_at IS NULL),
        coalesce(e.finished_at::text, 'nothing'), CASE WHEN a.ended THEN 'a time' END),
    ('row_differs', 'abort_reason',
        a.cancelled <> (e.abort_reason IS NOT DISTINCT FROM 'cancelled'),
        coalesce(e.abort_reason, 'nothing'), CASE WHEN a.cancelled THEN 'cancelled' END),
    ('row_differs', 'forced_at', a.forced <> (e.forced_at IS NOT NULL),
        coalesce(e.forced_at::text, 'nothing'), CASE WHEN a.forced THEN 'a time' END)
) AS f(code, name, differs, found, expected)
WHERE e.id = %(id)s AND f.differs
"""

#: Where the steps are that the attempt of a block *b* is open for.
_INSIDE = (
    "concat_ws('/', b.within, b.step_id || coalesce('[' || b.item_index || ']', '')"
    " || CASE WHEN b.retry_count > 0 THEN '#' || b.retry_count + 1 ELSE '' END)"
)

_MISSING = f"""
WITH defined AS (
    SELECT * FROM unnest(%(steps)s::text[], %(holders)s::text[], %(repeated)s::bool[])
        AS w(step_id, holder, is_repeated)
)
SELECT NULL, w.step_id, NULL::int, 'no_row', 'row', 'the step', NULL
FROM defined w WHERE w.holder IS NULL AND NOT EXISTS (
    SELECT FROM step_executions s WHERE s.execution_id = %(id)s AND s.step_id = w.step_id
        AND s.parent_id IS NULL)
UNION ALL
SELECT {_INSIDE}, w.step_id, NULL::int, 'no_row', 'row', 'the step', NULL
FROM step_executions b JOIN defined w ON w.holder = b.step_id
    AND b.kind = CASE WHEN w.is_repeated THEN 'item' ELSE 'step' END
WHERE b.execution_id = %(id)s AND b.items_total IS NOT NULL AND NOT EXISTS (
    SELECT FROM step_executions s WHERE s.parent_id = b.id AND s.step_id = w.step_id
        AND s.within = {_INSIDE})
UNION ALL
SELECT DISTINCT ON (e.step_execution_id) e.details ->> 'within', e.details ->> 'step_id',
    (e.details ->> 'item_index')::int, 'no_row', 'row', e.event_type, NULL
FROM events e LEFT JOIN step_executions s ON s.id = e.step_execution_id
    AND s.execution_id = e.execution_id
WHERE e.execution_id = %(id)s AND e.step_execution_id IS NOT NULL AND s.id IS NULL
UNION ALL
SELECT s.within, s.step_id, NULL, 'unknown_step', 'row', NULL, NULL
FROM step_executions s LEFT JOIN step_executions b ON b.id = s.parent_id
WHERE s.execution_id = %(id)s AND s.kind = 'step' AND NOT EXISTS (
    SELECT FROM defined w
    WHERE w.step_id = s.step_id AND w.holder IS NOT DISTINCT FROM b.step_id)
"""

_ROWS = f"""
WITH retried AS (
    SELECT step_execution_id AS id, max(id) AS last_at FROM events
    WHERE execution_id = %(id)s AND event_type = 'step_retrying' GROUP BY 1
), told AS (
    SELECT e.step_execution_id AS id, max((details ->> 'attempt')::int) AS attempt,
        count(*) FILTER (WHERE event_type = 'step_retrying') AS retries,
        -- A block that is tried again is opened anew.
        sum(coalesce(details ->> 'items', details ->> 'steps', details ->> 'compensations')::int)
            FILTER (WHERE event_type = 'step_expanded' AND e.id > coalesce(r.last_at, 0)) AS made,
        bool_or(event_type NOT IN ('step_skipped', 'place_awaited', 'place_taken')) AS ran,
        max(CASE event_type WHEN 'step_completed' THEN 'COMPLETED' WHEN 'step_failed' THEN 'FAILED'
            WHEN 'step_skipped' THEN 'SKIPPED' WHEN 'step_timeout' THEN 'TIMEOUT' END) AS status,
        max(details ->> 'reason') FILTER (WHERE event_type = 'step_skipped') AS reason,
        max(details ->> 'error_code') FILTER (WHERE event_type IN
            ('step_completed', 'step_failed', 'step_skipped', 'step_timeout')) AS error_code
    FROM events e LEFT JOIN retried r ON r.id = e.step_execution_id
    WHERE execution_id = %(id)s AND step_execution_id IS NOT NULL GROUP BY 1
)
SELECT s.within, s.step_id, s.item_index, f.code, f.name, f.found, f.expected
FROM step_executions s LEFT JOIN told t ON t.id = s.id
CROSS JOIN LATERAL (SELECT s.status IN ({_FINAL}) AS ended, concat_ws(', ',
    CASE WHEN s.queued_at IS NOT NULL THEN 'queued_at' END,
    CASE WHEN s.due_at IS NOT NULL THEN 'due_at' END,
    CASE WHEN s.leased_until IS NOT NULL THEN 'leased_until' END,
    CASE WHEN s.deadline_at IS NOT NULL THEN 'deadline_at' END,
    CASE WHEN s.awaiting_event THEN 'awaiting_event' END,
    CASE WHEN s.cancelling THEN 'cancelling' END,
    CASE WHEN s.in_window THEN 'in_window' END,
    CASE WHEN s.held THEN 'held' END,
    CASE WHEN s.in_line THEN 'in_line' END,
    CASE WHEN s.has_place THEN 'has_place' END) AS holds) a
CROSS JOIN LATERAL (VALUES
    ('end_not_told', 'status', a.ended AND t.status IS NULL, s.status, NULL),
    ('row_differs', 'status', s.status <> t.status, s.status, t.status),
    ('row_differs', 'skip_reason', t.status IS NOT NULL AND a.ended
        AND s.skip_reason IS DISTINCT FROM t.reason, coalesce(s.skip_reason, 'nothing'), t.reason),
    ('row_differs', 'error_code', a.ended AND s.error_code IS DISTINCT FROM t.error_code
        AND t.error_code IS NOT NULL, coalesce(s.error_code, 'nothing'), t.error_code),
    -- To stop a step, or to clean up after it, begins an attempt that its end tells of first.
    ('row_differs', 'attempt', CASE WHEN a.ended AND t.status IS NOT NULL
        THEN s.attempt <> t.attempt ELSE s.attempt < t.attempt END,
        s.attempt::text, t.attempt::text),
    ('row_differs', 'retry_count', s.retry_count <> coalesce(t.retries, 0),
        s.retry_count::text, coalesce(t.retries, 0)::text),
    ('row_differs', 'items_total', s.items_total IS DISTINCT FROM t.made,
        coalesce(s.items_total::text, 'nothing'), t.made::text),
    ('row_differs', 'finished_at', a.ended = (s.finished_at IS NULL),
        coalesce(s.finished_at::text, 'nothing'), CASE WHEN a.ended THEN 'a time' END),
    ('never_ran', 'outputs', s.outputs <> '{{}}' AND t.ran IS NOT TRUE
        AND NOT (a.ended AND t.status IS NULL), NULL, NULL),
    ('still_holds', a.holds, a.ended AND a.holds <> '', s.status, NULL)
) AS f(code, name, differs, found, expected)
WHERE s.execution_id = %(id)s AND s.kind <> 'sink' AND f.differs
ORDER BY s.id
"""

#: Who took a place found others there, and since then some of those may have gone, but none came.
_PLACES = f"""
SELECT s.within, s.step_id, NULL::int, f.code, f.name, f.found, f.expected
FROM concurrency_places p LEFT JOIN step_executions s ON s.id = p.step_execution_id
CROSS JOIN LATERAL (SELECT count(*) AS number FROM concurrency_places p2
    WHERE coalesce(p2.owner, '') = coalesce(p.owner, '') AND p2.key = p.key
    AND (p2.taken_at, p2.id) <= (p.taken_at, p.id)
    AND {IS_LIVE.replace("p.", "p2.")}) before
CROSS JOIN LATERAL (SELECT coalesce(bool_and(p3.taken_at IS NOT NULL), false) AS are_taken
    FROM concurrency_places p3 WHERE p3.step_execution_id = s.id) its
CROSS JOIN LATERAL (VALUES
    ('too_many_at_once', p.key, p.taken_at IS NOT NULL AND before.number > p.at_once,
        before.number::text, p.at_once::text),
    ('row_differs', 'has_place', s.has_place <> its.are_taken,
        s.has_place::text, its.are_taken::text)
) AS f(code, name, differs, found, expected)
WHERE p.execution_id = %(id)s AND {IS_LIVE} AND f.differs
UNION ALL
SELECT s.within, s.step_id, s.item_index, 'row_differs', 'has_place', 'true', 'false'
FROM step_executions s WHERE s.execution_id = %(id)s AND s.has_place
    AND NOT EXISTS (SELECT FROM concurrency_places p WHERE p.step_execution_id = s.id)
"""

_DEPENDENCIES = f"""
WITH counted AS (
    SELECT w.id, count(*) AS total,
        count(*) FILTER (WHERE d.status NOT IN ({_FINAL})) AS remaining,
        count(*) FILTER (WHERE d.status = 'COMPLETED') AS succeeded,
        count(*) FILTER (WHERE d.status IN ('FAILED', 'TIMEOUT')
            OR d.skip_reason = 'upstream_failed') AS failed,
        count(*) FILTER (WHERE d.status IN ('FAILED', 'TIMEOUT')
            AND d.kind <> 'compensation' AND d.step_id <> ALL (%(tolerated)s::text[])
            OR d.skip_reason IN ('upstream_failed', 'aborted')) AS blocking,
        count(*) FILTER (WHERE d.skip_reason = 'branch') AS branched
    FROM step_executions d CROSS JOIN LATERAL unnest(d.successors) AS w(id)
    WHERE d.execution_id = %(id)s GROUP BY 1
)
SELECT s.within, s.step_id, s.item_index, 'wrong_counter', f.name, f.said::text,
    coalesce(f.rows, 0)::text
FROM step_executions s LEFT JOIN counted c ON c.id = s.id
CROSS JOIN LATERAL (VALUES
    ('dependency_count', s.dependency_count, c.total),
    ('remaining', s.remaining, c.remaining),
    ('deps_succeeded', s.deps_succeeded, c.succeeded),
    ('deps_failed', s.deps_failed, c.failed),
    ('deps_blocking', s.deps_blocking, c.blocking),
    ('deps_branched', s.deps_branched, c.branched)
) AS f(name, said, rows)
WHERE s.execution_id = %(id)s AND f.said <> coalesce(f.rows, 0)
    -- How the steps ended decides nothing for the sink, only that they did.
    AND (s.kind <> 'sink' OR f.name IN ('dependency_count', 'remaining'))
ORDER BY s.id
"""

_ITEMS = f"""
WITH counted AS (
    -- All items of a fan-out; of a block its steps, and what undoes them, in one attempt.
    SELECT b.id, count(*) AS total,
        count(*) FILTER (WHERE s.status NOT IN ({_FINAL})) AS open,
        count(*) FILTER (WHERE s.status IN ('FAILED', 'TIMEOUT') AND (s.kind = 'item'
            OR s.kind = 'step' AND s.step_id <> ALL (%(tolerated)s::text[]))) AS failed
    FROM step_executions s JOIN step_executions b ON b.id = s.parent_id
    WHERE s.execution_id = %(id)s
        AND (s.kind = 'item' OR starts_with(s.within || '/', {_INSIDE} || '/')) GROUP BY 1
)
SELECT b.within, b.step_id, b.item_index, 'wrong_counter', f.name,
    coalesce(f.said::text, 'nothing'), coalesce(f.rows, 0)::text
FROM step_executions b LEFT JOIN counted c ON c.id = b.id
CROSS JOIN LATERAL (VALUES
    ('items_total', b.items_total, c.total),
    ('items_open', b.items_open, c.open),
    ('items_failed', b.items_failed, c.failed)
) AS f(name, said, rows)
WHERE b.execution_id = %(id)s AND coalesce(f.said, 0) <> coalesce(f.rows, 0)
ORDER BY b.id
"""
