"""The checker is checked: each deliberate bug is noticed, and without it nothing is found."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
import redis as redis_client
from sqlalchemy import Engine
from support.driving import Driver, in_background
from support.factories import a_pipeline, a_step
from support.lived_history import ARRIVAL, SENT, Book, History
from support.waiting import wait_until

from battery import bugs
from battery.bugs import NOTICED_BY, Bug, planted
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.schedules import look
from pipeline_engine.sdk import ActionContext
from pipeline_engine.services import inbox, schedules
from pipeline_engine.services.schedules import Wanted


@dataclass
class Scene:
    """Where a bug can do its harm."""

    driver: Driver
    book: Book
    redis: redis_client.Redis
    bug: Bug | None


@pytest.fixture
def scene(
    bug: Bug | None,
    drive: Callable[..., Driver],
    redis: redis_client.Redis,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Scene]:
    book = Book()
    monkeypatch.setenv("REDIS_URL", redis_url)
    with planted(bug) if bug else nullcontext():
        yield Scene(drive(*book.actions()), book, redis, bug)


@pytest.fixture(autouse=True)
def schema(bug: Bug | None, engine: Engine) -> Iterator[None]:
    """The schema with the bug in it, and as it was."""
    with engine.begin() as connection:
        dropped = bugs.DROPPED.get(bug, ()) if bug else ()
        kept = [
            connection.exec_driver_sql("SELECT pg_get_indexdef(%(i)s::regclass)", {"i": index})
            for index in dropped
        ]
        if bug:
            bugs.plant_in_schema(bug, connection)
    yield
    with engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE inbox, executions, schedules CASCADE")
        for definition in kept:
            connection.exec_driver_sql(definition.scalar_one())


# ── What provokes each of them ───────────────────────────────────────────────────────────

ACCEPT_AND_DIE = """
import os, signal
from support.lived_history import ARRIVAL
from battery import bugs
from pipeline_engine.config import Settings
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import inbox

bugs.plant_from_environment()
inbox.accept(SYSTEM, Runtime.start(Settings.from_env()), ARRIVAL)
print("accepted", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def die_after_the_answer(scene: Scene) -> History:
    """A web process accepts a delivery, answers, and is killed."""
    settings = scene.driver.runtime.settings
    told = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "PIPELINE_SECRET_KEY": settings.secret_key,
        "PYTHONPATH": os.pathsep.join(sys.path),
        bugs.VARIABLE: scene.bug or "",
    }
    web = subprocess.run(
        [sys.executable, "-c", ACCEPT_AND_DIE], env=told, capture_output=True, check=False
    )
    assert web.stdout == b"accepted\n", web.stderr.decode()
    return History.of(scene.driver, scene.book, deliveries=[SENT])


def send_twice(scene: Scene) -> History:
    """A delivery comes twice, and Redis forgets the first one in between."""
    inbox.accept(SYSTEM, scene.driver.runtime, ARRIVAL)
    scene.redis.flushdb()
    inbox.accept(SYSTEM, scene.driver.runtime, ARRIVAL)
    return History.of(scene.driver, scene.book, deliveries=[SENT, replace(SENT, wave="doubled")])


def come_back_from_the_dead(scene: Scene) -> History:
    """A worker stands still past its lease, and goes on while its successor works."""
    started = scene.driver.start(a_step("slow", action="work"), a_step("next", "slow"))
    (slow, *_) = scene.driver.look(started).rows
    first_is_done, second_begins = Event(), Event()

    def meanwhile(context: ActionContext) -> None:
        if context.attempt > 1:
            second_begins.set()
            assert first_is_done.wait(20)
            return
        scene.driver.change("UPDATE step_executions SET leased_until = now() - interval '1 s'")
        sweep.sweep(scene.driver.runtime)
        assert second_begins.wait(20)

    def first() -> None:
        scene.driver.turn(slow.id)
        first_is_done.set()

    def second() -> None:
        wait_until(lambda: scene.driver.look(started).step("slow").lost_count, what="recovery")
        scene.driver.turn(slow.id)

    scene.book.meanwhile = meanwhile
    with in_background(first, second):
        pass
    scene.driver.finish(started)
    return History.of(scene.driver, scene.book, accepted=[started])


