"""``cluster_create`` and ``cluster_delete``: both are jobs of budcluster."""

from __future__ import annotations

import pytest
from pipeline_engine_actions.cluster.create import ClusterCreate
from pipeline_engine_actions.cluster.delete import ClusterDelete
from support.contexts import an_event

from pipeline_engine.sdk import EventAction, StepStatus

CREATE, DELETE = ClusterCreate(), ClusterDelete()
NEW = {"cluster_name": "guards", "provider": "aws"}


def test_a_cluster_is_made_and_its_id_is_asked_for_because_no_event_names_it(peers):
    params = {**NEW, "credential_id": "c-1", "config": {"region": "eu", "provider": "forged"}}

    end = peers.carry_out(CREATE, params)

    (job,) = peers.jobs
    assert (end.status, end.outputs["status"]) == (StepStatus.COMPLETED, "completed")
    assert end.outputs["cluster_id"] == job["made_id"]
    assert end.outputs["job_id"] == job["workflow_id"]
    (call,) = [call for call in peers.written("POST /budcluster/job") if call["body"]]
    config = {"region": "eu", "provider": "aws", "credential_id": "c-1"}
    assert (call["body"]["job_type"], call["body"]["config"]) == ("cluster_create", config)


def test_a_cluster_is_deleted(peers):
    end = peers.carry_out(DELETE, {"cluster_id": "cluster-chicago", "force": True})

    assert (end.outputs["success"], end.outputs["status"]) == (True, "deleted")
    body = peers.written("POST /budcluster/job")[0]["body"]
    assert (body["cluster_id"], body["config"]) == ("cluster-chicago", {"force": True})


def test_a_failed_job_tells_why(peers):
    peers.control(failing=["guards"])

    end = peers.carry_out(CREATE, NEW)

    assert (end.error, end.error_code) == ("Out of disk space", "cluster_job_failed")
    assert (end.outputs["status"], end.outputs["cluster_id"]) == ("failed", None)


@pytest.mark.parametrize(
    "lost",
    [{}, {"errors": {"/budcluster/job/": 503}}, {"hangs_up": ["/budcluster/job/"]}],
    ids=["after the start", "before the start", "in the start"],
)
def test_an_attempt_after_one_that_was_lost_finds_its_job_without_any_keys(peers, lost):
    peers.control(forgets_keys=True, **lost)
    CREATE.execute(peers.context(NEW, idempotency_key=str(lost)))
    peers.control(errors={}, hangs_up=[])

    second = peers.carry_out(CREATE, NEW, idempotency_key=str(lost), attempt=2)

    assert second.status is StepStatus.COMPLETED
    assert len(peers.jobs) == 1
    assert peers.calls.count("POST /budcluster/job") == 1


def test_a_retry_after_a_failure_begins_another_job(peers):
    peers.control(failing=["guards"])
    first = peers.carry_out(CREATE, NEW, idempotency_key="failed")
    peers.control(failing=[])

    second = peers.carry_out(
        CREATE, NEW, idempotency_key="failed", attempt=2, stored_outputs=first.outputs
    )

    assert (second.status, len(peers.jobs)) == (StepStatus.COMPLETED, 2)


def test_a_budcluster_that_is_down_may_be_asked_again(peers):
    peers.control(errors={"/budcluster/job": 503})

    end = peers.carry_out(DELETE, {"cluster_id": "c-1"})

    assert end.retryable
    assert end.error == "Failed to delete cluster: /budcluster/job is out of order"


def test_other_events_of_the_job_are_ignored():
    event = {"type": "job_started", "workflow_id": "wf-1", "payload": {"status": "RUNNING"}}

    assert CREATE.on_event(an_event(event)).action is EventAction.IGNORE


def test_a_job_that_failed_without_a_status_has_failed_all_the_same():
    event = {"type": "job_failed", "workflow_id": "wf-1", "payload": {"error": "quota"}}

    assert DELETE.on_event(an_event(event)).error == "quota"


@pytest.mark.parametrize("action", [CREATE, DELETE])
def test_cleaning_up_cancels_the_job(peers, action):
    peers.control(silent=True)
    params = NEW if action is CREATE else {"cluster_id": "c-1"}
    started = action.execute(peers.context(params))

    action.cleanup(peers.context({}, external_workflow_ids=started.external_workflow_ids))

    assert [job["status"] for job in peers.jobs] == ["cancelled"]
