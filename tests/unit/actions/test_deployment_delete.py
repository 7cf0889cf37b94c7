from __future__ import annotations

import pytest
from pipeline_engine_actions.deployment.delete import DeploymentDelete
from support.contexts import a_notification, an_event

from pipeline_engine.sdk import EventAction, StepStatus

ACTION = DeploymentDelete()
ROUTE = "/endpoints/e-1/delete-workflow"


def test_a_deployment_is_deleted_and_where_it_was_is_told(peers):
    end = peers.carry_out(ACTION, {"endpoint_id": "e-gone"})

    (job,) = peers.jobs
    assert end.outputs == {
        "success": True,
        "endpoint_id": "e-gone",
        "namespace": "bud-e-gone",
        "cluster_id": "cluster-amsterdam",
        "workflow_id": job["workflow_id"],
        "status": "deleted",
        "message": "The deployment was deleted",
    }
    assert end.progress[0] == 30
    (call,) = peers.written("POST /budapp/endpoints")
    assert call["body"] == {"callback_topic": "budpipelineEvents", "force": False}
    assert call["user_id"] == "ada"


def test_a_deployment_that_nobody_has_is_a_failure_although_budapp_answers_200(peers):
    end = peers.carry_out(ACTION, {"endpoint_id": "missing-1"})

    words = "Failed to delete deployment: Endpoint missing-1 not found"
    assert (end.error, end.outputs["status"]) == (words, "failed")


def test_a_deployment_that_an_attempt_before_has_deleted_is_deleted(peers):
    peers.carry_out(ACTION, {"endpoint_id": "e-twice"})

    again = peers.carry_out(ACTION, {"endpoint_id": "e-twice"}, attempt=2)

    assert (again.status, again.outputs["status"]) == (StepStatus.COMPLETED, "deleted")


def test_a_retry_after_a_time_out_waits_for_the_same_deletion(peers):
    peers.control(silent=True)
    first = ACTION.execute(peers.context({"endpoint_id": "e-slow"}))

    facts = {"attempt": 2, "stored_outputs": first.outputs}
    again = ACTION.execute(peers.context({"endpoint_id": "e-slow"}, **facts))

    assert again.external_workflow_ids == first.external_workflow_ids
    assert len(peers.calls) == 1


def test_what_is_deleted_at_once_is_not_waited_for(peers):
    end = peers.carry_out(ACTION, {"endpoint_id": "instant-1"})

    assert (end.parked_on, end.outputs["status"]) == ((), "deleted")


def test_without_a_workflow_the_events_bear_the_id_of_the_deployment(service, door, peers):
    service.answer(f"POST {ROUTE}", {"code": 200, "message": "Deletion initiated"})

    result = ACTION.execute(peers.context({"endpoint_id": "e-1"}, engine=door))

    assert result.external_workflow_ids == ("e-1",)
    assert result.timeout_seconds == 300


def test_a_failed_stage_fails_the_step(peers):
    peers.control(failing=["e-stuck"])

    end = peers.carry_out(ACTION, {"endpoint_id": "e-stuck"})

    assert (end.error, end.error_code) == ("Out of disk space", "deletion_failed")


@pytest.mark.parametrize("event", ["results", "deployment_deletion_status"])
def test_either_of_the_last_two_events_ends_it(event):
    verdict = ACTION.on_event(an_event(a_notification(event, payload_type="delete_deployment")))

    assert (verdict.status, verdict.outputs["status"]) == (StepStatus.COMPLETED, "deleted")
    assert "namespace" not in verdict.outputs, "what was known before stays"


def test_an_estimate_is_told_in_minutes():
    event = a_notification("eta", "RUNNING", payload_type="delete_deployment", message="10")

    assert ACTION.on_event(an_event(event)).eta_minutes == 10


def test_events_of_other_jobs_are_ignored():
    event = a_notification("results", payload_type="deploy_model")

    assert ACTION.on_event(an_event(event)).action is EventAction.IGNORE
