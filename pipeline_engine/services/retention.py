"""Retention: forget executions that ended long ago, a batch a transaction.

Killed in the middle it simply goes on at its next run: what is deleted is deleted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import audit_log
from pipeline_engine.services.audit_log import Act
from pipeline_engine.storage import audit_log as records
from pipeline_engine.storage import retention, subscriptions, webhook_deliveries

BATCH = 100
RECORDED = (
    "executions",
    "deliveries",
    "webhook_deliveries",
    "revisions",
    "messages",
    "subscriptions",
    "audit_records",
)
RECORDS_AT_ONCE = 10_000  #: of the audit log, deleted by one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What a clean-up deleted, or would delete."""

    cutoff: datetime
    executions: int = 0
    steps: int = 0
    events: int = 0
    deliveries: int = 0
    webhook_deliveries: int = 0
    revisions: int = 0
    messages: int = 0
    subscriptions: int = 0
    audit_records: int = 0
    batches: int = 0
    duration_seconds: float = 0.0
    dry_run: bool = False


def clean_up(
    runtime: Runtime, *, now: datetime | None = None, dry_run: bool = False, at_once: int = BATCH
) -> Cleaned:
    """Delete ended executions, and deliveries, older than the retention period.

    Messages to subscribers, and subscriptions that have ended, have a period of their own.
    Records of the audit log have a longer one of their own, and are never deleted younger than a
    day.

    The age is counted from the end of an execution. One that has not ended is never deleted,
    however old it is. A transaction deletes *at_once* executions with all that is theirs.
    """
    began, now = time.monotonic(), now or datetime.now(UTC)
    cutoff = now - timedelta(days=runtime.settings.retention_days)
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
    audit_records = _forget_records(runtime, now)
    told_before = now - timedelta(days=runtime.settings.message_retention_days)
    with _patient(runtime) as connection:
        cleaned = Cleaned(
            cutoff=cutoff,
            executions=totals[0],
            steps=totals[1],
            events=totals[2],
            deliveries=retention.delete_deliveries(connection, cutoff),
            webhook_deliveries=webhook_deliveries.delete_old(connection, cutoff),
            revisions=retention.delete_orphaned_revisions(connection, cutoff),
            messages=subscriptions.delete_settled(connection, told_before),
            subscriptions=subscriptions.delete_ended(connection, told_before),
            audit_records=audit_records,
            batches=batches,
        )
        _record(connection, cleaned)
    return replace(cleaned, duration_seconds=round(time.monotonic() - began, 3))


def _record(connection: Connection, cleaned: Cleaned) -> None:
    """Tell the audit log what was deleted, if there was anything."""
    deleted = {name: getattr(cleaned, name) for name in RECORDED if getattr(cleaned, name)}
    if deleted:
        before = cleaned.cutoff.isoformat()
        audit_log.record(
            SYSTEM, connection, Act.RETENTION_RUN, None, None, before=before, **deleted
        )


def _forget_records(runtime: Runtime, now: datetime) -> int:
    """Delete old records of the audit log, which has a period of its own."""
    cutoff = now - timedelta(days=runtime.settings.audit_retention_days)
    total, forgotten = 0, RECORDS_AT_ONCE
    while forgotten == RECORDS_AT_ONCE:
        with _patient(runtime) as connection:
            forgotten = records.forget(connection, cutoff, limit=RECORDS_AT_ONCE)
        total += forgotten
    return total


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
