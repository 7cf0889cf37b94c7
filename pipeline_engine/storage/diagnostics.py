"""What open steps wait for: a few rows of each kind, to explain a standstill with.

No query grows with its execution. Ids follow the graph, so the steps that hold up the others
are among the first open ones; no others are read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.phases import Phase
from pipeline_engine.domain.states import OPEN_STEP_STATUSES, StepStatus
from pipeline_engine.storage.deliveries import IS_FOR, PARKED
from pipeline_engine.storage.phases import IS, IS_LOST, NAME, OPEN, WILL_MOVE

SCANNED = 500  #: open steps of each status that are looked at
SHOWN = 10  #: of each kind of wait
DELIVERIES = 100  #: of each step that are counted


@dataclass(frozen=True, slots=True)
class OpenStep:
    """A step that has not ended, with all that says why."""

    id: int
    step_id: str
    kind: str
    action: str
    status: str
    attempt: int
    retry_count: int
    publish_count: int
    remaining: int
    dependency_count: int
    queue: str
    held: bool
    in_line: bool
    queued_at: datetime | None
    due_at: datetime | None
    parent_id: int | None
    item_index: int | None
    within: str | None
    items_total: int | None
    items_open: int | None
    items_failed: int | None
    awaiting_event: bool
    cancelling: bool
    worker: str | None
    leased_until: datetime | None
    deadline_at: datetime | None
    error_code: str | None
    error_message: str | None
    updated_at: datetime


_COLUMNS = ", ".join(f"s.{f.name}" for f in fields(OpenStep))
_MADE = (" AND s.items_open IS NULL", " AND s.items_open IS NOT NULL")
#: The first open steps of an execution, status by status. Of many blocks that are open nothing
#: but the blocks themselves would be seen, as they are older than what is in them.
_FIRST = " UNION ALL ".join(
    f"(SELECT {_COLUMNS}, s.successors FROM step_executions s WHERE s.execution_id = %(id)s"
    f" AND s.status = '{status}'{made} ORDER BY s.id LIMIT {SCANNED})"
    for status in sorted(OPEN_STEP_STATUSES)
    for made in (_MADE if status is StepStatus.RUNNING else ("",))
)
#: Columns that are equal in steps which wait for the same kind of thing.
_KIND_OF_WAIT = f"{NAME}, {IS_LOST}, leased_until < now(), parent_id IS NULL, kind = 'item'"


def open_steps(connection: Connection, execution_id: UUID) -> list[OpenStep]:
    """The first few steps of each kind of wait; the sink waits for all and explains nothing."""
    rows = connection.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM (SELECT f.*, row_number() OVER (PARTITION BY {_KIND_OF_WAIT}"
        f" ORDER BY id) AS place FROM ({_FIRST}) f WHERE kind <> 'sink') s"
        f" WHERE place <= {SHOWN} ORDER BY id",
        {"id": str(execution_id)},
    )
    return [OpenStep(*row) for row in rows]


def open_counts(connection: Connection, execution_id: UUID) -> dict[StepStatus, int]:
    """How many steps are open, by status; ``SCANNED`` stands for as many or more."""
    rows = connection.exec_driver_sql(
        f"SELECT status, least(count(*), {SCANNED}) FROM ({_FIRST}) f WHERE kind <> 'sink'"
        " GROUP BY status",
        {"id": str(execution_id)},
    )
    return {StepStatus(row[0]): row[1] for row in rows}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another step of the same execution, as far as it matters to the one that waits."""

    step_id: str
    status: str
    is_parked: bool
    within: str | None = None  #: None outside of blocks


