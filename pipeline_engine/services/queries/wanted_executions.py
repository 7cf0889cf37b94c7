"""Which executions are wanted, as conditions of a query that indexes answer."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, exists, false, literal, not_, or_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.domain.redaction import Redactor
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.storage.execution_names import names_with
from pipeline_engine.storage.tables.executions import PLAIN_PARAMS, Execution
from pipeline_engine.storage.tables.steps import StepExecution
from pipeline_engine.storage.visibility import visible_to

START_OF_ID = re.compile(r"[0-9a-f-]{1,36}", re.ASCII | re.IGNORECASE)
HEX_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """Which executions are listed; both ends of the span in which they were made are included."""

    start: datetime | None = None
    end: datetime | None = None
    ended_from: datetime | None = None
    ended_before: datetime | None = None  #: not included, as the end of an hour is not in it
    statuses: Collection[str] = ()  #: any of them
    initiator: str | None = None
    pipeline_id: UUID | None = None
    pipeline_name: str | None = None
    root: UUID | None = None  #: the first of the tree that they belong to
    q: str | None = None  #: the start of an id, or a part of the pipeline's name
    params: Sequence[tuple[str, str]] = ()  #: names with values, all of them
    parked: bool | None = None  #: whether a step of it waits for the outside world


def conditions_of(
    caller: Caller, session: Session, wanted: ExecutionFilter
) -> Sequence[ColumnElement[bool]]:
    """What is true of each execution that is wanted, and that *caller* may see."""
    return [
        visible_to(Execution, caller),
        *_in_time(wanted),
        *_plain(wanted),
        *_searched(session, wanted),
    ]


def _in_time(wanted: ExecutionFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.start is not None:
        found.append(Execution.created_at >= wanted.start)
    if wanted.end is not None:
        found.append(Execution.created_at <= wanted.end)
    if wanted.ended_from is not None:
        found.append(Execution.finished_at >= wanted.ended_from)
    if wanted.ended_before is not None:
        found.append(Execution.finished_at < wanted.ended_before)
    return found


def _plain(wanted: ExecutionFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.statuses:
        found.append(Execution.status.in_(wanted.statuses))
    if wanted.initiator is not None:
        found.append(Execution.initiator == wanted.initiator)
    if wanted.pipeline_id is not None:
        found.append(Execution.pipeline_id == wanted.pipeline_id)
    if wanted.pipeline_name is not None:
        found.append(Execution.name == wanted.pipeline_name)
    if wanted.root is not None:
        found.append(or_(Execution.id == wanted.root, Execution.root_execution_id == wanted.root))
    return found


def _searched(session: Session, wanted: ExecutionFilter) -> list[ColumnElement[bool]]:
    found = [_has_param(name, value) for name, value in wanted.params]
    if wanted.q:
        found.append(or_(*_named(session, wanted.q), *_begins_with(wanted.q)))
    if wanted.parked is not None:
        found.append(_IS_PARKED if wanted.parked else not_(_IS_PARKED))
    return found


#: A parked step is open, and so is its execution: both have an index of what is.
_IS_PARKED = and_(
    Execution.status == ExecutionStatus.RUNNING,
    exists().where(
        StepExecution.execution_id == Execution.id,
        StepExecution.status == StepStatus.RUNNING,
        StepExecution.awaiting_event,
    ),
)


def _named(session: Session, part: str) -> list[ColumnElement[bool]]:
    names = names_with(session.connection(), part)
    if names is None:
        return [Execution.name.icontains(part, autoescape=True)]
    return [Execution.name.in_(names)]


def _begins_with(text: str) -> list[ColumnElement[bool]]:
    """As a range of ids, which the primary key finds."""
    digits = text.replace("-", "")
    if not START_OF_ID.fullmatch(text) or not 0 < len(digits) <= HEX_DIGITS:
        return []
    first, last = (UUID(digits.ljust(HEX_DIGITS, filler)) for filler in "0f")
    return [Execution.id.between(first, last)]


def _has_param(name: str, value: str) -> ColumnElement[bool]:
    meant: list[Any] = [value]
    with suppress(JsonRejected):  # then it is a text, and nothing else
        meant.append(json_guard.loads(value.encode()))
    return or_(false(), *(_is_param(name, one) for one in meant if _is_shown(name, one)))


def _is_shown(name: str, value: Any) -> bool:
    """Whether it is told as it is: what reads as the mask is found out by no guess."""
    given = {name: value}
    return bool(Redactor().redact(given) == given)


def _is_param(name: str, value: Any) -> ColumnElement[bool]:
    """Among the plain values, which have an index, unless it is none; and under that name."""
    is_it = Execution.params[name] == _as_json(value)
    if isinstance(value, dict | list):
        return is_it
    return and_(PLAIN_PARAMS.contains(_as_json([value])), is_it)


def _as_json(value: Any) -> ColumnElement[Any]:
    return cast(literal(json_guard.dumps(value), Text), JSONB)
