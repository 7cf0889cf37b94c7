"""History: the events of a transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.base import Json
from pipeline_engine.storage.tables.events import EventType

#: Events of one step that are read at most.
MOST_OF_STEP = 2000


@dataclass(slots=True)
class NewEvent:
    """One event, about to be written."""

    execution_id: UUID
    event_type: EventType
    step_execution_id: int | None = None
    details: dict[str, Json] = field(default_factory=dict)
    progress: float | None = None
    eta_seconds: int | None = None


def record(connection: Connection, events: Sequence[NewEvent]) -> None:
    """Write history, all of it in one statement."""
    if not events:
        return
    connection.exec_driver_sql(
        "INSERT INTO events (execution_id, event_type, step_execution_id, details,"
        " progress_percentage, eta_seconds)"
        " SELECT * FROM unnest(%(execution)s::uuid[], %(type)s::text[], %(step)s::bigint[],"
        " %(details)s::jsonb[], %(progress)s::numeric[], %(eta)s::int[])",
        {
            "execution": [str(e.execution_id) for e in events],
            "type": [e.event_type.value for e in events],
            "step": [e.step_execution_id for e in events],
            "details": [json_guard.dumps(e.details) for e in events],
            "progress": [e.progress for e in events],
            "eta": [e.eta_seconds for e in events],
        },
    )


def failures_before(connection: Connection, step_execution_id: int) -> list[str | None]:
    """The codes of the failures of a step after which it was tried again, in their order."""
    # By an index of such events only: the history of an execution may be that of 10,000 items.
    found = connection.exec_driver_sql(
        "SELECT details ->> 'error_code' FROM events WHERE step_execution_id = %(id)s"
        f" AND event_type = '{EventType.STEP_RETRYING.value}' ORDER BY id",
        {"id": step_execution_id},
    )
    return [row[0] for row in found]


class Happened(NamedTuple):
    """One event of one step, as its history has it."""

    event_type: str
    created_at: datetime
    details: dict[str, Json]


def of_step(
    connection: Connection, execution_id: UUID, step_execution_id: int, kinds: Collection[str]
) -> list[Happened]:
    """The events of one step of these *kinds*, the last ones if there are very many, in order."""
    # By the index of the execution's events: one of the steps would be written for every event.
    found = connection.exec_driver_sql(
        "SELECT event_type, created_at, coalesce(details, '{}') FROM events"
        " WHERE execution_id = %(execution)s AND step_execution_id = %(step)s"
        " AND event_type = ANY(%(kinds)s)"
        f" ORDER BY transaction_id DESC, id DESC LIMIT {MOST_OF_STEP}",
        {"execution": str(execution_id), "step": step_execution_id, "kinds": sorted(kinds)},
    )
    return [Happened(*row) for row in found][::-1]


def about(step: StepRow, event_type: EventType, **details: Json) -> NewEvent:
    """An event of a step; *details* beside what every such event says."""
    known = {"step_id": step.step_id, "step_name": step.name, "attempt": step.attempt}
    if step.item_index is not None:
        known["item_index"] = step.item_index
    if step.within is not None:
        known["within"] = step.within
    return NewEvent(step.execution_id, event_type, step.id, {**known, **details})
