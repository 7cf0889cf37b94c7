"""Retention: forget executions that ended long ago, a batch a transaction.

Killed in the middle it simply goes on at its next run: what is deleted is deleted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from pipeline_engine.config import Settings
from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import audit_log
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.retention.archive import Archive, archive_in
from pipeline_engine.setting_kinds import RetentionRule
from pipeline_engine.storage import archive as documents
from pipeline_engine.storage import audit_log as records
from pipeline_engine.storage import retention, step_logs
from pipeline_engine.storage.postgres.session import is_unreachable
from pipeline_engine.storage.retention import LEDGERS, Old, Rules

log = structlog.get_logger(__name__)

BATCH = 100
ROWS_AT_ONCE = 10_000  #: of a ledger or the audit log, deleted by one transaction
MOST_ERRORS = 20
COUNTED = ("executions", "steps", "events", "subscriptions")
RECORDED = ("executions", "revisions", "audit_records")
NOT_ARCHIVED = "nothing is deleted that cannot be archived"


class Deletes(Protocol):
    """Deletes so many rows of one kind, and says how many there were."""

    def __call__(self, connection: Connection, *, limit: int) -> int:
        """Delete *limit* of them at most."""


@dataclass(slots=True, kw_only=True)
class Cleaned:
    """What a clean-up deleted, or would delete."""

    cutoff: datetime  #: of executions that no rule is about
    executions: int = 0
    steps: int = 0
    events: int = 0
    subscriptions: int = 0
    deliveries: int = 0
    revisions: int = 0
    audit_records: int = 0
    ledgers: dict[str, int] = field(default_factory=dict)  #: rows with an age of their own
    by_rule: dict[int, int] = field(default_factory=dict)  #: executions, by the rule's number
    batches: int = 0
    duration_seconds: float = 0.0
    dry_run: bool = False
    archive: str | None = None  #: the file that has what was deleted
    errors: list[str] = field(default_factory=list)  #: what is still there, and why


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What the next clean-up would delete."""

    pending: int
    retention_days: int
    cutoff: datetime
    oldest_end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What is kept for how long, and what would be deleted now."""

    rules: Sequence[dict[str, object]]  #: each with the number of ``executions`` that it lets go
    executions: int
    ledgers: dict[str, int]
    oldest_end: datetime | None
    archive: str | None  #: the folder


def rules_of(settings: Settings) -> tuple[RetentionRule, ...]:
    """The rules in their order; the last one is for what no other fits."""
    return (*settings.retention_rules, RetentionRule(days=settings.retention_days))


def clean_up(
    runtime: Runtime,
    *,
    by: Caller = SYSTEM,
    now: datetime | None = None,
    dry_run: bool = False,
    at_once: int = BATCH,
) -> Cleaned:
    """Delete ended executions, and rows with an age of their own, that are old enough.

    The age is counted from the end of an execution. One that has not ended is never deleted,
    however old it is. Records of the audit log are never deleted younger than a day. A transaction
    deletes *at_once* executions with all that is theirs, after they were archived, if they are.
    """
    began, now = time.monotonic(), now or datetime.now(UTC)
    cleaned = Cleaned(cutoff=now - timedelta(days=runtime.settings.retention_days), dry_run=dry_run)
    rules = Rules(rules_of(runtime.settings), now)
    if dry_run:
        _preview(runtime, cleaned, rules)
        return cleaned
    _clean_executions(runtime, cleaned, rules, at_once)
    for ledger in LEDGERS:
        cutoff = _cutoff(runtime.settings, ledger.setting, now)
        cleaned.ledgers[ledger.name] = _in_turns(runtime, partial(ledger.delete, cutoff=cutoff))
    cleaned.deliveries = cleaned.ledgers["deliveries"]
    old_records = now - timedelta(days=runtime.settings.audit_retention_days)
    cleaned.audit_records = _in_turns(runtime, partial(records.forget, cutoff=old_records))
    with _patient(runtime) as connection:
        cleaned.revisions = retention.delete_orphaned_revisions(connection, cleaned.cutoff)
        _record(by, connection, cleaned)
    cleaned.duration_seconds = round(time.monotonic() - began, 3)
    return cleaned


def stats(runtime: Runtime, *, now: datetime | None = None) -> Stats:
    """What the next clean-up would delete."""
    now = now or datetime.now(UTC)
    days = runtime.settings.retention_days
    with _patient(runtime) as connection:
        by_rule = Rules(rules_of(runtime.settings), now).count(connection)
        oldest = retention.oldest_end(connection)
    return Stats(
        pending=sum(by_rule.values()),
        retention_days=days,
        cutoff=now - timedelta(days=days),
        oldest_end=oldest,
    )


def overview(runtime: Runtime, *, now: datetime | None = None) -> Overview:
    """What is kept for how long, and what the next clean-up would delete."""
    now = now or datetime.now(UTC)
    previewed = clean_up(runtime, now=now, dry_run=True)
    with runtime.engine.connect() as connection:
        oldest = retention.oldest_end(connection)
    rules = [
        asdict(rule) | {"executions": previewed.by_rule.get(number, 0)}
        for number, rule in enumerate(rules_of(runtime.settings))
    ]
    return Overview(
        rules=rules,
        executions=previewed.executions,
        ledgers=previewed.ledgers,
        oldest_end=oldest,
        archive=runtime.settings.archive_directory,
    )


def _cutoff(settings: Settings, setting: str, now: datetime) -> datetime:
    days: int = getattr(settings, setting)
    return now - timedelta(days=days)


def _record(by: Caller, connection: Connection, cleaned: Cleaned) -> None:
    """Tell the audit log what was deleted, if there was anything."""
    counted = {name: getattr(cleaned, name) for name in RECORDED}
    deleted = {name: count for name, count in (counted | cleaned.ledgers).items() if count}
    if deleted:
        before = cleaned.cutoff.isoformat()
        audit_log.record(by, connection, Act.RETENTION_RUN, None, None, before=before, **deleted)


@contextmanager
def _patient(runtime: Runtime) -> Iterator[Connection]:
    """Open a transaction without a limit on statements.

    A batch of executions with thousands of items each takes longer than a request may, and one
    that is broken off would be broken off again tomorrow.
    """
    with runtime.engine.begin() as connection:
        retention.wait_for_ever(connection)
        yield connection


def _in_turns(runtime: Runtime, delete: Deletes) -> int:
    """Delete all of some rows, so many a transaction."""
    total, deleted = 0, ROWS_AT_ONCE
    while deleted == ROWS_AT_ONCE:
        with _patient(runtime) as connection:
            deleted = delete(connection, limit=ROWS_AT_ONCE)
        total += deleted
    return total


# ── Executions ───────────────────────────────────────────────────────────────────────────


def _clean_executions(runtime: Runtime, cleaned: Cleaned, rules: Rules, at_once: int) -> None:
    folder = runtime.settings.archive_directory
    try:
        with archive_in(Path(folder) if folder else None) as archive:
            _Sweep(runtime, cleaned, rules, archive).run(at_once)
            cleaned.archive = str(archive.path) if archive and cleaned.executions else None
    except OSError as error:
        log.exception("the archive cannot be written")
        cleaned.errors.append(f"archive: {error.strerror or error}: {NOT_ARCHIVED}")


@dataclass(slots=True)
class _Sweep:
    """One way through all that is old, the oldest first; it never comes back to what it passed."""

    runtime: Runtime
    cleaned: Cleaned
    rules: Rules
    archive: Archive | None
    passed: Old | None = None

    def run(self, at_once: int) -> None:
        """Delete batch after batch. Raises ``OSError`` if the archive cannot be written."""
        while found := self._delete(at_once):
            self.passed = found[-1]

    def _delete(self, at_once: int) -> Sequence[Old]:
        """Delete one batch, or those of it that can be; returns what it was, or nothing is left."""
        found: list[Old] = []
        try:
            with _patient(self.runtime) as connection:
                found += self.rules.lock(connection, limit=at_once, after=self.passed)
                gone = self._delete_locked(connection, found)
        except DBAPIError as error:
            if is_unreachable(error) or not found:
                raise
            if len(found) > 1:  # the others are not to blame
                return [one for _ in found for one in self._delete_one()]
            self._give_up(found[0], error)
        else:
            self._count(found, gone)
        return found

    def _delete_one(self) -> Sequence[Old]:
        found = self._delete(1)
        self.passed = found[-1] if found else self.passed
        return found

    def _delete_locked(self, connection: Connection, found: Sequence[Old]) -> Cleaned:
        ids = [one.id for one in found]
        if not ids:
            return Cleaned(cutoff=self.cleaned.cutoff)
        if self.archive is not None:
            self.archive.keep(documents.documents(connection, ids))
        failpoint(Failpoint.ARCHIVED)
        gone = Cleaned(cutoff=self.cleaned.cutoff)
        gone.events = retention.delete_events(connection, ids)
        step_logs.delete(connection, ids)
        gone.steps = retention.delete_steps(connection, ids)
        gone.subscriptions = retention.delete_subscriptions(connection, ids)
        failpoint(Failpoint.IN_RETENTION)
        gone.executions = retention.delete_executions(connection, ids)
        return gone

    def _count(self, found: Sequence[Old], gone: Cleaned) -> None:
        """Count what is deleted for good."""
        cleaned = self.cleaned
        for name in COUNTED:
            setattr(cleaned, name, getattr(cleaned, name) + getattr(gone, name))
        cleaned.batches += bool(found)
        for one in found:
            cleaned.by_rule[one.rule] = cleaned.by_rule.get(one.rule, 0) + 1

    def _give_up(self, one: Old, error: DBAPIError) -> None:
        log.error("an execution cannot be deleted", execution=str(one.id), error=str(error.orig))
        if len(self.cleaned.errors) < MOST_ERRORS:
            self.cleaned.errors.append(f"{one.id}: cannot be deleted, see the log")


def _preview(runtime: Runtime, cleaned: Cleaned, rules: Rules) -> None:
    with _patient(runtime) as connection:
        cleaned.by_rule = rules.count(connection)
        cleaned.executions = sum(cleaned.by_rule.values())
        for ledger in LEDGERS:
            cutoff = _cutoff(runtime.settings, ledger.setting, rules.now)
            cleaned.ledgers[ledger.name] = ledger.count(connection, cutoff)
    cleaned.deliveries = cleaned.ledgers["deliveries"]
