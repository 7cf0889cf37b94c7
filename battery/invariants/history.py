"""I6: the history tells of every move, and nothing moves after its end."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from battery.evidence import Evidence
from battery.invariants.invariant import Look
from battery.invariants.results import ENDS, STOPPED

EXECUTION_ENDS = "('workflow_completed', 'workflow_failed', 'workflow_interrupted')"
FINAL = "('COMPLETED', 'FAILED', 'SKIPPED', 'TIMEOUT', 'INTERRUPTED')"

STEP_ENDS = Look(
    "step {step_id} of execution {execution_id} is {status}, its history says {told}",
    f"""
    SELECT * FROM (
        SELECT s.execution_id, s.step_id, s.status, string_agg(e.event_type, ' and ') AS told
        FROM step_executions s LEFT JOIN events e
            ON e.step_execution_id = s.id AND e.event_type IN {ENDS}
        WHERE s.kind <> 'sink' GROUP BY s.id
    ) t WHERE told IS DISTINCT FROM
        CASE WHEN status IN {FINAL} THEN 'step_' || lower(status) END
    """,
)
EXECUTION_END = Look(
    "execution {id} is {status}, its history says {told}",
    f"""
    SELECT * FROM (
        SELECT x.id, x.status, string_agg(e.event_type, ' and ') AS told
        FROM executions x LEFT JOIN events e
            ON e.execution_id = x.id AND e.event_type IN {EXECUTION_ENDS}
        GROUP BY x.id
    ) t WHERE told IS DISTINCT FROM
        CASE WHEN status IN {FINAL} THEN 'workflow_' || lower(status) END
    """,
)
#: What is told about an execution, also after its end.
ALERTS = ("alert_raised", "alert_resolved")
AFTER_STEP = Look(
    "a {event_type} follows the end of a step of execution {execution_id}",
    f"""
    SELECT later.event_type, later.execution_id
    FROM events ended JOIN events later ON later.step_execution_id = ended.step_execution_id
        AND later.execution_id = ended.execution_id AND later.id > ended.id
    WHERE ended.event_type IN {ENDS}
    """,
)
AFTER_EXECUTION = Look(
    "a {event_type} follows the end of execution {execution_id}",
    f"""
    SELECT later.event_type, later.execution_id
    FROM events ended JOIN events later ON later.execution_id = ended.execution_id
        AND later.id > ended.id AND later.event_type NOT IN {ALERTS}
    WHERE ended.event_type IN {EXECUTION_ENDS}
    """,
)
#: Events that are no moves: who stands in line, or gets its place, stays what it is.
NO_MOVES = ("workflow_progress", "place_awaited", "place_taken", *ALERTS)
# Each move counts the version up by one and leaves one event; only the fence of a step that is
# being stopped, and an abort because of a failure, which may have been outranked, have none.
STEP_VERSIONS = Look(
    "step {step_id} of execution {execution_id} moved {moves} times, its history tells of {told}",
    f"""
    SELECT * FROM (
        SELECT s.execution_id, s.step_id, s.lock_version - 1 AS moves,
            coalesce({STOPPED}, false) AS stopped, count(e.id) AS told
        FROM step_executions s LEFT JOIN events e ON e.step_execution_id = s.id
            AND e.event_type NOT IN {NO_MOVES}
        WHERE s.kind <> 'sink' GROUP BY s.id
    ) t WHERE moves - told NOT BETWEEN 0 AND stopped::int
    """,
)
EXECUTION_VERSIONS = Look(
    "execution {id} moved {moves} times, its history tells of {told}",
    f"""
    SELECT * FROM (
        SELECT x.id, count(e.id) AS told, x.lock_version - 1 AS moves,
            coalesce(x.abort_reason IN ('failed', 'cancelled'), false)::int AS untold,
            coalesce(x.abort_reason = 'failed', false)::int AS surely_untold
        FROM executions x LEFT JOIN events e ON e.execution_id = x.id
            AND e.step_execution_id IS NULL AND e.event_type NOT IN {NO_MOVES}
        GROUP BY x.id
    ) t WHERE moves - told NOT BETWEEN surely_untold AND untold
    """,
)
OUTLIVED = Look(
    "execution {execution_id} has ended, and its step {step_id} is {status}",
    f"""
    SELECT s.execution_id, s.step_id, s.status
    FROM step_executions s JOIN executions x ON x.id = s.execution_id
    WHERE x.status IN {FINAL} AND s.status NOT IN {FINAL}
    """,
)
SET_BACK = Look(
    "{what} of execution {execution_id} is COMPLETED, and its progress is {progress} %",
    """
    SELECT 'step ' || step_id AS what, execution_id, progress_percentage AS progress
    FROM step_executions WHERE status = 'COMPLETED' AND progress_percentage <> 100
    UNION ALL SELECT 'all', id, progress_percentage
    FROM executions WHERE status = 'COMPLETED' AND progress_percentage <> 100
    """,
)
LOOKS = (
    STEP_ENDS,
    EXECUTION_END,
    AFTER_STEP,
    AFTER_EXECUTION,
    STEP_VERSIONS,
    EXECUTION_VERSIONS,
    OUTLIVED,
    SET_BACK,
)


def broken_histories(connection: Connection, _: Evidence) -> Iterator[str]:
    """Ends that are not told, tales of what did not happen, and news after the end."""
    for look in LOOKS:
        yield from look.violations(connection)
