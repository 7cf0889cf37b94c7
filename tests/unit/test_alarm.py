"""Whoever does not come back in time is interrupted, and ended if that is not heard."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from pipeline_engine.scheduler.actions.alarm import TimeIsUp, alarm, shared_timers

DEAF = """
import time
from hashlib import pbkdf2_hmac
from pipeline_engine.scheduler.actions.alarm import alarm, shared_timers

with shared_timers():
    with alarm(time.monotonic() + 0.1):
        pass
    with alarm(time.monotonic() + 0.1):
        pbkdf2_hmac("sha256", b"", b"", 10**9)  # one call into C, for longer than anybody waits
"""


def compute(seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        pass


def after(seconds: float) -> float:
    return time.monotonic() + seconds


def timers() -> list[float]:
    return [signal.getitimer(timer)[0] for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL)]


def test_code_that_computes_is_interrupted():
    with pytest.raises(TimeIsUp), alarm(after(0.05)):
        compute(20)


def test_code_that_waits_is_interrupted():
    with pytest.raises(TimeIsUp), alarm(after(0.05)):
        threading.Event().wait(20)


def test_time_that_is_up_already_is_up_at_once():
    with pytest.raises(TimeIsUp), alarm(after(-1)):
        threading.Event().wait(20)


def test_an_alarm_is_silent_when_its_block_is_left():
    with alarm(after(0.05)):
        pass
    compute(0.1)

    assert timers() == [0, 0]


def test_blocks_that_share_the_timers_are_each_interrupted_at_their_own_time():
    began = time.monotonic()
    with shared_timers():
        with alarm(began + 0.1):
            pass
        with pytest.raises(TimeIsUp), alarm(began + 0.2):
            compute(20)
        first = time.monotonic() - began
        with pytest.raises(TimeIsUp), alarm(began + 0.3):
            compute(20)

    assert first >= 0.2
    assert time.monotonic() - began >= 0.3
    assert timers() == [0, 0]


def test_shared_timers_ring_in_no_gap_between_blocks():
    with shared_timers():
        with alarm(after(0.05)):
            pass
        compute(0.1)
        with pytest.raises(TimeIsUp), alarm(after(0.05)):
            compute(20)


def test_a_block_is_not_ended_by_what_was_left_of_the_time_of_another():
    with shared_timers():
        with alarm(after(0.05)):
            pass
        with alarm(after(10)):
            left = timers()

    assert left[1] > 20


def test_a_block_that_ends_before_what_the_timers_are_set_for_sets_them_anew():
    with shared_timers():
        with alarm(after(20)):
            pass
        with pytest.raises(TimeIsUp), alarm(after(0.05)):
            compute(20)


def test_nothing_rings_in_a_thread():
    rung: list[BaseException] = []

    def run() -> None:
        try:
            with alarm(after(0.05)):
                threading.Event().wait(0.1)
        except BaseException as error:  # noqa: BLE001 - it would end the thread unseen
            rung.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert rung == []


def test_what_hears_no_alarm_ends_with_its_process():
    done = subprocess.run([sys.executable, "-c", DEAF], check=False, timeout=60)

    assert done.returncode == -signal.SIGVTALRM
