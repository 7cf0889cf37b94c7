"""Whoever does not come back in time is interrupted, and ended if that is not heard."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from pipeline_engine.scheduler.alarm import TimeIsUp, alarm

DEAF = """
from hashlib import pbkdf2_hmac
from pipeline_engine.scheduler.alarm import alarm

with alarm(0.1):
    pbkdf2_hmac("sha256", b"", b"", 10**9)  # one call into C, for longer than anybody waits
"""


def compute(seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        pass


def test_code_that_computes_is_interrupted():
    with pytest.raises(TimeIsUp), alarm(0.05):
        compute(20)


def test_code_that_waits_is_interrupted():
    with pytest.raises(TimeIsUp), alarm(0.05):
        threading.Event().wait(20)


def test_time_that_is_up_already_is_up_at_once():
    with pytest.raises(TimeIsUp), alarm(-1):
        threading.Event().wait(20)


def test_an_alarm_is_silent_when_its_block_is_left():
    with alarm(0.05):
        pass
    compute(0.1)

    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_nothing_rings_in_a_thread():
    rung: list[BaseException] = []

    def run() -> None:
        try:
            with alarm(0.05):
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