def blockers(
    connection: Connection, execution_id: UUID, ids: Sequence[int]
) -> Mapping[int, list[Neighbour]]:
    """The open steps in front of each of these, a few of each."""
    if not ids:
        return {}
    rows = connection.exec_driver_sql(
        f"SELECT waiting, {_NEIGHBOUR} FROM (SELECT w.id AS waiting, f.*,"
        " row_number() OVER (PARTITION BY w.id ORDER BY f.id) AS place"
        f" FROM ({_FIRST}) f JOIN unnest(%(ids)s::bigint[]) AS w(id) ON w.id = ANY(f.successors)"
        f" WHERE f.kind <> 'item') s WHERE place <= {SHOWN} ORDER BY waiting, place",
        {"id": str(execution_id), "ids": list(ids)},
    )
    return _by_id(rows)


def open_inside(connection: Connection, ids: Sequence[int]) -> Mapping[int, list[Neighbour]]:
    """The open steps of each of these that is a block, and what undoes them; a few of each."""
    if not ids:
        return {}
    rows = connection.exec_driver_sql(
        f"SELECT b.id, {_NEIGHBOUR} FROM unnest(%(ids)s::bigint[]) AS b(id) CROSS JOIN LATERAL ("
        # The index has items under their numbers, and the steps of a block beside them.
        "SELECT * FROM step_executions s WHERE s.parent_id = b.id AND s.item_index IS NULL"
        f" AND {OPEN} ORDER BY s.id LIMIT {SHOWN}) s",
        {"ids": list(ids)},
    )
    return _by_id(rows)


_NEIGHBOUR = "s.step_id, s.status, s.awaiting_event, s.within"


def _by_id(rows: Iterable[Sequence[Any]]) -> Mapping[int, list[Neighbour]]:
    found: dict[int, list[Neighbour]] = defaultdict(list)
    for step_execution_id, *neighbour in rows:
        found[step_execution_id].append(Neighbour(*neighbour))
    return found


def in_window(connection: Connection, execution_id: UUID) -> list[Neighbour]:
    """The steps that take the places of an execution's window; a window has 100 at most."""
    rows = connection.exec_driver_sql(
        f"SELECT {_NEIGHBOUR} FROM step_executions s"
        " WHERE execution_id = %(id)s AND in_window ORDER BY id LIMIT 100",
        {"id": str(execution_id)},
    )
    return [Neighbour(*row) for row in rows]


def held_items(connection: Connection, parents: Sequence[int]) -> Mapping[int, int]:
    """How many items of each fan-out wait for a place; ``SCANNED`` is as many or more."""
    rows = connection.exec_driver_sql(
        "SELECT p.id, (SELECT count(*) FROM (SELECT 1 FROM step_executions s"
        " WHERE s.execution_id = f.execution_id AND s.parent_id = p.id AND s.kind = 'item'"
        f" AND {IS[Phase.HELD]} LIMIT {SCANNED}) h)"
        " FROM unnest(%(ids)s::bigint[]) AS p(id) JOIN step_executions f ON f.id = p.id",
        {"ids": list(parents)},
    )
    return {row[0]: row[1] for row in rows}


# ── Parked steps ─────────────────────────────────────────────────────────────────────────


def awaited_ids(connection: Connection, ids: Sequence[int]) -> Mapping[int, list[str]]:
    """The external ids that each of these attempts is parked on, a few of each."""
    rows = connection.exec_driver_sql(
        "SELECT s.id, c.external_id FROM step_executions s CROSS JOIN LATERAL"
        " (SELECT external_id FROM correlations WHERE step_execution_id = s.id"
        f" AND attempt = s.attempt ORDER BY external_id LIMIT {SHOWN}) c"
        " WHERE s.id = ANY(%(ids)s) ORDER BY 1, 2",
        {"ids": list(ids)},
    )
    found: dict[int, list[str]] = defaultdict(list)
    for step_execution_id, external_id in rows:
        found[step_execution_id].append(external_id)
    return found


def delivery_counts(connection: Connection, ids: Sequence[int]) -> Mapping[int, Mapping[str, int]]:
    """How many deliveries each of these parked attempts has had, by what became of them.

    They were accepted or ``ignored`` by it, are about to be offered to it, came too late, or were
    given up before it waited.
    """
    rows = connection.exec_driver_sql(_DELIVERY_COUNTS, {"ids": list(ids)})
    found: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for step, became, count in rows:
        found[step][became] += count
    return found


