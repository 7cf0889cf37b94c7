"""Every named place to die, with every way to fail there: killed, broken off, frozen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from uuid import UUID, uuid4

import psutil

from battery import jobs
from battery.run import Run
from battery.stack import LEASE
from pipeline_engine.dispatch.messages import RETENTION
from pipeline_engine.dispatch.sender import SENDING_ERRORS
from pipeline_engine.failpoints import Failpoint, FaultKind

NAME = "named"
KINDS = (FaultKind.KILL, FaultKind.RAISE, FaultKind.STOP)
WORDS = {
    FaultKind.KILL: "killed",
    FaultKind.RAISE: "an exception",
    FaultKind.STOP: "frozen for longer than its lease",
}
OF_RETENTION = (Failpoint.ARCHIVED, Failpoint.IN_RETENTION)
OF_EXECUTIONS = tuple(place for place in Failpoint if place not in OF_RETENTION)
AT_ONCE = 5  #: places that are armed together; each strikes once, in whatever process passes
STRIKE_WITHIN_SECONDS = 60.0
NEXT_EXECUTION_SECONDS = 1.5
FROZEN_FOR_SECONDS = 2 * LEASE.total_seconds()
LOOK_EVERY_SECONDS = 0.2


def run_block(run: Run, *, kinds: Sequence[FaultKind] = KINDS) -> None:
    """Let every fault strike at every place, and look what became of the executions."""
    with run.timetable.running():
        for kind in kinds:
            for places in _groups(OF_EXECUTIONS):
                _strike(run, kind, places)
        for place in OF_RETENTION:
            _strike_the_retention(run, kind, place)
    run.look(NAME)


def _groups(places: Sequence[Failpoint]) -> list[Sequence[Failpoint]]:
    return [places[i : i + AT_ONCE] for i in range(0, len(places), AT_ONCE)]


def _strike(run: Run, kind: FaultKind, places: Sequence[Failpoint]) -> None:
    """Arm some places, start executions until all have struck, and wait for their ends."""
    if kind is FaultKind.RAISE:
        run.traffic.api.excuse(len(places))  # raised in a web process it is an internal error
    armed = [_armed(run, place, kind) for place in places]

    def come_past() -> None:
        run.traffic.launch(jobs.everything)
        run.timetable.lose_a_bell()

    _repeat(run, come_past, lambda: not any(map(Path.exists, armed)))
    missed = {file.name for file in armed if file.exists()}
    for file in armed:
        file.unlink(missing_ok=True)
    _judge(run, kind, places, missed)
    run.traffic.api.excuse(0)


def _repeat(run: Run, act: Callable[[], object], done: Callable[[], bool]) -> bool:
    """Do something every now and then until it has had its effect, and nobody is frozen."""
    thaw = _Thaw(run)
    ends_at, due = time.monotonic() + STRIKE_WITHIN_SECONDS, 0.0
    while not done() and time.monotonic() < ends_at:
        if time.monotonic() >= due:
            act()
            due = time.monotonic() + NEXT_EXECUTION_SECONDS
        thaw.look()
        Event().wait(LOOK_EVERY_SECONDS)
    thaw.wait()
    return done()


def _armed(run: Run, place: Failpoint, kind: FaultKind) -> Path:
    file = run.stack.armed / place
    fresh = file.with_suffix(".new")
    fresh.write_text(kind)
    fresh.rename(file)
    return file


def _judge(run: Run, kind: FaultKind, places: Sequence[Failpoint], missed: set[str]) -> None:
    unmet = run.settle(NAME)
    for place in places:
        reasons = [f"nobody came past {place}"] if place in missed else unmet
        run.checks.add(NAME, f"{WORDS[kind]} at {place} ({place.number}): survived", reasons)
        run.faults[kind.value] += place not in missed


class _Thaw:
    """Lets frozen processes go on when their leases have expired for sure."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._due: dict[psutil.Process, float] = {}

    def look(self) -> None:
        """Notice who is frozen, and wake who has been for long enough."""
        for process in self._run.stack.frozen():
            self._due.setdefault(process, time.monotonic() + FROZEN_FOR_SECONDS)
        for process, due in list(self._due.items()):
            if time.monotonic() >= due:
                with suppress(psutil.NoSuchProcess):
                    process.resume()
                del self._due[process]

    def wait(self) -> None:
        """Come back when nobody is frozen any more."""
        self.look()
        while self._due:
            Event().wait(LOOK_EVERY_SECONDS)
            self.look()


# ── Retention, which no execution comes past ─────────────────────────────────────────────


def _strike_the_retention(run: Run, kind: FaultKind, place: Failpoint) -> None:
    """Let the deletion of an old execution fail in the middle, and repeat it."""
    victim = run.traffic.start(jobs.tiny(), key=str(uuid4()))
    run.settle(NAME)
    _grow_old(run, victim)
    run.forgotten.add(victim)
    file = _armed(run, place, kind)
    struck = _ring_until(run, lambda: not file.exists())
    file.unlink(missing_ok=True)
    gone = _ring_until(run, lambda: _is_gone(run, victim))
    reasons = [] if struck else [f"nobody came past {place}"]
    reasons += [] if gone else [f"{victim} is not deleted"]
    run.checks.add(NAME, f"{WORDS[kind]} at {place} ({place.number}): survived", reasons)
    run.faults[kind.value] += struck


def _ring_until(run: Run, done: Callable[[], bool]) -> bool:
    """Ask for a clean-up, as beat would at night, until it has had its effect."""

    def ring() -> None:
        with suppress(*SENDING_ERRORS):
            run.stack.celery.send_task(RETENTION, queue="io")

    return _repeat(run, ring, done)


def _grow_old(run: Run, victim: UUID) -> None:
    with run.stack.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE executions SET finished_at = now() - interval '90 days' WHERE id = %(id)s",
            {"id": str(victim)},
        )


def _is_gone(run: Run, victim: UUID) -> bool:
    query = (
        "SELECT (SELECT count(*) FROM executions WHERE id = %(id)s)"
        " + (SELECT count(*) FROM step_executions WHERE execution_id = %(id)s)"
        " + (SELECT count(*) FROM events WHERE execution_id = %(id)s)"
    )
    with run.stack.engine.connect() as connection:
        left = connection.exec_driver_sql(query, {"id": str(victim)}).scalar_one()
    return int(left) == 0
