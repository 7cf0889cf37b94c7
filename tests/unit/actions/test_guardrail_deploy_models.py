from __future__ import annotations

from hashlib import sha256

import pytest
from pipeline_engine_actions.guardrail.deploy_models import META, DeployModels
from support.contexts import a_context, an_item_result

from pipeline_engine.sdk import InvalidActionParams, StepStatus

ACTION = DeployModels()
MODELS = [
    {"rule_id": "r-1", "model_id": "m-1", "cluster_id": "c-1", "model_uri": "Org/Guard 2.B"},
    {"rule_id": "r-2", "model_id": "m-2", "cluster_id": "c-1"},
]
PARAMS = {"models": MODELS, "project_id": "p-1", "user_id": "eve"}


def deployed(peers, model=MODELS[0], **facts):
    context = peers.context(PARAMS, item=model, **facts)
    result = ACTION.execute_item(context)
    return peers.feed(ACTION, context, result)


def joined(*results):
    return ACTION.join(a_context(PARAMS), results)


def test_every_model_is_an_item_that_is_known_by_its_rule():
    items = ACTION.expand(a_context(PARAMS))

    assert [(item.key, item.value["model_id"]) for item in items] == [
        ("r-1", "m-1"),
        ("r-2", "m-2"),
    ]


@pytest.mark.parametrize(
    ("models", "problem"),
    [
        ("m-1", "models must be a list, got str"),
        ([{"model_id": "m"}], r"models\[0\] has no cluster_id"),
        (["m-1"], r"models\[0\] has no model_id, cluster_id"),
    ],
)
def test_models_that_could_not_be_deployed_are_refused_before_any_is_started(models, problem):
    with pytest.raises(InvalidActionParams, match=problem):
        ACTION.expand(a_context(PARAMS | {"models": models}))


def test_a_model_ends_with_its_endpoint_and_where_it_answers(peers):
    end = deployed(peers)

    (job,) = peers.jobs
    assert (end.status, end.outputs["status"]) == (StepStatus.COMPLETED, "completed")
    assert end.outputs["endpoint_id"] == job["made_id"]
    assert end.outputs["endpoint_url"] == f"https://gateway.example/{job['subject']}"


def test_budapp_is_told_the_load_under_its_own_names_and_for_whom_it_is(peers):
    config = {"concurrency": 4, "output_tokens": 64, "ttft": [50, 200], "hardware_mode": "shared"}
    model = {**MODELS[0], "deployment_config": config, "simulation_id": "sim-1"}

    deployed(peers, model, user_id="ada")

    (call,) = peers.written("POST /budapp/models/deploy-workflow")
    body = call["body"]
    assert call["user_id"] == "ada"
    assert body["deploy_config"] == {
        "concurrent_requests": 4,
        "avg_sequence_length": 64,
        "avg_context_length": 1024,
        "ttft": [50, 200],
    }
    assert (body["hardware_mode"], body["simulator_id"]) == ("shared", "sim-1")
    assert (body["project_id"], body["callback_topic"]) == ("p-1", "budpipelineEvents")


def test_an_endpoint_has_the_same_name_on_every_attempt_and_no_other_models(peers):
    keys = ("item-1", "item-1", "item-2")
    for key in keys:
        deployed(peers, idempotency_key=key)

    names = [call["body"]["endpoint_name"] for call in peers.written("POST /budapp/models")]
    assert names[0] == names[1] != names[2]
    assert all(name.startswith("guard-2-b-guardrail-") for name in names)


def test_a_failed_deployment_says_why(peers):
    context = peers.context(PARAMS, item=MODELS[1], idempotency_key="fails")
    peers.control(failing=[f"m-2-guardrail-{sha256(b'fails').hexdigest()[:8]}"])

    end = peers.feed(ACTION, context, ACTION.execute_item(context))

    assert (end.status, end.error) == (StepStatus.FAILED, "Out of disk space")


def test_all_models_make_a_success_with_their_endpoints_in_order():
    done = [{"endpoint_id": f"e-{n}", "endpoint_url": f"https://e-{n}.example"} for n in (1, 2)]

    result = joined(*(an_item_result(n, MODELS[n], outputs=done[n]) for n in (0, 1)))

    assert result.success
    assert result.outputs["endpoint_ids"] == ["e-1", "e-2"]
    assert result.outputs["endpoint_urls"] == ["https://e-1.example", "https://e-2.example"]
    assert set(result.outputs) == {output.name for output in META.outputs}


def test_a_part_of_the_models_is_a_failure_that_tells_what_a_rollback_has_to_take_back():
    result = joined(
        an_item_result(0, MODELS[0], outputs={"endpoint_id": "e-1", "endpoint_url": None}),
        an_item_result(1, MODELS[1], status=StepStatus.FAILED, error="disk"),
    )

    assert (result.success, result.error) == (False, "Deployment failed: 1/2 models failed")
    assert (result.error_code, result.outputs["endpoint_ids"]) == ("models_failed", ["e-1"])
    assert [line["status"] for line in result.outputs["results"]] == ["completed", "failed"]
    assert result.outputs["results"][1]["error"] == "disk"


def test_no_models_are_a_success():
    assert joined().success


def test_cleaning_up_cancels_the_workflow(peers):
    peers.control(silent=True)
    started = ACTION.execute_item(peers.context(PARAMS, item=MODELS[0]))

    ACTION.cleanup(peers.context(PARAMS, external_workflow_ids=started.external_workflow_ids))

    assert [job["status"] for job in peers.jobs] == ["cancelled"]


def test_rules_that_share_a_model_have_one_endpoint_and_a_line_each():
    shared = {**MODELS[0], "rule_ids": ["r-1", "r-9"]}
    done = {"endpoint_id": "e-1", "endpoint_url": "https://one.example", "status": "completed"}

    outputs = joined(an_item_result(0, shared, outputs=done)).outputs

    assert [(line["rule_id"], line["endpoint_id"]) for line in outputs["results"]] == [
        ("r-1", "e-1"),
        ("r-9", "e-1"),
    ]
    assert outputs["endpoint_ids"] == ["e-1"]
