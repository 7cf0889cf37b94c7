"""Steps that wait for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, and_, cast, false, func, or_, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.action_names import type_of
from pipeline_engine.domain.callers import GROUP, Caller
from pipeline_engine.domain.paths import path_of
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.storage.tables.base import Json
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.steps import StepExecution
from pipeline_engine.storage.visibility import visible_to

MOST = 100  #: approvals of an execution that are read; with more of them, a step has to be named
ACTION = "approval"
#: The output in which a step says who may answer it, while it waits.
ASKED = "asked"
ASKS = StepExecution.outputs.has_key(ASKED)


class WaitingApproval(NamedTuple):
    """An attempt that is parked until people have said yes or no."""

    id: int
    attempt: int
    step_id: str
    item_index: int | None
    within: str | None
    name: str
    outputs: dict[str, Any] | None
    parked_at: datetime | None
    execution_id: UUID
    owner: str | None
    pipeline_name: str
    is_in_sight: bool  #: whether the caller may read its execution, too

    @property
    def place(self) -> str:
        """The step, or one item of it: ``deploy[2]``; in a block ``each[2]/deploy``."""
        return path_of(self.step_id, self.item_index, self.within)


def asks_people(action: str, outputs: Mapping[str, Json] | None) -> bool:
    """Whether a parked step is one that people answer in their own name."""
    return type_of(action) == ACTION or ASKED in (outputs or {})


def waiting(
    session: Session, caller: Caller, execution_id: UUID, *, step_id: str | None
) -> Sequence[WaitingApproval]:
    """Those of an execution, or of one step of it, that *caller* may know of, in their order."""
    # One that a version without that output has parked is known by its action.
    waits = or_(ASKS, func.split_part(StepExecution.action, "@", 1) == ACTION)
    wanted = [StepExecution.execution_id == execution_id, waits]
    if step_id is not None:
        wanted.append(StepExecution.step_id == step_id)
    return _read(session, caller, *wanted, limit=MOST)


def for_caller(
    session: Session, caller: Caller, execution_id: UUID | None, *, limit: int, offset: int
) -> tuple[Sequence[WaitingApproval], int]:
    """Some of all that *caller* may know of, the oldest first, and how many there are.

    With an execution only its own.
    """
    own = [] if execution_id is None else [StepExecution.execution_id == execution_id]
    count = select(func.count()).select_from(StepExecution).join(Execution)
    total = session.scalar(count.where(*_open_to(caller), ASKS, *own)) or 0
    return _read(session, caller, ASKS, *own, limit=limit, offset=offset), total


def _read(
    session: Session, caller: Caller, *wanted: ColumnElement[bool], limit: int, offset: int = 0
) -> Sequence[WaitingApproval]:
    rows = session.execute(
        select(
            StepExecution.id,
            StepExecution.attempt,
            StepExecution.step_id,
            StepExecution.item_index,
            StepExecution.within,
            StepExecution.name,
            StepExecution.outputs,
            StepExecution.started_at,
            StepExecution.execution_id,
            Execution.user_id,
            Execution.name,
            func.coalesce(visible_to(Execution, caller), false()),  # that of nobody is null
        )
        .join(Execution)
        .where(*_open_to(caller), *wanted)
        .order_by(StepExecution.id)
        .limit(limit)
        .offset(offset)
    )
    return [WaitingApproval._make(row) for row in rows]


def _open_to(caller: Caller) -> Sequence[ColumnElement[bool]]:
    return (
        StepExecution.status == StepStatus.RUNNING,
        StepExecution.awaiting_event.is_(True),
        ~StepExecution.cancelling,
        or_(visible_to(Execution, caller), _is_asked(caller)),
    )


def _is_asked(caller: Caller) -> ColumnElement[bool]:
    """Whether a step names *caller*, or a group of his: then he may know what it asks."""
    if caller.user_id is None:
        return false()
    asked = StepExecution.outputs[ASKED]
    groups = [owner.removeprefix(GROUP) for owner in caller.owners if owner.startswith(GROUP)]
    named = asked["users"].has_key(caller.user_id)
    if groups:
        in_group = asked["groups"].has_any(cast(sorted(groups), ARRAY(Text)))
        named = or_(named, in_group)
    if caller.only_pipelines is None:
        return named  # type: ignore[no-any-return]
    return and_(named, Execution.pipeline_id.in_(caller.only_pipelines))
