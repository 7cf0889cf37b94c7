"""The hot-path SQL around the moves: counters, and what is noted of steps that are stopped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.readiness import Contribution
from pipeline_engine.storage.admission import QUEUED_OR_HELD
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.rows import STEP_COLUMNS, StepRow, fetch_steps_prepared
from pipeline_engine.storage.tables.base import Json

#: Statement that is sent for its row locks with the one that follows; its result is discarded.
LOCK_IN_ORDER = (
    "SELECT 1 FROM step_executions WHERE id = ANY(%(ids)s::bigint[])"
    " AND dependency_count > 1"  # rows with one dependency are updated by one transaction only
    " ORDER BY id FOR NO KEY UPDATE; "
)


def count_ends(
    connection: Connection,
    changes: Mapping[int, Contribution],
    *,
    windowed: Collection[UUID] = (),
    unlimited: Collection[UUID] = (),
) -> list[StepRow]:
    """Count the ends of dependencies on the rows that wait for them, and return those rows.

    Successors are locked in the order of their ids, or two joins could wait for each other.
    A cheap step whose last dependency this is is queued on the way; so is any other in the
    executions *unlimited*, and in those *windowed* it is held.
    """
    return fetch_steps_prepared(
        connection,
        SETTLE,
        {
            "ids": driver.array(sorted(changes)),
            "changes": json_guard.dumps(_grouped(changes)),
            "windowed": driver.array(windowed),
            "unlimited": driver.array(unlimited),
        },
        before=LOCK_IN_ORDER if len(changes) > 1 else "",
    )


SETTLE = f"""
UPDATE step_executions s SET remaining = s.remaining - v.ended,
    deps_succeeded = s.deps_succeeded + v.succeeded, deps_failed = s.deps_failed + v.failed,
    deps_blocking = s.deps_blocking + v.blocking, deps_branched = s.deps_branched + v.branched,
    {QUEUED_OR_HELD}
FROM json_to_recordset(%(changes)s::json)
    AS v(ids bigint[], ended int, succeeded int, failed int, blocking int, branched int),
    unnest(v.ids) AS changed(id)
WHERE s.id = ANY(%(ids)s::bigint[]) AND s.id = changed.id RETURNING {STEP_COLUMNS}
"""


def _grouped(changes: Mapping[int, Contribution]) -> list[dict[str, Json]]:
    """The same change of many rows is said once."""
    ids: dict[Contribution, list[int]] = defaultdict(list)
    for step_execution_id, change in changes.items():
        ids[change].append(step_execution_id)
    return [{"ids": of, **asdict(change)} for change, of in ids.items()]


def wait_for_open_steps(connection: Connection, sinks: Sequence[StepRow]) -> set[int]:
    """Make sinks wait for the steps that are still open; returns the ids of those that have to."""
    ordered = sorted(sinks, key=lambda sink: sink.id)
    waiting = driver.fetch(
        connection,
        """
        WITH open AS (
            SELECT s.id, v.sink
            FROM unnest(%(executions)s::uuid[], %(sinks)s::bigint[]) AS v(execution_id, sink)
            -- Looked up for one execution after the other, not among all steps that are open;
            -- and there among those that are open, hence CASE, not among all that it ever had.
            CROSS JOIN LATERAL (
                SELECT id FROM step_executions WHERE execution_id = v.execution_id
                    AND status IN ('PENDING', 'RETRYING', 'RUNNING')
                    AND CASE WHEN parent_id IS NULL THEN kind <> 'sink' END
                ORDER BY id FOR NO KEY UPDATE
            ) s
        ), told AS (
            UPDATE step_executions s SET successors = s.successors || open.sink
            FROM open WHERE s.id = ANY(ARRAY(SELECT id FROM open)) AND s.id = open.id
            RETURNING open.sink
        )
        UPDATE step_executions s
        SET remaining = s.remaining + late.n, dependency_count = s.dependency_count + late.n
        FROM (SELECT sink, count(*)::int AS n FROM told GROUP BY sink) late
        WHERE s.id = ANY(%(sinks)s::bigint[]) AND s.id = late.sink RETURNING s.id
        """,
        {
            "executions": [str(sink.execution_id) for sink in ordered],
            "sinks": driver.array(sink.id for sink in ordered),
        },
    )
    return {row[0] for row in waiting}


def end_as_stopped(connection: Connection, ids: Sequence[int], *, error_code: str | None) -> None:
    """Let these steps end as stopped when they are cleaned up, and not as timed out, or again."""
    if ids:
        connection.exec_driver_sql(
            "UPDATE step_executions SET error_code = %(code)s, updated_at = now(),"
            " lock_version = lock_version + 1"
            " WHERE id = ANY(%(ids)s) AND cancelling",
            {"ids": list(ids), "code": error_code},
        )


def limit_clean_ups(connection: Connection, ids: Sequence[int], *, within: timedelta) -> None:
    """Give these stopped steps no longer than this, even before their clean-up has begun."""
    if ids:
        connection.exec_driver_sql(
            "UPDATE step_executions"
            " SET deadline_at = least(coalesce(deadline_at, 'infinity'), now() + %(within)s)"
            " WHERE id = ANY(%(ids)s) AND status = 'RUNNING' AND cancelling"
            " AND items_total IS NULL",
            {"ids": list(ids), "within": within},
        )


def count_ended_items(
    connection: Connection, ended: Mapping[int, tuple[int, int]], *, wake: timedelta
) -> list[tuple[StepRow, bool]]:
    """Count ``{parent: (ended, failed)}`` items; returns the parents, and whether items are held.

    A parent whose last item ended gets a time at which the sweep would join it, should
    the message that wakes the join be lost.
    """
    ids = sorted(ended)
    rows = driver.fetch_prepared(
        connection,
        COUNT_ITEMS,
        {
            "ids": driver.array(ids),
            "ended": driver.array(ended[i][0] for i in ids),
            "failed": driver.array(ended[i][1] for i in ids),
            "wake": wake,
        },
    )
    return [(StepRow(*row[:-1]), row[-1]) for row in rows]


COUNT_ITEMS = f"""
UPDATE step_executions s SET items_open = s.items_open - v.ended,
    items_failed = s.items_failed + v.failed,
    due_at = CASE WHEN s.items_open = v.ended THEN now() + %(wake)s::interval ELSE s.due_at END
FROM unnest(%(ids)s::bigint[], %(ended)s::int[], %(failed)s::int[]) AS v(id, ended, failed)
WHERE s.id = ANY(%(ids)s::bigint[]) AND s.id = v.id
RETURNING {STEP_COLUMNS}, EXISTS (
    SELECT FROM step_executions h WHERE h.execution_id = s.execution_id
        AND h.parent_id = s.id AND h.held AND h.status = 'PENDING' AND h.kind = 'item'
)
"""


# ── The lock of an external id ───────────────────────────────────────────────────────────


def lock_external_ids(connection: Connection, external_ids: Iterable[str]) -> None:
    """Keep parking and delivering of the same external id apart until this transaction ends.

    Without it a delivery could look for its step just before the step is parked, while the
    parking looks for early deliveries just before that one is visible.
    """
    for external_id in sorted(set(external_ids)):
        connection.exec_driver_sql(
            "SELECT pg_advisory_xact_lock(hashtextextended(%(id)s, 1))", {"id": external_id}
        )
