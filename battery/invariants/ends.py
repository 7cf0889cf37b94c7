"""I12: every attempt has ended for one of the known reasons, and is accounted for."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from battery.evidence import Evidence
from battery.invariants.invariant import Look
from battery.invariants.ledger import by_key, steps_of
from battery.invariants.results import STOPPED
from pipeline_engine.domain.readiness import SkipReason

UNKNOWN = "outcome_unknown"
SKIP_REASONS = ", ".join(f"'{reason.value}'" for reason in SkipReason)

#: All that may end an attempt here; a pipeline of the battery cannot fail for other reasons.
CODES = (
    "no_luck",  # the action was asked to fail
    "action_failed",
    "action_crashed",
    "fault_injected",  # by a failpoint
    "storage_unavailable",
    "worker_lost",
    UNKNOWN,
    "timeout",
    "items_failed",
    "aborted",
)

STRANGE = Look(
    "an attempt of step {step_id} of execution {execution_id} ended because of {code}",
    f"""
    SELECT s.step_id, s.execution_id, e.details ->> 'error_code' AS code
    FROM events e JOIN step_executions s ON s.id = e.step_execution_id
    WHERE e.details ->> 'error_code' NOT IN {CODES}
    """,
)
UNREASONED = Look(
    "step {step_id} of execution {execution_id} is {status} because of {error_code} and"
    " {skip_reason}, which does not fit",
    f"""
    SELECT execution_id, step_id, status, error_code, skip_reason FROM step_executions
    WHERE CASE status
        WHEN 'COMPLETED' THEN error_code IS NOT NULL OR skip_reason IS NOT NULL
        WHEN 'FAILED' THEN error_code IS NULL OR skip_reason IS NOT NULL
        WHEN 'TIMEOUT' THEN error_code IS DISTINCT FROM 'timeout' OR skip_reason IS NOT NULL
        WHEN 'SKIPPED' THEN coalesce(skip_reason NOT IN ({SKIP_REASONS}), true)
        ELSE false END
    """,
)
KEPT = Look(
    "step {step_id} of execution {execution_id} is {status}, and still holds a lease or a place",
    """
    SELECT execution_id, step_id, status FROM step_executions
    WHERE status IN ('COMPLETED', 'FAILED', 'SKIPPED', 'TIMEOUT') AND (
        leased_until IS NOT NULL OR queued_at IS NOT NULL OR due_at IS NOT NULL
        OR awaiting_event OR in_window OR held OR in_line OR has_place OR cancelling)
    """,
)
ATTEMPTS = Look(
    "attempt {attempt} of step {step_id} of execution {execution_id} ended {ends} times",
    f"""
    SELECT * FROM (
        SELECT s.execution_id, s.step_id, g.attempt, count(e.id) AS ends
        FROM step_executions s
            CROSS JOIN LATERAL generate_series(1, s.attempt - 1) AS g(attempt)
            LEFT JOIN events e ON e.step_execution_id = s.id
                AND e.event_type IN ('step_retrying', 'step_recovered')
                AND (e.details ->> 'attempt')::int = g.attempt
        WHERE NOT coalesce({STOPPED}, false) GROUP BY s.id, g.attempt
    ) t WHERE ends <> 1
    """,
)
COUNTS = Look(
    "step {step_id} of execution {execution_id} counts {said} (retries, lost workers),"
    " its history tells of {told}",
    f"""
    SELECT * FROM (
        SELECT s.execution_id, s.step_id, ARRAY[s.retry_count, s.lost_count] AS said,
            ARRAY[count(*) FILTER (WHERE e.event_type = 'step_retrying'),
                count(*) FILTER (WHERE e.event_type = 'step_recovered')]::int[] AS told
        FROM step_executions s LEFT JOIN events e ON e.step_execution_id = s.id
        WHERE NOT coalesce({STOPPED}, false) GROUP BY s.id
    ) t WHERE said <> told
    """,
)
UNCLAIMED = Look(
    "step {step_id} of execution {execution_id} is outcome_unknown, and no worker had claimed it",
    f"""
    SELECT s.execution_id, s.step_id FROM step_executions s
    WHERE s.error_code = '{UNKNOWN}' AND NOT EXISTS (
        SELECT 1 FROM events e WHERE e.step_execution_id = s.id
        AND e.event_type = 'step_started' AND (e.details ->> 'attempt')::int = s.attempt)
    """,
)


def unaccounted_ends(connection: Connection, evidence: Evidence) -> Iterator[str]:
    """Attempts without an end, ends without a reason, and reasons that do not fit."""
    for look in (STRANGE, UNREASONED, KEPT, ATTEMPTS, COUNTS, UNCLAIMED):
        yield from look.violations(connection)
    repeatable = {key for key, its in by_key(evidence.effects).items() if its[0].idempotent}
    for step in steps_of(connection, evidence.effects):
        if step.error_code == UNKNOWN and step.key in repeatable:
            yield f"{step.key} may be repeated, and was given up as {UNKNOWN}"
