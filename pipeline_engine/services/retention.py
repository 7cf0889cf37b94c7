"""Retention: forget executions that ended long ago, a batch a transaction.

Killed in the middle it simply goes on at its next run: what is deleted is deleted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler.runtime import Runtime

BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What a clean-up deleted, or would delete."""

    cutoff: datetime
    executions: int = 0
    steps: int = 0
    events: int = 0
    deliveries: int = 0
    revisions: int = 0
    batches: int = 0
    duration_seconds: float = 0.0
    dry_run: bool = False


def clean_up(
    runtime: Runtime, *, now: datetime | None = None, dry_run: bool = False, at_once: int = BATCH
) -> Cleaned:
    """Delete ended executions, and deliveries, older than the retention period.

    The age is counted from the end of an execution. One that has not ended is never deleted,
    however old it is. A transaction deletes *at_once* executions with all that is theirs.
    """
    began = time.monotonic()
    cutoff = (now or datetime.now(UTC)) - timedelta(days=runtime.settings.retention_days)
    if dry_run:
        return _preview(runtime, cutoff)
    totals, batches = [0, 0, 0], 0
    while True:
        with _patient(runtime) as connection:
            deleted = _delete_batch(connection, cutoff, at_once)
        if not deleted[0]:
            break
        totals = [total + count for total, count in zip(totals, deleted, strict=True)]
        batches += 1
    with _patient(runtime) as connection:
        deliveries = _delete_deliveries(connection, cutoff)
        revisions = _delete_orphaned_revisions(connection, cutoff)
    return Cleaned(
        cutoff=cutoff,
        executions=totals[0],
        steps=totals[1],
        events=totals[2],
        deliveries=deliveries,
        revisions=revisions,
        batches=batches,
        duration_seconds=round(time.monotonic() - began, 3),
    )


@contextmanager
def _patient(runtime: Runtime) -> Iterator[Connection]:
    """Open a transaction without a limit on statements.

    A batch of executions with thousands of items each takes longer than a request may, and one
    that is broken off would be broken off again tomorrow.
    """
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout TO 0")
        yield connection


_OLD = (
    "SELECT id FROM executions WHERE status IN ('COMPLETED', 'FAILED', 'INTERRUPTED')"
    " AND finished_at < %(cutoff)s"
    # The first of a tree bounds and stops the others as long as one of them is open.
    " AND NOT EXISTS (SELECT 1 FROM executions below WHERE below.root_execution_id = executions.id"
    " AND below.status IN ('PENDING', 'RUNNING'))"
)


def _preview(runtime: Runtime, cutoff: datetime) -> Cleaned:
    with runtime.engine.connect() as connection:
        count = connection.exec_driver_sql(
            f"SELECT count(*) FROM ({_OLD}) old",  # noqa: S608
            {"cutoff": cutoff},
        ).scalar_one()
    return Cleaned(cutoff=cutoff, executions=count, dry_run=True)


def _delete_batch(connection: Connection, cutoff: datetime, limit: int) -> tuple[int, int, int]:
    rows = connection.exec_driver_sql(
        f"{_OLD} ORDER BY finished_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED",
        {"cutoff": cutoff, "limit": limit},
    )
    ids = {"ids": [str(row[0]) for row in rows]}
    if not ids["ids"]:
        return 0, 0, 0
    events = connection.exec_driver_sql(
        "DELETE FROM events WHERE execution_id = ANY(%(ids)s::uuid[])", ids
    ).rowcount
    steps = connection.exec_driver_sql(
        "DELETE FROM step_executions WHERE execution_id = ANY(%(ids)s::uuid[])", ids
    ).rowcount
    failpoint(Failpoint.IN_RETENTION)
    executions = connection.exec_driver_sql(
        "DELETE FROM executions WHERE id = ANY(%(ids)s::uuid[])", ids
    ).rowcount
    return executions, steps, events


def _delete_deliveries(connection: Connection, cutoff: datetime) -> int:
    """Deliveries that are settled, or whose step was deleted: nobody will settle those."""
    return connection.exec_driver_sql(
        "DELETE FROM inbox WHERE received_at < %(cutoff)s AND (disposition <> 'pending'"
        " OR (step_execution_id IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM step_executions s WHERE s.id = inbox.step_execution_id)))",
        {"cutoff": cutoff},
    ).rowcount


def _delete_orphaned_revisions(connection: Connection, cutoff: datetime) -> int:
    """Revisions without a pipeline (ephemeral, or deleted) that no execution is pinned to."""
    return connection.exec_driver_sql(
        "DELETE FROM pipeline_revisions r WHERE r.pipeline_id IS NULL"
        " AND r.created_at < %(cutoff)s"
        " AND NOT EXISTS (SELECT 1 FROM executions e WHERE e.revision_id = r.id)",
        {"cutoff": cutoff},
    ).rowcount
