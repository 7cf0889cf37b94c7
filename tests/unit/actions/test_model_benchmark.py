from __future__ import annotations

import pytest
from pipeline_engine_actions.model.benchmark import ModelBenchmark
from support.contexts import a_notification, an_event

from pipeline_engine.demo.peers.world import CLUSTERS
from pipeline_engine.sdk import EventAction, StepStatus, check_params

CLUSTER = CLUSTERS["cluster-bangalore"]
RUN = "POST /budapp/benchmark/run-workflow"
ACTION = ModelBenchmark()


def params(**more):
    return {"model_id": "m-1", "cluster_id": CLUSTER.budapp_id, **more}


def asked(peers):
    (call,) = peers.written(RUN)
    return call["body"]


@pytest.mark.parametrize("cluster_id", [CLUSTER.budapp_id, CLUSTER.id])
def test_a_cluster_may_be_named_by_either_service_and_each_is_told_its_own_id(peers, cluster_id):
    end = peers.carry_out(ACTION, params(cluster_id=cluster_id))

    assert end.status is StepStatus.COMPLETED
    body = asked(peers)
    assert (body["cluster_id"], body["bud_cluster_id"]) == (CLUSTER.budapp_id, CLUSTER.id)
    (options,) = peers.written("POST /budapp/benchmark/node-configurations")
    assert options["body"]["cluster_id"] == CLUSTER.budapp_id
    assert options["body"]["hostnames"] == [f"{CLUSTER.id}-node-1"]


def test_a_benchmark_is_run_and_its_id_is_asked_for_because_no_event_names_it(peers):
    end = peers.carry_out(ACTION, params(benchmark_name="nightly", num_prompts=20))

    (job,) = peers.jobs
    assert end.outputs["benchmark_id"] == job["made_id"]
    assert end.outputs["workflow_id"] == job["workflow_id"], "not that of budcluster"
    assert (end.outputs["status"], end.outputs["failed_step"]) == ("completed", None)
    assert end.outputs["results"]["benchmark_name"] == "nightly"
    body = asked(peers)
    assert (body["name"], body["num_prompts"], body["run_as_simulation"]) == ("nightly", 20, False)


def test_the_stages_that_budcluster_really_tells_move_the_progress(peers):
    end = peers.carry_out(ACTION, params())

    assert end.progress == [10, 30, 50, 60, 90]


@pytest.mark.parametrize(
    ("wanted", "hardware"),
    [
        ({}, ("cuda", 1, 1, 4)),
        ({"tp_size": 2, "pp_size": 1}, ("cuda", 2, 1, 2)),
        ({"replicas": 3}, ("cuda", 1, 1, 3)),
        ({"selected_device_type": "cpu"}, ("cpu", 1, 1, 4)),
    ],
)
def test_the_best_hardware_is_taken_unless_other_is_wanted(peers, wanted, hardware):
    peers.carry_out(ACTION, params(**wanted))

    names = ("selected_device_type", "tp_size", "pp_size", "replicas")
    assert tuple(asked(peers)[name] for name in names) == hardware


def test_the_nodes_say_what_there_is_when_budapp_cannot(peers):
    peers.control(errors={"/budapp/benchmark/node-configurations": 500})

    end = peers.carry_out(ACTION, params())

    assert end.status is StepStatus.COMPLETED
    assert (asked(peers)["selected_device_type"], asked(peers)["replicas"]) == ("cuda", 1)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"cluster_id": "missing-1"}, "Cluster missing-1 not found"),
        ({"cluster_id": "cluster-empty"}, "No nodes found for cluster cluster-empty"),
        (
            {"selected_device_type": "hpu"},
            "Device type 'hpu' is not available, there is: cpu, cuda",
        ),
        ({"tp_size": 16, "pp_size": 2}, "TP=16, PP=2 is not possible on cuda"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_is_started(peers, more, reason):
    end = peers.carry_out(ACTION, params(**more))

    assert (end.error, end.retryable) == (f"Failed to start benchmark: {reason}", False)
    assert peers.jobs == []


def test_a_cluster_is_not_looked_for_elsewhere_while_budapp_is_down(peers):
    peers.control(errors={"/budapp/clusters": 503})

    end = peers.carry_out(ACTION, params())

    assert (end.status, end.retryable) == (StepStatus.FAILED, True)


def test_a_name_that_kubernetes_could_not_hold_is_refused_before_the_step_runs():
    longest = {**params(), "benchmark_name": "x" * 50}

    assert check_params(ACTION.meta, longest) == []
    assert check_params(ACTION.meta, longest | {"benchmark_name": "x" * 51}) != []
    assert check_params(ACTION.meta, longest | {"benchmark_name": "x" * 51}, rendered=True) != []


def test_a_failure_at_any_stage_tells_which_one_and_why(peers):
    peers.control(failing=["m-broken"])

    end = peers.carry_out(ACTION, params(model_id="m-broken"))

    assert (end.status, end.error_code) == (StepStatus.FAILED, "benchmark_failed")
    assert end.error == end.outputs["message"] == "Failed: Out of disk space"
    assert end.outputs["failed_step"] == "run_performance_benchmark"


@pytest.mark.parametrize("kind", ["performance_benchmark", "notification"])
def test_results_are_understood_under_both_types(kind):
    event = a_notification("results", payload_type="x", result={"benchmark_id": "b-1"})

    verdict = ACTION.on_event(an_event({**event, "type": kind}))

    assert (verdict.status, verdict.outputs["benchmark_id"]) == (StepStatus.COMPLETED, "b-1")


def test_a_deployment_that_is_ready_is_no_benchmark_yet():
    verdict = ACTION.on_event(an_event(a_notification("deployment_status")))

    assert verdict.action is EventAction.IGNORE


def test_a_spread_over_devices_is_said_in_full():
    problem = "tp_size and pp_size are given together, or not at all"

    assert ACTION.validate_params(params(tp_size=2)) == [problem]
    assert ACTION.validate_params(params(tp_size=2, pp_size=1)) == []


def test_cleaning_up_cancels_the_workflow(peers):
    peers.control(silent=True)
    started = ACTION.execute(peers.context(params()))

    ACTION.cleanup(peers.context({}, external_workflow_ids=started.external_workflow_ids))

    assert [job["status"] for job in peers.jobs] == ["cancelled"]