_NOT_OFFERED = (
    "NOT EXISTS (SELECT FROM delivery_targets d WHERE d.delivery_id = i.id"
    " AND d.step_execution_id = p.id AND d.attempt = p.attempt)"
)
_DELIVERY_COUNTS = f"""
SELECT p.id, CASE t.verdict WHEN 'ignore' THEN 'ignored' ELSE 'applied' END, count(*)
FROM step_executions p CROSS JOIN LATERAL (
    SELECT verdict FROM delivery_targets WHERE step_execution_id = p.id AND attempt = p.attempt
    LIMIT {DELIVERIES}
) t WHERE p.id = ANY(%(ids)s) GROUP BY 1, 2
UNION ALL
SELECT p.id, c.disposition, count(*) FROM step_executions p CROSS JOIN LATERAL (
    SELECT disposition FROM inbox i WHERE step_execution_id = p.id AND i.attempt IS NOT NULL
        AND disposition <> 'applied' AND {_NOT_OFFERED} LIMIT {DELIVERIES}
) c WHERE p.id = ANY(%(ids)s) GROUP BY 1, 2
UNION ALL
SELECT p.id, l.disposition, count(*) FROM {PARKED} CROSS JOIN LATERAL (
    SELECT disposition FROM inbox i WHERE {IS_FOR} AND {_NOT_OFFERED}
        AND (i.disposition = 'unmatched' OR i.disposition = 'pending' AND i.queued_at IS NOT NULL
            OR i.disposition = 'pending' AND i.queued_at IS NULL AND i.id > r.read_through)
    LIMIT {DELIVERIES}
) l WHERE p.id = ANY(%(ids)s) GROUP BY 1, 2
"""


# ── What must not exist ──────────────────────────────────────────────────────────────────


def stuck_executions(connection: Connection, *, after: timedelta, limit: int) -> list[UUID]:
    """Open executions that nothing will move any more; there must be none."""
    rows = connection.exec_driver_sql(
        "SELECT e.id FROM executions e WHERE e.status IN ('PENDING', 'RUNNING')"
        " AND e.updated_at < now() - %(after)s AND NOT EXISTS (SELECT 1 FROM step_executions s"
        f" WHERE s.execution_id = e.id AND {OPEN} AND {WILL_MOVE})"
        " ORDER BY e.created_at LIMIT %(limit)s",
        {"after": after, "limit": limit},
    )
    return [row[0] for row in rows]


def lost_steps(connection: Connection, *, limit: int) -> list[tuple[UUID, str]]:
    """Open steps that wait for nothing, while others may move; there must be none."""
    rows = connection.exec_driver_sql(
        "SELECT execution_id, concat_ws('/', within, step_id) FROM step_executions"
        f" WHERE {OPEN} AND {IS_LOST} ORDER BY execution_id, id LIMIT %(limit)s",
        {"limit": limit},
    )
    return [(row[0], row[1]) for row in rows]


def overdue(connection: Connection, *, by: timedelta, limit: int) -> dict[str, int]:
    """What a sweep ought to have moved long ago, by kind, counted up to *limit*."""
    kinds = {
        "expired leases": "status = 'RUNNING' AND leased_until < now() - %(by)s",
        "passed deadlines": "status = 'RUNNING' AND deadline_at < now() - %(by)s",
        "due steps": f"{OPEN} AND due_at < now() - %(by)s AND NOT ({IS[Phase.HELD]})",
    }
    counts = ", ".join(
        f"(SELECT count(*) FROM (SELECT 1 FROM step_executions WHERE {condition}"
        " LIMIT %(limit)s) found)"
        for condition in kinds.values()
    )
    row = connection.exec_driver_sql(f"SELECT {counts}", {"by": by, "limit": limit}).one()
    return {kind: count for kind, count in zip(kinds, row, strict=True) if count}
