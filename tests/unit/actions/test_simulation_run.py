from __future__ import annotations

import pytest
from pipeline_engine_actions.peers.models import model_endpoints
from pipeline_engine_actions.simulation.run import SimulationRun
from support.contexts import a_notification, an_event

from pipeline_engine.sdk import EventAction, StepStatus, check_params

ACTION = SimulationRun()
RUN = "POST /budsim/simulator/run"
TARGETS = {"target_ttft": 200, "target_throughput_per_user": 20, "target_e2e_latency": 30}
PARAMS = {"model_id": "m-1", **TARGETS}
KIND = "get_cluster_recommendations"


def sent(peers):
    (call,) = peers.written(RUN)
    return call["body"]


def test_a_simulation_ends_with_its_recommendations_and_what_the_best_one_says(peers):
    end = peers.carry_out(ACTION, PARAMS)

    assert end.status is StepStatus.COMPLETED
    outputs = end.outputs
    assert outputs["top_recommendation"] == outputs["recommendations"][0]
    assert outputs["cluster_id"] == "cluster-amsterdam"
    assert outputs["metrics"]["ttft"] > 0, "which budsim tells one level deeper"
    assert (outputs["tool_calling_parser_type"], outputs["supports_lora"]) == ("hermes", True)
    assert outputs["workflow_id"] == peers.jobs[0]["workflow_id"]
    assert end.progress == [15, 80, 95]


def test_budsim_is_told_where_to_send_its_events_and_nothing_that_nobody_set(peers):
    peers.carry_out(ACTION, PARAMS)

    assert sent(peers) == {
        "is_proprietary_model": False,
        "debug": False,
        "source_topic": "budpipelineEvents",
        "pretrained_model_uri": "demo/m-1",
        "model_uri": "demo/m-1",
        "hardware_mode": "dedicated",
        "model_endpoints": "LLM",
        "input_tokens": 4096,
        "output_tokens": 512,
        "concurrency": 1,
        **TARGETS,
    }


def test_a_classifier_comes_with_its_local_path_and_its_kind_of_engine(peers):
    peers.carry_out(ACTION, {**PARAMS, "model_id": "classifier-7"})

    body = sent(peers)
    assert body["pretrained_model_uri"] == "/models/classifier-7"
    assert body["model_endpoints"] == "EMBEDDING"


def test_what_is_asked_for_is_handed_on(peers):
    more = {
        "cluster_id": "cluster-bangalore",
        "simulation_method": "heuristic",
        "model_endpoints": "LLM,EMBEDDING",
        "model_max_context_length": 8192,
        "is_quantization": True,
        "quantization_method": "awq",
    }

    end = peers.carry_out(ACTION, {**PARAMS, **more})

    assert {name: sent(peers)[name] for name in more} == more
    assert [one["cluster_id"] for one in end.outputs["recommendations"]] == ["cluster-bangalore"]


def test_no_cluster_is_a_failure_and_no_empty_success():
    event = a_notification("results", payload_type=KIND, result={"recommendations": []})

    verdict = ACTION.on_event(an_event(event))

    assert (verdict.status, verdict.error_code) == (StepStatus.FAILED, "simulation_failed")
    assert verdict.outputs["message"] == "Simulation completed but returned no recommendations"


def test_a_failure_tells_the_real_reason_also_if_it_stands_in_the_result(peers):
    peers.control(failing=["demo/m-bad"])
    hidden = a_notification("ranking", "FAILED", payload_type=KIND, result={"error": "no engine"})

    end = peers.carry_out(ACTION, {**PARAMS, "model_id": "m-bad"})

    assert (end.status, end.error) == (StepStatus.FAILED, "Out of disk space")
    assert ACTION.on_event(an_event(hidden)).error == "no engine"


@pytest.mark.parametrize(
    "event",
    [
        {"type": "workflow_metadata", "status": "COMPLETED", "workflow_id": "wf-1"},
        {"type": "workflow_metadata", "status": "FAILED", "workflow_id": "wf-1"},
        a_notification("results", payload_type="deploy_model"),
    ],
)
def test_what_says_nothing_is_ignored(event):
    assert ACTION.on_event(an_event(event)).action is EventAction.IGNORE


def test_a_stage_that_begins_and_one_that_is_done_differ_by_five():
    begun = a_notification("ranking", "STARTED", payload_type=KIND)
    done = a_notification("ranking", payload_type=KIND)

    progress = [ACTION.on_event(an_event(event)).progress for event in (begun, done)]

    assert progress == [90, 95]


def test_a_model_that_budapp_does_not_have_is_not_simulated(peers):
    end = peers.carry_out(ACTION, {**PARAMS, "model_id": "missing-1"})

    assert end.error == "Failed to start simulation: Model missing-1 not found"
    assert (peers.jobs, end.outputs["recommendations"]) == ([], [])


def test_a_model_without_an_address_is_named_as_the_reason(service, door, peers):
    service.answer("GET /models/m-1", {"model": {"id": "m-1", "local_path": None}})

    end = peers.carry_out(ACTION, PARAMS, engine=door)

    assert end.error == "Failed to start simulation: budapp does not say where the model is"


def test_an_id_with_slashes_cannot_name_another_route(service, door, peers):
    peers.carry_out(ACTION, {**PARAMS, "model_id": "../users/1"}, engine=door)

    assert service.received == []


def test_the_targets_have_to_be_there_and_more_than_nothing():
    problem = "Missing targets: target_throughput_per_user, target_e2e_latency"

    assert ACTION.validate_params({"model_id": "m", "target_ttft": 5}) == [problem]
    assert check_params(ACTION.meta, {**PARAMS, "target_ttft": 0}) != []


@pytest.mark.parametrize(
    ("given", "engines"),
    [
        ({"chat": {"enabled": True}, "rerank": {"enabled": False}}, "LLM"),
        ({"embeddings": {}, "chat": {}}, "LLM,EMBEDDING"),
        (["/v1/moderations", "/v1/classify"], "EMBEDDING"),
        ({"audio": {"enabled": True}}, None),
        (None, None),
    ],
)
def test_the_endpoints_of_a_model_say_which_engine_it_needs(given, engines):
    assert model_endpoints({"supported_endpoints": given}) == engines
