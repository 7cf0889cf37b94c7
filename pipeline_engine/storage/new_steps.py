"""Rows about to be added to ``step_executions``.

The model (``tables/steps.py``) is the one declaration of a step's columns. A new row brings those
that are fields of ``NewStep``; the statements that insert rows are made from them here, so a field
that is no column is an error when this module is imported. None of them writes a status: new rows
get theirs, PENDING, from the table's default.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.storage import admission
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.base import Json
from pipeline_engine.storage.tables.steps import StepExecution


@dataclass(slots=True, kw_only=True)
class NewStep:
    """A row about to be added to ``step_executions``; what it leaves out has its default."""

    id: int
    step_id: str
    name: str
    action: str
    kind: str
    sequence_number: int
    queue: str
    cheap: bool
    weight: float = 1.0
    dependency_count: int = 0
    successors: Sequence[int] = ()
    parent_id: int | None = None
    item_index: int | None = None
    item_key: str | None = None
    item: Json = None
    enclosing: Sequence[int] | None = None
    within: str | None = None
    held: bool = False
    queued: bool = False
    in_window: bool = False
    due_after: float | None = None  #: seconds


FIELDS = tuple(field.name for field in fields(NewStep))
#: Fields that are no columns, with their types.
_NO_COLUMNS = {"queued": "boolean", "due_after": "float8"}
#: Columns that are made of a field, and how; ``v`` is the row that is read.
_MADE_OF = {
    "dependency_count": {"remaining": "v.dependency_count"},
    "queued": admission.NEW,
    "due_after": {"due_at": "now() + v.due_after * interval '1 second'"},
}
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def recordset(names: Collection[str], **types: str) -> str:
    """How PostgreSQL reads these fields from JSON; *types* in place of those of the columns."""
    return ", ".join(f"{name} {types.get(name) or _type_of(name)}" for name in names)


def _type_of(name: str) -> str:
    return _NO_COLUMNS.get(name) or StepExecution.__table__.c[name].type.compile(_DIALECT)


def values(names: Collection[str], **instead: str) -> Mapping[str, str]:
    """What becomes of each column when these fields are inserted; *instead* counts more."""
    plain = {name: f"v.{name}" for name in names if name not in _NO_COLUMNS}
    made = {column: value for name in names for column, value in _MADE_OF.get(name, {}).items()}
    return plain | made | instead


_VALUES = values(
    FIELDS,
    execution_id="%(execution)s::uuid",
    owner="coalesce((SELECT user_id FROM executions WHERE id = %(execution)s::uuid), '')",
)
INSERT_STEPS = f"""
INSERT INTO step_executions ({", ".join(_VALUES)})
SELECT {", ".join(_VALUES.values())}
FROM json_to_recordset(%(steps)s::json) AS v({recordset(FIELDS)})
"""


def insert_steps(connection: Connection, execution_id: UUID, steps: Sequence[NewStep]) -> None:
    """Add rows to an execution, all of them in one statement."""
    rows = {"execution": str(execution_id), "steps": json_guard.dumps(steps)}
    driver.run(connection, INSERT_STEPS, rows)


def insert_inside(connection: Connection, steps: Sequence[tuple[UUID, NewStep]]) -> None:
    """Add rows to executions, all of them in one statement."""
    by_execution: dict[UUID, list[NewStep]] = {}
    for execution_id, step in steps:
        by_execution.setdefault(execution_id, []).append(step)
    for execution_id, its in by_execution.items():
        insert_steps(connection, execution_id, its)


def new_step_ids(connection: Connection, count: int) -> list[int]:
    """Reserve *count* ids; they grow along the graph, so locks in id order follow it."""
    rows = connection.exec_driver_sql(
        "SELECT nextval(pg_get_serial_sequence('step_executions', 'id'))"
        " FROM generate_series(1, %(count)s)",
        {"count": count},
    )
    return sorted(row[0] for row in rows)


def fresh(block: StepRow, new: NewStep) -> StepRow:
    """The row that the table will have of a new step in a block."""
    return StepRow(
        execution_id=block.execution_id,
        owner=block.owner,
        remaining=new.dependency_count,
        publish_count=int(new.queued),
        **{name: getattr(new, name) for name in _OF_NEW},
        **_AT_FIRST,
    )


_OF_NEW = tuple(name for name in FIELDS if name in {f.name for f in fields(StepRow)})
_AT_FIRST: dict[str, Any] = {
    "status": StepStatus.PENDING.value,
    **dict.fromkeys(("attempt", "retry_count", "lost_count"), 0),
    **dict.fromkeys(("deps_succeeded", "deps_failed", "deps_blocking", "deps_branched"), 0),
    **dict.fromkeys(("items_total", "items_open", "items_failed", "items_tolerated")),
    **dict.fromkeys(("in_line", "has_place", "awaiting_event", "cancelling"), False),
    **dict.fromkeys(("task_id", "started_at", "error_code")),
}
