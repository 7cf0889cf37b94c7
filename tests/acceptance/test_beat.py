"""Beat dies, runs twice, or finds its lock gone: it is an alarm clock, and rows decide."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import redis
from support.factories import a_pipeline
from support.observing import Ledger, Run, step
from support.waiting import TO_START_SECONDS, wait_until

from pipeline_engine.client import Client
from pipeline_engine.config import Settings
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.embedded.stack import Stack
from pipeline_engine.services import Runtime, schedules
from pipeline_engine.services.schedules import Wanted

AGAIN = {"max_attempts": 3, "backoff_seconds": 1}


def flaky(ledger: Ledger) -> dict[str, object]:
    """A step that needs the sweep for each of its retries."""
    return step("flaky", "probe_flaky", ledger=str(ledger), failures=2, retry=AGAIN)


@contextmanager
def a_second_beat(stack: Stack) -> Iterator[None]:
    """One that asks for no lock, as if the lock had failed."""
    beat = ["-m", "celery", "-A", "pipeline_engine.worker", "beat"]
    process = subprocess.Popen(
        [sys.executable, *beat, "-S", "celery.beat:Scheduler"],
        env={**os.environ, **stack.environment, "PIPELINE_SWEEP_INTERVAL_SECONDS": "0.5"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        assert process.poll() is None, "the second beat did not run"
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def rings(stack: Stack) -> Callable[[], bool]:
    """Whether a living beat holds the lock: it makes the lock that it has last longer.

    A beat that waits for the lock of a dead one does not, and flushing Redis would not end it.
    """
    left: dict[str, int] = {}

    def is_extended() -> bool:
        with redis.Redis.from_url(stack.redis_url, decode_responses=True) as server:
            (lock,) = server.keys("*redbeat::lock") or ("",)
            holder, milliseconds = server.pipeline().get(lock).pttl(lock).execute()
        before = left.setdefault(holder, milliseconds)
        left[holder] = milliseconds
        return holder is not None and milliseconds > before

    return is_extended


def came_back(stack: Stack, pid: int | None) -> bool:
    now = stack.process("beat").pid
    return now is not None and now != pid


def test_what_is_due_is_found_again_after_beat_was_killed(
    client: Client, stack: Stack, ledger: Ledger
) -> None:
    run = Run.start(client, flaky(ledger))

    pid = stack.kill("beat").pid
    end = run.ends_well(within=60)

    assert end.step("flaky").attempt == 3
    assert came_back(stack, pid)


def test_a_beat_whose_lock_is_gone_is_started_again_and_rings_on(
    client: Client, stack: Stack, ledger: Ledger
) -> None:
    wait_until(rings(stack), within=TO_START_SECONDS, what="a beat that rings")
    pid = stack.process("beat").pid

    with redis.Redis.from_url(stack.redis_url) as server:
        server.flushall()
    wait_until(lambda: came_back(stack, pid), within=TO_START_SECONDS, what="another beat")
    end = Run.start(client, flaky(ledger)).ends_well(within=60)

    assert end.step("flaky").attempt == 3


def test_a_beat_whose_entries_are_gone_before_it_has_the_lock_rings_all_the_same(
    client: Client, stack: Stack, ledger: Ledger
) -> None:
    wait_until(rings(stack), within=TO_START_SECONDS, what="a beat that rings")
    with redis.Redis.from_url(stack.redis_url, decode_responses=True) as server:
        (lock,) = server.keys("*redbeat::lock")
        entries = lock.replace(":lock", ":schedule")
        pid = stack.kill("beat").pid
        server.set(lock, "of another beat", ex=60)
        server.delete(entries)
        wait_until(
            lambda: server.exists(entries), within=TO_START_SECONDS, what="a beat that waits"
        )
        server.flushall()
    end = Run.start(client, flaky(ledger)).ends_well(within=60)

    assert end.step("flaky").attempt == 3
    assert came_back(stack, pid)


def test_two_beats_at_once_do_no_step_twice(client: Client, stack: Stack, ledger: Ledger) -> None:
    with a_second_beat(stack):
        end = Run.start(client, flaky(ledger)).ends_well(within=60)

    assert end.step("flaky").attempt == 3
    assert ledger.count("started") == 3


# ── Schedules ────────────────────────────────────────────────────────────────────────────

DUE = """
SELECT f.due_at, f.outcome, count(e.id) FROM schedule_fires f LEFT JOIN executions e
ON (e.params -> '_trigger' ->> 'scheduled_at')::timestamptz = f.due_at
AND e.params -> '_trigger' ->> 'schedule_id' = f.schedule_id::text
GROUP BY f.due_at, f.outcome ORDER BY f.due_at
"""


@contextmanager
def a_schedule_per_second(stack: Stack) -> Iterator[Callable[[], list[tuple[datetime, str, int]]]]:
    """One that makes up for all that is missed; yields what looks at its due times."""
    runtime = Runtime.start(Settings.from_env(stack.environment))
    every: dict[str, Any] = {"kind": "interval", "expression": "@every 1s", "misfire": "all"}
    with runtime.sessions() as session:
        pipeline = a_pipeline(session, name="due-every-second")
        wanted = Wanted(pipeline_id=pipeline.id, name="due", **every)
        schedule_id = schedules.create(SYSTEM, session, runtime, wanted).schedule.id
        session.commit()

    def look() -> list[tuple[datetime, str, int]]:
        with runtime.engine.connect() as connection:
            return [(at, word, count) for at, word, count in connection.exec_driver_sql(DUE)]

    try:
        yield look
    finally:
        with runtime.sessions.begin() as session:
            schedules.delete(SYSTEM, session, runtime, schedule_id)
        runtime.stop()


def test_each_due_time_has_one_row_and_one_execution_whoever_dies(
    client: Client, stack: Stack
) -> None:
    """The battery's block ``schedules`` does it for five minutes."""
    with a_schedule_per_second(stack) as due:

        def go_on(seconds: int) -> None:
            wanted = len(due()) + seconds
            wait_until(lambda: len(due()) >= wanted, within=30, what="further due times")

        go_on(1)
        with a_second_beat(stack):
            stack.kill("worker-system")
            go_on(2)
            stack.kill("beat")
            with redis.Redis.from_url(stack.redis_url) as server:
                server.flushall()
            stack.kill("web")
            go_on(3)
        found = due()

    moments = [at for at, _, _ in found]
    assert {(word, count) for _, word, count in found} == {("fired", 1)}
    assert {after - before for before, after in pairwise(moments)} == {timedelta(seconds=1)}
