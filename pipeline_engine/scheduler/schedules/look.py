"""Looking for what is due: by the sweep, by each worker's clock, and whenever beat rings.

However many look at once, a schedule is locked by one of them, and the others pass it over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler import trees
from pipeline_engine.scheduler.outbox import send
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.schedules import bells
from pipeline_engine.scheduler.schedules.book import Fired
from pipeline_engine.scheduler.schedules.fire import Round
from pipeline_engine.scheduler.transaction import Transaction, run_surviving_disconnects
from pipeline_engine.storage import fires, schedules
from pipeline_engine.storage.postgres.session import autocommit

#: Batches that one ring fires, at most: others have to work, too.
MOST_BATCHES = 20
#: Why an execution ends that has to make room for the next one of its schedule.
REPLACED = "The next due time of its schedule has come (overlap: cancel_old)"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the clock has found."""

    at: datetime | None = None
    fired: Sequence[Fired] = ()
    looked_at: int = 0  #: schedules that were due
    is_full: bool = False  #: more may be due


def fire_due(runtime: Runtime, *, now: datetime | None = None) -> Look:
    """Fire what is due, a batch of it. *now* is for tests; otherwise the database says it."""
    most = runtime.settings.scheduler_max_concurrent_jobs
    return _made(runtime, now, lambda one: one.fire_due(most=most))


def start_queued(runtime: Runtime, *, now: datetime | None = None) -> Look:
    """Start the due times that waited for an execution which has ended meanwhile."""
    most = runtime.settings.scheduler_max_concurrent_jobs
    with autocommit(runtime.engine) as connection:
        ids = fires.schedules_with_queued(connection, most=most)

    def start(one: Round) -> bool:
        one.start_queued(ids)
        return False

    return _made(runtime, now, start) if ids else Look()


def ring(runtime: Runtime, schedule_id: UUID | None) -> None:
    """What beat's bell of a schedule does: fire all that is due, and see whether it hangs right."""
    for _ in range(MOST_BATCHES):
        if not fire_due(runtime).is_full:
            break
    if schedule_id is not None:
        bells.check(runtime, schedule_id)


def next_in(runtime: Runtime, *, within: timedelta) -> float | None:
    """Seconds until a schedule is due, 0 or less if one is; None if none is *within* that time."""
    with autocommit(runtime.engine) as connection:
        return schedules.next_in(connection, within=within)


def _made(runtime: Runtime, now: datetime | None, work: Callable[[Round], bool]) -> Look:
    rounds: list[tuple[Round, bool]] = []

    def change(tx: Transaction) -> None:
        one = Round(tx, now or schedules.now(tx.connection))
        rounds.append((one, work(one)))
        if one.moved:
            failpoint(Failpoint.FIRE_BEFORE_COMMIT)

    tx = run_surviving_disconnects(runtime, change)
    one, is_full = rounds[-1]
    if one.moved:
        failpoint(Failpoint.FIRE_BEFORE_SEND)
    send(tx)
    for execution_id in one.cancelled:
        trees.cancel(runtime, execution_id, because=REPLACED)
    return Look(one.now, one.fired, len(one.moved), is_full)
