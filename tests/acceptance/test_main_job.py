"""The main job: both guardrail pipelines against real processes and unruly peers."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import requests
from support.observing import Run, parked
from support.waiting import TO_START_SECONDS, wait_until

from pipeline_engine.client import Client
from pipeline_engine.demo import samples
from pipeline_engine.demo.peers.process import PeersProcess
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.embedded.stack import Stack


@pytest.fixture
def models() -> tuple[str, ...]:
    """Six models that no other test has onboarded."""
    return tuple(f"{uuid4()}/model-{number}" for number in range(6))


def run_sample(client: Client, name: str, params: dict[str, Any]) -> Run:
    return Run(client, client.run(samples.pipeline(name), params)["execution_id"])


def jobs(peers: PeersProcess, models: tuple[str, ...]) -> list[dict[str, Any]]:
    return [job for job in peers.journal()["starts"] if job["subject"] in models]


def test_models_are_onboarded_in_parallel_and_each_job_is_started_once(
    client: Client, peers: PeersProcess, models: tuple[str, ...]
) -> None:
    run = run_sample(client, samples.ONBOARDING, samples.onboarding_params(models))

    end = run.ends_well()

    outputs = end.outputs or {}
    assert [one["model_uri"] for one in outputs["onboarded_models"]] == list(models)
    assert outputs["all_succeeded"] is True
    started = jobs(peers, models)
    assert {job["subject"]: job["made_id"] for job in started} == {
        one["model_uri"]: one["model_id"] for one in outputs["onboarded_models"]
    }
    assert [job["calls"] for job in started] == [1] * 6


def test_the_rules_know_their_models_afterwards(
    client: Client, peers: PeersProcess, models: tuple[str, ...]
) -> None:
    run = run_sample(client, samples.ONBOARDING, samples.onboarding_params(models))

    run.ends_well()

    rules = peers.journal()["rules"]
    by_uri = {job["subject"]: job["made_id"] for job in jobs(peers, models)}
    assert [rules[f"rule-{n}"] for n in range(1, 7)] == [by_uri[uri] for uri in models]


def test_clusters_are_recommended_that_have_room_for_all_models(
    client: Client, peers: PeersProcess, models: tuple[str, ...]
) -> None:
    onboarded = [{"model_id": f"id-of-{uri}", "model_uri": uri} for uri in models]
    params = samples.recommendation_params(onboarded)

    end = run_sample(client, samples.RECOMMENDATION, params).ends_well()

    clusters = (end.outputs or {})["recommended_clusters"]
    assert "cluster-amsterdam" in [one["cluster_id"] for one in clusters]
    assert all(one["headroom_gb"] >= 0 for one in clusters)
    assert len((end.outputs or {})["per_model_configs"]) == 6
    assert [job["kind"] for job in jobs(peers, models)] == ["simulation"] * 6


def test_one_model_that_fails_fails_the_onboarding_and_the_rules_stay_as_they_were(
    client: Client, peers: PeersProcess, models: tuple[str, ...]
) -> None:
    peers.control(failing=[models[2]])

    run = run_sample(client, samples.ONBOARDING, samples.onboarding_params(models))
    end = run.end()

    assert end.status is ExecutionStatus.FAILED
    onboarding = end.step("onboard_models")
    assert onboarding.error == "Model onboarding failed: 1/6 models failed"
    assert onboarding.items[2].status is StepStatus.FAILED
    assert onboarding.items[2].error == "Out of disk space"
    assert end.step("update_rules").status is StepStatus.SKIPPED


def test_events_that_nobody_could_take_come_again_and_are_not_lost(
    client: Client, peers: PeersProcess, models: tuple[str, ...], stack: Stack
) -> None:
    run = run_sample(client, samples.ONBOARDING, samples.onboarding_params(models))
    run.until(parked)

    stack.hold("web")
    wait_until(lambda: [e for e in peers.journal()["events"] if e["status"] is None], within=20)
    stack.release("web")
    wait_until(lambda: is_up(stack), within=TO_START_SECONDS)

    run.ends_well()


def is_up(stack: Stack) -> bool:
    try:
        return requests.get(f"{stack.api_url}/health", timeout=5).ok
    except requests.ConnectionError:
        return False


def test_hello_needs_no_peers(client: Client) -> None:
    end = run_sample(client, samples.HELLO, {"names": ["Ada", "Grace"], "loud": True}).ends_well()

    assert end.outputs == {"greeting": "Hello, ADA, GRACE!", "branch": "loud"}
    assert end.step("whisper").status is StepStatus.SKIPPED
    assert end.step("greet").items_total == 2
