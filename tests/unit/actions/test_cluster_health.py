from __future__ import annotations

import pytest
from pipeline_engine_actions.cluster.health import ClusterHealth

from pipeline_engine.sdk import StepStatus

ACTION = ClusterHealth()
CLUSTER = "cluster-chicago"


def test_a_cluster_is_well_if_every_check_is(peers):
    end = peers.carry_out(ACTION, {"cluster_id": CLUSTER})

    assert (end.outputs["healthy"], end.outputs["status"]) == (True, "healthy")
    assert list(end.outputs["details"]) == ["nodes", "api"]
    assert end.outputs["issues"] == []


def test_one_bad_check_degrades_it_and_is_told(peers):
    peers.control(failing=[f"{CLUSTER}/gpu"])

    end = peers.carry_out(ACTION, {"cluster_id": CLUSTER, "checks": ["nodes", "gpu"]})

    assert (end.outputs["healthy"], end.outputs["status"]) == (False, "degraded")
    assert end.outputs["issues"] == ["gpu is not well"]
    assert end.outputs["details"]["nodes"]["healthy"]


def test_a_check_that_budcluster_does_not_know_counts_as_bad(peers):
    end = peers.carry_out(ACTION, {"cluster_id": CLUSTER, "checks": ["network"]})

    assert end.outputs["issues"] == ["network check not available"]


@pytest.mark.parametrize("cluster_id", ["none", "../jobs/1"])
def test_a_cluster_that_cannot_be_asked_is_ill_and_the_step_succeeds(peers, cluster_id):
    end = peers.carry_out(ACTION, {"cluster_id": cluster_id})

    assert (end.status, end.outputs["status"]) == (StepStatus.COMPLETED, "degraded")
    assert [issue.split(":")[0] for issue in end.outputs["issues"]] == [
        "Failed to check nodes",
        "Failed to check api",
    ]


def test_nothing_checked_is_not_called_healthy(peers):
    end = peers.carry_out(ACTION, {"cluster_id": CLUSTER, "checks": []})

    assert (end.outputs["healthy"], end.outputs["status"]) == (False, "unknown")


@pytest.mark.parametrize("answer", [{"healthy": "yes"}, {"healthy": False}, {}])
def test_what_does_not_say_that_it_is_well_is_not(service, door, peers, answer):
    service.answer(f"GET /cluster/{CLUSTER}/health", {"data": {"nodes": answer}})

    end = peers.carry_out(ACTION, {"cluster_id": CLUSTER, "checks": ["nodes"]}, engine=door)

    assert end.outputs["issues"] == ["nodes is not healthy"]
