"""The guardrail actions that make a profile, its deployment and the gateway's tables."""

from __future__ import annotations

import pytest
from pipeline_engine_actions.guardrail.build_config import BuildConfig
from pipeline_engine_actions.guardrail.create_deployment import CreateDeployment
from pipeline_engine_actions.guardrail.create_profile import CreateProfile
from pipeline_engine_actions.guardrail.gateway_config import gateway_config
from pipeline_engine_actions.guardrail.rollback import Rollback
from pipeline_engine_actions.guardrail.sync_redis import SyncRedis

from pipeline_engine.sdk import StepStatus, check_params

PROFILE, DEPLOYMENT, BUILD = CreateProfile(), CreateDeployment(), BuildConfig()
SYNC, ROLLBACK = SyncRedis(), Rollback()
PROBES = [
    {"id": "pii"},
    {"id": "abuse", "rules": [{"id": "a"}, {"id": "b", "status": "disabled"}]},
]
MODELS = [
    {"rule_id": "pii", "endpoint_name": "e-pii", "endpoint_url": "https://g.example/e-pii"},
    {"rule_id": "llm-1", "endpoint_name": "e-llm", "endpoint_url": "https://g.example/e-llm"},
]


def a_profile(peers, **facts):
    params = {"config": {"name": "Chat"}, "project_id": "p-1", "probe_selections": PROBES}
    return peers.carry_out(PROFILE, {**params, **facts})


def a_deployment(peers, profile_id, **facts):
    params = {"profile_id": profile_id, "project_id": "p-1", "endpoint_ids": ["e-1"]}
    return peers.carry_out(DEPLOYMENT, {**params, "deployed_models": MODELS, **facts})


def all_of_it(peers):
    """Return the ids of a profile and its deployment, which the gateway knows."""
    profile = a_profile(peers).outputs["profile_id"]
    deployment = a_deployment(peers, profile).outputs["deployment_id"]
    ids = {"profile_id": profile, "deployment_id": deployment}
    config = peers.carry_out(BUILD, ids).outputs["config"]
    peers.carry_out(SYNC, {"profile_id": profile, "config": config, "endpoint_ids": ["e-1"]})
    return ids


def tables(peers):
    return peers.server.services.world.all("table")


def test_a_profile_is_made_of_its_probes_for_the_user_of_the_execution(peers):
    end = a_profile(peers, config={"name": "Chat", "severity_threshold": 0.5}, user_id="eve")

    (call,) = peers.written("POST /budapp/internal/guardrails/profiles")
    assert call["user_id"] == "ada"
    assert call["body"] == {
        "name": "Chat",
        "description": "",
        "guard_types": ["input"],
        "severity_threshold": 0.5,
        "project_id": "p-1",
        "probe_selections": PROBES,
        "execution_id": call["body"]["execution_id"],
    }
    assert end.outputs["profile_id"] is not None


@pytest.mark.parametrize("config", [{}, {"name": ""}, {"name": "x", "severity_threshold": 2}, []])
def test_a_profile_without_a_name_or_with_no_threshold_at_all_is_refused(config):
    params = {"config": config, "project_id": "p", "probe_selections": []}

    assert check_params(PROFILE.meta, params) != []


def test_a_profile_is_made_once_where_budapp_honours_keys_and_else_is_not_tried_twice(peers):
    params = {"config": {"name": "C"}, "project_id": "p", "probe_selections": []}
    ids = {
        peers.carry_out(PROFILE, params, idempotency_key="k").outputs["profile_id"]
        for _ in range(2)
    }
    peers.control(hangs_up=["/budapp/internal/guardrails/profiles"])

    unheard = peers.carry_out(PROFILE, params, may_repeat=False)

    assert len(ids) == 1
    assert (unheard.error_code, unheard.retryable) == ("outcome_unknown", False)


def test_a_deployment_is_recorded_with_the_models_that_serve_its_rules(peers):
    profile = a_profile(peers).outputs["profile_id"]

    end = a_deployment(peers, profile, reused_models=[{"rule_id": "r"}])

    (call,) = peers.written("POST /budapp/internal/guardrails/deployments")
    assert call["body"]["reused_models"] == [{"rule_id": "r"}]
    assert call["body"]["is_standalone"] is False
    assert end.outputs["deployment_id"] is not None


@pytest.mark.parametrize(
    ("params", "problems"),
    [
        (
            {"endpoint_ids": ["e"], "is_standalone": True},
            ["endpoint_ids and is_standalone exclude each other"],
        ),
        ({"endpoint_ids": []}, ["Either endpoint_ids or is_standalone is required"]),
        ({"is_standalone": True}, []),
        ({"endpoint_ids": "{{ params.e }}", "is_standalone": True}, []),
    ],
)
def test_a_deployment_stands_alone_or_guards_something(params, problems):
    assert DEPLOYMENT.validate_params(params) == problems


def test_a_deployment_of_no_profile_is_a_failure_in_the_words_of_budapp(peers):
    end = a_deployment(peers, "none")

    assert end.error == "Failed to create guardrail deployment: Profile none not found"


