"""Schedules of the battery: due every second while a block runs, and every due time once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import UUID

from battery.stack import Stack
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.services import Runtime, pipelines, schedules
from pipeline_engine.services.pipelines import PipelineRequest
from pipeline_engine.services.schedules import Wanted

NAME = "battery-due"
DOCUMENT: Mapping[str, Any] = {
    "name": NAME,
    "steps": [{"id": "say", "name": "say", "action": "log", "params": {"message": "due"}}],
}
#: How often each is due, by what is to become of due times that nobody was there for.
EVERY: Mapping[str, timedelta] = {"all": timedelta(seconds=1), "last": timedelta(seconds=2)}
REST_WITHIN_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.2


@dataclass(slots=True)
class Timetable:
    """Saves schedules past the proxies, as whoever looks on is not to be hurt."""

    stack: Stack
    runtime: Runtime
    saved: list[UUID] = field(default_factory=list)

    @classmethod
    @contextmanager
    def of(cls, stack: Stack) -> Iterator[Timetable]:
        """Open the connections of one, and close them."""
        runtime = Runtime.start(stack.direct_settings)
        try:
            yield cls(stack, runtime)
        finally:
            runtime.stop()

    @contextmanager
    def running(self) -> Iterator[list[UUID]]:
        """Have schedules that are due all the time, until the block ends; then wait for rest."""
        found = [self._save(misfire, every) for misfire, every in EVERY.items()]
        try:
            yield found
        finally:
            for schedule_id in found:
                self._pause(schedule_id)
            self._wait_for_rest()

    def lose_a_bell(self) -> None:
        """Let Redis forget some of what beat rings for, and that it was compared with the rows."""
        prefix = self.stack.settings.key_prefix
        with self.stack.redis() as client:
            for schedule_id in self.saved[-1:]:
                client.delete(f"{prefix}redbeat:schedule:{schedule_id}")
            client.delete(f"{prefix}schedules:compared")

    def _save(self, misfire: str, every: timedelta) -> UUID:
        with self.runtime.sessions.begin() as session:
            wanted = Wanted(
                pipeline_id=self._pipeline(),
                name=f"{NAME}-{len(self.saved)}",
                kind="interval",
                expression=f"@every {every.total_seconds():g}s",
                misfire=misfire,
            )
            made = schedules.create(SYSTEM, session, self.runtime, wanted).schedule.id
        self.saved.append(made)
        return made

    def _pipeline(self) -> UUID:
        with self.runtime.sessions.begin() as session:
            known = session.connection().exec_driver_sql(KNOWN, {"name": NAME}).scalar()
            if known is not None:
                return UUID(str(known))
            request = PipelineRequest(document=dict(DOCUMENT))
            return pipelines.create(SYSTEM, session, self.runtime, request).pipeline.id

    def _pause(self, schedule_id: UUID) -> None:
        with self.runtime.sessions.begin() as session:
            schedules.pause(SYSTEM, session, self.runtime, schedule_id)

    def _wait_for_rest(self) -> None:
        ends_at = time.monotonic() + REST_WITHIN_SECONDS
        while self._count(MOVING) and time.monotonic() < ends_at:
            Event().wait(LOOK_EVERY_SECONDS)

    def _count(self, query: str) -> int:
        with self.stack.engine.connect() as connection:
            return int(connection.exec_driver_sql(query).scalar_one())


KNOWN = "SELECT id FROM pipelines WHERE name = %(name)s"
MOVING = """
SELECT count(*) FROM executions WHERE initiator = 'scheduled' AND status IN ('PENDING', 'RUNNING')
"""
