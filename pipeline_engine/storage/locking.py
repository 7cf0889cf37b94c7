"""Rows taken for the rest of a transaction; everything that moves was locked here first.

Locks are taken in the order of ids, so that two transactions cannot wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.phases import Phase
from pipeline_engine.storage.deliveries import DeliveryRow
from pipeline_engine.storage.phases import IS, OPEN
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.rows import (
    STEP_COLUMNS,
    Home,
    StepRow,
    fetch_steps,
    fetch_steps_prepared,
)


def lock_queued(
    connection: Connection, ids: Sequence[int], *, durable: bool = True
) -> list[StepRow]:
    """The queued steps among *ids*, locked for this transaction.

    A step that another worker has locked or taken is left out: a message that was sent
    twice, or a forged one, finds nothing to do. Few are wanted of perhaps very many that are
    queued, so no index but that of the ids must look tempting: hence ``CASE``.
    """
    return fetch_steps_prepared(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s WHERE id = ANY(%(ids)s::bigint[])"
        " AND CASE WHEN status IN ('PENDING', 'RETRYING') THEN queued_at IS NOT NULL END"
        " ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
        {"ids": driver.array(ids)},
        before="" if durable else driver.RELAXED,
    )


def lock_behind(connection: Connection, steps: Sequence[tuple[UUID, str]]) -> list[StepRow]:
    """Those of the named steps that still wait, locked.

    The caller has locked all that they wait for, so no other transaction locks them but one that
    stops them: that one waits for the caller, or was first and keeps them.
    """
    return fetch_steps(
        connection,
        f"""
        SELECT {STEP_COLUMNS}
        FROM unnest(%(executions)s::uuid[], %(steps)s::text[]) AS w(execution_id, step_id)
        -- One lookup after the other; a join might read the index of all executions.
        CROSS JOIN LATERAL (
            SELECT * FROM step_executions WHERE execution_id = w.execution_id
                AND step_id = w.step_id AND parent_id IS NULL
                AND CASE WHEN status = 'PENDING' THEN cheap AND queued_at IS NULL END
            FOR NO KEY UPDATE SKIP LOCKED
        ) s
        """,
        {
            "executions": [str(execution_id) for execution_id, _ in steps],
            "steps": [step_id for _, step_id in steps],
        },
    )


def lock_open_steps(connection: Connection, execution_id: UUID) -> list[StepRow]:
    """All of an execution that has not ended, but its sinks; only an abort looks at it all."""
    return fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s WHERE execution_id = %(id)s AND {OPEN}"
        " AND kind <> 'sink' ORDER BY id FOR NO KEY UPDATE",
        {"id": str(execution_id)},
    )


def lock_in_order(connection: Connection, ids: Sequence[int]) -> None:
    """Lock these steps, so that later statements may meet them in any order."""
    driver.fetch_prepared(
        connection,
        "SELECT id FROM step_executions WHERE id = ANY(%(ids)s::bigint[])"
        " ORDER BY id FOR NO KEY UPDATE",
        {"ids": driver.array(ids)},
    )


def lock_waiting(connection: Connection, home: Home, step_ids: Sequence[str]) -> list[StepRow]:
    """Those of the named steps that have not begun."""
    inside = "parent_id = %(block)s AND within = %(within)s AND kind = 'step'"
    return fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s"
        " WHERE execution_id = %(id)s AND step_id = ANY(%(steps)s)"
        f" AND {'parent_id IS NULL' if home.block is None else inside}"
        " AND status = 'PENDING' ORDER BY id FOR NO KEY UPDATE",
        {
            "id": str(home.execution_id),
            "steps": list(step_ids),
            "block": home.block,
            "within": home.within,
        },
    )


def lock_joinable(connection: Connection, step_execution_id: int) -> StepRow | None:
    """A fan-out whose items have all ended, locked."""
    found = fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s WHERE id = %(id)s AND {IS[Phase.JOINING]}"
        " FOR NO KEY UPDATE",
        {"id": step_execution_id},
    )
    return found[0] if found else None


def was_stopped(connection: Connection, step_execution_id: int) -> bool:
    """Whether the step was stopped for good, so that no attempt follows."""
    found = connection.exec_driver_sql(
        "SELECT cancelling OR status IN ('SKIPPED', 'TIMEOUT')"
        # If its failure was caught, it has completed.
        " OR (status = 'COMPLETED' AND coalesce(error_code, '')"
        " IN ('timeout', 'revoked', 'superseded'))"
        " OR (status = 'FAILED' AND error_code IN ('revoked', 'superseded'))"
        " FROM step_executions WHERE id = %(id)s",
        {"id": step_execution_id},
    ).scalar()
    return bool(found)


def lock_attempt(connection: Connection, step: StepRow) -> StepRow | None:
    """A step while its attempt runs, locked; None if another transaction has ended it."""
    found = fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s WHERE id = %(id)s AND status = 'RUNNING'"
        " AND attempt = %(attempt)s AND NOT (awaiting_event OR cancelling)"
        " AND items_total IS NULL FOR NO KEY UPDATE",
        {"id": step.id, "attempt": step.attempt},
    )
    return found[0] if found else None


def lock_open(connection: Connection, step_execution_id: int) -> StepRow | None:
    """A step that has not ended, locked."""
    found = fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s WHERE id = %(id)s AND {OPEN}"
        " FOR NO KEY UPDATE",
        {"id": step_execution_id},
    )
    return found[0] if found else None


def lock_cleaned(connection: Connection, step: StepRow) -> StepRow | None:
    """A step after its clean-up attempt, locked; None if that came too late."""
    found = fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s"
        " WHERE id = %(id)s AND status = 'RUNNING' AND cancelling AND attempt = %(attempt)s"
        " FOR NO KEY UPDATE",
        {"id": step.id, "attempt": step.attempt},
    )
    return found[0] if found else None


def lock_addressee(connection: Connection, callback: DeliveryRow) -> StepRow | None:
    """The step that a callback is for, locked.

    Whatever its status is: a filter by status would skip, without waiting, a step that is about
    to park in another transaction.
    """
    found = fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s WHERE id = %(id)s FOR NO KEY UPDATE",
        {"id": callback.step_execution_id},
    )
    return found[0] if found else None


def lock_open_below(connection: Connection, ids: Collection[int]) -> list[StepRow]:
    """All that has not ended of what fan-outs and blocks have made, and of what that has made.

    What one of them makes while we wait for it the statement does not see, so it is asked again
    until nothing is new.
    """
    found = _lock_below(connection, ids)
    while True:
        again = _lock_below(connection, ids) if any(row.items_open for row in found) else found
        if len(again) <= len(found):
            return again
        found = again


def _lock_below(connection: Connection, ids: Collection[int]) -> list[StepRow]:
    return fetch_steps(
        connection,
        f"""
        WITH RECURSIVE below AS (
            SELECT id, items_open FROM step_executions WHERE parent_id = ANY(%(ids)s) AND {OPEN}
            UNION ALL
            SELECT s.id, s.items_open FROM below JOIN step_executions s ON s.parent_id = below.id
            WHERE below.items_open > 0 AND s.{OPEN}
        )
        SELECT {STEP_COLUMNS} FROM step_executions s
        WHERE s.id IN (SELECT id FROM below) AND {OPEN} ORDER BY id FOR NO KEY UPDATE
        """,
        {"ids": list(ids)},
    )
