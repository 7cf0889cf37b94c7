from __future__ import annotations

import pytest
from pipeline_engine_actions.deployment.create import META, DeploymentCreate
from support.contexts import a_notification, an_event

from pipeline_engine.sdk import EventAction, StepStatus, check_params

DEPLOY, SIMULATE = "POST /budapp/models/deploy-workflow", "POST /budsim/simulator/run"
ACTION = DeploymentCreate()
IDS = {"model_id": "m-1", "project_id": "p-1"}
TARGETS = {"ttft": [50, 200], "per_session_tokens_per_sec": [10, 50], "e2e_latency": [10, 60]}
LOAD = {"concurrent_requests": 1, "avg_sequence_length": 512, "avg_context_length": 4096}
CLUSTER = "cluster-bangalore"
SHARED = {**IDS, "cluster_id": CLUSTER, "hardware_mode": "shared"}
DEDICATED = {**IDS, "cluster_id": CLUSTER, **TARGETS}


def sent(peers, call=DEPLOY):
    (one,) = peers.written(call)
    return one["body"]


def test_a_deployment_ends_with_the_id_and_the_address_that_no_event_names(peers):
    end = peers.carry_out(ACTION, {**SHARED, "endpoint_name": "guard"})

    (job,) = peers.jobs
    assert end.status is StepStatus.COMPLETED
    assert end.outputs == {
        "success": True,
        "endpoint_id": job["made_id"],
        "endpoint_url": "https://gateway.example/guard",
        "endpoint_name": "guard",
        "workflow_id": job["workflow_id"],
        "status": "completed",
        "message": "The model is deployed",
    }
    assert end.progress[:3] == [5, 15, 40]


def test_budsim_chooses_the_engine_by_the_strict_end_of_each_target(peers):
    peers.carry_out(ACTION, {**DEDICATED, "endpoint_name": "chosen", "model_id": "classifier-1"})

    asked = sent(peers, SIMULATE)
    assert (asked["target_ttft"], asked["target_throughput_per_user"]) == (50, 50)
    assert (asked["target_e2e_latency"], asked["debug"]) == (10, True)
    assert (asked["input_tokens"], asked["output_tokens"]) == (4096, 512)
    assert asked["pretrained_model_uri"] == "/models/classifier-1", "it has no other"
    assert asked["model_endpoints"] == "EMBEDDING", "or budsim looks for a language model"
    body = sent(peers)
    assert (body["tool_calling_parser_type"], body["enable_tool_calling"]) == ("hermes", True)
    assert (body["supports_lora"], body["supports_pipeline_parallelism"]) == (True, False)
    assert "reasoning_parser_type" not in body
    assert body["simulator_id"]
    assert body["deploy_config"] == {**LOAD, **TARGETS}


def test_a_target_that_nobody_set_is_sent_as_the_weakest_because_budsim_refuses_0(peers):
    end = peers.carry_out(ACTION, {**SHARED, "endpoint_name": "weak"})

    asked = sent(peers, SIMULATE)
    names = ("target_ttft", "target_throughput_per_user", "target_e2e_latency")
    assert [asked[name] for name in names] == [60_000, 1, 600]
    assert end.status is StepStatus.COMPLETED


def test_an_engine_that_is_said_is_not_asked_for(peers):
    params = {**DEDICATED, "endpoint_name": "said", "tool_calling_parser_type": "mine"}

    peers.carry_out(ACTION, params)

    assert peers.written(SIMULATE) == []
    assert sent(peers)["tool_calling_parser_type"] == "mine"


def test_what_the_params_say_of_the_engine_wins_over_the_simulation(peers):
    peers.carry_out(ACTION, {**SHARED, "endpoint_name": "lora", "supports_lora": False})

    assert sent(peers)["supports_lora"] is False


def test_dedicated_hardware_is_not_taken_without_a_simulation_and_the_real_reason_is_told(peers):
    peers.control(failing=["demo/m-1"])

    end = peers.carry_out(ACTION, {**DEDICATED, "endpoint_name": "none"})

    words = "Failed to create deployment: Simulation failed: Out of disk space"
    assert (end.error, end.retryable) == (words, False)
    assert peers.written(DEPLOY) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"failing": ["demo/m-1"]},
        {"errors": {"/budsim": 500}},
        {"errors": {"/budapp/models/m": 404}},
    ],
)
def test_on_shared_hardware_a_simulation_that_fails_keeps_nothing_from_being_deployed(peers, fault):
    peers.control(**fault)

    end = peers.carry_out(ACTION, {**SHARED, "endpoint_name": "shared"})

    assert end.status is StepStatus.COMPLETED
    assert "simulator_id" not in sent(peers)


def test_a_cloud_model_is_there_at_once_and_nothing_is_simulated(peers):
    params = {**IDS, "endpoint_name": "chat", "credential_id": "c-1"}

    end = peers.carry_out(ACTION, params)

    assert (end.status, end.parked_on) == (StepStatus.COMPLETED, ())
    assert end.outputs["endpoint_url"] == "https://gateway.example/chat"
    assert sent(peers)["credential_id"] == "c-1"
    assert peers.written(SIMULATE) == []


