"""The web processes and their parent: what dies is replaced, and nobody is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
import requests
from support.waiting import wait_until

from pipeline_engine.embedded.ports import free_port

AWAY = {
    "DATABASE_URL": "postgresql://x@127.0.0.1:1/x",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "PIPELINE_SECRET_KEY": "key-of-the-tests-and-of-nothing-else",
}
COMMAND = (sys.executable, "-P", "-m", "pipeline_engine_web")


@contextmanager
def running(port: int) -> Iterator[psutil.Process]:
    """Two web processes and their parent; health needs neither database nor Redis."""
    with subprocess.Popen(
        [*COMMAND, f"--port={port}", "--workers=2"], env={**os.environ, **AWAY}
    ) as process:
        parent = psutil.Process(process.pid)
        try:
            wait_until(lambda: answers(port), within=60, what="an answer")
            yield parent
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def parent(port: int) -> Iterator[psutil.Process]:
    with running(port) as found:
        yield found


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok
    except requests.ConnectionError:
        return False


def test_a_killed_web_process_is_replaced(parent: psutil.Process, port: int) -> None:
    before = wait_until(lambda: two_children(parent), what="two processes")

    before[0].kill()

    after = wait_until(lambda: two_children(parent, without=before[0]), within=30, what="another")
    assert before[1] in after
    assert answers(port)


def test_all_of_them_may_die(parent: psutil.Process, port: int) -> None:
    before = wait_until(lambda: two_children(parent), within=30, what="two processes")

    for child in before:
        child.kill()

    wait_until(lambda: two_children(parent, without=before[0]), within=30, what="two others")
    wait_until(lambda: answers(port), within=30, what="an answer")


SUPERVISED = """
import os, sys
from datetime import timedelta
from threading import Event
from pipeline_engine_web.door.supervising import Supervisor

def work(moves):
    print(os.getpid(), flush=True)
    while True:
        moves()
        Event().wait(0.02)

moment = timedelta(seconds=1)
Supervisor(work, 2, grace=moment, silence=moment).run()
"""


def test_a_frozen_web_process_is_replaced_and_the_other_one_is_left_alone() -> None:
    with subprocess.Popen([sys.executable, "-c", SUPERVISED], stdout=subprocess.PIPE) as process:
        assert process.stdout
        frozen, other = (int(process.stdout.readline()) for _ in range(2))
        psutil.Process(frozen).suspend()

        another = next(int(line) for line in process.stdout if line.strip().isdigit())

        children = {child.pid for child in psutil.Process(process.pid).children()}
        process.terminate()
    assert children == {other, another}


def test_web_processes_end_when_their_parent_is_killed() -> None:
    port = free_port()
    with running(port) as parent:
        children = parent.children()
        parent.kill()

        gone, alive = psutil.wait_procs(children, timeout=30)

    assert (len(gone), alive) == (2, [])


def test_wrong_settings_are_told_once_and_nothing_is_started() -> None:
    done = subprocess.run(
        COMMAND,
        env={**os.environ, **AWAY, "PIPELINE_WEB_THREADS": "none"},
        capture_output=True,
        check=False,
    )

    assert done.returncode != 0
    assert done.stderr.count(b"PIPELINE_WEB_THREADS") >= 1


def lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:  # it was buried since it was listed
        return False


def two_children(parent: psutil.Process, without: psutil.Process | None = None):
    """The children, if there are two of them and none is *without*."""
    found = [child for child in parent.children() if lives(child)]
    return found if len(found) == 2 and without not in found else None
