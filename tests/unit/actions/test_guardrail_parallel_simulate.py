from __future__ import annotations

import pytest
from pipeline_engine_actions.guardrail.parallel_simulate import META, ParallelSimulate
from support.contexts import a_context, a_notification, an_event, an_item_result

from pipeline_engine.sdk import EventAction, ServiceError, StepStatus

TYPE = "get_cluster_recommendations"
MODEL = {
    "model_id": "m-1",
    "model_uri": "org/one",
    "deployment_config": {"concurrency": 2, "target_ttft": 200},
}
PARAMS = {"models": [MODEL], "hardware_mode": "shared"}
RECOMMENDATIONS = [
    {"cluster_id": "k-1", "metrics": {"replica": 2, "ttft": 90}, "node_groups": [{"name": "gpu"}]},
    {"cluster_id": "k-2"},
]
LINE_KEYS = {
    "model_id",
    "model_uri",
    "simulation_id",
    "status",
    "recommendations",
    "deployment_configuration",
    "cluster_ids",
    "error",
}


def read(event):
    return ParallelSimulate().on_event(an_event(event, item=MODEL))


def test_the_simulation_is_asked_to_report_back_and_to_run_in_the_background(service, door):
    service.answer("POST /simulator/run", {"workflow_id": "s-1"})

    result = ParallelSimulate().execute_item(a_context(PARAMS, engine=door, item=MODEL))

    assert service.received[0].body == {
        "pretrained_model_uri": "org/one",
        "model_uri": "org/one",
        "input_tokens": 1024,
        "output_tokens": 128,
        "concurrency": 2,
        "target_ttft": 200,
        "target_throughput_per_user": 1,
        "target_e2e_latency": 600,
        "hardware_mode": "shared",
        "is_proprietary_model": False,
        "debug": False,
        "source_topic": "budpipelineEvents",
    }
    assert result.external_workflow_ids == ("s-1",)
    assert (result.timeout_seconds, set(result.outputs)) == (300, LINE_KEYS)


def test_a_classifier_is_simulated_from_its_path(service, door):
    service.answer("POST /simulator/run", {"workflow_id": "s-1"})
    model = MODEL | {"local_path": "/models/one", "model_endpoints": "EMBEDDING"}

    ParallelSimulate().execute_item(a_context(PARAMS, engine=door, item=model))

    sent = service.received[0].body
    assert (sent["pretrained_model_uri"], sent["model_endpoints"]) == ("/models/one", "EMBEDDING")


def test_a_start_without_a_workflow_fails(service, door):
    service.answer("POST /simulator/run", {})

    with pytest.raises(ServiceError, match="No workflow_id returned from budsim"):
        ParallelSimulate().execute_item(a_context(PARAMS, engine=door, item=MODEL))


@pytest.mark.parametrize(
    "event",
    [
        a_notification("results", payload_type=TYPE, result={"recommendations": RECOMMENDATIONS}),
        {"type": "simulation_completed", "status": "COMPLETED", "recommendations": RECOMMENDATIONS},
        {
            "type": "workflow_completed",
            "status": "COMPLETED",
            "result": {"recommendations": RECOMMENDATIONS},
        },
    ],
)
def test_every_shape_of_the_last_event_yields_clusters_and_hardware(event):
    verdict = read(event)

    assert verdict.status is StepStatus.COMPLETED
    assert verdict.outputs["cluster_ids"] == ["k-1", "k-2"]
    assert verdict.outputs["recommendations"] == RECOMMENDATIONS
    assert verdict.outputs["deployment_configuration"] == {
        "node_groups": [{"name": "gpu"}],
        "replica": 2,
    }


def test_hardware_that_the_event_names_itself_wins():
    config = {"node_groups": [{"weight_memory_gb": 4}], "replica": 3}
    event = {
        "type": "simulation_completed",
        "status": "COMPLETED",
        "recommendations": RECOMMENDATIONS,
        "deployment_configuration": config,
    }

    assert read(event).outputs["deployment_configuration"] == config


@pytest.mark.parametrize("result", [None, {}, {"recommendations": []}, {"recommendations": None}])
def test_no_recommendation_is_a_failure_because_the_model_fits_nowhere(result):
    verdict = read(a_notification("results", payload_type=TYPE, result=result))

    assert (verdict.status, verdict.error) == (
        StepStatus.FAILED,
        "No cluster can run this model",
    )


def test_a_failure_at_any_stage_is_the_end():
    verdict = read(a_notification("ranking", "FAILED", payload_type=TYPE, message="no data"))

    assert (verdict.status, verdict.error) == (StepStatus.FAILED, "no data")


@pytest.mark.parametrize(
    ("event", "status", "progress"),
    [
        ("validation", "STARTED", 10),
        ("performance_estimation", "COMPLETED", 80),
        ("ranking", "COMPLETED", 95),
    ],
)
def test_stages_move_the_progress(event, status, progress):
    verdict = read(a_notification(event, status, payload_type=TYPE))

    assert (verdict.action, verdict.progress) == (EventAction.UPDATE_PROGRESS, progress)


@pytest.mark.parametrize(
    "event",
    [{"type": "workflow_metadata", "status": "COMPLETED"}, a_notification("validation"), {}],
)
def test_what_is_no_news_is_ignored(event):
    assert read(event).action is EventAction.IGNORE


def test_the_join_keeps_the_order_and_fails_for_a_part():
    done = {"simulation_id": "s-1", "status": "completed", "cluster_ids": ["k-1"]}
    results = [
        an_item_result(0, MODEL, outputs=done),
        an_item_result(1, MODEL, status=StepStatus.TIMEOUT, error="too late"),
    ]

    joined = ParallelSimulate().join(a_context(PARAMS), results)

    assert (joined.success, joined.error) == (False, "Simulation failed for 1/2 models")
    assert joined.outputs["all_completed"] is False
    assert [line["status"] for line in joined.outputs["results"]] == ["completed", "failed"]
    assert [set(line) for line in joined.outputs["results"]] == [LINE_KEYS, LINE_KEYS]


def test_no_models_are_a_success_with_every_output():
    joined = ParallelSimulate().join(a_context(PARAMS), [])

    assert (joined.success, joined.outputs) == (True, {"results": [], "all_completed": True})
    assert set(joined.outputs) == {output.name for output in META.outputs}
