"""The audit log: who did what to which row, when, from where, and what came of it.

A record is written in the transaction of its act: without the one there is not the other. What was
refused has changed nothing, so ``refusals.py`` records it afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from pipeline_engine.domain.audit_log import Act, Record, Result
from pipeline_engine.domain.callers import Caller
from pipeline_engine.storage import audit_log
from pipeline_engine.storage.audit_log import Wanted
from pipeline_engine.storage.tables.audit_log import AuditRecord

__all__ = ["ACTS", "RESULTS", "Act", "Record", "Records", "Result", "Wanted", "listed", "record"]

ACTS: tuple[str, ...] = tuple(Act)
RESULTS: tuple[str, ...] = tuple(Result)


def record(
    caller: Caller,
    place: Session | Connection,
    act: Act,
    target: object,
    owner: str | None,
    **details: object,
) -> None:
    """Record what *caller* does to *target*, which belongs to *owner*; both are lasting, or none.

    *place* is the transaction of the act. The details are names and numbers, nothing that was sent.
    """
    connection = place.connection() if isinstance(place, Session) else place
    audit_log.write(connection, Record.of(caller, act, target, owner, **details))


@dataclass(frozen=True, slots=True)
class Records:
    """Some records: the newest first, or with ``after`` the oldest."""

    entries: Sequence[AuditRecord]
    next_before: int | None  #: for the older ones; null if there are none
    next_after: int | None  #: for those that come after these


def listed(caller: Caller, session: Session, wanted: Wanted) -> Records:
    """Records about rows of *caller*'s owners; a service that acts for nobody sees all."""
    found = session.scalars(audit_log.query(caller, wanted)).all()
    ids = [entry.id for entry in found]
    goes_on = wanted.after is None and len(found) == wanted.limit
    return Records(
        entries=found,
        next_before=min(ids) if goes_on else None,
        next_after=max(ids, default=wanted.after or 0),
    )
