from __future__ import annotations

import pytest
from pipeline_engine_actions.guardrail.aggregate_requirements import AggregateRequirements
from support.contexts import a_context

from pipeline_engine.sdk import InvalidActionParams


def a_result(model_id, clusters, **config):
    return {
        "model_id": model_id,
        "model_uri": f"org/{model_id}",
        "cluster_ids": clusters,
        "deployment_configuration": config or None,
    }


def aggregated(results):
    return AggregateRequirements().execute(a_context({"simulation_results": results})).outputs


def test_memory_and_replicas_add_up_over_node_groups_and_models():
    groups = [
        {"weight_memory_gb": 10, "kv_cache_memory_gb": 2.5},
        {"weight_memory_gb": 1, "kv_cache_memory_gb": None},
    ]

    outputs = aggregated(
        [a_result("a", ["k"], node_groups=groups, replica=2), a_result("b", ["k"])]
    )

    assert outputs["per_model_requirements"][0] == {
        "model_id": "a",
        "model_uri": "org/a",
        "weight_memory_gb": 11,
        "kv_cache_memory_gb": 2.5,
        "total_memory_gb": 13.5,
        "replicas": 2,
    }
    assert outputs["total_requirements"] == {"total_memory_gb": 13.5, "total_replicas": 3}


def test_candidates_are_recommended_for_all_models_in_the_order_of_the_first():
    outputs = aggregated([a_result("a", ["k3", "k1", "k2"]), a_result("b", ["k2", "k3"])])

    assert outputs["candidate_clusters"] == ["k3", "k2"]


def test_a_model_without_clusters_does_not_empty_the_intersection():
    assert aggregated([a_result("a", []), a_result("b", ["k1"])])["candidate_clusters"] == ["k1"]


@pytest.mark.parametrize("nothing", [[], None])
def test_nothing_needs_nothing(nothing):
    assert aggregated(nothing) == {
        "candidate_clusters": [],
        "total_requirements": {"total_memory_gb": 0, "total_replicas": 0},
        "per_model_requirements": [],
    }


@pytest.mark.parametrize("results", ["x", ["x"], {"a": 1}])
def test_results_have_to_be_objects(results):
    with pytest.raises(InvalidActionParams):
        aggregated(results)