def test_the_configuration_has_the_shape_that_the_gateway_reads(peers):
    profile = a_profile(peers).outputs["profile_id"]
    deployment = a_deployment(peers, profile).outputs["deployment_id"]

    end = peers.carry_out(BUILD, {"profile_id": profile, "deployment_id": deployment})

    scanner = {"api_key_header": "Authorization", "timeout_ms": 30_000}
    assert end.outputs["config"] == {
        "name": "Chat",
        "providers": {
            "bud_sentinel": {
                "type": "bud_sentinel",
                "probe_config": {"probe.pii": [], "probe.abuse": ["a"]},
                "endpoint": "https://sentinel.example",
                "api_key_location": "dynamic",
                "custom_rules": [
                    {
                        "id": "rule.pii",
                        "model_id": "e-pii",
                        "scanner": "latentbud",
                        "head_mappings": [{"head_name": "default", "target_labels": []}],
                    },
                    {
                        "id": "rule.llm-1",
                        "model_id": "e-llm",
                        "scanner": "llm",
                        "handler": "gpt_safeguard",
                        "structured_json": True,
                        "policy": {"unsafe": "What nobody may say"},
                        "target_labels": ["unsafe"],
                    },
                ],
                "metadata_json": {
                    "latentbud": {"url": "https://g.example/e-pii", **scanner},
                    "llm": {"url": "https://g.example/e-llm/v1", **scanner},
                },
                "rule_overrides_json": {
                    "rule.pii": {"model_id": "e-pii"},
                    "rule.llm-1": {"model_id": "e-llm"},
                },
            }
        },
        "severity_threshold": 0.75,
        "guard_types": ["input"],
        "api_key": None,
    }


def test_a_threshold_of_nothing_is_one_and_rules_without_an_endpoint_are_not_sent():
    config = gateway_config({"severity_threshold": 0}, [{"rule_uri": "r", "endpoint_name": None}])

    assert config["severity_threshold"] == 0
    assert config["providers"]["bud_sentinel"]["custom_rules"] == []


def test_the_key_to_the_endpoints_is_added_where_the_table_is_written(peers):
    ids = all_of_it(peers)

    table = tables(peers)[f"guardrail_table:{ids['profile_id']}"]
    assert table["api_key"] == "of the gateway"
    assert tables(peers)["model_table:e-1"] == {"guardrail_profile": ids["profile_id"]}
    (call,) = peers.written("PUT /budapp/internal/guardrails/redis")
    assert call["body"]["config"]["api_key"] is None, "it is in no row of the engine"


def test_what_the_gateway_could_not_read_is_refused(peers):
    end = peers.carry_out(SYNC, {"profile_id": "p", "config": {"name": "x"}})

    assert end.error == "Failed to sync guardrail config: config has no providers"
    assert end.outputs["key"] == "guardrail_table:p"


def test_a_rollback_takes_all_of_it_back_the_gateway_first_and_keeps_the_models(peers):
    ids = all_of_it(peers)
    before = len(peers.calls)

    end = peers.carry_out(
        ROLLBACK,
        {
            **ids,
            "deployed_endpoint_ids": ["e-9"],
            "onboarded_models": ["m-1"],
            "reason": "no quota",
        },
    )

    profile, deployment = ids["profile_id"], ids["deployment_id"]
    assert end.outputs == {
        "status": "success",
        "cleaned_up": {
            "deployments": [deployment],
            "redis_keys": [f"guardrail_table:{profile}"],
            "endpoints": ["e-9"],
            "profiles": [profile],
        },
        "preserved": {"onboarded_models": ["m-1"], "profiles": []},
        "errors": [],
    }
    assert peers.calls[before:] == [
        f"POST /budapp/internal/guardrails/redis/{profile}/restore",
        f"DELETE /budapp/guardrails/deployment/{deployment}",
        "POST /budapp/endpoints/e-9/delete-workflow",
        f"DELETE /budapp/guardrails/profile/{profile}",
    ]
    assert f"guardrail_table:{profile}" not in tables(peers)
    assert {"guardrail_profile": profile} not in tables(peers).values()


def test_what_is_gone_already_is_no_error_so_that_a_rollback_can_be_repeated(peers):
    ids = all_of_it(peers)
    params = {**ids, "deployed_endpoint_ids": ["missing-1", None]}

    ends = [peers.carry_out(ROLLBACK, params) for _ in range(2)]

    assert [end.outputs["status"] for end in ends] == ["success", "success"]


def test_a_rollback_goes_on_after_an_error_and_says_what_is_left(peers):
    ids = all_of_it(peers)
    peers.control(errors={"/budapp/guardrails/deployment": 500})

    end = peers.carry_out(ROLLBACK, ids)

    assert (end.status, end.error_code) == (StepStatus.FAILED, "rollback_incomplete")
    assert end.retryable
    assert end.outputs["status"] == "partial"
    assert end.outputs["cleaned_up"]["profiles"] == [ids["profile_id"]]
    assert len(end.outputs["errors"]) == 1


def test_a_rollback_that_undid_nothing_is_an_error_and_one_of_nothing_a_success(peers):
    peers.control(errors={"/budapp": 503})

    failed = peers.carry_out(ROLLBACK, {"profile_id": "p-1"})
    nothing = peers.carry_out(ROLLBACK, {"profile_id": None, "deployed_endpoint_ids": []})

    assert (failed.outputs["status"], nothing.outputs["status"]) == ("error", "success")
