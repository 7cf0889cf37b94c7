"""Retries: counted, delayed, and visible while they wait."""

from __future__ import annotations

import pytest
from support.observing import Ledger, Run, step

from pipeline_engine.client import Client
from pipeline_engine.domain.states import ExecutionStatus, StepStatus

TWICE = {"max_attempts": 3, "backoff_seconds": 1, "backoff_multiplier": 1.0}


@pytest.mark.parametrize("raises", [False, True], ids=["a failure", "an exception"])
def test_a_step_that_fails_twice_succeeds_at_its_third_attempt(
    client: Client, ledger: Ledger, raises: bool
) -> None:
    flaky = step("flaky", "probe_flaky", ledger=str(ledger), failures=2, raises=raises, retry=TWICE)

    run = Run.start(client, flaky, step("next", "log", "flaky", message="on"))
    end = run.ends_well()

    assert end.step("flaky").attempt == 3
    assert run.outputs("flaky") == {"attempt": 3}
    assert [entry["attempt"] for entry in ledger.entries("started")] == [1, 2, 3]
    assert len({entry["key"] for entry in ledger.entries("started")}) == 1


def test_a_step_that_waits_for_its_next_attempt_says_so(client: Client, ledger: Ledger) -> None:
    patient = {"max_attempts": 2, "backoff_seconds": 30}
    flaky = step("flaky", "probe_flaky", ledger=str(ledger), failures=1, retry=patient)

    run = Run.start(client, flaky)

    now = run.until(lambda now: now.step("flaky").status is StepStatus.RETRYING)
    assert "out of luck" in str(now.step("flaky").error)
    client.cancel(run.id)
    assert run.end().status is ExecutionStatus.INTERRUPTED


def test_attempts_run_out(client: Client, ledger: Ledger) -> None:
    flaky = step("flaky", "probe_flaky", ledger=str(ledger), failures=9, retry=TWICE)

    run = Run.start(client, flaky)
    end = run.end()

    assert end.status is ExecutionStatus.FAILED
    assert ledger.count("started") == 3
    assert run.step("flaky")["error_code"] == "no_luck"
