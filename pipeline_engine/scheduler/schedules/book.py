"""What one transaction writes to the ledger, and starts for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from pipeline_engine.domain.identity import new_id
from pipeline_engine.domain.schedules import FireOrigin, FireOutcome
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.scheduler import standing_orders
from pipeline_engine.scheduler.standing_orders import Occasion
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage import fires
from pipeline_engine.storage.fires import Fire, Queued
from pipeline_engine.storage.tables.schedules import Schedule

log = structlog.get_logger(__name__)

INITIATOR = "scheduled"
#: The reason of a due time at which something went wrong that nobody has foreseen.
BROKEN = "internal_error"
AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Fired:
    """What became of a due time."""

    schedule: Schedule
    fire: Fire
    message: str | None = None  #: of an error


def fire_of(
    schedule: Schedule,
    due_at: datetime,
    outcome: FireOutcome = FireOutcome.FIRED,
    reason: str | None = None,
    *,
    late: timedelta = AT_ONCE,
    origin: FireOrigin = FireOrigin.CLOCK,
    execution_id: UUID | None = None,
) -> Fire:
    """The row of the ledger for a due time."""
    return Fire(
        schedule_id=schedule.id,
        due_at=due_at,
        outcome=outcome,
        schedule_version=schedule.lock_version,
        late_seconds=round(late.total_seconds(), 3),
        reason=reason,
        execution_id=execution_id,
        origin=origin,
    )


@dataclass(slots=True)
class Book:
    """The ledger, as far as one transaction writes it, and the executions that start with it."""

    tx: Transaction
    now: datetime
    fired: list[Fired] = field(default_factory=list)

    def note(self, schedule: Schedule, fire: Fire, message: str | None = None) -> None:
        """Write down what becomes of a due time for which nothing is started by itself."""
        if fires.record(self.tx.connection, fire):
            self.fired.append(Fired(schedule, fire, message))

    def start(self, schedule: Schedule, wanted: Fire) -> UUID | None:
        """Start an execution for a due time; None if that was decided before, or cannot be.

        If it cannot be, the ledger says why.
        """
        fire = replace(wanted, execution_id=new_id())
        try:
            with self.tx.nested():
                if not fires.record(self.tx.connection, fire):
                    return None
                self.follow(schedule, fire)
        except Exception as error:  # noqa: BLE001 - what nobody has foreseen is raised, or logged
            code, message = _told(error, schedule)
            failed = replace(wanted, outcome=FireOutcome.FAILED, reason=code)
            self.note(schedule, failed, message)
            return None
        self.fired.append(Fired(schedule, fire))
        return fire.execution_id

    def start_queued(self, schedule: Schedule, waiting: Queued) -> UUID | None:
        """Start an execution for a due time that waited; None if that cannot be."""
        late = self.now - waiting.due_at
        fire = fire_of(schedule, waiting.due_at, late=late, execution_id=new_id())
        try:
            with self.tx.nested():
                fires.start_queued(self.tx.connection, waiting.id, fire)
                self.follow(schedule, fire)
        except Exception as error:  # noqa: BLE001 - as above
            code, message = _told(error, schedule)
            fire = replace(fire, outcome=FireOutcome.FAILED, reason=code, execution_id=None)
            fires.give_up_queued(
                self.tx.connection, [schedule.id], outcome=fire.outcome, reason=code
            )
            self.fired.append(Fired(schedule, fire, message))
            return None
        self.fired.append(Fired(schedule, fire))
        return fire.execution_id

    def follow(
        self, schedule: Schedule, fire: Fire, params: Mapping[str, Any] | None = None
    ) -> None:
        """Start what the schedule says; raises what ``standing_orders.follow`` raises."""
        trigger = {
            "type": INITIATOR,
            "schedule_id": str(schedule.id),
            "schedule_name": schedule.name,
            **_said_of(fire),
            "triggered_at": self.now.isoformat(),
        }
        occasion = Occasion(
            initiator=INITIATOR,
            trigger=trigger,
            params=params or {},
            execution_id=fire.execution_id,
        )
        standing_orders.follow(self.tx, schedule, occasion)


def _said_of(fire: Fire) -> dict[str, Any]:
    match fire.origin:
        case FireOrigin.MANUAL:
            return {"manual": True}
        case FireOrigin.BACKFILL:
            return {"scheduled_at": fire.due_at.isoformat(), "backfill": True}
    return {"scheduled_at": fire.due_at.isoformat()}


def _told(error: Exception, schedule: Schedule) -> tuple[str, str]:
    """The code of an error and what it says; raises it if the whole transaction has to go."""
    if isinstance(error, PipelineEngineError):
        return error.code, str(error)
    if isinstance(error, DBAPIError):
        raise error
    # A plug-in that is asked about its metadata, a document of a newer version: foreign, all of it.
    log.error("a schedule could not start anything", schedule=str(schedule.id), exc_info=error)
    return BROKEN, type(error).__name__
