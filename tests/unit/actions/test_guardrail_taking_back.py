"""What a guardrail deployment has begun is found and taken back, whoever knows of it."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import pytest
from pipeline_engine_actions.guardrail.batch_onboard_models import BatchOnboardModels
from pipeline_engine_actions.guardrail.create_deployment import CreateDeployment
from pipeline_engine_actions.guardrail.create_profile import CreateProfile
from pipeline_engine_actions.guardrail.deploy_models import DeployModels
from pipeline_engine_actions.guardrail.rollback import Rollback
from support.waiting import wait_until

from pipeline_engine.sdk import ServiceError, StepStatus

PROFILE, DEPLOYMENT, DEPLOY, ROLLBACK = (
    CreateProfile(),
    CreateDeployment(),
    DeployModels(),
    Rollback(),
)
ONBOARD = BatchOnboardModels()
PROFILE_PARAMS = {"config": {"name": "Chat"}, "project_id": "p", "probe_selections": [{"id": "a"}]}
MODEL = {"rule_id": "r-1", "model_id": "m-1", "cluster_id": "c-1"}
MODELS = {"models": [MODEL], "project_id": "p"}
EVERYTHING = {"everything": True}


@pytest.fixture
def key():
    """The key of a step or item, the same on every attempt."""
    return str(uuid4())


@pytest.fixture
def by():
    """What says of which execution everything is."""
    return {"execution_id": str(uuid4())}


def roll_back(peers, by, **params):
    return peers.carry_out(ROLLBACK, EVERYTHING | params, **by)


def started(peers, by, **facts):
    return DEPLOY.execute_item(peers.context(MODELS, item=MODEL, **by, **facts))


def status_of(peers):
    return [job["status"] for job in peers.jobs if job["kind"] == "deployment"]


def deletions(peers):
    return [job["subject"] for job in peers.jobs if job["kind"] == "deletion"]


def unheard(peers, path, action, params, by):
    """Have a call done that is never answered."""
    peers.control(hangs_up=[path])
    end = peers.carry_out(action, params, **by)
    peers.control(hangs_up=[])
    assert (end.status, end.error_code) == (StepStatus.FAILED, "service_error")


def test_a_job_that_goes_on_is_called_off_and_leaves_nothing(peers, by):
    peers.control(silent=True)
    started(peers, by)

    end = roll_back(peers, by)

    assert end.outputs["status"] == "success"
    assert (status_of(peers), deletions(peers)) == (["cancelled"], [])


def test_an_endpoint_that_no_step_has_heard_of_is_deleted_once(peers, by):
    started(peers, by)
    wait_until(lambda: status_of(peers) == ["completed"], what="the end of the deployment")

    ends = [roll_back(peers, by) for _ in range(2)]

    made = peers.jobs[0]["made_id"]
    assert [end.outputs["cleaned_up"]["endpoints"] for end in ends] == [[made], [made]]
    assert deletions(peers) == [made]


def test_a_job_that_cannot_be_stopped_is_an_error_and_the_next_attempt_deletes_its_endpoint(
    peers, by
):
    peers.control(event_delay=[0.2, 0.2], ignores_cancel=["m-1"])
    started(peers, by)

    first = roll_back(peers, by)
    wait_until(lambda: status_of(peers) == ["completed"], what="the end of the deployment")
    second = roll_back(peers, by)

    assert first.retryable
    assert first.outputs["errors"] == [f"The deployment job {peers.jobs[0]['workflow_id']} goes on"]
    assert second.outputs["cleaned_up"]["endpoints"] == [peers.jobs[0]["made_id"]]


def test_calls_that_nobody_answered_have_done_their_work_and_it_is_taken_back(peers, by):
    unheard(peers, "/budapp/internal/guardrails/profiles", PROFILE, PROFILE_PARAMS, by)
    profile = peers.carry_out(PROFILE, PROFILE_PARAMS).outputs["profile_id"]
    facts = {"profile_id": profile, "project_id": "p", "is_standalone": True}
    unheard(peers, "/budapp/internal/guardrails/deployments", DEPLOYMENT, facts, by)

    end = roll_back(peers, by)

    assert [len(end.outputs["cleaned_up"][k]) for k in ("profiles", "deployments")] == [1, 1]
    assert end.outputs["cleaned_up"]["profiles"] != [profile], "it is that of somebody else"
    assert roll_back(peers, by).outputs == end.outputs


def test_a_profile_that_was_there_is_changed_and_says_again_what_it_said_before(peers, by, key):
    there = peers.carry_out(PROFILE, PROFILE_PARAMS).outputs["profile_id"]
    changes = {**PROFILE_PARAMS, "config": {"name": "Other"}, "guardrail_profile_id": there}
    changed = [peers.carry_out(PROFILE, changes, idempotency_key=key, **by) for _ in range(2)]
    writes = len(peers.calls)

    ends = [
        roll_back(peers, by, profile_id=there, guardrail_profile_id=there),
        peers.carry_out(
            ROLLBACK,
            {"profile_id": there, "guardrail_profile_id": there}
            | {"profile_before": changed[0].outputs["before"]},
        ),
    ]

    assert changed[0].outputs == changed[1].outputs, "also of an attempt that is repeated"
    assert changed[0].outputs["before"]["name"] == "Chat"
    found = peers.server.services.world.get("profile", there)
    assert (found["name"], found["guard_types"]) == ("Chat", ["input"])
    assert {end.outputs["status"] for end in ends} == {"success"}
    assert ends[0].outputs["preserved"]["profiles"] == [there]
    assert ends[0].outputs["cleaned_up"]["profiles"] == []
    assert len([call for call in peers.calls[writes:] if call.startswith("PUT")]) == 1


def test_a_profile_whose_change_nobody_answered_is_restored_too(peers, by):
    there = peers.carry_out(PROFILE, PROFILE_PARAMS).outputs["profile_id"]
    changes = {**PROFILE_PARAMS, "config": {"name": "Other"}, "guardrail_profile_id": there}
    unheard(peers, "/budapp/guardrails/profile", PROFILE, changes, by)

    roll_back(peers, by)

    assert peers.server.services.world.get("profile", there)["name"] == "Chat"


def test_what_can_be_found_out_by_nobody_is_an_error_and_what_is_known_is_taken_back(peers, by):
    profile = peers.carry_out(PROFILE, PROFILE_PARAMS, **by).outputs["profile_id"]
    peers.control(errors={"/budapp/internal/guardrails/made-by": 500})

    end = roll_back(peers, by, profile_id=profile)

    assert (end.outputs["status"], end.outputs["cleaned_up"]["profiles"]) == ("partial", [profile])
    assert end.outputs["errors"][0].startswith("Failed to find out what was made: ")


def test_where_budapp_cannot_say_what_was_made_only_what_is_known_is_taken_back(peers, by):
    profile = peers.carry_out(PROFILE, PROFILE_PARAMS, **by).outputs["profile_id"]
    peers.control(errors={"/budapp/internal/guardrails/made-by": 404})

    end = roll_back(peers, by, profile_id=profile)

    assert (end.outputs["status"], end.outputs["cleaned_up"]["profiles"]) == ("success", [profile])


def test_a_stopped_item_calls_off_a_job_whose_id_it_has_never_heard(peers, by, key):
    peers.control(silent=True, hangs_up=["/budapp/models/deploy-workflow"])
    with pytest.raises(ServiceError):
        started(peers, by, idempotency_key=key)
    peers.control(hangs_up=[])

    DEPLOY.cleanup(peers.context(MODELS, item=MODEL, idempotency_key=key, **by))

    assert status_of(peers) == ["cancelled"]
    assert peers.jobs[0]["calls"] == 2, "which found the job, and started none"


def test_a_stopped_item_deletes_an_endpoint_that_was_made_too_early_to_be_called_off(
    peers, by, key
):
    context = partial(peers.context, MODELS, item=MODEL, idempotency_key=key, **by)
    jobs = DEPLOY.execute_item(context()).external_workflow_ids
    wait_until(lambda: status_of(peers) == ["completed"], what="the end of the deployment")

    for _ in range(2):
        DEPLOY.cleanup(context(external_workflow_ids=jobs))

    assert deletions(peers) == [peers.jobs[0]["made_id"]]


def test_a_stopped_onboarding_calls_off_a_job_whose_id_it_has_never_heard(peers, key):
    model = {"rule_id": "r-1", "model_uri": "org/guard"}
    params = {"models": [model], "credential_id": "c-1"}
    peers.control(silent=True, hangs_up=["/budapp/models/local-model-workflow"])
    with pytest.raises(ServiceError):
        ONBOARD.execute_item(peers.context(params, item=model, idempotency_key=key))
    peers.control(hangs_up=[])

    ONBOARD.cleanup(peers.context(params, item=model, idempotency_key=key))

    assert [(job["status"], job["calls"]) for job in peers.jobs] == [("cancelled", 2)]


def test_an_item_whose_start_cannot_be_repeated_is_left_to_the_rollback(peers, by):
    DEPLOY.cleanup(peers.context(MODELS, item=MODEL, may_repeat=False, **by))

    assert peers.jobs == []


@pytest.mark.parametrize(
    ("action", "path", "kind"),
    [
        (PROFILE, "/budapp/internal/guardrails/profiles", "profile"),
        (DEPLOYMENT, "/budapp/internal/guardrails/deployments", "guardrail"),
    ],
)
def test_a_stopped_step_takes_back_what_was_made_without_its_hearing_of_it(
    peers, by, key, action, path, kind
):
    profile = peers.carry_out(PROFILE, PROFILE_PARAMS).outputs["profile_id"]
    facts = {"profile_id": profile, "project_id": "p", "is_standalone": True}
    params = PROFILE_PARAMS if action is PROFILE else facts
    unheard(peers, path, action, params, {**by, "idempotency_key": key})

    for _ in range(2):
        action.cleanup(peers.context(params, idempotency_key=key, **by))

    world = peers.server.services.world
    mine = [one for one in world.all(kind).values() if one["execution_id"] == by["execution_id"]]
    assert mine == []
    assert len([one for one in world.gone(kind) if one["execution_id"] == by["execution_id"]]) == 1


def test_a_stopped_change_of_a_profile_is_undone(peers, by):
    there = peers.carry_out(PROFILE, PROFILE_PARAMS).outputs["profile_id"]
    changes = {**PROFILE_PARAMS, "config": {"name": "Other"}, "guardrail_profile_id": there}
    context = peers.context(changes, **by)
    PROFILE.execute(context)

    PROFILE.cleanup(peers.context(changes, idempotency_key=context.idempotency_key, **by))

    assert peers.server.services.world.get("profile", there)["name"] == "Chat"
