"""Schedules for tests: a pipeline, what starts it, a clock that the test turns, and the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.scopes import Scope
from pipeline_engine.scheduler.schedules import look
from pipeline_engine.scheduler.schedules.book import Fired
from pipeline_engine.services import pipelines, schedules
from pipeline_engine.services.pipelines import PipelineRequest
from pipeline_engine.services.schedules import Wanted
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.schedules import Schedule, ScheduleFire
from support.driving import Driver
from support.factories import a_document

ADA = Caller(
    "ada",
    rights=frozenset({Scope.EXECUTIONS_RUN, Scope.PIPELINES_WRITE}),
    principal="token:1",
)
DAY = "2026-01-05"


def at(moment: str) -> datetime:
    """A moment in UTC: ``12:00`` or ``12:00:30`` of the usual day, or ``2026-03-08 07:00``."""
    text = moment if "-" in moment else f"{DAY} {moment}"
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Clockwork:
    """A user with a pipeline and schedules, and a clock that the test turns."""

    def __init__(self, driver: Driver, session: Session, caller: Caller = ADA) -> None:
        self.driver = driver
        self.runtime = driver.runtime
        self.session = session
        self.caller = caller

    def pipeline(self, *steps: dict[str, Any], name: str = "due", **fields: Any) -> UUID:
        request = PipelineRequest(document=a_document(*steps, **fields) | {"name": name})
        found = pipelines.create(self.caller, self.session, self.runtime, request).pipeline.id
        self.session.commit()
        return found

    def schedule(self, expression: str | None, now: str, **wanted: Any) -> UUID:
        """Save a schedule at *now*: a cron expression, an interval, or what *wanted* says."""
        kind = "interval" if (expression or "").startswith("@every ") else "cron"
        given: dict[str, Any] = {"name": "due", "kind": kind, "expression": expression} | wanted
        given.setdefault("pipeline_id", None)
        given["pipeline_id"] = given["pipeline_id"] or self.pipeline(name=f"p{self._count()}")
        created = schedules.create(
            self.caller, self.session, self.runtime, Wanted(**given), now=at(now)
        )
        found = created.schedule.id
        self.session.commit()
        return found

    def tick(self, now: str) -> Sequence[Fired]:
        """One look at the clock, as a sweep makes it."""
        return look.fire_due(self.runtime, now=at(now)).fired

    def tick_all(self, *moments: str) -> None:
        for moment in moments:
            self.tick(moment)

    def row(self, schedule_id: UUID) -> Schedule:
        self.session.rollback()
        return self.session.get_one(Schedule, schedule_id, populate_existing=True)

    def ledger(self, schedule_id: UUID, form: str = "%H:%M") -> list[tuple[str, str]]:
        """Due times with what became of them, in their order."""
        return [(f"{one.due_at:{form}}", one.outcome) for one in self.rows(schedule_id)]

    def rows(self, schedule_id: UUID) -> list[ScheduleFire]:
        self.session.rollback()
        mine = select(ScheduleFire).where(ScheduleFire.schedule_id == schedule_id)
        ordered = mine.order_by(ScheduleFire.due_at).execution_options(populate_existing=True)
        return list(self.session.scalars(ordered))

    def executions(self) -> list[Execution]:
        self.session.rollback()
        ordered = select(Execution).order_by(Execution.created_at, Execution.id)
        return list(self.session.scalars(ordered.execution_options(populate_existing=True)))

    def end(self, execution_id: UUID | None, status: str = "COMPLETED") -> None:
        """Let an execution be over."""
        self.driver.change(
            "UPDATE executions SET status = %(status)s, finished_at = now() WHERE id = %(id)s",
            status=status,
            id=str(execution_id),
        )

    def _count(self) -> int:
        return self.session.scalar(select(func.count()).select_from(Schedule)) or 0
