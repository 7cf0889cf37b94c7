"""What the attempts of an execution have written down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    """Which lines are listed: the first ones, those *after* a place, or the last ones.

    The last ones may be those *before* a place.
    """

    after: str | None = None  #: the ``cursor`` of a line
    before: str | None = None  #: another one
    q: str | None = None  #: a part of what is shown of a line
    level: str | None = None  #: this one, and what is more important
    step_id: str | None = None
    row: int | None = None
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
    redact = redactor_of(caller, session, execution_id).redact
    levels = None if wanted.level is None else LEVELS[LEVELS.index(wanted.level) :]
    asked = Wanted(
        execution_id=execution_id,
        after=_place(wanted.after),
        before=_place(wanted.before),
        q=wanted.q,
        levels=levels,
        step_id=wanted.step_id,
        row=wanted.row,
        attempt=wanted.attempt,
        newest=wanted.newest or wanted.before is not None,
        limit=wanted.limit,
    )
    found = _hits(session, asked, redact)
    return LogList(entries=found, last=found[-1].cursor if found else wanted.after)


def _place(cursor: str | None) -> Position | None:
    return None if cursor is None else Position.parse(cursor)


def _hits(session: Session, asked: Wanted, redact: Any) -> Sequence[LogLine]:
    """The lines that are found in what is shown of them.

    What a mask hides is not found by asking for it, and where the next ones begin does not tell
    of it either: they are looked for until there are enough.
    """
    hits: list[LogLine] = []
    while len(hits) < asked.limit:
        lines = step_logs.read(session.connection(), asked)
        shown = [line for line in (_shown(one, redact) for one in lines) if _says(line, asked.q)]
        room = asked.limit - len(hits)
        hits = [*shown[-room:], *hits] if asked.newest else [*hits, *shown[:room]]
        if len(lines) < asked.limit:
            break
        if asked.newest:
            asked = replace(asked, before=lines[0].position)
        else:
            asked = replace(asked, after=lines[-1].position)
    return hits


def _says(line: LogLine, q: str | None) -> bool:
    if q is None:
        return True
    facts = json.dumps(line.facts, ensure_ascii=False) if line.facts else ""
    return q.lower() in f"{line.message} {facts}".lower()


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
