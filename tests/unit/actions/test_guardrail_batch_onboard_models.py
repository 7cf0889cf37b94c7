from __future__ import annotations

import pytest
from pipeline_engine_actions.guardrail.batch_onboard_models import META, BatchOnboardModels
from support.contexts import a_context, a_notification, an_event, an_item_result

from pipeline_engine.sdk import EventAction, InvalidActionParams, ServiceError, StepStatus

START = "POST /models/local-model-workflow"
MODELS = [
    {"rule_id": "r-1", "model_uri": "org/one"},
    {"rule_id": "r-2", "model_uri": "https://host/two", "model_provider_type": "url"},
]
PARAMS = {"models": MODELS, "credential_id": "c-1", "user_id": "somebody-else"}
DONE = {"workflow_id": "wf-1", "status": "completed", "model_id": "m-1", "error": None}


def started(door, model=MODELS[0], params=PARAMS, **facts):
    return BatchOnboardModels().execute_item(a_context(params, engine=door, item=model, **facts))


def read(event, door=None, **facts):
    engine = {"engine": door} if door else {}
    return BatchOnboardModels().on_event(an_event(event, item=MODELS[0], **engine, **facts))


def joined(*results):
    return BatchOnboardModels().join(a_context(PARAMS), results)


def test_rules_that_share_a_model_have_it_onboarded_once_and_a_line_each():
    shared = {"rule_id": "r-1", "rule_ids": ["r-1", "r-2"], "model_uri": "org/one"}

    outputs = joined(an_item_result(0, shared, outputs=DONE)).outputs

    assert [(line["rule_id"], line["model_id"]) for line in outputs["results"]] == [
        ("r-1", "m-1"),
        ("r-2", "m-1"),
    ]
    assert (outputs["total"], outputs["completed"]) == (1, 1)


def test_every_model_is_an_item_that_is_known_by_its_rule():
    items = BatchOnboardModels().expand(a_context(PARAMS))

    assert [(item.key, item.value["model_uri"]) for item in items] == [
        ("r-1", "org/one"),
        ("r-2", "https://host/two"),
    ]


@pytest.mark.parametrize("models", [None, "org/one", ["org/one"], [{"rule_id": "r"}]])
def test_models_that_could_not_be_onboarded_are_refused_before_any_is_started(models):
    with pytest.raises(InvalidActionParams):
        BatchOnboardModels().expand(a_context(PARAMS | {"models": models}))


def test_starting_tells_budapp_what_it_needs_and_parks_on_its_workflow(service, door):
    service.answer(START, {"data": {"workflow_id": "wf-1"}})

    result = started(door, params=PARAMS | {"max_wait_seconds": 60})

    assert service.received[0].body == {
        "workflow_total_steps": 1,
        "step_number": 1,
        "trigger_workflow": True,
        "provider_type": "hugging_face",
        "uri": "org/one",
        "name": "one",
        "credential_id": "c-1",
        "proprietary_credential_id": "c-1",
        "callback_topic": "budpipelineEvents",
    }
    assert (result.external_workflow_ids, result.timeout_seconds) == (("wf-1",), 60)
    assert result.outputs["status"] == "running"


def test_no_credential_goes_along_for_other_providers_because_budapp_refuses_it(service, door):
    service.answer(START, {"workflow_id": 7})

    result = started(door, MODELS[1])

    assert "credential_id" not in service.received[0].body
    assert "proprietary_credential_id" not in service.received[0].body
    assert result.external_workflow_ids == ("7",)


@pytest.mark.parametrize(
    ("facts", "user"),
    [
        ({"user_id": "owner", "workflow_params": {"user_id": "other"}}, "owner"),
        ({"workflow_params": {"user_id": "wizard"}, "system_user_id": "system"}, "wizard"),
        ({"system_user_id": "system"}, "system"),
    ],
)
def test_budapp_acts_for_the_proved_user_and_never_for_the_one_in_the_params(
    service, door, facts, user
):
    service.answer(START, {"workflow_id": "wf-1"})

    started(door, **facts)

    assert service.received[0].query == {"user_id": [user]}


def test_a_second_attempt_carries_the_same_idempotency_key(service, door):
    service.answer(START, {"workflow_id": "wf-1"})

    started(door, attempt=1)
    started(door, attempt=2)
    started(door, idempotency_key="key-of-the-next-item")

    first, second, third = (call.headers["idempotency-key"] for call in service.received)
    assert first == second != third


def test_a_start_without_a_workflow_fails(service, door):
    service.answer(START, {"data": {}})

    with pytest.raises(ServiceError, match="No workflow_id returned from budapp"):
        started(door)


