from __future__ import annotations

from pipeline_engine_actions.guardrail.validate_cluster_fit import META, ValidateClusterFit
from support.contexts import a_context

MODELS = [{"model_id": "m-1"}]


def fitting(door, clusters, needed=10):
    params = {
        "candidate_clusters": clusters,
        "total_requirements": {"total_memory_gb": needed},
        "models": MODELS,
    }
    return ValidateClusterFit().execute(a_context(params, engine=door))


def test_clusters_with_enough_memory_are_kept_with_their_headroom(service, door):
    service.answer("GET /clusters/a/resources", {"data": {"available_memory_gb": 16, "name": "A"}})
    service.answer("GET /clusters/b/resources", {"available_memory_gb": 9.5})
    service.answer("GET /clusters/c/resources", {"available_memory_gb": 10})

    result = fitting(door, ["a", "b", "c"])

    assert [c["cluster_id"] for c in result.outputs["valid_clusters"]] == ["a", "c"]
    assert result.outputs["valid_clusters"][0] == {
        "cluster_id": "a",
        "cluster_name": "A",
        "available_memory_gb": 16,
        "required_memory_gb": 10,
        "headroom_gb": 6,
    }
    assert result.outputs["per_model_configs"] == MODELS
    assert result.outputs["message"] is None


def test_a_cluster_that_cannot_be_asked_is_passed_over_and_counted(service, door):
    service.answer("GET /clusters/a/resources", {"available_memory_gb": 16})

    result = fitting(door, ["a", "gone"])

    assert [c["cluster_id"] for c in result.outputs["valid_clusters"]] == ["a"]
    assert result.outputs["message"] == "1 of 2 clusters could not be checked"


def test_no_candidates_are_a_success_that_says_so(door):
    result = fitting(door, [])

    assert (result.success, result.outputs["valid_clusters"]) == (True, [])
    assert result.outputs["message"] == "No candidate clusters to validate"
    assert set(result.outputs) == {output.name for output in META.outputs}
