"""Nobody gets in without a token, and nobody becomes somebody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from support.factories import a_document, a_step
from support.history_rows import an_execution

from pipeline_engine.config import Settings
from pipeline_engine.errors import InvalidSettings


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "authentication_required"),
        ("Basic dXNlcjpwYXNz", "authentication_required"),
        ("Bearer ", "authentication_required"),
        ("Bearer wrong", "invalid_token"),
        ("Bearer service-token-and-more", "invalid_token"),
        ("Bearer sérvice", "invalid_token"),
    ],
)
def test_without_a_right_token_the_answer_is_401(
    anybody: FlaskClient, header: str | None, code: str
) -> None:
    headers = {"Authorization": header} if header else {}

    answer = anybody.get("/api/v1/executions", headers=headers)

    assert (answer.status_code, answer.json["code"]) == (401, code)
    told = 'Bearer error="invalid_token"' if code == "invalid_token" else "Bearer"
    assert answer.headers["WWW-Authenticate"] == told


@pytest.mark.parametrize("name", ["access_token", "token", "api_key", "Authorization"])
def test_a_token_in_an_address_is_never_read_because_addresses_are_logged(
    anybody: FlaskClient, name: str
) -> None:
    answer = anybody.get("/executions", query_string={name: "service-token"})

    assert (answer.status_code, answer.json["code"]) == (401, "authentication_required")
    assert "service-token" not in answer.text


def test_every_token_of_a_list_is_good_so_that_tokens_can_be_rotated(app: Flask) -> None:
    for token in ("service-token", "second-service-token"):
        answer = app.test_client().get("/executions", headers={"Authorization": f"bearer {token}"})
        assert answer.status_code == 200


def test_an_installation_without_tokens_lets_nobody_in(
    web_settings: Settings, app_with: Callable[[Settings], Flask]
) -> None:
    """The reference had no authentication at all."""
    bare = replace(
        web_settings, api_tokens=(), user_tokens=MappingProxyType({}), app_api_token=None
    )
    client = app_with(bare).test_client()

    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}):
        answer = client.get("/executions", headers=headers)
        assert (answer.status_code, answer.json["code"]) == (403, "authentication_not_configured")
    event = client.post("/workflow-events", json={}, headers={"dapr-api-token": ""})
    assert (event.status_code, event.json["code"]) == (403, "authentication_not_configured")


def test_a_user_token_acts_only_as_its_user(session: Session, alice: FlaskClient) -> None:
    hers = an_execution(session, user_id="alice")
    his = an_execution(session, user_id="bob")
    session.commit()

    listed = alice.get("/executions", headers={"X-User-ID": "bob"})

    assert [found["id"] for found in listed.json["executions"]] == [str(hers.id)]
    for path in ("", "/steps", "/events", "/progress"):
        assert alice.get(f"/executions/{his.id}{path}").status_code == 404
    assert alice.post(f"/executions/{his.id}/cancel").status_code == 404


def test_a_service_acts_for_the_user_whom_it_names(session: Session, service: FlaskClient) -> None:
    hers = an_execution(session, user_id="alice")
    an_execution(session, user_id="bob")
    session.commit()

    for_alice = service.get("/executions", headers={"X-User-ID": "alice"})
    for_itself = service.get("/executions")

    assert [found["id"] for found in for_alice.json["executions"]] == [str(hers.id)]
    assert for_itself.json["pagination"]["total_count"] == 2


@pytest.mark.parametrize("user_id", ["", " ", "a b", "x" * 256, "{}"])
def test_a_wrong_user_id_is_refused_because_it_must_not_mean_everybody(
    service: FlaskClient, user_id: str
) -> None:
    """In the reference a malformed X-User-ID saw the rows of all users."""
    answer = service.get("/executions", headers={"X-User-ID": user_id})

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_user_id")


def test_a_user_sends_events_for_the_own_steps(alice: FlaskClient, service: FlaskClient) -> None:
    sent = alice.post("/events", json={"external_id": "job-1"}, headers={"X-User-ID": "bob"})

    assert sent.status_code == 202
    kept = service.get("/deliveries", headers={"X-User-ID": "alice"}).json["deliveries"]
    assert [one["id"] for one in kept] == [sent.json["delivery_id"]]
    assert service.get("/deliveries", headers={"X-User-ID": "bob"}).json["deliveries"] == []


def test_a_right_that_is_missing_is_named_before_anything_is_looked_up(
    web_settings: Settings, app_with: Callable[[Settings], Flask], session: Session
) -> None:
    hers = an_execution(session, user_id="alice")
    session.commit()
    readers = replace(web_settings, roles=MappingProxyType({"editor": ("executions:read",)}))
    alice = app_with(readers).test_client()
    alice.environ_base["HTTP_AUTHORIZATION"] = "Bearer alice-token"

    assert alice.get(f"/executions/{hers.id}").status_code == 200
    answers = [alice.post(f"/executions/{one}/cancel") for one in (hers.id, uuid4(), "no-id")]
    assert {(one.status_code, one.json["code"]) for one in answers} == {(403, "insufficient_scope")}
    told = 'Bearer error="insufficient_scope", scope="executions:control"'
    assert {one.headers["WWW-Authenticate"] for one in answers} == {told}


@pytest.mark.parametrize(
    ("owner", "status", "code"),
    [("group:ops", 403, "owner_not_allowed"), ("bob", 403, "owner_not_allowed"), ("", 422, "")],
)
def test_a_user_creates_for_nobody_who_he_is_not(
    alice: FlaskClient, owner: str, status: int, code: str
) -> None:
    answer = alice.post("/executions", json={"pipeline_id": "x"}, headers={"X-Owner": owner})

    assert (answer.status_code, answer.json["code"]) == (status, code or "invalid_owner")


@pytest.mark.parametrize("user_id", ["", "a b", "*", "x" * 256, "ad\u00e4"])
def test_a_service_names_users_in_bodies_as_strictly_as_in_headers(
    service: FlaskClient, user_id: str
) -> None:
    dag = a_document(a_step("a"))
    answers = [
        service.post("/executions/run", json={"pipeline_definition": dag, "user_id": user_id}),
        service.post("/pipelines", json={"dag": dag, "user_id": user_id}),
        service.post("/api/v1/tokens", json={"name": "t", "roles": ["viewer"], "user_id": user_id}),
    ]

    assert {answer.status_code for answer in answers} == {422}


@pytest.mark.parametrize("user_id", ["", "*", "group:ops", "a b"])
def test_no_token_of_the_environment_is_the_system_s_or_a_group_s(
    web_settings: Settings, app_with: Callable[[Settings], Flask], user_id: str
) -> None:
    users = MappingProxyType({"some-token": user_id})

    with pytest.raises(InvalidSettings, match="PIPELINE_USER_TOKENS"):
        app_with(replace(web_settings, user_tokens=users))


def test_a_service_creates_for_a_group(service: FlaskClient) -> None:
    dag = a_document(a_step("a"))

    made = service.post("/pipelines", json={"dag": dag}, headers={"X-Owner": "group:ops"})

    assert (made.status_code, made.json["user_id"]) == (201, "group:ops")


def test_services_report_events_with_the_internal_token(anybody: FlaskClient) -> None:
    right = anybody.post(
        "/workflow-events", json={"workflow_id": "w"}, headers={"dapr-api-token": "internal-token"}
    )
    wrong = anybody.post("/workflow-events", json={}, headers={"dapr-api-token": "wrong"})

    assert right.status_code == 200
    assert (wrong.status_code, wrong.json["code"]) == (403, "invalid_internal_token")


def test_the_internal_token_opens_nothing_but_the_doors_for_services(anybody: FlaskClient) -> None:
    answer = anybody.get("/executions", headers={"dapr-api-token": "internal-token"})

    assert answer.status_code == 401
