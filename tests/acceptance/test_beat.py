"""Beat dies, runs twice, or finds its lock gone: it is an alarm clock, and rows decide."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis
from support.observing import Ledger, Run, step
from support.waiting import TO_START_SECONDS, wait_until

from pipeline_engine.client import Client
from pipeline_engine.embedded.stack import Stack

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
