"""The SQL of the audit log: write a record, with what it is about; read them; forget old ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, select

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.audit_log import Record
from pipeline_engine.domain.callers import Caller
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.audit_log import AuditRecord
from pipeline_engine.storage.visibility import visible_to

_TYPES = {
    **dict.fromkeys(("act", "principal", "acted_for", "owner", "target", "result"), "text"),
    **dict.fromkeys(("code", "request_id", "address"), "text"),
    "details": "jsonb",
}


def recording(source: str, *, target: str) -> str:
    """An INSERT for a statement that acts: it records ``%(record)s`` for each row of *source*.

    Written by the same statement, a record costs no further trip. *target* is what the row says
    about the id. A null is no record, and one with an ``at`` is of that time.
    """
    values = [target if name == "target" else f"r.{name}" for name in _TYPES]
    columns = ", ".join(f"{name} {kind}" for name, kind in _TYPES.items())
    return (
        f"INSERT INTO audit_log (at, {', '.join(_TYPES)})"
        f" SELECT coalesce(r.at, now()), {', '.join(values)} FROM {source},"
        f" json_to_record(%(record)s::json) AS r(at timestamptz, {columns}) WHERE r.act IS NOT NULL"
    )


RECORD = recording("(SELECT) AS once", target="r.target")
RECORD_ONCE = (
    f"{RECORD} AND NOT EXISTS (SELECT 1 FROM audit_log l WHERE l.target = r.target"
    " AND l.act = r.act AND l.details = r.details)"
)


def as_param(record: Record | None) -> str | None:
    """What ``recording`` takes as ``%(record)s``."""
    return None if record is None else json_guard.dumps(asdict(record))


def write(connection: Connection, record: Record, *, before: str = "") -> None:
    """Keep *record*, if the transaction is committed."""
    driver.run(connection, before + RECORD, {"record": as_param(record)})


def write_relaxed(connection: Connection, record: Record) -> None:
    """The same for what has changed nothing: nobody waits until it is on disk."""
    write(connection, record, before=driver.RELAXED)


def write_once(connection: Connection, record: Record) -> None:
    """The same, unless it was said before of this target."""
    driver.run(connection, RECORD_ONCE, {"record": as_param(record)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which records are read; of those before or after one, the ones that are next to it."""

    principal: str | None = None
    act: str | None = None
    owner: str | None = None
    target: str | None = None
    result: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    after: int | None = None
    limit: int = 50


def query(caller: Caller, wanted: Wanted) -> Select[AuditRecord]:
    """Records that *caller* may see, the newest first; with ``after`` the oldest."""
    order = AuditRecord.id.desc() if wanted.after is None else AuditRecord.id
    return (
        select(AuditRecord)
        .where(visible_to(AuditRecord, caller), *_conditions(wanted))
        .order_by(order)
        .limit(wanted.limit)
    )


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    for name in ("principal", "act", "owner", "target", "result", "request_id"):
        if (value := getattr(wanted, name)) is not None:
            yield getattr(AuditRecord, name) == value
    if wanted.since is not None:
        yield AuditRecord.at >= wanted.since
    if wanted.until is not None:
        yield AuditRecord.at <= wanted.until
    if wanted.before is not None:
        yield AuditRecord.id < wanted.before
    if wanted.after is not None:
        yield AuditRecord.id > wanted.after


def forget(connection: Connection, cutoff: datetime, *, limit: int) -> int:
    """Delete the oldest records from before *cutoff*; the only way in which any can go."""
    found: int = connection.exec_driver_sql(
        "SELECT forget_audit_log(%(cutoff)s, %(limit)s)", {"cutoff": cutoff, "limit": limit}
    ).scalar_one()
    return found


def count_old(connection: Connection, cutoff: datetime) -> int:
    """How many records there are from before *cutoff*."""
    found: int = connection.exec_driver_sql(
        "SELECT count(*) FROM audit_log WHERE at < %(cutoff)s", {"cutoff": cutoff}
    ).scalar_one()
    return found
