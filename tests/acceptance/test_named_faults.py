"""A process is killed at every named place, and the execution ends as if it had not been.

The stack of these tests looks for faults in a folder: a file named after a place kills the
first process that comes past it, and no other.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from observing import Ledger, Run, step
from sqlalchemy import create_engine, text
from waiting import wait_until

from pipeline_engine.client import Client
from pipeline_engine.client.http import ApiRefused, ApiUnreachable
from pipeline_engine.embedded.stack import Stack
from pipeline_engine.failpoints import ARMED_BY_FILE, Failpoint

REDIS_DATABASE = 33
SOON = {"max_attempts": 3, "backoff_seconds": 0.2, "backoff_multiplier": 1.0}
#: A web process passes them first; a worker has to die there, too, such as the one that sweeps.
PASSED_BY_ALL = (Failpoint.BEFORE_SEND, Failpoint.AFTER_SEND)
OF_EXECUTIONS = [place for place in Failpoint if place is not Failpoint.IN_RETENTION]


@pytest.fixture(scope="module")
def armed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that arms places."""
    return tmp_path_factory.mktemp("armed")


@pytest.fixture(scope="module")
def stack(
    start_stack: Callable[..., AbstractContextManager[Stack]],
    stack_environment: Mapping[str, str],
    armed: Path,
) -> Iterator[Stack]:
    """A stack whose processes can be killed at any place."""
    told = {
        **stack_environment,
        "PE_FAILPOINTS": f"{ARMED_BY_FILE}{armed}",
        "PIPELINE_LEASE_SECONDS": "2",
        "PIPELINE_REPUBLISH_AFTER_SECONDS": "1",
    }
    with start_stack("faults", redis_database=REDIS_DATABASE, **told) as running:
        yield running


class Patient:
    """A client that repeats a request that got no answer, as the promise asks it to."""

    def __init__(self, stack: Stack, client: Client, ledger: Ledger) -> None:
        self.stack = stack
        self.client = client
        self.ledger = ledger
        self.key = str(uuid4())

    def start(self) -> Run:
        """Run a pipeline with every kind of step."""
        book = str(self.ledger)
        steps = [
            step("cheap", "log", message="begin"),
            step("flaky", "probe_flaky", "cheap", ledger=book, failures=2, retry=SOON),
            step("work", "probe_work", "cheap", ledger=book, seconds=0.3),
            step("each", "probe_work", "cheap", ledger=book, for_each={"items": [1, 2, 3]}),
            step("wait", "probe_collect", "cheap", key=self.key),
            step("last", "log", "flaky", "work", "each", "wait", message="end"),
        ]
        document = {"name": "under-test", "steps": steps}

        def started() -> dict[str, Any] | None:
            try:
                return self.client.run(document, {}, idempotency_key=self.key)
            except ApiUnreachable:
                return None

        answer = wait_until(started, what="an accepted execution")
        assert answer
        return Run(self.client, answer["execution_id"])

    def deliver(self) -> None:
        """Send the event that the parked step waits for, until it is accepted."""
        event = {
            "specversion": "1.0",
            "id": self.key,
            "source": "tests",
            "type": "news",
            "data": {"workflow_id": self.key, "number": 1},
        }
        headers = {"Authorization": f"Bearer {self.stack.api_token}"}
        url = f"{self.stack.api_url}/api/v1/events"

        def accepted() -> bool:
            try:
                answer = requests.post(url, json=event, headers=headers, timeout=10)
            except requests.ConnectionError:
                return False
            assert answer.status_code == 202, answer.text
            return True

        wait_until(accepted, what="an accepted event")


@pytest.fixture
def patient(stack: Stack, client: Client, ledger: Ledger) -> Patient:
    return Patient(stack, client, ledger)


def ends_as_if_nothing_had_happened(patient: Patient, run: Run) -> None:
    """Every step has one result, every effect took place, the event counted once."""
    end = run.ends_well(within=45)

    assert end.step("each").items_open == 0
    assert run.outputs("wait") == {"seen": [1], "calls": 1}
    finished = {entry["key"] for entry in patient.ledger.entries("finished")}
    assert finished == {f"{run.id}:work", *(f"{run.id}:each:{i}" for i in range(3))}


@pytest.mark.parametrize("place", OF_EXECUTIONS)
def test_an_execution_survives_a_kill_at_every_named_place(
    patient: Patient, armed: Path, place: Failpoint
) -> None:
    (armed / place).write_text("kill")

    run = patient.start()
    patient.deliver()

    ends_as_if_nothing_had_happened(patient, run)
    assert not (armed / place).exists(), f"nobody came past {place}"


@pytest.mark.parametrize("place", PASSED_BY_ALL)
def test_a_worker_that_dies_while_it_sends_is_missed_no_more_than_a_web_process(
    patient: Patient, armed: Path, place: Failpoint
) -> None:
    run = patient.start()
    run.until(lambda now: now.step("cheap").status.is_final)  # the web process has sent its message

    (armed / place).write_text("kill")
    wait_until(lambda: not (armed / place).exists(), what=f"a worker at {place}")
    patient.deliver()

    ends_as_if_nothing_had_happened(patient, run)


def test_a_clean_up_that_dies_in_the_middle_of_a_batch_has_deleted_nothing_yet(
    client: Client, stack: Stack
) -> None:
    run = Run.start(client, step("only", "log", message="on"))
    run.ends_well()
    grow_old(stack, run)

    killed = clean_up(stack, PE_FAILPOINTS=f"{Failpoint.IN_RETENTION}=kill")
    kept = run.history()
    done = clean_up(stack)

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
    return subprocess.run(command, env=environment, timeout=60, check=False).returncode
