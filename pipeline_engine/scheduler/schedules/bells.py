"""Beat's entries and the rows: written after each commit, compared now and then.

Nobody waits for Redis, and nothing is lost without it: the sweep and the clock of each worker find
what is due in the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import structlog
from redis import RedisError

from pipeline_engine.dispatch.bells import Bell, Bells
from pipeline_engine.domain.recurrence import zone_release
from pipeline_engine.domain.schedules import Pause, Timing, document_of
from pipeline_engine.errors import InvalidSchedule
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.schedules.aim import aim, hold
from pipeline_engine.storage import fires, schedules
from pipeline_engine.storage.tables.schedules import Schedule

log = structlog.get_logger(__name__)

#: Rows that are read, or put right, at a time.
AT_ONCE = 500


def bell_of(schedule: Schedule) -> Bell | None:
    """What beat is to ring for; None if it is not to."""
    due_at = schedule.next_fire_at
    if not schedule.enabled or schedule.next_due_at is None or due_at is None:
        return None
    version, settled_at = schedule.lock_version, schedule.settled_at
    return Bell(schedule.id, version, document_of(schedule), settled_at, due_at)


def tell(runtime: Runtime, schedule_id: UUID, bell: Bell | None) -> None:
    """Let beat know of a schedule that was changed, or is gone; what is lost is found later."""
    try:
        _put_right(_bells(runtime), {schedule_id: bell})
    except RedisError as error:
        log.info("beat could not be told of a schedule", error=str(error))


def check(runtime: Runtime, schedule_id: UUID) -> None:
    """See whether a bell that has just rung hangs right."""
    with runtime.engine.connect() as connection:
        found = schedules.some(connection, [schedule_id])
    bell = bell_of(found[0]) if found else None
    try:
        bells = _bells(runtime)
        if bell is None or bells.version(schedule_id) != bell.version:
            _put_right(bells, {schedule_id: bell})
    except RedisError as error:
        log.info("beat could not be told of a schedule", error=str(error))


def reconcile_if_due(runtime: Runtime) -> int:
    """Compare beat's entries with the rows, if nobody has for a while or Redis was emptied.

    Returns how many of them were wrong.
    """
    key = f"{runtime.settings.key_prefix}schedules:compared"
    every = max(int(1000 * runtime.settings.scheduler_poll_interval), 1)
    try:
        return reconcile(runtime) if runtime.redis.set(key, 1, nx=True, px=every) else 0
    except RedisError as error:
        log.info("the schedules of beat cannot be compared", error=str(error))
        return 0


def reconcile(runtime: Runtime) -> int:
    """Put right what differs between beat's entries and the rows; returns how many did.

    What of the rows themselves may have become wrong meanwhile is put right before. Raises
    ``RedisError``.
    """
    mend(runtime)
    bells = _bells(runtime)
    hanging = bells.hanging()
    with runtime.engine.connect() as connection:
        versions = schedules.rung(connection)
    stale = [one for one in hanging if one not in versions]
    wrong = [one for one, version in versions.items() if hanging.get(one) != version]
    bells.take_down(stale)
    if stale or wrong:
        failpoint(Failpoint.IN_BELLS)
    for start in range(0, len(wrong), AT_ONCE):
        with runtime.engine.connect() as connection:
            found = schedules.some(connection, wrong[start : start + AT_ONCE])
        _put_right(bells, {one.id: bell_of(one) for one in found})
    if stale or wrong:
        log.info("bells_hung", wrong=len(wrong), stale=len(stale))
    return len(stale) + len(wrong)


def mend(runtime: Runtime) -> None:
    """Compute anew what follows from rules that are others now; note how executions have ended."""
    with runtime.engine.begin() as connection:
        fires.note_ends(connection)
    while _mended(runtime) == AT_ONCE:
        pass


def _mended(runtime: Runtime) -> int:
    """Put some rows right, and say how many."""
    with runtime.engine.begin() as connection:
        ids = schedules.doubtful(connection, release=zone_release(), most=AT_ONCE)
        found, now = schedules.lock(connection, ids), schedules.now(connection)
        for schedule in found:
            # A clock that was ahead has left a time that is still to come.
            schedule.settled_at = min(schedule.settled_at, now)
            try:
                # Not by now: what was due before its expiry has to come to the ledger first.
                aim(schedule, Timing.of(schedule), schedule.settled_at)
            except InvalidSchedule:
                hold(schedule)
                schedule.disabled_reason = Pause.INVALID
        schedules.store_moved(connection, found)
    return len(found)


def _bells(runtime: Runtime) -> Bells:
    return Bells(runtime.redis, runtime.settings.key_prefix)


def _put_right(bells: Bells, wanted: Mapping[UUID, Bell | None]) -> None:
    bells.hang([bell for bell in wanted.values() if bell is not None])
    bells.take_down([one for one, bell in wanted.items() if bell is None])
