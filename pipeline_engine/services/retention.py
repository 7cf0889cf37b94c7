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
from pipeline_engine.storage import retention

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
        deliveries = retention.delete_deliveries(connection, cutoff)
        revisions = retention.delete_orphaned_revisions(connection, cutoff)
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
        retention.wait_for_ever(connection)
        yield connection


def _preview(runtime: Runtime, cutoff: datetime) -> Cleaned:
    with runtime.engine.connect() as connection:
        count = retention.count_old(connection, cutoff)
    return Cleaned(cutoff=cutoff, executions=count, dry_run=True)


def _delete_batch(connection: Connection, cutoff: datetime, limit: int) -> tuple[int, int, int]:
    ids = retention.lock_old(connection, cutoff, limit=limit)
    if not ids:
        return 0, 0, 0
    events = retention.delete_events(connection, ids)
    steps = retention.delete_steps(connection, ids)
    failpoint(Failpoint.IN_RETENTION)
    return retention.delete_executions(connection, ids), steps, events
