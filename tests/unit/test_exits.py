"""An action that exits fails its attempt; the pool that ends a worker still ends it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from support.contexts import a_context

from pipeline_engine.scheduler.actions.calls import ACTION_CRASHED, caught

#: What billiard does in each process of a prefork pool, and a signal in the middle of an action.
TOLD_TO_END = """
import os, signal
from billiard.common import reset_signals
from pipeline_engine.scheduler.actions.calls import caught
from support.contexts import a_context

reset_signals(full=True)
caught(lambda: os.kill(os.getpid(), signal.SIGTERM), a_context())
print("it went on")
"""


@pytest.mark.parametrize(("given", "said"), [((2,), "SystemExit: 2"), ((), "SystemExit")])
def test_an_action_that_exits_has_crashed_and_its_worker_lives(given: tuple[int, ...], said: str):
    def leave() -> None:
        sys.exit(*given)

    failure = caught(leave, a_context())

    assert failure is not None
    assert (failure.success, failure.error, failure.error_code) == (False, said, ACTION_CRASHED)


def test_a_process_that_its_pool_ends_in_the_middle_of_an_action_ends():
    ended = subprocess.run(
        [sys.executable, "-c", TOLD_TO_END],
        env={"PYTHONPATH": "tests"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.stdout == "", ended.stderr
    assert ended.returncode == signal.SIGTERM  # as billiard writes it: -(256 - 15), in eight bits
