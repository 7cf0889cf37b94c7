"""The actions of the peers' services: real processes, unruly peers, one pipeline for each story."""

from __future__ import annotations

from uuid import uuid4

from support.factories import a_step
from support.observing import Run

from pipeline_engine.client import Client
from pipeline_engine.demo.peers.process import PeersProcess
from pipeline_engine.domain.states import StepStatus

TARGETS = {"target_ttft": 200, "target_throughput_per_user": 20, "target_e2e_latency": 30}
MODEL = "{{ steps.add.outputs.model_id }}"
ENDPOINT = "{{ steps.deploy.outputs.endpoint_id }}"


def test_a_model_is_added_simulated_deployed_scaled_and_taken_back(
    client: Client, peers: PeersProcess
) -> None:
    name = f"guard-{uuid4()}"
    deploy = {"model_id": MODEL, "project_id": "p-1", "endpoint_name": name}
    where = {"cluster_id": "{{ steps.simulate.outputs.cluster_id }}", "hardware_mode": "shared"}
    run = Run.start(
        client,
        a_step("add", action="model_add", params={"model_uri": f"org/{name}"}),
        a_step("simulate", "add", action="simulation_run", params={"model_id": MODEL, **TARGETS}),
        a_step("deploy", "simulate", action="deployment_create", params={**deploy, **where}),
        a_step(
            "scale",
            "deploy",
            action="deployment_scale",
            params={"endpoint_id": ENDPOINT, "target_replicas": 2},
        ),
        a_step("undo", "scale", action="deployment_delete", params={"endpoint_id": ENDPOINT}),
        a_step("forget", "undo", action="model_delete", params={"model_id": MODEL}),
    )

    run.ends_well(within=60)

    made = {job["kind"]: job["made_id"] for job in peers.journal()["starts"] if name in str(job)}
    assert run.outputs("add")["model_id"] == made["onboarding"], "no event has named it"
    deployed = run.outputs("deploy")
    assert deployed["endpoint_id"] == made["deployment"], "nor this one"
    assert deployed["endpoint_url"] == f"https://gateway.example/{name}"
    assert run.outputs("undo")["status"] == "deleted"


def test_a_retry_after_a_job_that_failed_starts_another_one_and_is_not_given_the_first_again(
    client: Client, peers: PeersProcess
) -> None:
    uri = f"org/{uuid4()}"
    peers.control(failing=[uri])
    retry = {"max_attempts": 2, "backoff_seconds": 1, "jitter": "none"}
    params = {"model_uri": uri}
    run = Run.start(client, a_step("add", action="model_add", params=params, retry=retry))
    run.until(lambda now: now.step("add").status is StepStatus.RETRYING, what="the retry")
    peers.control(failing=[])

    run.ends_well()

    jobs = [job for job in peers.journal()["starts"] if job["subject"] == uri]
    assert [job["status"] for job in jobs] == ["failed", "completed"]
    assert run.outputs("add")["model_id"] == jobs[1]["made_id"]
