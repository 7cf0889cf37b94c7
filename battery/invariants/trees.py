"""I16: a cancel reaches the whole tree, and no tree is larger than it may be."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from battery.evidence import Evidence
from battery.invariants.invariant import Look

#: Whether the step that has started execution ``e`` runs when the others have ended: what it
#: starts is stopped with it, and not by a cancel.
RUNS_AFTER = """
EXISTS (SELECT FROM step_executions s LEFT JOIN step_executions p ON p.id = s.parent_id
    WHERE s.id = e.parent_step_id AND coalesce(p.kind, s.kind) IN ('handler', 'compensation'))
"""
OVERLOOKED = Look(
    "execution {id} is {status}, below {above} that was cancelled, and nobody has told it",
    f"""
    WITH RECURSIVE below AS (
        SELECT id AS above, id FROM executions
        WHERE tree_cancelled_at < now() - interval '10 s'
        UNION ALL
        SELECT b.above, e.id FROM below b JOIN executions e ON e.parent_execution_id = b.id
        WHERE NOT {RUNS_AFTER}
    )
    SELECT DISTINCT ON (e.id) e.id, e.status, b.above
    FROM below b JOIN executions e ON e.id = b.id
    WHERE e.status IN ('PENDING', 'RUNNING')
        AND (e.tree_cancelled_at IS NULL OR e.abort_reason IS NULL)
    """,
)
ORPHANED = Look(
    "execution {id} is {status}, and step {step_id} that waits for it has ended",
    """
    SELECT e.id, e.status, s.step_id FROM executions e
    JOIN step_executions s ON s.id = e.parent_step_id
    WHERE e.status IN ('PENDING', 'RUNNING') AND e.abort_reason IS NULL
        AND s.status IN ('SKIPPED', 'TIMEOUT') AND s.finished_at < now() - interval '10 s'
    """,
)
MISCOUNTED = Look(
    "execution {id} counts {descendants} below it, and there are {found}",
    """
    SELECT r.id, r.descendants, count(e.id) AS found
    FROM executions r JOIN executions e ON e.root_execution_id = r.id
    GROUP BY r.id HAVING count(e.id) > r.descendants
    """,
)
SIZES = """
SELECT coalesce(root_execution_id, id) AS root, count(*) AS executions FROM executions
GROUP BY 1 HAVING count(*) > %(most)s
"""


def broken_trees(connection: Connection, evidence: Evidence) -> Iterator[str]:
    """Executions that a cancel has missed, and trees that have outgrown their bound."""
    for look in (OVERLOOKED, ORPHANED, MISCOUNTED):
        yield from look.violations(connection)
    most = evidence.tree_executions
    for root, count in connection.exec_driver_sql(SIZES, {"most": most}).all():
        yield f"the tree of execution {root} has {count} executions, more than {most}"
