"""One run of the battery: its stack, its traffic, and what is looked at after every block."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from battery import expectations
from battery.checks import Checks
from battery.evidence import Evidence
from battery.invariants import check_all
from battery.stack import Stack
from battery.subscriber import Subscriber
from battery.timetable import Timetable
from battery.traffic import Started, Traffic


@dataclass(slots=True)
class Run:
    """What the blocks share."""

    stack: Stack
    traffic: Traffic
    checks: Checks
    seed: int
    timetable: Timetable
    subscriber: Subscriber | None = None  #: who is told of all that happens, if anybody is
    faults: Counter[str] = field(default_factory=Counter)  #: that struck, by kind
    held: dict[str, Any] = field(default_factory=dict)  #: the load that was held, by name
    seconds: dict[str, float] = field(default_factory=dict)  #: how long each block took
    forgotten: set[UUID] = field(default_factory=set)  #: deleted by the retention, as wanted
    _seen: int = 0

    def new_jobs(self) -> list[Started]:
        """Return what was started since the last time somebody asked."""
        found = self.traffic.started[self._seen :]
        self._seen += len(found)
        return found

    def settle(self, block: str) -> list[str]:
        """Wait for what was started last; returns, and checks, what did not become of it."""
        unmet = self.traffic.finish()
        jobs = self.new_jobs()
        if not expectations.wait_for_rest(self.stack.engine, jobs):
            unmet.append("not at rest in time")
        unmet += expectations.unmet(self.stack.engine, jobs)
        self.checks.add(
            block,
            f"each of {len(jobs)} executions ended as its pipeline says, each event counted once",
            unmet,
        )
        return unmet

    def look(self, block: str) -> None:
        """Check every invariant over all that has happened so far."""
        expectations.wait_for_deliveries(self.stack.engine)
        expectations.wait_for_webhooks(self.stack.engine)
        expectations.wait_for_messages(self.stack.engine)
        self.checks.add_findings(block, check_all(self.evidence()))

    def evidence(self) -> Evidence:
        """Collect what the run has left outside the database."""
        started = {one.execution_id for one in self.traffic.started}
        return Evidence(
            database_url=self.stack.database_url,
            effects=self.stack.ledger.effects(),
            accepted=sorted(started - self.forgotten),
            deliveries=list(self.traffic.deliveries),
            webhooks=self.traffic.hooks.sent,
            answers=dict(self.traffic.api.answers),
            logs=self.stack.logs,
            canaries=self.stack.canaries,
            processes=self.stack.pids,
            redis_url=self.stack.redis_url,
            pages=self.stack.pages,
            told=None if self.subscriber is None else self.subscriber.told,
            tree_executions=self.stack.settings.max_tree_executions,
        )


class Stopwatch:
    """How long a block takes: ``with Stopwatch(run.seconds, "named")``."""

    def __init__(self, seconds: dict[str, float], block: str) -> None:
        self._seconds, self._block = seconds, block

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._seconds[self._block] = round(time.monotonic() - self._began, 1)