def forget_a_join(scene: Scene) -> History:
    """Redis forgets everything while some items of a fan-out have ended and others have not."""
    started = scene.driver.start(a_step("each", action="work", for_each={"items": [1, 2, 3]}))
    scene.driver.settle_only(started)
    items = [item.id for item in scene.driver.look(started).items("each")]
    scene.driver.turn(items[0])
    scene.redis.flushdb()
    scene.driver.settle()
    return History.of(scene.driver, scene.book, accepted=[started])


def come_twice_to_a_due_time(scene: Scene) -> History:
    """The row of a schedule is older than its ledger, as if its clock had been set back."""
    runtime, noon = scene.driver.runtime, datetime(2026, 1, 5, 12, tzinfo=UTC)
    with runtime.sessions() as session:
        wanted = {"kind": "cron", "expression": "0 * * * *", "name": "due"}
        pipeline = a_pipeline(session, name="due")
        before = noon - timedelta(minutes=30)
        schedules.create(
            SYSTEM, session, runtime, Wanted(pipeline_id=pipeline.id, **wanted), now=before
        )
        session.commit()
    look.fire_due(runtime, now=noon)
    scene.driver.change(
        "UPDATE schedules SET settled_at = %(before)s, next_fire_at = %(noon)s",
        before=before,
        noon=noon,
    )
    look.fire_due(runtime, now=noon)
    scene.driver.settle()
    return History.of(scene.driver, scene.book)


def hear_of_what_nobody_wants(scene: Scene) -> History:
    """A step waits for one phase, and hears of another one first."""
    wait = {"event_key": "job", "match": {"phase": "wanted"}}
    started = scene.driver.start(a_step("wait", action="wait_for_event", params=wait))
    scene.driver.settle()
    for phase in ("other", "wanted"):
        body = {**ARRIVAL.body, "phase": phase}
        inbox.accept(SYSTEM, scene.driver.runtime, replace(ARRIVAL, body=body, delivery_id=phase))
    scene.driver.settle()
    return History.of(scene.driver, scene.book, accepted=[started])


def hear_from_a_stranger(scene: Scene) -> History:
    """Somebody sends an event with the key of somebody else's step."""
    started = scene.driver.start(a_step("wait", action="park"))
    scene.driver.settle()
    inbox.accept(SYSTEM.acting_for("stranger"), scene.driver.runtime, ARRIVAL)
    scene.driver.settle()
    return History.of(scene.driver, scene.book, accepted=[started])


PROVOKED_BY: dict[Bug, Callable[[Scene], History]] = {
    Bug.ACKNOWLEDGE_BEFORE_COMMIT: die_after_the_answer,
    Bug.INBOX_WITHOUT_KEY: send_twice,
    Bug.LEASE_WITHOUT_FENCE: come_back_from_the_dead,
    Bug.JOIN_IN_REDIS: forget_a_join,
    Bug.TICK_WITHOUT_ROW: come_twice_to_a_due_time,
    Bug.IGNORED_IS_USED_UP: hear_of_what_nobody_wants,
    Bug.OWNERS_ARE_NOT_ASKED: hear_from_a_stranger,
}


@pytest.mark.parametrize("bug", list(Bug))
def test_a_planted_bug_is_noticed_by_its_invariant(scene: Scene, bug: Bug) -> None:
    history = PROVOKED_BY[bug](scene)

    assert NOTICED_BY[bug] in history.violations()


@pytest.mark.parametrize("bug", [None])
@pytest.mark.parametrize("provoke", PROVOKED_BY.values(), ids=list(PROVOKED_BY))
def test_without_the_bug_its_scene_violates_nothing(
    scene: Scene, bug: None, provoke: Callable[[Scene], History]
) -> None:
    assert provoke(scene).violations() == {}


@pytest.mark.parametrize("bug", [None])
def test_a_bug_that_finds_nothing_to_spoil_says_so(bug: None) -> None:
    with pytest.raises(ValueError, match="finds nothing to spoil"):
        bugs._replaced("SELECT 1", old="no such clause")
