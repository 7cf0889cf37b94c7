"""Putting steps in the queue: no other module sets ``queued_at``.

Whether a ready step may be queued is answered by ``domain/admission.py``; here the answer is
written. Other statements, which do more than that, paste in one of the assignments.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.phases import Phase
from pipeline_engine.storage.overdue import BATCH, DELAYS
from pipeline_engine.storage.phases import IS, any_of
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.rows import STEP_COLUMNS, StepRow, fetch_steps, fetch_steps_prepared
from pipeline_engine.storage.tables.steps import WAITING

#: Of a row *s* on which *v* counts ended dependencies: with the last of them it is queued, or held
#: if its execution is one of *windowed* and it needs a place there, so that what everybody waits
#: for costs no statement of its own. Where nobody has asked for the window, it is neither.
_BECOMES_READY = (
    "s.remaining = v.ended AND s.status = 'PENDING' AND s.queued_at IS NULL AND s.due_at IS NULL"
    " AND NOT s.in_window AND s.kind <> 'sink'"
)
#: What a fan-out repeats has a window of its own.
_MAY_NEED_A_PLACE = "NOT s.cheap AND s.kind = 'step' AND coalesce(strpos(s.within, '[') = 0, true)"
QUEUED_OR_HELD = (
    f"queued_at = CASE WHEN {_BECOMES_READY} AND (NOT ({_MAY_NEED_A_PLACE})"
    " OR s.execution_id = ANY(%(unlimited)s::uuid[])) THEN now() ELSE s.queued_at END,"
    f" held = s.held OR ({_MAY_NEED_A_PLACE} AND {_BECOMES_READY}"
    " AND s.execution_id = ANY(%(windowed)s::uuid[]))"
)
#: Of an attempt that was lost: queued at once, or by the clock after *delay*.
QUEUED_AGAIN = (
    "queued_at = CASE WHEN %(delay)s::interval IS NULL THEN now() END,"
    " due_at = now() + %(delay)s::interval"
)
#: Of a queued row *s* that asks for a place of its key, and what it got.
HAS_PLACE_OR_IN_LINE = (
    "has_place = asked.taken_at IS NOT NULL, in_line = asked.taken_at IS NULL,"
    " queued_at = CASE WHEN asked.taken_at IS NOT NULL THEN s.queued_at END"
)
#: Of a new row *v*: its columns, and what they become.
NEW = {"queued_at": "CASE WHEN v.queued THEN now() END", "publish_count": "v.queued::int"}
_NOW_OR_BY_THE_CLOCK = "queued_at = CASE WHEN due_at > now() THEN NULL ELSE now() END"


def queue(connection: Connection, ids: Collection[int]) -> None:
    """Say that a message for these steps ought to be on its way."""
    if ids:
        driver.run(
            connection,
            "UPDATE step_executions SET held = false, in_window = false, publish_count = 1,"
            f" {_NOW_OR_BY_THE_CLOCK} WHERE id = ANY(%(ids)s::bigint[])"
            " AND CASE WHEN status IN ('PENDING', 'RETRYING') THEN true END",
            {"ids": driver.array(ids)},
        )


def hold(connection: Connection, ids: Collection[int]) -> None:
    """Let these ready steps wait until there is room in their window."""
    if ids:
        driver.run(
            connection,
            "UPDATE step_executions SET held = true WHERE id = ANY(%(ids)s::bigint[])"
            " AND CASE WHEN status = 'PENDING' THEN true END",
            {"ids": driver.array(ids)},
        )


def let_in(connection: Connection, execution_id: UUID, *, window: int) -> list[StepRow]:
    """Queue held steps of an execution for as long as there is room in its window, and return them.

    Whoever does that takes the window for the rest of the transaction; what is counted after that,
    by a statement of its own, is what others have left.
    """
    return fetch_steps_prepared(
        connection,
        LET_IN,
        {"id": str(execution_id), "window": window},
        before=TAKE_WINDOW,
    )


TAKE_WINDOW = "SELECT pg_advisory_xact_lock(hashtextextended(%(id)s, 0)); "
LET_IN = f"""
WITH admitted AS (
    SELECT id FROM step_executions
    WHERE execution_id = %(id)s::uuid AND held AND status = 'PENDING' AND kind = 'step'
    -- By the parent, too: in the order of the index of what is held, not of all that is open.
    ORDER BY parent_id, id LIMIT (
        SELECT greatest(%(window)s::int - count(*), 0) FROM step_executions
        WHERE execution_id = %(id)s::uuid AND in_window
    ) FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE step_executions s SET held = false, in_window = true, publish_count = 1,
    {_NOW_OR_BY_THE_CLOCK}
FROM admitted WHERE s.id = admitted.id RETURNING {STEP_COLUMNS}
"""


def let_items_in(
    connection: Connection, execution_id: UUID, parent_id: int, *, places: int
) -> list[StepRow]:
    """Give these places of a fan-out to held items, and return the items that are queued now."""
    return fetch_steps_prepared(
        connection,
        LET_ITEMS_IN,
        {"execution": str(execution_id), "parent": parent_id, "places": places},
    )


LET_ITEMS_IN = f"""
WITH next AS (
    SELECT id FROM step_executions
    WHERE execution_id = %(execution)s::uuid AND held AND status = 'PENDING'
        AND parent_id = %(parent)s::bigint AND kind = 'item'
    ORDER BY parent_id, id LIMIT %(places)s::int FOR NO KEY UPDATE SKIP LOCKED
), let_in AS (
    UPDATE step_executions s SET held = false, publish_count = 1, {_NOW_OR_BY_THE_CLOCK}
    FROM next WHERE s.id = next.id RETURNING s.*
)
SELECT {STEP_COLUMNS} FROM let_in s WHERE queued_at IS NOT NULL ORDER BY id
"""


# ── Places of a key ──────────────────────────────────────────────────────────────────────


def put_in_line(connection: Connection, ids: Collection[int]) -> None:
    """Let the first steps of a new execution wait until that has its place."""
    driver.run(
        connection,
        "UPDATE step_executions SET in_line = true, queued_at = NULL, publish_count = 0"
        " WHERE id = ANY(%(ids)s::bigint[]) AND status = 'PENDING'",
        {"ids": driver.array(ids)},
    )


def lock_in_line(connection: Connection, step_execution_id: int) -> StepRow | None:
    """A step that stands in line, locked; None if it has ended."""
    found = fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s"
        f" WHERE id = %(id)s AND {IS[Phase.IN_LINE]} FOR NO KEY UPDATE",
        {"id": step_execution_id},
    )
    return found[0] if found else None


def queue_with_place(connection: Connection, step_execution_id: int) -> StepRow | None:
    """Queue a step that stood in line, now that it has its place; None if it has ended."""
    found = fetch_steps(
        connection,
        "UPDATE step_executions s SET in_line = false, has_place = true, queued_at = now(),"
        f" publish_count = 1 WHERE id = %(id)s AND {IS[Phase.IN_LINE]} RETURNING {STEP_COLUMNS}",
        {"id": step_execution_id},
    )
    return found[0] if found else None


def take_out_of_line(connection: Connection, execution_id: UUID) -> list[StepRow]:
    """The first steps of an execution that has its place now: ready, and not queued yet."""
    found = fetch_steps(
        connection,
        "UPDATE step_executions s SET in_line = false FROM (SELECT id FROM step_executions"
        " WHERE execution_id = %(id)s AND status IN ('PENDING', 'RETRYING') AND in_line"
        " ORDER BY id FOR NO KEY UPDATE) waiting"
        f" WHERE s.id = waiting.id AND s.status = 'PENDING' RETURNING {STEP_COLUMNS}",
        {"id": str(execution_id)},
    )
    return sorted(found, key=lambda row: row.id)


# ── By the clock ─────────────────────────────────────────────────────────────────────────


def requeue_unclaimed(
    connection: Connection, *, patience: timedelta, most: int = BATCH
) -> list[StepRow]:
    """Queued steps that no worker took: their message must have been lost.

    The patience doubles each time, so that a long queue is not made longer by its sweeps.
    """
    return fetch_steps(
        connection,
        REQUEUE_UNCLAIMED,
        {"patience": patience, "limit": most},
    )


_LATE = (
    # The first of the two is for the index.
    "queued_at < now() - %(patience)s"
    " AND queued_at < now() - %(patience)s * power(2, least(greatest(publish_count - 1, 0), 6))"
)
#: From one owner to the next, and the first of each before the second of anybody.
REQUEUE_UNCLAIMED = f"""
WITH RECURSIVE shares AS (
    (SELECT queue, owner FROM step_executions WHERE {IS[Phase.QUEUED]}
    ORDER BY queue, owner LIMIT 1)
    UNION ALL
    SELECT next.queue, next.owner FROM shares CROSS JOIN LATERAL (
        SELECT queue, owner FROM step_executions
        WHERE {IS[Phase.QUEUED]} AND (queue, owner) > (shares.queue, shares.owner)
        ORDER BY queue, owner LIMIT 1
    ) next
), late AS MATERIALIZED (
    SELECT its.id FROM shares CROSS JOIN LATERAL (
        SELECT id, row_number() OVER (ORDER BY queued_at) AS turn FROM step_executions
        WHERE {IS[Phase.QUEUED]} AND queue = shares.queue AND owner = shares.owner AND {_LATE}
        ORDER BY queued_at LIMIT %(limit)s
    ) its ORDER BY turn LIMIT %(limit)s
), free AS (
    SELECT id FROM step_executions
    WHERE id = ANY(ARRAY(SELECT id FROM late)) AND {IS[Phase.QUEUED]} AND {_LATE}
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE step_executions s SET queued_at = now(), publish_count = s.publish_count + 1
FROM free WHERE s.id = free.id RETURNING {STEP_COLUMNS}
"""


def queue_due(connection: Connection, *, most: int = BATCH) -> list[StepRow]:
    """Steps after their back-off, and items after their delay."""
    return fetch_steps(connection, QUEUE_DUE, {"limit": most})


_DUE = f"{any_of(DELAYS)} AND {WAITING} AND due_at IS NOT NULL AND due_at <= now()"
QUEUE_DUE = f"""
WITH RECURSIVE shares AS (
    (SELECT owner FROM step_executions WHERE {WAITING} AND due_at IS NOT NULL
    ORDER BY owner LIMIT 1)
    UNION ALL
    SELECT next.owner FROM shares CROSS JOIN LATERAL (
        SELECT owner FROM step_executions
        WHERE {WAITING} AND due_at IS NOT NULL AND owner > shares.owner ORDER BY owner LIMIT 1
    ) next
), due AS MATERIALIZED (
    SELECT its.id FROM shares CROSS JOIN LATERAL (
        SELECT id, row_number() OVER (ORDER BY due_at) AS turn FROM step_executions
        WHERE {_DUE} AND owner = shares.owner ORDER BY due_at LIMIT %(limit)s
    ) its ORDER BY turn LIMIT %(limit)s
), free AS (
    SELECT id FROM step_executions WHERE id = ANY(ARRAY(SELECT id FROM due)) AND {_DUE}
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE step_executions s SET queued_at = now(), due_at = NULL, publish_count = 1
FROM free WHERE s.id = free.id RETURNING {STEP_COLUMNS}
"""
