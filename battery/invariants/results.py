"""I2: one result for each step, written by the attempt that holds it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from battery.evidence import Evidence
from battery.invariants.invariant import Look
from battery.invariants.ledger import steps_of

#: How a step can end.
ENDS = "('step_completed', 'step_failed', 'step_skipped', 'step_timeout')"
#: Stopping a step takes attempt numbers that nobody begins: they fence what still runs.
STOPPED = "(s.skip_reason = 'aborted' OR s.cancelling OR s.items_total IS NOT NULL)"
#: The lock of the step's row makes the ids of its events follow each other in time.
NUMBERED = """
    SELECT s.execution_id, s.step_id, s.id, e.id AS event, e.event_type,
        (e.details ->> 'attempt')::int AS attempt
    FROM step_executions s JOIN events e ON e.step_execution_id = s.id
"""

TWO_RESULTS = Look(
    "step {step_id} of execution {execution_id} has {results} results",
    f"""
    SELECT s.execution_id, s.step_id, count(*) AS results
    FROM step_executions s JOIN events e ON e.step_execution_id = s.id
    WHERE e.event_type IN {ENDS} GROUP BY s.id HAVING count(*) > 1
    """,
)
FENCED = Look(
    "attempt {attempt} wrote to step {step_id} of execution {execution_id} after a later one",
    f"""
    SELECT * FROM (
        SELECT n.*, max(attempt) OVER (PARTITION BY id ORDER BY event) AS newest
        FROM ({NUMBERED}) n
    ) m WHERE attempt < newest
    """,
)
BEGUN_TWICE = Look(
    "attempt {attempt} of step {step_id} of execution {execution_id} began {begins} times",
    f"""
    SELECT execution_id, step_id, attempt, count(*) AS begins FROM ({NUMBERED}) n
    WHERE event_type = 'step_started'
    GROUP BY execution_id, step_id, id, attempt HAVING count(*) > 1
    """,
)
GAPS = Look(
    "the history does not know attempt {attempt} of step {step_id} of execution {execution_id}",
    f"""
    SELECT s.execution_id, s.step_id, g.attempt
    FROM step_executions s CROSS JOIN LATERAL generate_series(1, s.attempt) AS g(attempt)
    WHERE NOT coalesce({STOPPED}, false) AND s.kind <> 'sink' AND NOT EXISTS (
        SELECT 1 FROM events e WHERE e.step_execution_id = s.id
        AND CASE WHEN e.details ->> 'error_code' = 'timeout'
            THEN (e.details ->> 'attempt')::int >= g.attempt  -- it was stopped before that
            ELSE (e.details ->> 'attempt')::int = g.attempt END)
    """,
)


def doubled_results(connection: Connection, evidence: Evidence) -> Iterator[str]:
    """Steps with two results, gaps between their attempts, or news from a fenced attempt."""
    for look in (TWO_RESULTS, FENCED, BEGUN_TWICE, GAPS):
        yield from look.violations(connection)
    # The actions of the battery say in their outputs which attempt made them.
    had_effects = {effect.key for effect in evidence.effects}
    for step in steps_of(connection, evidence.effects):
        if step.key in had_effects and step.made_by not in {None, step.attempt}:
            yield f"{step.key} has the result of attempt {step.made_by}, not of {step.attempt}"
