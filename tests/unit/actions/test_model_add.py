from __future__ import annotations

import pytest
from pipeline_engine_actions.model.add import META, ModelAdd
from support.contexts import a_context, a_notification, an_event

from pipeline_engine.sdk import EventAction, OutcomeUnknown, StepStatus

START = "POST /budapp/models/local-model-workflow"
ACTION = ModelAdd()


def test_a_model_is_onboarded_and_its_id_is_asked_for_because_no_event_names_it(peers):
    params = {"model_uri": "org/added", "credential_id": "c-1", "description": "A guard"}

    end = peers.carry_out(ACTION, params)

    (job,) = peers.jobs
    assert (end.status, end.error) == (StepStatus.COMPLETED, None)
    assert end.outputs == {
        "success": True,
        "model_id": job["made_id"],
        "model_name": "added",
        "workflow_id": job["workflow_id"],
        "status": "completed",
        "message": "The model was added",
    }
    assert end.parked_on == (job["workflow_id"],)
    assert end.progress[:3] == [10, 60, 80]


def test_budapp_is_told_all_that_it_wants_and_who_asks(peers):
    params = {"model_uri": "org/told", "credential_id": "c-1", "model_name": "T", "author": "Org"}

    peers.carry_out(ACTION, params, user_id="ada")

    (call,) = peers.written(START)
    assert call["user_id"] == "ada"
    assert call["body"] == {
        "workflow_total_steps": 1,
        "step_number": 1,
        "trigger_workflow": True,
        "provider_type": "hugging_face",
        "name": "T",
        "uri": "org/told",
        "description": "",
        "author": "Org",
        "callback_topic": "budpipelineEvents",
        "proprietary_credential_id": "c-1",
    }


def test_a_param_cannot_say_for_whom_a_model_is_added(peers):
    peers.carry_out(ACTION, {"model_uri": "org/mine", "user_id": "eve"}, user_id="ada")

    assert [call["user_id"] for call in peers.written(START)] == ["ada"]


def test_no_credential_goes_along_with_a_url_because_budapp_answers_422(peers):
    params = {"model_source": "url", "model_uri": "https://host.example/m", "credential_id": "c"}

    assert peers.carry_out(ACTION, params).status is StepStatus.COMPLETED


def test_a_failure_at_any_stage_ends_the_step_in_the_words_of_the_peer(peers):
    peers.control(failing=["org/broken"])

    end = peers.carry_out(ACTION, {"model_uri": "org/broken"})

    assert (end.status, end.error_code) == (StepStatus.FAILED, "onboarding_failed")
    assert end.error == end.outputs["message"] == "Out of disk space"
    assert (end.outputs["success"], end.outputs["status"]) == (False, "failed")


def test_events_out_of_order_and_twice_add_one_model(peers):
    peers.control(shuffle=True, duplicates=1.0, seed=5)

    end = peers.carry_out(ACTION, {"model_uri": "org/shuffled"})

    assert end.outputs["model_id"] == peers.jobs[0]["made_id"]


def test_the_last_stage_waits_for_results_until_budapp_has_its_model():
    verdict = ACTION.on_event(an_event(a_notification("save_model")))

    assert (verdict.action, verdict.progress) == (EventAction.UPDATE_PROGRESS, 95)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "workflow_completed", "status": "completed", "result": {"model_id": "m-9"}},
        a_notification("results", result={"model_id": "m-9"}),
        a_notification("results", payload_type="model_extraction", result={"model_id": "m-9"}),
    ],
)
def test_every_shape_of_a_good_end_is_understood(event):
    verdict = ACTION.on_event(an_event(event))

    assert (verdict.status, verdict.outputs["model_id"]) == (StepStatus.COMPLETED, "m-9")


def test_a_result_of_null_is_no_crash():
    verdict = ACTION.on_event(an_event(a_notification("results", "FAILED", result=None)))

    assert (verdict.status, verdict.error) == (StepStatus.FAILED, "Title")


def test_an_estimate_moves_no_progress():
    verdict = ACTION.on_event(an_event(a_notification("eta", "RUNNING", message="12")))

    assert (verdict.progress, verdict.eta_minutes) == (None, 12)


@pytest.mark.parametrize(
    "event",
    [
        {},
        a_notification("results", payload_type="deploy_model"),
        a_notification("timeout", "FAILED", payload_type="model_extraction_eta_workflow"),
        {"type": "notification", "payload": None},
    ],
)
def test_what_is_not_about_the_onboarding_is_ignored(event):
    assert ACTION.on_event(an_event(event)).action is EventAction.IGNORE


