"""Cancel: what waits never starts, what runs is told to stop, what is parked is called off."""

from __future__ import annotations

from uuid import uuid4

import pytest
from support.observing import Ledger, Run, parked, step

from pipeline_engine.client import ApiRefused, Client
from pipeline_engine.demo import samples
from pipeline_engine.demo.peers.process import PeersProcess
from pipeline_engine.domain.states import ExecutionStatus, StepStatus


def test_a_parked_fan_out_is_cancelled_and_the_jobs_of_its_items_are_called_off(
    client: Client, peers: PeersProcess
) -> None:
    peers.control(silent=True)
    models = tuple(f"{uuid4()}/model" for _ in range(4))
    params = samples.onboarding_params(models)
    run = Run(client, client.run(samples.pipeline(samples.ONBOARDING), params)["execution_id"])
    run.until(lambda now: len([p for p in parked(now) if p.step_id == "onboard_models"]) >= 4)

    client.cancel(run.id)
    end = run.end()

    assert end.status is ExecutionStatus.INTERRUPTED
    assert end.step("update_rules").status is StepStatus.SKIPPED
    jobs = [job for job in peers.journal()["starts"] if job["subject"] in models]
    assert [job["status"] for job in jobs] == ["cancelled"] * 4


def test_what_waits_behind_a_running_step_never_starts(client: Client, ledger: Ledger) -> None:
    run = Run.start(
        client,
        step("first", "probe_work", ledger=str(ledger), seconds=3),
        step("second", "probe_work", "first", ledger=str(ledger)),
    )
    run.until(lambda _: ledger.count("started") == 1)

    client.cancel(run.id)
    end = run.end()

    assert end.status is ExecutionStatus.INTERRUPTED
    assert end.step("second").status is StepStatus.SKIPPED
    assert [entry["step"] for entry in ledger.entries("started")] == ["first"]
    assert ledger.count("cleaned up") == 1


def test_an_execution_that_has_ended_cannot_be_cancelled(client: Client) -> None:
    run = Run.start(client, step("only", "log", message="done"))
    run.ends_well()

    with pytest.raises(ApiRefused) as refusal:
        client.cancel(run.id)

    assert (refusal.value.status, refusal.value.problem["code"]) == (
        409,
        "execution_already_final",
    )
