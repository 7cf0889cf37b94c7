"""The ledger beside the rows: which step each effect belongs to, and what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from battery.evidence import Effect

BEGIN, END = "begin", "end"


@dataclass(frozen=True, slots=True)
class Step:
    """A row of ``step_executions``, as far as effects are concerned."""

    id: int
    key: str
    status: str
    attempt: int
    action: str
    error_code: str | None
    parent_id: int | None
    successors: Sequence[int]
    is_eager: bool  #: its trigger rule does not wait for all of its dependencies
    made_by: int | None  #: the attempt that its outputs name


_STEPS = """
SELECT s.id, concat(s.execution_id, ':', s.within || '/', s.step_id, ':' || s.item_index),
    s.status, s.attempt, s.action, s.error_code, s.parent_id, s.successors,
    coalesce(d.rule IN ('one_success', 'one_failed', 'one_done')
        OR d.rule LIKE '%%at_least%%', false),
    CASE WHEN jsonb_typeof(s.outputs -> 'attempt') = 'number'
        THEN (s.outputs ->> 'attempt')::int END
FROM step_executions s JOIN executions e ON e.id = s.execution_id
JOIN pipeline_revisions r ON r.id = e.revision_id
LEFT JOIN LATERAL (SELECT step ->> 'trigger_rule' AS rule
    FROM jsonb_path_query(r.document, '$.**.steps[*]') AS step
    WHERE step ->> 'id' = s.step_id LIMIT 1) d ON true
WHERE s.execution_id = ANY(%(executions)s::uuid[]) ORDER BY s.id
"""


def steps_of(connection: Connection, effects: Iterable[Effect]) -> list[Step]:
    """The rows of all executions that had an effect."""
    executions = sorted({str(_execution(effect.key)) for effect in effects} - {"None"})
    return [Step(*row) for row in connection.exec_driver_sql(_STEPS, {"executions": executions})]


def _execution(key: str) -> UUID | None:
    try:
        return UUID(key.partition(":")[0])
    except ValueError:
        return None


def by_key(effects: Iterable[Effect]) -> Mapping[str, list[Effect]]:
    """The effects of each step, in the order in which they happened."""
    found: dict[str, list[Effect]] = defaultdict(list)
    for effect in sorted(effects, key=lambda effect: effect.order):
        found[effect.key].append(effect)
    return found


def orders(effects: Iterable[Effect], moment: str, *, attempt: int | None = None) -> list[int]:
    """When this happened: at which lines of the ledger."""
    return [e.order for e in effects if e.moment == moment and attempt in {None, e.attempt}]