@pytest.mark.parametrize(
    ("params", "problems"),
    [
        ({}, ["model_uri is required"]),
        (
            {"model_uri": "gpt2"},
            ["model_uri must be owner/name for a model on Hugging Face"],
        ),
        (
            {"model_source": "url", "model_uri": "ftp://x"},
            ["model_uri must start with http:// or https:// for a URL"],
        ),
        (
            {"model_source": "disk", "model_uri": "models/x"},
            ["model_uri must start with / for a disk"],
        ),
        ({"model_source": "{{ params.s }}", "model_uri": "x"}, []),
        ({"model_uri": "{{ params.uri }}"}, []),
    ],
)
def test_the_uri_has_to_fit_its_source(params, problems):
    assert ACTION.validate_params(params) == problems


def test_a_uri_that_a_template_has_made_is_checked_when_the_step_runs(peers):
    end = peers.carry_out(ACTION, {"model_uri": "gpt2"})

    assert (end.error_code, end.retryable, peers.calls) == ("invalid_params", False, [])


def test_a_second_attempt_finds_the_job_where_budapp_honours_keys(peers):
    contexts = [peers.context({"model_uri": "org/twice"}, idempotency_key="k") for _ in range(2)]

    first, second = (ACTION.execute(context) for context in contexts)

    assert first.external_workflow_id == second.external_workflow_id
    assert [job["calls"] for job in peers.jobs] == [2]


@pytest.mark.parametrize(
    ("may_repeat", "code", "retryable"),
    [(False, "outcome_unknown", False), (True, "service_error", True)],
)
def test_a_start_that_nobody_has_heard_of_is_tried_again_only_where_that_does_no_harm(
    peers, may_repeat, code, retryable
):
    peers.control(hangs_up=["/budapp/models/local"])

    end = peers.carry_out(ACTION, {"model_uri": "org/unheard"}, may_repeat=may_repeat)

    assert (end.error_code, end.retryable) == (code, retryable)
    assert end.error == end.outputs["message"]
    assert len(peers.jobs) == 1, "it was started all the same"


def test_a_retry_starts_another_job_in_place_of_one_that_has_failed(peers):
    params = {"model_uri": "org/retried"}
    peers.control(failing=["org/retried"])
    first = peers.carry_out(ACTION, params, idempotency_key="retried")
    peers.control(failing=[], errors={"/budapp/models/local": 503})
    facts = {"idempotency_key": "retried", "stored_outputs": first.outputs}
    second = peers.carry_out(ACTION, params, attempt=2, **facts)
    peers.control(errors={})

    third = peers.carry_out(ACTION, params, attempt=3, **facts | {"stored_outputs": second.outputs})

    assert second.status is StepStatus.FAILED
    assert (third.status, len(peers.jobs)) == (StepStatus.COMPLETED, 2)


@pytest.mark.parametrize("honours_keys", [True, False])
def test_a_retry_after_a_time_out_waits_for_the_same_job_again_whatever_became_of_its_key(
    peers, honours_keys
):
    params = {"model_uri": "org/slow"}
    peers.control(silent=True, forgets_keys=not honours_keys)
    first = ACTION.execute(peers.context(params, idempotency_key=f"slow-{honours_keys}"))

    again = ACTION.execute(peers.context(params, attempt=2, stored_outputs=first.outputs))

    assert again.external_workflow_ids == first.external_workflow_ids
    assert len(peers.jobs) == 1


def test_a_job_that_was_called_off_because_it_may_not_be_repeated_is_not_waited_for(peers):
    params = {"model_uri": "org/called-off"}
    peers.control(silent=True)
    facts = {"idempotency_key": "called-off", "may_repeat": False}
    first = ACTION.execute(peers.context(params, **facts))

    second = ACTION.execute(peers.context(params, stored_outputs=first.outputs, **facts))

    assert second.external_workflow_ids != first.external_workflow_ids
    assert len(peers.jobs) == 2


def test_a_busy_budapp_may_be_asked_again_because_it_has_started_nothing(peers):
    peers.control(refusals={"org/busy": 1})

    end = peers.carry_out(ACTION, {"model_uri": "org/busy"}, may_repeat=False)

    assert (end.error, end.retryable) == ("Failed to add model: No capacity at the moment", True)


def test_cleaning_up_cancels_the_workflow(peers):
    peers.control(silent=True)
    started = ACTION.execute(peers.context({"model_uri": "org/cancelled"}))

    ACTION.cleanup(peers.context({}, external_workflow_ids=started.external_workflow_ids))

    assert [job["status"] for job in peers.jobs] == ["cancelled"]


def test_it_can_be_repeated_only_where_budapp_honours_keys():
    assert not META.may_repeat(())
    assert META.may_repeat(["budapp"])
    assert OutcomeUnknown.code == "outcome_unknown"
    assert a_context().may_repeat
