"""PostgreSQL: can it keep what we promise, and does it hold anything that will never move?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from pipeline_engine.errors import ExecutionNotFound
from pipeline_engine.services.audit import Audit, audit_rows
from pipeline_engine.services.doctor.checks import (
    Check,
    Installation,
    Result,
    failed,
    ok,
    worth_a_look,
)
from pipeline_engine.services.health import installed_migrations
from pipeline_engine.storage import diagnostics, subscriptions
from pipeline_engine.storage.audit import newest_ended
from pipeline_engine.storage.postgres import server

DRIVER = "postgresql+psycopg2"
OLDEST = 13  #: events are ordered by xid8, which older ones do not have
MOST_SKEW_SECONDS = 1.0
#: Time after which a row counts as stuck: longer than any sweep, back-off or restart takes.
PATIENCE = timedelta(seconds=30)
LISTED = 5
AUDITED = 10  #: executions, those that ended last
MOST_EVENTS = 10_000  #: events of an execution that is audited, at most


def run(installation: Installation) -> Iterator[Check]:
    """Look at the database; if it is away, that is all there is to say."""
    try:
        with installation.runtime.engine.connect() as connection:
            yield Check.of("database", _driver(installation))
            schema = _migrations(connection)
            yield Check.of("migrations", schema)
            for name, look in (CHECKS | (ROWS if schema.is_well else {})).items():
                yield Check.of(name, look(connection))
    except SQLAlchemyError as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        todo = "Start PostgreSQL, or correct DATABASE_URL."
        yield Check.of("database", failed(f"cannot be asked: {reason}", todo))


def _driver(installation: Installation) -> Result:
    found = installation.runtime.engine.url.drivername
    if found != DRIVER:
        return failed(f"the driver is {found}", f"Let DATABASE_URL begin with {DRIVER}://.")
    return ok(f"connected by {found}")


def _version(connection: Connection) -> Result:
    major, minor = server.version(connection)
    says = f"PostgreSQL {major}.{minor}"
    if major < OLDEST:
        return failed(says, f"Use PostgreSQL {OLDEST} or newer.")
    return ok(says)


def _durability(connection: Connection) -> Result:
    """An answered request must survive a crash of the machine."""
    names = ("fsync", "full_page_writes", "synchronous_commit")
    found = {name: server.setting(connection, name) for name in names}
    says = ", ".join(f"{name} {value}" for name, value in found.items())
    if "off" in found.values():
        return failed(says, "Switch them on: an accepted execution could be lost in a crash.")
    return ok(says)


def _migrations(connection: Connection) -> Result:
    scripts = installed_migrations()
    if scripts is None:
        return failed("the migrations are not installed", "Install the package as it was built.")
    wanted = set(scripts.get_heads())
    current = set(MigrationContext.configure(connection).get_current_heads())
    says = f"at {', '.join(sorted(current)) or 'nothing'}, head is {', '.join(sorted(wanted))}"
    return ok(says) if current == wanted else failed(says, "Run `pipeline-engine db upgrade`.")


def _clock(connection: Connection) -> Result:
    before = time.time()
    return compare_clocks(server.clock(connection), before, time.time())


def compare_clocks(there: float, before: float, after: float) -> Result:
    """Whether the clock *there* agrees with ours, which was read *before* and *after*."""
    skew = there - (before + after) / 2
    unsure = (after - before) / 2
    says = f"{skew:+.3f} s from this machine's clock"
    if abs(skew) - unsure > MOST_SKEW_SECONDS:
        return failed(says, "Run NTP on both machines: leases and due times go by the database.")
    return ok(says)


# ── What must not exist ──────────────────────────────────────────────────────────────────


def _stuck_executions(connection: Connection) -> Result:
    found = diagnostics.stuck_executions(connection, after=PATIENCE, limit=LISTED)
    if not found:
        return ok("none")
    says = f"nothing will move {', '.join(map(str, found))}{_more(found)}"
    return failed(
        says, "Report this with `pipeline-engine explain ID`: it is a fault of the engine."
    )


def _lost_steps(connection: Connection) -> Result:
    found = diagnostics.lost_steps(connection, limit=LISTED)
    if not found:
        return ok("none")
    named = ", ".join(f"{step_id} of {execution_id}" for execution_id, step_id in found)
    todo = "Report this with `pipeline-engine explain ID`: it is a fault of the engine."
    return failed(f"nothing will move {named}{_more(found)}", todo)


def _overdue(connection: Connection) -> Result:
    found = diagnostics.overdue(connection, by=PATIENCE, limit=1000)
    if not found:
        return ok("none")
    says = ", ".join(f"{count} {kind}" for kind, count in found.items())
    seconds = PATIENCE.total_seconds()
    todo = "The sweep does not keep up: see sweep and workers, and add workers for 'system'."
    return failed(f"{says}, late by {seconds:g} s or more", todo)


def _histories(connection: Connection) -> Result:
    """Whether what ended last agrees with its own history, and that with the rules."""
    audits = list(_audits(connection))
    differing = [audit for audit in audits if not audit.is_clean]
    if not differing:
        return ok(f"{len(audits)} that ended last agree with their rows and with the rules")
    says = ", ".join(
        f"{audit.execution_id} ({', '.join(sorted({finding.code for finding in audit.findings}))})"
        for audit in differing
    )
    todo = f"Run `pipeline-engine audit {differing[0].execution_id}`: it says what, and what to do."
    return failed(says, todo)


def _audits(connection: Connection) -> Iterator[Audit]:
    for execution_id in newest_ended(connection, limit=AUDITED):
        with suppress(ExecutionNotFound):  # its time to be kept is over
            yield audit_rows(connection, execution_id, most_events=MOST_EVENTS)


def _more(found: Sequence[object]) -> str:
    return ", …" if len(found) == LISTED else ""


def _subscriptions(connection: Connection) -> Result:
    found = subscriptions.standing(connection, late_seconds=PATIENCE.total_seconds())
    if found.late:
        todo = "Start a worker with threads: worker-io and worker-system send messages."
        return failed(f"{found.late} have news that nobody sends", todo)
    if found.failed or found.failing:
        says = f"{found.failed} have failed, {found.failing} are tried again"
        return worth_a_look(says, "See why: pipeline-engine subscriptions list")
    return ok("all that has happened was sent")


CHECKS: dict[str, Callable[[Connection], Result]] = {
    "database_version": _version,
    "database_durability": _durability,
    "database_clock": _clock,
}
#: Checks that read tables, and so need the schema of this version.
ROWS: dict[str, Callable[[Connection], Result]] = {
    "stuck_executions": _stuck_executions,
    "lost_steps": _lost_steps,
    "overdue_work": _overdue,
    "histories": _histories,
    "subscriptions": _subscriptions,
}
