"""A worker is killed at a named place, and the execution ends as if it had not been.

The battery kills at every place (test_battery_smoke.py); here is what it leaves to chance: that
it is a worker who dies where web processes come past, too, and what a broken clean-up has left.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text
from support.observing import Ledger, Run, step
from support.waiting import wait_until

from pipeline_engine.cli import main
from pipeline_engine.client import Client
from pipeline_engine.client.http import ApiRefused
from pipeline_engine.embedded.stack import Stack
from pipeline_engine.failpoints import Failpoint

Send = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("place", [Failpoint.BEFORE_SEND, Failpoint.AFTER_SEND])
def test_a_worker_that_dies_while_it_sends_is_missed_no_more_than_a_web_process(
    client: Client, ledger: Ledger, armed: Path, send: Send, key: str, place: Failpoint
) -> None:
    book = str(ledger)
    soon = {"max_attempts": 3, "backoff_seconds": 0.2, "backoff_multiplier": 1.0}
    run = Run.start(
        client,
        step("cheap", "log", message="begin"),
        step("flaky", "probe_flaky", "cheap", ledger=book, failures=2, retry=soon),
        step("work", "probe_work", "cheap", ledger=book, seconds=0.3),
        step("each", "probe_work", "cheap", ledger=book, for_each={"items": [1, 2, 3]}),
        step("wait", "probe_collect", "cheap", key=key),
        step("last", "log", "flaky", "work", "each", "wait", message="end"),
    )
    run.until(lambda now: now.step("cheap").status.is_final)  # the web process has sent its message

    (armed / place).write_text("kill")
    wait_until(lambda: not (armed / place).exists(), what=f"a worker at {place}")
    send(1)
    end = run.ends_well(within=45)

    assert end.step("each").items_open == 0
    assert run.outputs("wait") == {"seen": [1], "calls": 1}
    finished = {entry["key"] for entry in ledger.entries("finished")}
    assert finished == {f"{run.id}:work", *(f"{run.id}:each:{i}" for i in range(3))}


def test_a_clean_up_that_dies_in_the_middle_of_a_batch_has_deleted_nothing_yet(
    client: Client, stack: Stack
) -> None:
    run = Run.start(client, step("only", "log", message="on"))
    run.ends_well()
    grow_old(stack, run)

    killed = clean_up(stack, PE_FAILPOINTS=f"{Failpoint.IN_RETENTION}=kill")
    kept = run.history()
    done = CliRunner().invoke(main, ["db", "clean-up"], env=dict(stack.environment)).exit_code

    assert (killed, done) == (-signal.SIGKILL, 0)
    assert kept[-1]["event_type"] == "workflow_completed"
    with pytest.raises(ApiRefused):
        client.execution(run.id)


def grow_old(stack: Stack, run: Run) -> None:
    """Let an execution have ended long ago."""
    engine = create_engine(stack.database_url.replace("postgresql://", "postgresql+psycopg2://"))
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE executions SET finished_at = now() - interval '90 days' WHERE id = :id"),
            {"id": run.id},
        )
    engine.dispose()


def clean_up(stack: Stack, **more: str) -> int:
    """Run the clean-up from the command line; returns its exit code."""
    command = [sys.executable, "-m", "pipeline_engine", "db", "clean-up"]
    environment = {**os.environ, **stack.environment, **more}
    return subprocess.run(command, env=environment, timeout=100, check=False).returncode
