"""What beat rings for is written from rows, and written again when Redis has lost it."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.orm import Session
from support.driving import Driver
from support.schedules import ADA, Clockwork, at

from pipeline_engine.beat.entries import Entry
from pipeline_engine.beat.schedule import set_beat_up
from pipeline_engine.beat.scheduler import PipelineScheduler
from pipeline_engine.dispatch.bells import Bells
from pipeline_engine.dispatch.celery_app import make_celery
from pipeline_engine.dispatch.messages import SYSTEM
from pipeline_engine.scheduler.schedules import bells, look
from pipeline_engine.services import pipelines, schedules
from pipeline_engine.storage import schedules as storage

#: Long after all that the database knows: entries are computed from when they are saved.
LATER = "2126-01-05 12:30"


@pytest.fixture
def clockwork(drive: Callable[..., Driver], session: Session, redis: Redis) -> Clockwork:
    return Clockwork(drive(), session)


@pytest.fixture
def hanging(clockwork: Clockwork) -> Callable[[], dict[UUID, int | None]]:
    runtime = clockwork.runtime
    return lambda: Bells(runtime.redis, runtime.settings.key_prefix).hanging()


def service(clockwork: Clockwork, act: Callable[..., Any], schedule_id: UUID, *more: Any) -> None:
    act(ADA, clockwork.session, clockwork.runtime, schedule_id, *more)
    clockwork.session.commit()


def test_beat_hears_of_each_change_once_that_is_committed(
    clockwork: Clockwork, hanging: Callable[[], dict[UUID, int | None]]
) -> None:
    schedule_id = clockwork.schedule("0 * * * *", LATER)
    told = [hanging()]

    service(clockwork, schedules.change, schedule_id, {"expression": "30 * * * *"})
    told.append(hanging())
    schedules.pause(ADA, clockwork.session, clockwork.runtime, schedule_id)
    clockwork.session.rollback()
    told.append(hanging())
    service(clockwork, schedules.pause, schedule_id)
    told.append(hanging())
    service(clockwork, schedules.resume, schedule_id)
    told.append(hanging())
    service(clockwork, schedules.delete, schedule_id)
    told.append(hanging())

    one = schedule_id
    assert told == [{one: 1}, {one: 2}, {one: 2}, {}, {one: 4}, {}]


def test_a_redis_that_has_lost_its_entries_gets_all_of_them_back(
    clockwork: Clockwork, redis: Redis, hanging: Callable[[], dict[UUID, int | None]]
) -> None:
    pipeline_id = clockwork.pipeline()
    expected = {
        clockwork.schedule("*/2 * * * *", LATER, pipeline_id=pipeline_id): 1 for _ in range(20)
    }
    paused = clockwork.schedule("* * * * *", LATER, pipeline_id=pipeline_id, enabled=False)
    bells.reconcile_if_due(clockwork.runtime)
    first, second, *_ = expected

    redis.flushall()
    emptied = bells.reconcile_if_due(clockwork.runtime)
    again = bells.reconcile_if_due(clockwork.runtime)
    redis.delete(f"pe:redbeat:schedule:{first}")  # its place in the sorted set is left
    redis.zrem("pe:redbeat::schedule", f"pe:redbeat:schedule:{second}")
    halved = bells.reconcile(clockwork.runtime)

    assert (emptied, again, halved) == (20, 0, 2), "asked once in SCHEDULER_POLL_INTERVAL"
    assert hanging() == expected
    assert paused not in hanging()


def test_an_entry_without_a_row_is_taken_down(
    clockwork: Clockwork, hanging: Callable[[], dict[UUID, int | None]]
) -> None:
    schedule_id = clockwork.schedule("0 * * * *", LATER)
    clockwork.driver.change("DELETE FROM schedules")

    bells.reconcile(clockwork.runtime)

    assert schedule_id not in hanging()


def test_a_bell_that_rings_in_vain_is_put_right_at_once(
    clockwork: Clockwork, hanging: Callable[[], dict[UUID, int | None]]
) -> None:
    pipeline_id = clockwork.pipeline()
    gone = clockwork.schedule("0 * * * *", LATER, pipeline_id=pipeline_id)
    changed = clockwork.schedule("0 * * * *", LATER)
    pipelines.delete(ADA, clockwork.session, pipeline_id)
    clockwork.session.commit()
    clockwork.driver.change("UPDATE schedules SET lock_version = 7 WHERE enabled")

    for schedule_id in (gone, changed):
        look.ring(clockwork.runtime, schedule_id)

    assert hanging() == {changed: 7}


def test_nobody_waits_for_a_redis_that_is_away(clockwork: Clockwork) -> None:
    nowhere = Redis(port=1, socket_connect_timeout=0.1, retry=Retry(NoBackoff(), 0))
    away = Clockwork(clockwork.driver, clockwork.session)
    away.runtime = replace(clockwork.runtime, redis=nowhere)

    schedule_id = away.schedule("0 * * * *", "12:30")
    found = away.tick("13:00")

    assert bells.reconcile_if_due(away.runtime) == 0
    assert away.ledger(schedule_id) == [("13:00", "fired")]
    assert len(found) == 1


# ── What RedBeat makes of them ───────────────────────────────────────────────────────────


@pytest.fixture
def beat(clockwork: Clockwork) -> Iterator[PipelineScheduler]:
    """A beat that needs no lock, and takes no time."""
    settings = clockwork.runtime.settings
    app = make_celery(settings)
    set_beat_up(app, settings)
    scheduler = PipelineScheduler(app)
    scheduler.lock_key = None
    yield scheduler
    scheduler.close()


def an_entry(beat: PipelineScheduler, schedule_id: UUID) -> Entry:
    return Entry.from_key(f"pe:redbeat:schedule:{schedule_id}", app=beat.app)


def test_beat_knows_the_zone_of_a_schedule(clockwork: Clockwork, beat: PipelineScheduler) -> None:
    schedule_id = clockwork.schedule("0 9 * * *", LATER, timezone="Asia/Kathmandu")

    entry = an_entry(beat, schedule_id)

    assert entry.due_at == at("2126-01-06 03:15")
    assert (entry.task, entry.args) == ("schedule.fire", [str(schedule_id)])
    is_due, seconds = entry.is_due()
    assert not is_due
    assert seconds > 0


def test_beat_rings_for_what_is_due_and_aims_at_what_comes_next(
    clockwork: Clockwork, beat: PipelineScheduler, redis: Redis
) -> None:
    now = storage.now(clockwork.session.connection())
    clockwork.session.rollback()
    before = f"{now - timedelta(hours=2):%Y-%m-%d %H:%M:%S}"
    hourly = clockwork.schedule("@every 1h", before)
    later = clockwork.schedule("0 0 1 1 *", before)

    beat.tick()
    first = rung(redis)
    redis.zadd("pe:redbeat::schedule", {f"pe:redbeat:schedule:{hourly}": 1})  # as if restored
    beat.tick()

    assert first == [str(hourly)]
    assert rung(redis) == first, "what it has rung for is in the entry itself"
    assert an_entry(beat, hourly).due_at > now
    assert an_entry(beat, later).due_at > now


def rung(redis: Redis) -> list[str]:
    """The schedules that messages in the queue of the system name."""
    messages: Any = redis.lrange(f"pe:{SYSTEM}", 0, -1)
    read = [json.loads(one) for one in messages]
    mine = [one for one in read if one["headers"]["task"] == "schedule.fire"]
    return [json.loads(b64decode(one["body"]))[0][0] for one in mine]


def test_an_entry_that_nobody_can_read_is_dropped_and_stops_no_bell(
    clockwork: Clockwork, beat: PipelineScheduler, redis: Redis
) -> None:
    schedule_id = clockwork.schedule("0 9 * * *", LATER)
    key = f"pe:redbeat:schedule:{schedule_id}"
    told = json.loads(str(redis.hget(key, "definition"), "utf-8"))
    told["schedule"]["timezone"] = "Mars/Phobos"
    redis.hset(key, "definition", json.dumps(told))
    redis.zadd("pe:redbeat::schedule", {key: 1})

    beat.tick()

    assert redis.zscore("pe:redbeat::schedule", key) is None
