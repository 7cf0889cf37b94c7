"""An execution ends with its last step, wherever that is in the graph."""

from __future__ import annotations

from support.observing import Ledger, Run, step

from pipeline_engine.client import Client
from pipeline_engine.domain.states import ExecutionStatus, StepStatus


def test_an_execution_waits_for_a_step_that_its_last_leaf_did_not_wait_for(
    client: Client, ledger: Ledger
) -> None:
    run = Run.start(
        client,
        step("quick", "log", message="first"),
        step("slow", "probe_work", ledger=str(ledger), seconds=1.5),
        step("leaf", "log", "quick", "slow", message="on", trigger_rule="one_success"),
    )

    end = run.ends_well()

    assert ledger.count("finished") == 1
    assert end.step("slow").status is StepStatus.COMPLETED


def test_a_failure_ends_an_execution_only_after_what_runs_has_been_stopped(
    client: Client, ledger: Ledger
) -> None:
    run = Run.start(
        client,
        step("slow", "probe_work", ledger=str(ledger), seconds=2),
        step("never", "log", "slow", message="never"),
        step("trigger", "probe_work", ledger=str(ledger), seconds=0.3),
        step("stop", "fail", "trigger", message="on purpose"),
    )

    end = run.end()

    assert end.status is ExecutionStatus.FAILED
    assert (end.error or {})["message"] == "on purpose"
    assert end.step("slow").status is StepStatus.SKIPPED
    assert [entry["step"] for entry in ledger.entries("cleaned up")] == ["slow"]


def test_a_branch_that_is_not_taken_ends_nothing_early(client: Client, ledger: Ledger) -> None:
    run = Run.start(
        client,
        step("slow", "probe_work", ledger=str(ledger), seconds=1.5),
        step(
            "choose",
            "conditional",
            branches=[
                {"id": "no", "condition": "false", "target_step": "leaf"},
                {"id": "yes", "condition": "true"},
            ],
        ),
        step("leaf", "log", "choose", "slow", message="not taken"),
    )

    end = run.ends_well()

    assert end.step("leaf").status is StepStatus.SKIPPED
    assert end.step("slow").status is StepStatus.COMPLETED
