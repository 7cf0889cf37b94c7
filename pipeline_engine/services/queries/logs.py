"""What the attempts of an execution have written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.services.visibility import redactor_of
from pipeline_engine.storage import step_logs
from pipeline_engine.storage.positions import Position
from pipeline_engine.storage.step_logs import StoredLine, Wanted

#: From the least important on.
LEVELS = ("debug", "info", "warning", "error", "critical")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Which lines are listed: the first ones, those *after* a place, or the last ones."""

    after: str | None = None  #: the ``cursor`` of a line
    level: str | None = None  #: this one, and what is more important
    step_id: str | None = None
    attempt: int | None = None
    newest: bool = False
    limit: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line, and the place to go on after."""

    cursor: str
    at: datetime
    level: str
    message: str
    facts: dict[str, Any]
    step_execution_id: int
    step_id: str
    item_index: int | None
    within: str | None
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogList:
    """Some lines, the oldest first, and the place behind the last."""

    entries: Sequence[LogLine]
    last: str | None


def logs(caller: Caller, session: Session, execution_id: UUID, wanted: LogFilter) -> LogList:
    """Lines of an execution in an order that never changes; ``ExecutionNotFound`` if unseen."""
    redactor = redactor_of(caller, session, execution_id)
    levels = None if wanted.level is None else LEVELS[LEVELS.index(wanted.level) :]
    found = step_logs.read(
        session.connection(),
        Wanted(
            execution_id=execution_id,
            after=None if wanted.after is None else Position.parse(wanted.after),
            levels=levels,
            step_id=wanted.step_id,
            attempt=wanted.attempt,
            newest=wanted.newest,
            limit=wanted.limit,
        ),
    )
    last = str(found[-1].position) if found else wanted.after
    return LogList(
        entries=[_shown(line, redactor.redact) for line in found],
        last=last,
    )


def _shown(line: StoredLine, redact: Any) -> LogLine:
    return LogLine(
        cursor=str(line.position),
        at=line.at,
        level=line.level,
        message=redact(line.message),
        facts=redact(line.facts or {}),
        step_execution_id=line.step_execution_id,
        step_id=line.step_id,
        item_index=line.item_index,
        within=line.within,
        attempt=line.attempt,
    )
