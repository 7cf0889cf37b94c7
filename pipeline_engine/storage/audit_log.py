"""The SQL of the audit log: write a record, with what it is about; read them; forget old ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, func, select

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.audit_log import Record
from pipeline_engine.domain.callers import Caller
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.audit_log import AuditRecord
from pipeline_engine.storage.visibility import visible_to

LONGEST_TRANSACTION = timedelta(hours=1)  #: and more: statements are broken off after 30 s
HIGHEST_ID = 2**63 - 1

_TYPES = {
    **dict.fromkeys(("act", "principal", "acted_for", "owner", "target", "result"), "text"),
    **dict.fromkeys(("code", "request_id", "address"), "text"),
    "details": "jsonb",
}


def recording(source: str, *, target: str) -> str:
    """An INSERT for a statement that acts: it records ``%(record)s`` for each row of *source*.

    Written by the same statement, a record costs no further trip. *target* is what the row says
    about the id. A null is no record.
    """
    values = [target if name == "target" else f"r.{name}" for name in _TYPES]
    columns = ", ".join(f"{name} {kind}" for name, kind in _TYPES.items())
    return (
        f"INSERT INTO audit_log ({', '.join(_TYPES)}) SELECT {', '.join(values)}"
        f" FROM {source}, json_to_record(%(record)s::json) AS r({columns}) WHERE r.act IS NOT NULL"
    )


RECORD = recording("(SELECT) AS once", target="r.target")
_COLUMNS = ", ".join((*_TYPES, "once"))
RECORD_ONCE = (
    f"INSERT INTO audit_log ({_COLUMNS}) SELECT {_COLUMNS}"
    " FROM json_populate_recordset(NULL::audit_log, %(records)s::json)"
    " ON CONFLICT (once) WHERE once IS NOT NULL DO NOTHING"
)


def as_param(record: Record | None) -> str | None:
    """What ``recording`` takes as ``%(record)s``."""
    return None if record is None else json_guard.dumps(record)


def write(connection: Connection, record: Record, *, before: str = "") -> None:
    """Keep *record*, if the transaction is committed."""
    driver.run(connection, before + RECORD, {"record": as_param(record)})


def write_relaxed(connection: Connection, record: Record) -> None:
    """The same for what has changed nothing: nobody waits until it is on disk."""
    write(connection, record, before=driver.RELAXED)


def write_once(connection: Connection, records: Iterable[Record]) -> None:
    """Keep those that were not written before, by what they call ``once``."""
    rows = sorted(records, key=lambda record: record.once or "")  # as locks are taken
    driver.run(connection, RECORD_ONCE, {"records": json_guard.dumps(rows)})


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
        yield AuditRecord.id > _last_before(wanted.since)
    if wanted.until is not None:
        yield AuditRecord.at <= wanted.until
        yield AuditRecord.id < _first_after(wanted.until)
    if wanted.before is not None:
        yield AuditRecord.id < wanted.before
    if wanted.after is not None:
        yield AuditRecord.id > wanted.after


def _last_before(moment: datetime) -> ColumnElement[int]:
    """An id below all of what was recorded since; without it a page would read all that is newer.

    Numbers are given when a record is written, and that may be as long after its ``at``, when the
    transaction began, as a transaction may take.
    """
    older = select(AuditRecord.id).where(AuditRecord.at < _moved(moment, -LONGEST_TRANSACTION))
    found = older.order_by(AuditRecord.at.desc()).limit(1).scalar_subquery()
    return func.coalesce(found, 0)


def _first_after(moment: datetime) -> ColumnElement[int]:
    """An id above all of what was recorded until then."""
    newer = select(AuditRecord.id).where(AuditRecord.at > _moved(moment, LONGEST_TRANSACTION))
    found = newer.order_by(AuditRecord.at).limit(1).scalar_subquery()
    return func.coalesce(found, HIGHEST_ID)


def forget(connection: Connection, *, cutoff: datetime, limit: int) -> int:
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


def _moved(moment: datetime, by: timedelta) -> datetime:
    """The moment so much later; at the ends of the calendar, where nothing was recorded, itself."""
    try:
        return moment + by
    except OverflowError:
        return moment
