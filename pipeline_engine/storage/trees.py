"""Executions that steps have started: found again, counted, and stopped with those above them.

Whoever starts an execution in a tree, or stops a part of it, holds the row of the root meanwhile.
So of a start and a stop that come at the same time one sees what the other has done. An execution
that starts no other takes no part in this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.storage.rows import StepRow

OPEN = "status IN ('PENDING', 'RUNNING')"


def lock_attempt(connection: Connection, step: StepRow) -> bool:
    """Lock the step of a running attempt; False if the attempt is over, or is being stopped.

    Two attempts of one step, of which one does not know that it is over, start in turn.
    """
    found = connection.exec_driver_sql(
        "SELECT 1 FROM step_executions WHERE id = %(id)s AND attempt = %(attempt)s"
        " AND status = 'RUNNING' AND NOT cancelling FOR NO KEY UPDATE",
        {"id": step.id, "attempt": step.attempt},
    )
    return found.first() is not None


@dataclass(frozen=True, slots=True)
class Earlier:
    """The execution that an earlier attempt of a step has started by the same call."""

    id: UUID
    #: nothing more comes of it: it has ended, and the step was told
    is_used_up: bool


def started_before(connection: Connection, step_execution_id: int, call: str) -> Earlier | None:
    """The last execution that this step has started by this call."""
    row = connection.exec_driver_sql(
        "SELECT e.id, NOT ("
        " e.status IN ('PENDING', 'RUNNING') OR EXISTS (SELECT 1 FROM inbox i"
        " WHERE i.source = 'pipeline-engine' AND i.delivery_key = e.id::text"
        " AND i.disposition = 'pending'))"
        # One that was started before calls had names is taken for any.
        " FROM executions e WHERE e.parent_step_id = %(step)s"
        " AND coalesce(e.parent_call, %(call)s) = %(call)s"
        " ORDER BY e.created_at DESC, e.id DESC LIMIT 1",
        {"step": step_execution_id, "call": call},
    ).first()
    return None if row is None else Earlier(row[0], row[1])


def has_started(connection: Connection, step_execution_id: int, execution_id: UUID) -> bool:
    """Whether this step has started that execution."""
    found = connection.exec_driver_sql(
        "SELECT 1 FROM executions WHERE id = %(id)s AND parent_step_id = %(step)s",
        {"id": execution_id, "step": step_execution_id},
    )
    return found.first() is not None


def open_children(connection: Connection, step_execution_id: int) -> list[UUID]:
    """The executions that a step has started and that have not ended."""
    found = connection.exec_driver_sql(
        f"SELECT id FROM executions WHERE parent_step_id = %(step)s AND {OPEN} ORDER BY id",
        {"step": step_execution_id},
    )
    return list(found.scalars())


def open_awaited(connection: Connection, step_execution_ids: Sequence[int]) -> list[UUID]:
    """The executions that steps have started, wait for, and that have not ended."""
    found = connection.exec_driver_sql(
        "SELECT e.id FROM executions e JOIN correlations c"
        " ON c.step_execution_id = e.parent_step_id AND c.external_id = 'execution:' || e.id"
        f" WHERE e.parent_step_id = ANY(%(steps)s) AND e.{OPEN} ORDER BY e.id",
        {"steps": list(step_execution_ids)},
    )
    return list(found.scalars())


@dataclass(frozen=True, slots=True)
class Place:
    """Where in its tree an execution is about to be started."""

    depth: int  #: how many executions are above it
    is_stopped: bool  #: a cancel of one of those reaches it
    descendants: int  #: how many executions the root has already below it


#: Condition: a step, or the fan-out that it is an item of, runs after the end of the steps.
_RUNS_AFTER_STEPS = (
    "coalesce((SELECT s.kind IN ('handler', 'compensation')"
    " OR coalesce(p.kind IN ('handler', 'compensation'), false)"
    " FROM step_executions s LEFT JOIN step_executions p ON p.id = s.parent_id"
    " WHERE s.id = {step}), false)"
)


def lock_place(connection: Connection, root: UUID, parent: UUID, step_execution_id: int) -> Place:
    """Where a child that this step of *parent* starts would be.

    Nobody else starts or stops in this tree meanwhile. A cancel lets handlers and compensations
    run, and so what they start; only a forced one reaches that.
    """
    counted = connection.exec_driver_sql(
        "SELECT descendants FROM executions WHERE id = %(root)s FOR NO KEY UPDATE",
        {"root": str(root)},
    ).scalar()
    # A statement of its own: it sees what was committed while the first one waited.
    depth, is_stopped = connection.exec_driver_sql(
        "WITH RECURSIVE up AS (SELECT parent_execution_id, parent_step_id, tree_cancelled_at,"
        f" forced_at, 1 AS depth, {_RUNS_AFTER_STEPS.format(step='%(step)s')} AS after"
        " FROM executions WHERE id = %(parent)s UNION ALL"
        " SELECT e.parent_execution_id, e.parent_step_id, e.tree_cancelled_at, e.forced_at,"
        f" up.depth + 1, up.after OR {_RUNS_AFTER_STEPS.format(step='up.parent_step_id')}"
        " FROM up JOIN executions e ON e.id = up.parent_execution_id)"
        " SELECT max(depth), bool_or(CASE WHEN after THEN forced_at ELSE tree_cancelled_at END"
        " IS NOT NULL) FROM up",
        {"parent": str(parent), "step": step_execution_id},
    ).one()
    return Place(depth or 0, bool(is_stopped), counted or 0)


def count_descendant(connection: Connection, root: UUID) -> None:
    """Count a new execution on the row of its root, which is locked."""
    connection.exec_driver_sql(
        "UPDATE executions SET descendants = descendants + 1 WHERE id = %(root)s",
        {"root": str(root)},
    )


def intend_to_stop(
    connection: Connection, execution_id: UUID, *, force: bool = False
) -> list[UUID]:
    """Store that an execution and all below it are to end; returns those that are open.

    What its handlers and compensations have started goes on with them, unless *force* stops them.

    From now on nothing below it is started any more. What has been started is found here: its
    start is committed, or waits for the row of the root that this holds.
    """
    connection.exec_driver_sql(
        "SELECT 1 FROM executions WHERE id = (SELECT coalesce(root_execution_id, id)"
        " FROM executions WHERE id = %(id)s) FOR NO KEY UPDATE",
        {"id": str(execution_id)},
    )
    found = connection.exec_driver_sql(
        "WITH RECURSIVE tree AS (SELECT id FROM executions WHERE id = %(id)s UNION ALL"
        " SELECT e.id FROM tree JOIN executions e ON e.parent_execution_id = tree.id"
        f" AND (%(force)s OR NOT {_RUNS_AFTER_STEPS.format(step='e.parent_step_id')})),"
        " locked AS (SELECT id FROM executions WHERE id IN (SELECT id FROM tree)"
        f" AND (id = %(id)s OR {OPEN}) ORDER BY id FOR NO KEY UPDATE)"
        " UPDATE executions e SET"
        " tree_cancelled_at = coalesce(e.tree_cancelled_at, now()) FROM locked"
        f" WHERE e.id = locked.id RETURNING e.id, e.{OPEN}",
        {"id": str(execution_id), "force": force},
    )
    return sorted(row[0] for row in found if row[1])


def can_be_stopped(connection: Connection, ids: Sequence[UUID]) -> bool:
    """Whether one of these executions is open, and has not been told to end at once."""
    found: bool = connection.exec_driver_sql(
        "SELECT EXISTS (SELECT 1 FROM executions WHERE id = ANY(%(ids)s::uuid[])"
        f" AND {OPEN} AND forced_at IS NULL)",
        {"ids": [str(one) for one in ids]},
    ).scalar_one()
    return found
