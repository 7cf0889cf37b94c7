"""A worker whose threads do not come back is noticed and replaced, and keeps nobody waiting."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest
from support.observing import Ledger, Run, step
from support.waiting import wait_until

from pipeline_engine.client import Client
from pipeline_engine.embedded.stack import Stack

IO_THREADS = 16


def hangs(ledger: Ledger) -> dict[str, object]:
    """Steps that are timed out after a second, and hold their threads for ten minutes."""
    return {
        **step("hang", "probe_work", ledger=str(ledger), seconds=600),
        "timeout_seconds": 60,
        "for_each": {
            "items": list(range(IO_THREADS)),
            "item_timeout_seconds": 1,
            "max_concurrency": IO_THREADS,
            "tolerated_failures": IO_THREADS,
        },
    }


def came_back(stack: Stack, pid: int | None) -> bool:
    now = stack.process("worker-io").pid
    return now is not None and now != pid


@pytest.fixture
def stuck(client: Client, ledger: Ledger) -> Iterator[Run]:
    """All threads of the worker hang in actions whose time is up."""
    run = Run.start(client, hangs(ledger), settings={"max_parallel_steps": 100})
    wait_until(lambda: ledger.count("started") >= IO_THREADS, within=30, what="busy threads")
    run.until(lambda now: now.status.is_final, within=40)
    return run


def test_a_worker_whose_threads_are_all_stuck_is_replaced(
    client: Client, stack: Stack, stuck: Run, ledger: Ledger
) -> None:
    pid = stack.process("worker-io").pid

    wait_until(lambda: came_back(stack, pid), within=60, what="another worker")

    Run.start(client, step("a", "probe_work", ledger=str(ledger))).ends_well(within=60)


def test_a_worker_with_stuck_threads_ends_when_it_is_told_to(
    client: Client, stack: Stack, stuck: Run
) -> None:
    told_at = time.monotonic()
    pid = stack.kill("worker-io", signal.SIGTERM).pid

    wait_until(lambda: came_back(stack, pid), within=20, what="another worker")

    assert time.monotonic() - told_at < 20
