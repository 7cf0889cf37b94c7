"""``deployment_scale``, ``deployment_autoscale`` and ``deployment_ratelimit``."""

from __future__ import annotations

import pytest
from pipeline_engine_actions.deployment.autoscale import DeploymentAutoscale
from pipeline_engine_actions.deployment.ratelimit import DeploymentRatelimit
from pipeline_engine_actions.deployment.scale import DeploymentScale

from pipeline_engine.sdk import StepStatus

SCALE, AUTOSCALE, RATELIMIT = DeploymentScale(), DeploymentAutoscale(), DeploymentRatelimit()
METRICS = [{"type": "pod", "targetMetric": "num_requests_running"}]


def autoscale(peers, endpoint, **params):
    return peers.carry_out(AUTOSCALE, {"endpoint_id": endpoint, **params})


def specification(peers):
    return peers.written("PUT /budapp/endpoints")[-1]["body"]["budaiscaler_specification"]


def test_scaling_changes_the_replicas_and_keeps_all_else(peers):
    asked = {"min_replicas": 1, "max_replicas": 4, "scaling_strategy": "BudScaler"}
    autoscale(peers, "e-kept", metrics=METRICS, behavior={"scaleDown": {}}, **asked)

    end = peers.carry_out(SCALE, {"endpoint_id": "e-kept", "target_replicas": 3})

    assert specification(peers) == {
        "enabled": True,
        "minReplicas": 3,
        "maxReplicas": 3,
        "scalingStrategy": "BudScaler",
        "metricsSources": METRICS,
        "behavior": {"scaleDown": {}},
    }
    assert end.outputs == {
        "success": True,
        "endpoint_id": "e-kept",
        "target_replicas": 3,
        "previous_min_replicas": 1,
        "previous_max_replicas": 4,
        "scaling_strategy": "BudScaler",
        "message": "Autoscaling updated",
    }


@pytest.mark.parametrize("target", [0, 2.0])
def test_a_deployment_is_scaled_although_budapp_cannot_say_how_it_scales(
    service, door, peers, target
):
    service.answer("PUT /endpoints/e/autoscale", {})

    params = {"endpoint_id": "e", "target_replicas": target}
    end = peers.carry_out(SCALE, params, engine=door)

    wanted = {"enabled": True, "minReplicas": int(target), "maxReplicas": int(target)}
    assert service.received[-1].body == {"budaiscaler_specification": wanted}
    assert end.status is StepStatus.COMPLETED
    assert end.outputs["previous_min_replicas"] is None


def test_half_a_replica_is_none(peers):
    end = peers.carry_out(SCALE, {"endpoint_id": "e", "target_replicas": 1.5})

    words = "Failed to scale deployment: target_replicas must be a whole number"
    assert (end.error, end.error_code, peers.calls) == (words, "invalid_params", [])


def test_autoscaling_says_what_it_was_and_what_it_is(peers):
    autoscale(peers, "e-auto", min_replicas=2, max_replicas=3)

    end = autoscale(peers, "e-auto", min_replicas=0, max_replicas=8, metrics=METRICS)

    assert end.outputs["previous_config"]["maxReplicas"] == 3
    assert end.outputs["config"] == {
        "enabled": True,
        "minReplicas": 0,
        "maxReplicas": 8,
        "metricsSources": METRICS,
    }
    assert end.outputs["message"] == "Autoscaling updated"


def test_autoscaling_is_switched_off_and_its_bounds_stay(peers):
    autoscale(peers, "e-off", min_replicas=2, max_replicas=3)

    end = autoscale(peers, "e-off", enabled=False)

    assert end.outputs["config"] == {"enabled": False, "minReplicas": 2, "maxReplicas": 3}


def test_a_least_above_the_most_is_refused_before_budapp_is_asked(peers):
    end = autoscale(peers, "e", min_replicas=5, max_replicas=2)

    assert (end.error_code, peers.calls) == ("invalid_params", [])
    assert AUTOSCALE.validate_params({"min_replicas": "{{ params.n }}", "max_replicas": 2}) == []


def test_a_deployment_that_nobody_has_cannot_be_scaled(peers):
    end = autoscale(peers, "missing-1")

    assert end.error == "Failed to configure autoscaling: Endpoint missing-1 not found"
    assert (end.outputs["success"], end.outputs["message"]) == (False, end.error)


def test_a_deployment_is_limited(peers):
    params = {"endpoint_id": "e", "requests_per_minute": 100, "algorithm": "sliding_window"}

    end = peers.carry_out(RATELIMIT, params)

    limits = {
        "algorithm": "sliding_window",
        "enabled": True,
        "requests_per_minute": 100,
        "burst_size": 100,
    }
    (call,) = peers.written("PUT /budapp/endpoints/e/deployment-settings")
    assert (call["body"], call["user_id"]) == ({"rate_limits": limits}, "ada")
    assert end.outputs["config"] == limits


def test_a_limit_without_a_rate_limits_nothing_and_needs_none_to_be_switched_off(peers):
    words = (
        "At least one of requests_per_second, requests_per_minute, requests_per_hour is required"
    )

    assert RATELIMIT.validate_params({"endpoint_id": "e"}) == [words]
    assert peers.carry_out(RATELIMIT, {"endpoint_id": "e"}).error_code == "invalid_params"
    off = peers.carry_out(RATELIMIT, {"endpoint_id": "e", "enabled": False})
    assert off.outputs["config"]["enabled"] is False
