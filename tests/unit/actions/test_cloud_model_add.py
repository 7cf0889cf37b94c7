from __future__ import annotations

import pytest
from pipeline_engine_actions.model.add_cloud import CloudModelAdd

from pipeline_engine.sdk import StepStatus

ROUTE = "/models/cloud-model-workflow"
PARAMS = {"provider_id": "p-1", "model_name": "gpt-4o"}
ACTION = CloudModelAdd()


def test_a_model_of_a_provider_is_there_at_once(peers):
    end = peers.carry_out(ACTION, {**PARAMS, "cloud_model_id": "c-7", "model_uri": "gpt-4o-mini"})

    (call,) = peers.written(f"POST /budapp{ROUTE}")
    assert call["user_id"] == "ada"
    assert call["body"] == {
        "workflow_total_steps": 1,
        "step_number": 1,
        "trigger_workflow": True,
        "provider_type": "cloud_model",
        "provider_id": "p-1",
        "cloud_model_id": "c-7",
        "name": "gpt-4o",
        "uri": "gpt-4o-mini",
        "tags": [],
        "modality": ["text_input", "text_output"],
    }
    assert end.status is StepStatus.COMPLETED
    assert (end.outputs["status"], end.outputs["provider_id"]) == ("completed", "p-1")
    assert end.outputs["model_id"] is not None


def test_a_repeated_attempt_adds_no_second_model(peers):
    first, second = (
        peers.carry_out(ACTION, PARAMS, idempotency_key="k").outputs["model_id"] for _ in range(2)
    )

    assert first == second


@pytest.mark.parametrize(
    ("answer", "model_id"),
    [
        ({"workflow_steps": {"model_id": "m"}}, "m"),
        ({"data": {"model_id": "m"}}, "m"),
        ({"model_id": "m"}, "m"),
        ({"data": {"id": "m"}}, "m"),
        ({"status": "COMPLETED", "workflow_steps": None}, None),
        ({"data": {"status": "completed"}}, None),
    ],
)
def test_the_model_is_found_wherever_budapp_names_it_and_done_is_done_without_it(
    service, door, peers, answer, model_id
):
    service.answer(f"POST {ROUTE}", answer)

    end = peers.carry_out(ACTION, PARAMS, engine=door)

    assert (end.status, end.outputs["model_id"]) == (StepStatus.COMPLETED, model_id)


def test_an_answer_that_says_nothing_is_a_failure(service, door, peers):
    service.answer(f"POST {ROUTE}", {"status": "running"})

    end = peers.carry_out(ACTION, PARAMS, engine=door)

    assert (end.status, end.retryable) == (StepStatus.FAILED, False)
    assert end.error == "Failed to add cloud model: budapp returned no model_id"


def test_a_provider_that_nobody_knows_is_named(peers):
    end = peers.carry_out(ACTION, {**PARAMS, "provider_id": "missing-1"})

    assert end.error == "Failed to add cloud model: Provider missing-1 not found"
    assert (end.outputs["success"], end.outputs["status"]) == (False, "failed")


def test_an_answer_that_never_came_leaves_the_outcome_unknown(peers):
    peers.control(hangs_up=[f"/budapp{ROUTE}"])

    end = peers.carry_out(ACTION, PARAMS, may_repeat=False)

    assert (end.error_code, end.retryable) == ("outcome_unknown", False)
