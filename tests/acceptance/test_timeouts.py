"""Timeouts of every kind of step and of the whole execution."""

from __future__ import annotations

from uuid import uuid4

from support.observing import Ledger, Run, step

from pipeline_engine.client import Client
from pipeline_engine.domain.states import ExecutionStatus, StepStatus


def test_a_parked_step_whose_event_never_comes_times_out(client: Client) -> None:
    run = Run.start(client, step("wait", "probe_collect", key=str(uuid4()), wait_seconds=1))

    end = run.end()

    assert end.status is ExecutionStatus.FAILED
    assert end.step("wait").status is StepStatus.TIMEOUT


def test_the_time_of_a_running_step_is_up_although_its_action_goes_on(
    client: Client, ledger: Ledger
) -> None:
    slow = step("slow", "probe_work", ledger=str(ledger), seconds=8, timeout_seconds=1)

    run = Run.start(client, slow, step("next", "log", "slow", message="never"))
    end = run.end()

    assert end.status is ExecutionStatus.FAILED
    assert end.step("slow").status is StepStatus.TIMEOUT
    assert end.step("next").status is StepStatus.SKIPPED


def test_an_execution_whose_time_is_up_fails_with_all_that_is_open(
    client: Client, ledger: Ledger
) -> None:
    run = Run.start(
        client,
        step("parked", "probe_collect", key=str(uuid4())),
        step("after", "probe_work", "parked", ledger=str(ledger)),
        settings={"timeout_seconds": 2},
    )

    end = run.end()

    assert end.status is ExecutionStatus.FAILED
    assert "time" in str(end.error)
    assert ledger.count("started") == 0


def test_a_timeout_is_a_failure_that_can_be_tolerated(client: Client) -> None:
    waiting = step("wait", "probe_collect", key=str(uuid4()), wait_seconds=1, on_failure="continue")

    end = Run.start(client, waiting, step("next", "log", "wait", message="on")).ends_well()

    assert end.step("wait").status is StepStatus.TIMEOUT
    assert end.step("next").status is StepStatus.COMPLETED
