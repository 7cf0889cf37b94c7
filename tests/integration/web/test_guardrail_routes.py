"""``/guardrails``: bodies, versions and repeats; what the steps do is tested at the service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session
from support.guardrails import behaving, peers_of
from support.stand_ins import StandIns, stand_ins

from pipeline_engine.config import Settings
from pipeline_engine.guardrails import shipping
from pipeline_engine.registry import RegisteredAction, Registry
from pipeline_engine.storage.tables.audit_log import AuditRecord

WORKFLOWS = "/api/v1/guardrails/deploy-workflow"
BEGIN = {"workflow_total_steps": 12, "step_number": 1, "provider_type": "bud"}
PROBE = [{"id": "harm"}]


@pytest.fixture(scope="module")
def peers() -> Iterator[StandIns]:
    with stand_ins() as running:
        yield running


@pytest.fixture(scope="module")
def guarded(
    web_settings: Settings, peers: StandIns, redis_url: str, app_with: Callable[[Settings], Flask]
) -> Flask:
    """The application with the stand-ins as its peers, and a gateway."""
    urls = peers_of(peers)
    return app_with(replace(web_settings, service_urls=urls, gateway_redis_url=redis_url))


@pytest.fixture
def ada(guarded: Flask, alice: FlaskClient, peers: StandIns) -> FlaskClient:
    peers.reset()
    client = guarded.test_client()
    client.environ_base.update(alice.environ_base)
    return client


def say(client: FlaskClient, workflow_id: str, step: int, **fields: Any) -> Any:
    return client.post(WORKFLOWS, json={"workflow_id": workflow_id, "step_number": step, **fields})


def problems(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.json
    assert answer.json["code"] == "invalid_guardrail_step"
    return {one["pointer"]: one["code"] for one in answer.json["errors"]}


def a_mesh(app: Flask, **headers: str) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_DAPR_API_TOKEN"] = "internal-token"
    client.environ_base.update(headers)
    return client


def a_served_probe(app: Flask, peers: StandIns) -> str:
    """A probe both of whose models answer already, as peers have said."""
    probe, mesh = uuid4().hex[:8], a_mesh(app, HTTP_X_USER_ID="alice")
    for number in (1, 2):
        model_id = f"{probe}-model-{number}"
        rule = f"/internal/guardrails/rules/{probe}-rule-{number}/model"
        assert mesh.patch(rule, json={"model_id": model_id}).status_code == 200
        serving = {"name": model_id, "model_id": model_id, "project_id": "project-1"}
        peers.server.services.world.put("endpoint", f"e-{model_id}", serving)
    return probe


@pytest.fixture
def deploying(
    ada: FlaskClient, peers: StandIns, session: Session, installed_actions: list[RegisteredAction]
) -> str:
    """A workflow whose last pipeline has been started; there is no worker to run it."""
    shipping.ship(session, Registry(installed_actions))
    session.commit()
    begun = str(ada.post(WORKFLOWS, json=BEGIN).json["workflow_id"])
    probe = [{"id": a_served_probe(ada.application, peers)}]
    say(ada, begun, 3, project_id="project-1", probe_selections=probe)
    say(ada, begun, 11, is_standalone=True, name="Guard")
    started = say(ada, begun, 12, trigger_workflow=True)
    assert started.status_code == 200, started.json
    return begun


def test_a_workflow_is_begun_and_goes_on_step_by_step(ada: FlaskClient) -> None:
    begun = ada.post(WORKFLOWS, json=BEGIN)
    workflow_id = begun.json["workflow_id"]
    second = say(ada, workflow_id, 2, project_id="project-1")
    third = say(ada, workflow_id, 3, probe_selections=PROBE)

    assert (begun.status_code, second.status_code, third.status_code) == (201, 200, 200)
    shown = ada.get(f"{WORKFLOWS}/{workflow_id}")
    assert shown.json == third.json
    assert shown.headers["ETag"] == f'"{third.json["version"]}"'
    assert (third.json["object"], third.json["next_step"]) == ("workflow.get", 5)
    steps = third.json["workflow_steps"]
    assert (steps["models_requiring_onboarding"], steps["credential_required"]) == (3, True)
    assert steps["cluster_id"] is None, "what is not known is null, and there"
    models = ada.get(f"{WORKFLOWS}/{workflow_id}/model-status").json
    assert (models["object"], models["total_models"]) == ("guardrail.model_status", 3)
    for model, kept in zip(models["models"], steps["model_statuses"], strict=True):
        assert model.items() <= kept.items()
    progress = ada.get(f"/api/v1/guardrails/deployment/{workflow_id}/progress").json
    assert (progress["workflow"], progress["run"]) == (third.json, None)


def test_the_paths_of_the_reference_service_lead_to_the_same(ada: FlaskClient) -> None:
    begun = ada.post("/guardrails/deploy-workflow", json=BEGIN).json["workflow_id"]

    assert ada.get(f"/guardrails/deployment/{begun}/progress").status_code == 200
    assert [one["workflow_id"] for one in ada.get(WORKFLOWS).json["workflows"]] == [begun]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"step_number": 1, "provider_type": "bud"}, {"/workflow_id": "one_of"}),
        (BEGIN | {"workflow_id": str(uuid4())}, {"/workflow_id": "one_of"}),
        (BEGIN | {"workflow_total_steps": 11}, {"/workflow_total_steps": "out_of_range"}),
        (BEGIN | {"step_number": 0}, {"/step_number": "out_of_range"}),
        (BEGIN | {"step_number": True}, {"/step_number": "out_of_range"}),
        (BEGIN | {"step_number": "1"}, {"/step_number": "out_of_range"}),
        (BEGIN | {"providertype": "bud"}, {"/providertype": "unknown_field"}),
        (BEGIN | {"probe_selections": {}}, {"/probe_selections": "invalid_type"}),
        (BEGIN | {"probe_selections": [{}]}, {"/probe_selections/0/id": "required"}),
        (BEGIN | {"probe_selections": PROBE * 2}, {"/probe_selections/1/id": "duplicate"}),
        (BEGIN | {"severity_threshold": 1.5}, {"/severity_threshold": "out_of_range"}),
        (BEGIN | {"hardware_mode": "borrowed"}, {"/hardware_mode": "unknown_value"}),
        (
            BEGIN | {"is_standalone": True, "endpoint_ids": ["e-1"]},
            {"/endpoint_ids": "one_of"},
        ),
        ({"workflow_id": str(uuid4()), "step_number": 2}, {"/step_number": "required"}),
        ({"workflow_id": "7", "step_number": 2, "name": "x"}, {"/workflow_id": "invalid_type"}),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(
    ada: FlaskClient, body: dict[str, Any], found: dict[str, str]
) -> None:
    assert problems(ada.post(WORKFLOWS, json=body)) == found


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b"7",
        b'"text"',
        b"{",
        b"",
        b'{"workflow_total_steps": 12, "step_number": 1, "name": "\\u0000"}',
        b'{"workflow_total_steps": 12, "step_number": 1, "deploy_config": ' + b"[" * 500,
        b'{"workflow_total_steps": 1e400, "step_number": 1, "name": "x"}',
        b'{"workflow_total_steps": 12, "step_number": 1' + b"0" * 4500 + b', "name": "x"}',
        json.dumps(BEGIN | {"name": "\ud800"}).encode(),
        json.dumps(BEGIN | {"name": "x" * 5001}).encode(),
        json.dumps(BEGIN | {"endpoint_ids": ["e"] * 51}).encode(),
        json.dumps(BEGIN | {"deploy_config": []}).encode(),
        json.dumps(BEGIN | {"tags": [1]}).encode(),
    ],
)
def test_junk_is_refused_and_begins_nothing(ada: FlaskClient, body: bytes) -> None:
    answer = ada.post(WORKFLOWS, data=body, content_type="application/json")

    assert 400 <= answer.status_code < 500, answer.json
    assert answer.json["code"]
    assert ada.get(WORKFLOWS).json["workflows"] == []


@pytest.mark.parametrize(
    "name", ["7", "x" * 300, "%F0%9F%92%A9", "01a20112-0d5c-7a43-9f0e-6a0f3f6d2b22", "a%20b"]
)
def test_an_id_that_is_none_is_not_found(ada: FlaskClient, name: str) -> None:
    for path in (
        f"{WORKFLOWS}/{name}",
        f"{WORKFLOWS}/{name}/model-status",
        f"/api/v1/guardrails/deployment/{name}/progress",
    ):
        found = ada.get(path)
        assert (found.status_code, found.json["code"]) == (404, "guardrail_workflow_not_found")
    assert ada.post(f"{WORKFLOWS}/{name}/cancel").status_code == 404


def test_who_has_seen_an_older_version_overwrites_nothing(ada: FlaskClient) -> None:
    begun = ada.post(WORKFLOWS, json=BEGIN)
    old, workflow_id = begun.headers["ETag"], begun.json["workflow_id"]
    say(ada, workflow_id, 2, project_id="project-1")

    body = {"workflow_id": workflow_id, "step_number": 2, "project_id": "project-2"}
    by_header = ada.post(WORKFLOWS, json=body, headers={"If-Match": old})
    by_body = ada.post(WORKFLOWS, json=body | {"version": begun.json["version"]})

    assert (by_header.status_code, by_header.json["code"]) == (412, "if_match_failed")
    assert (by_body.status_code, by_body.json["code"]) == (409, "version_mismatch")
    assert ada.get(f"{WORKFLOWS}/{workflow_id}").json["workflow_steps"]["project_id"] == "project-1"


def test_a_repeat_after_a_lost_answer_begins_no_second_workflow(ada: FlaskClient) -> None:
    key = {"Idempotency-Key": "k-1"}
    first, again = (ada.post(WORKFLOWS, json=BEGIN, headers=key) for _ in range(2))
    other = ada.post(WORKFLOWS, json=BEGIN | {"provider_type": "cloud"}, headers=key)

    assert first.json["workflow_id"] == again.json["workflow_id"]
    assert ada.get(WORKFLOWS).json["pagination"]["total_count"] == 1
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_a_token_that_may_start_nothing_says_no_step_for_any_may_start_a_pipeline(
    guarded: Flask, ada: FlaskClient
) -> None:
    wanted = {"name": "wizard", "scopes": ["guardrails:read", "guardrails:write"]}
    token = ada.post("/api/v1/tokens", json=wanted).json["token"]
    wizard = guarded.test_client()
    wizard.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"

    refused = wizard.post(WORKFLOWS, json=BEGIN)

    assert (refused.status_code, refused.json["code"]) == (403, "insufficient_scope")
    assert "executions:run" in refused.json["detail"]


def test_lists_know_the_status(ada: FlaskClient) -> None:
    first, second = (ada.post(WORKFLOWS, json=BEGIN).json["workflow_id"] for _ in range(2))
    stopped = ada.post(f"{WORKFLOWS}/{first}/cancel", json={"reason": "Another project"})
    again = ada.post(f"{WORKFLOWS}/{first}/cancel")

    assert (stopped.status_code, stopped.json["status"]) == (200, "success")
    assert again.json == stopped.json
    for status, there in (("cancelled", [first]), ("in_progress", [second]), ("failed", [])):
        found = ada.get(WORKFLOWS, query_string={"status": status}).json["workflows"]
        assert [one["workflow_id"] for one in found] == there
    assert ada.get(WORKFLOWS, query_string={"status": "odd"}).status_code == 422
    ended = say(ada, first, 2, project_id="project-1")
    assert (ended.status_code, ended.json["code"]) == (409, "guardrail_workflow_ended")


def test_peers_link_rules_and_delete_tables_with_their_token(
    guarded: Flask, ada: FlaskClient, redis: Redis, session: Session
) -> None:
    mesh = a_mesh(guarded)
    redis.set("guardrail_table:p-1", json.dumps({"name": "Chat"}))
    redis.set("model_table:e-1", json.dumps({"guardrail_profile": "p-1"}))
    path = "/internal/guardrails/redis/p-1"

    linked = mesh.patch("/internal/guardrails/rules/rule-9/model", json={"model_id": "m-9"})
    gone, again = mesh.delete(path), mesh.delete(path)

    assert linked.json == {"rule_id": "rule-9", "model_id": "m-9"}
    assert gone.json == {"profile_id": "p-1", "endpoint_ids": ["e-1"]}
    assert again.status_code == 404
    assert json.loads(redis.get("model_table:e-1")) == {}  # type: ignore[arg-type]
    assert ada.delete(path).status_code == 403
    records = session.scalars(select(AuditRecord).order_by(AuditRecord.id)).all()
    assert [(one.act, one.target, one.result) for one in records] == [
        ("guardrail.link_rule", "rule-9", "done"),
        ("guardrail.delete_table", "p-1", "done"),
        ("guardrail.delete_table", "p-1", "refused"),
        ("guardrail.delete_table", "p-1", "refused"),
    ]


def test_models_that_serve_lead_from_the_probes_to_the_type_of_deployment(
    ada: FlaskClient, peers: StandIns
) -> None:
    begun = ada.post(WORKFLOWS, json=BEGIN).json["workflow_id"]
    probe = [{"id": a_served_probe(ada.application, peers)}]

    chosen = say(ada, begun, 3, project_id="project-1", probe_selections=probe).json
    typed = say(ada, begun, 9, is_standalone=True).json

    assert (chosen["next_step"], chosen["skipped_steps"]) == (9, [5, 6, 7, 8])
    assert len(chosen["workflow_steps"]["models_to_reuse"]) == 2
    assert (typed["next_step"], typed["skipped_steps"]) == (11, [5, 6, 7, 8, 10])


def test_progress_tells_of_the_pipeline_as_much_as_is_wanted(
    ada: FlaskClient, deploying: str
) -> None:
    path = f"/api/v1/guardrails/deployment/{deploying}/progress"

    summary = ada.get(path, query_string={"detail": "summary"}).json
    full = ada.get(path).json

    assert (full["run"]["step_number"], full["run"]["number"]) == (12, 1)
    for told in (summary, full):
        assert told["progress"]["execution"]["id"] == told["run"]["execution_id"]
        assert told["progress"]["execution"]["notification_workflow_id"] == deploying
    assert (summary["progress"]["steps"], summary["progress"]["recent_events"]) == ([], [])
    assert full["progress"]["steps"][0]["step_id"] == "deploy_models"
    assert ada.get(path, query_string={"detail": "most"}).status_code == 422


def test_while_a_pipeline_runs_only_the_same_may_be_said_and_a_cancel_goes_on(
    ada: FlaskClient, deploying: str
) -> None:
    other = say(ada, deploying, 11, name="Another")
    same = say(ada, deploying, 12, trigger_workflow=True)
    stopped = ada.post(f"{WORKFLOWS}/{deploying}/cancel", json={"reason": "Another project"})

    assert (other.status_code, other.json["code"]) == (409, "guardrail_pipeline_running")
    assert (same.status_code, len(same.json["runs"])) == (200, 1)
    assert (stopped.status_code, stopped.json["status"]) == (202, "pending")
    shown = ada.get(f"{WORKFLOWS}/{deploying}").json
    assert (shown["phase"], shown["reason"]) == ("cancelling", "Another project")


def test_a_step_too_far_says_what_it_misses(ada: FlaskClient) -> None:
    begun = ada.post(WORKFLOWS, json=BEGIN).json["workflow_id"]

    refused = say(ada, begun, 9, is_standalone=True)

    assert (refused.status_code, refused.json["code"]) == (409, "guardrail_step_not_reached")
    assert refused.json["missing"][0] == {"step": 2, "fields": ["project_id"]}
    assert ada.get(f"{WORKFLOWS}/{begun}").json["version"] == 1


def test_what_budapp_does_not_have_or_say_changes_nothing(
    ada: FlaskClient, peers: StandIns
) -> None:
    begun = ada.post(WORKFLOWS, json=BEGIN).json["workflow_id"]

    missing = say(ada, begun, 2, project_id="missing-1")
    with behaving(peers, errors={"/budapp/projects": 503}):
        away = say(ada, begun, 2, project_id="project-1")

    assert problems(missing) == {"/project_id": "unknown_project"}
    assert (away.status_code, away.json["code"]) == (503, "peer_unavailable")
    assert away.headers["Retry-After"]
    assert ada.get(f"{WORKFLOWS}/{begun}").json["version"] == 1


def test_other_methods_are_refused_with_those_that_there_are(ada: FlaskClient) -> None:
    answer = ada.put(WORKFLOWS, json=BEGIN)

    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].replace(" ", "").split(","))