def test_results_complete_the_item_with_the_model_that_budapp_made(service, door):
    service.answer("GET /workflows/wf-1", {"workflow_steps": {"model": {"id": "m-1"}}})

    verdict = read(a_notification("results", result={"local_path": "/m"}), door)

    assert verdict.status is StepStatus.COMPLETED
    assert verdict.outputs == {"status": "completed", "model_id": "m-1", "error": None}


def test_results_complete_the_item_also_when_budapp_does_not_know_the_workflow(service, door):
    verdict = read(a_notification("results"), door)

    assert (verdict.status, verdict.outputs["model_id"]) == (StepStatus.COMPLETED, None)


def test_the_flat_event_names_the_model_itself():
    event = {
        "type": "workflow_completed",
        "workflow_id": "wf-1",
        "status": "COMPLETED",
        "result": {"model_id": "m-9"},
    }

    assert read(event).outputs["model_id"] == "m-9"


def test_a_flat_event_that_is_not_completed_is_a_failure_with_its_reason():
    event = {"type": "workflow_completed", "status": "FAILED", "result": None, "reason": "disk"}

    verdict = read(event)

    assert (verdict.status, verdict.error) == (StepStatus.FAILED, "disk")


def test_a_failure_at_any_stage_is_the_end():
    verdict = read(a_notification("model_download", "FAILED", message="404"))

    assert (verdict.status, verdict.error) == (StepStatus.FAILED, "404")
    assert verdict.outputs == {"status": "failed", "error": "404"}


@pytest.mark.parametrize(
    ("event", "progress", "eta"),
    [
        (a_notification("validation"), 10, None),
        (a_notification("save_model"), 95, None),
        (a_notification("eta", "RUNNING", message="12"), None, 12),
        (a_notification("eta", message="-3"), None, 0),
    ],
)
def test_stages_and_estimates_move_the_progress(event, progress, eta):
    verdict = read(event)

    assert verdict.action is EventAction.UPDATE_PROGRESS
    assert (verdict.progress, verdict.eta_minutes) == (progress, eta)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "hello"},
        a_notification("validation", "STARTED"),
        a_notification("eta", message="soon"),
        a_notification("results", payload_type="deploy_model"),
        {"type": "notification", "payload": None},
    ],
)
def test_what_says_nothing_about_this_model_is_ignored(event):
    assert read(event).action is EventAction.IGNORE


def test_all_models_make_a_success_in_the_order_of_the_params():
    result = joined(
        an_item_result(0, MODELS[0], outputs=DONE),
        an_item_result(1, MODELS[1], outputs=DONE | {"model_id": "m-2"}),
    )

    assert (result.success, result.error) == (True, None)
    assert [line["model_id"] for line in result.outputs["results"]] == ["m-1", "m-2"]
    assert (result.outputs["total"], result.outputs["completed"]) == (2, 2)


def test_a_part_of_the_models_is_a_failure_that_tells_what_was_onboarded():
    failure = {"status": StepStatus.FAILED, "error": "disk", "outputs": {"workflow_id": "wf-2"}}

    result = joined(
        an_item_result(0, MODELS[0], outputs=DONE), an_item_result(1, MODELS[1], **failure)
    )

    assert (result.success, result.error) == (False, "Model onboarding failed: 1/2 models failed")
    assert result.outputs["results"][0]["model_id"] == "m-1"
    assert result.outputs["results"][1] == {
        "rule_id": "r-2",
        "model_uri": "https://host/two",
        "workflow_id": "wf-2",
        "status": "failed",
        "model_id": None,
        "error": "disk",
    }


def test_a_model_that_was_given_up_is_told_by_its_workflow():
    running = {"workflow_id": "wf-2", "status": "running"}

    result = joined(
        an_item_result(0, MODELS[0], status=StepStatus.TIMEOUT, outputs=running),
        an_item_result(1, MODELS[1], status=StepStatus.SKIPPED),
    )

    assert result.outputs["pending_workflow_ids"] == ["wf-2"]
    assert (result.outputs["failed"], result.outputs["completed"]) == (1, 0)
    assert result.outputs["results"][1]["status"] == "cancelled"
    assert result.error == "Model onboarding failed: 1/2 models failed"


def test_no_models_are_a_success_with_every_output():
    result = joined()

    assert result.success
    assert result.outputs == {
        "results": [],
        "all_succeeded": True,
        "total": 0,
        "completed": 0,
        "failed": 0,
        "pending_workflow_ids": [],
    }
    assert set(result.outputs) == {output.name for output in META.outputs}


def test_cleaning_up_cancels_the_workflow_and_bears_a_peer_that_cannot(service, door):
    service.answer("POST /workflows/wf-1/cancel", {})
    context = a_context(PARAMS, engine=door, external_workflow_ids=("wf-1", "wf-2"))

    BatchOnboardModels().cleanup(context)

    assert [call.path for call in service.received] == [
        "/workflows/wf-1/cancel",
        "/workflows/wf-2/cancel",
    ]
