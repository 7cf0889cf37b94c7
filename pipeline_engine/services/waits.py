"""Parked steps by the clock, for those who ring for it: the engine looks by itself, too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage import waits
from pipeline_engine.storage.waits import Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What became of steps that had waited for too long."""

    at: datetime
    overdue: int
    ended: int

    @property
    def left(self) -> int:
        """How many could not be ended."""
        return self.overdue - self.ended


def stats(runtime: Runtime) -> Waits:
    """How many steps wait for an event, and for how many it is too late."""
    with runtime.engine.connect() as connection:
        return waits.count(connection)


def check(runtime: Runtime) -> Checked:
    """Sweep once, as workers do every second, and count what that has ended."""
    before = stats(runtime)
    if before.overdue:
        sweep.sweep(runtime)
    left = min(stats(runtime).overdue, before.overdue) if before.overdue else 0
    return Checked(at=before.now, overdue=before.overdue, ended=before.overdue - left)
