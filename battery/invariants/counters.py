"""I8: Redis holds no truth: whatever decides can be counted again from rows."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from battery.evidence import Evidence
from battery.invariants.invariant import Look
from pipeline_engine.storage.phases import OPEN

ITEMS = Look(
    "fan-out {step_id} of execution {execution_id} counts {said} (all, open, failed) items,"
    " its rows are {found}",
    f"""
    SELECT * FROM (
        SELECT s.execution_id, s.step_id,
            ARRAY[s.items_total, s.items_open, s.items_failed] AS said,
            (SELECT ARRAY[count(*), count(*) FILTER (WHERE i.{OPEN}),
                count(*) FILTER (WHERE i.status IN ('FAILED', 'TIMEOUT'))]::int[]
                FROM step_executions i WHERE i.parent_id = s.id) AS found
        FROM step_executions s WHERE s.items_total IS NOT NULL
            -- What blocks count, the audit counts again with their definition.
            AND NOT EXISTS (SELECT FROM step_executions i
                WHERE i.parent_id = s.id AND i.kind <> 'item')
    ) t WHERE said IS DISTINCT FROM found
    """,
)
DEPENDENCIES = Look(
    "step {step_id} of execution {execution_id} counts {said} (all, open, succeeded, branched)"
    " dependencies, their rows are {found}",
    f"""
    SELECT * FROM (
        SELECT s.execution_id, s.step_id,
            ARRAY[s.dependency_count, s.remaining, s.deps_succeeded, s.deps_branched] AS said,
            coalesce(c.counted, '{{0,0,0,0}}') AS found
        FROM step_executions s LEFT JOIN (
            SELECT f.id, ARRAY[count(*), count(*) FILTER (WHERE d.{OPEN}),
                count(*) FILTER (WHERE d.status = 'COMPLETED'),
                count(*) FILTER (WHERE d.skip_reason = 'branch')]::int[] AS counted
            FROM step_executions d CROSS JOIN LATERAL unnest(d.successors) AS f(id) GROUP BY f.id
        ) c ON c.id = s.id
    ) t WHERE said IS DISTINCT FROM found
    """,
)


def uncountable(connection: Connection, _: Evidence) -> Iterator[str]:
    """Counters of fan-outs and dependencies that differ from the rows that they count."""
    for look in (ITEMS, DEPENDENCIES):
        yield from look.violations(connection)