def test_a_param_cannot_say_for_whom_it_is_deployed(peers):
    peers.carry_out(ACTION, {**SHARED, "endpoint_name": "mine", "user_id": "eve"})

    assert peers.written(DEPLOY)[0]["user_id"] == "ada"


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        (IDS, "Either cluster_id (local models) or credential_id (cloud models) is required"),
        (
            {**IDS, "cluster_id": "c", "ttft": [50, 200]},
            "Dedicated hardware requires per_session_tokens_per_sec, e2e_latency",
        ),
        ({**DEDICATED, "ttft": [200, 50]}, "ttft must be two numbers, the lower one first"),
        ({**DEDICATED, "ttft": [50]}, "ttft must be two numbers, the lower one first"),
        (
            {**DEDICATED, "e2e_latency": ["1", "2"]},
            "e2e_latency must be two numbers, the lower one first",
        ),
        (
            {**SHARED, "budaiscaler_specification": {"minReplicas": -1}},
            "minReplicas must be a whole number of at least 0",
        ),
        (
            {**SHARED, "budaiscaler_specification": {"maxReplicas": 0}},
            "maxReplicas must be a whole number of at least 1",
        ),
        (
            {**SHARED, "budaiscaler_specification": {"minReplicas": 3, "maxReplicas": 2}},
            "minReplicas cannot be more than maxReplicas",
        ),
    ],
)
def test_what_cannot_be_deployed_is_said_before_and_while_the_step_runs(peers, params, problem):
    named = {**params, "endpoint_name": "x"}

    assert ACTION.validate_params(named) == [problem]
    result = ACTION.execute(peers.context(named))
    assert (result.error_code, result.retryable) == ("invalid_params", False)
    assert peers.calls == []


def test_what_a_template_will_say_is_believed_until_then():
    params = {**IDS, "cluster_id": "{{ params.c }}", "hardware_mode": "{{ params.mode }}"}

    assert ACTION.validate_params(params) == []
    assert ACTION.validate_params({**DEDICATED, "ttft": "{{ params.ttft }}"}) == []


@pytest.mark.parametrize("ttft", [[1, 200], [50, 20_000], [50, 60, 70], "fast"])
def test_the_limits_of_a_range_are_checked_number_by_number(ttft):
    params = {**DEDICATED, "endpoint_name": "x", **LOAD, "ttft": ttft}

    assert check_params(META, params) != []
    assert check_params(META, params | {"ttft": [50, 200]}) == []


def test_a_stage_that_fails_fails_the_step(peers):
    peers.control(failing=["broken"])

    end = peers.carry_out(ACTION, {**SHARED, "endpoint_name": "broken"})

    assert (end.error, end.error_code) == ("Out of disk space", "deployment_failed")
    assert end.outputs["status"] == "failed"


def test_an_end_that_comes_before_its_results_waits_until_the_endpoint_is_there():
    event = a_notification("deployment_status", payload_type="deploy_model")

    verdict = ACTION.on_event(an_event(event))

    assert (verdict.action, verdict.progress) == (EventAction.UPDATE_PROGRESS, 95)


@pytest.mark.parametrize(
    "event",
    [
        {
            "type": "workflow_completed",
            "status": "COMPLETED",
            "result": {"endpoint_id": "e", "endpoint_url": "https://x.example"},
        },
        a_notification(
            "results",
            payload_type="perform_deployment",
            result={"endpoint_id": "e", "endpoint_url": "https://x.example"},
        ),
    ],
)
def test_what_an_event_names_is_not_asked_for(event):
    outputs = ACTION.on_event(an_event(event)).outputs

    assert (outputs["endpoint_id"], outputs["endpoint_url"]) == ("e", "https://x.example")


def test_shuffled_events_leave_no_id_out(peers):
    peers.control(shuffle=True, duplicates=1.0, seed=2)

    end = peers.carry_out(ACTION, {**SHARED, "endpoint_name": "shuffled"})

    assert end.outputs["endpoint_id"] == peers.jobs[0]["made_id"]


def test_a_retry_after_a_time_out_waits_for_the_same_deployment(peers):
    peers.control(silent=True)
    params = {**SHARED, "endpoint_name": "slow"}
    first = ACTION.execute(peers.context(params))

    again = ACTION.execute(peers.context(params, attempt=2, stored_outputs=first.outputs))

    assert again.external_workflow_ids == first.external_workflow_ids
    assert len(peers.written(DEPLOY)) == 1


def test_a_start_that_nobody_has_heard_of_is_not_repeated(peers):
    peers.control(hangs_up=["/budapp/models/deploy"])

    end = peers.carry_out(ACTION, {**SHARED, "endpoint_name": "unheard"}, may_repeat=False)

    assert (end.error_code, end.retryable, len(peers.jobs)) == ("outcome_unknown", False, 1)


def test_cleaning_up_cancels_the_workflow(peers):
    peers.control(silent=True)
    started = ACTION.execute(peers.context({**SHARED, "endpoint_name": "gone"}))

    ACTION.cleanup(peers.context({}, external_workflow_ids=started.external_workflow_ids))

    assert [job["status"] for job in peers.jobs] == ["cancelled"]
