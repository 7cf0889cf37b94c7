"""Doors for deliveries over HTTP: kept before they are answered, counted once."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline_engine.config import Settings
from pipeline_engine.storage.tables.inbox import Delivery

EVENT = {"type": "notification", "payload": {"workflow_id": "w-1", "event": "results"}}


def kept(session: Session) -> list[tuple[str, str, str | None, dict[str, Any]]]:
    """What the inbox holds."""
    rows = session.scalars(select(Delivery).order_by(Delivery.id)).all()
    return [(row.source, row.sender_id, row.external_id, row.body) for row in rows]


def test_an_event_is_durable_before_it_is_answered(session: Session, service: FlaskClient) -> None:
    answer = service.post("/api/v1/events", json=EVENT | {"id": "d-1"})

    assert answer.status_code == 202
    assert answer.json["delivery_id"]
    assert (answer.json["status"], answer.json["outcome"]) == ("received", "early")
    assert kept(session) == [("events", "d-1", "w-1", EVENT | {"id": "d-1"})]


def test_the_reference_gets_the_answer_that_it_knows(service: FlaskClient) -> None:
    answer = service.post("/workflow-events", json=EVENT)

    assert answer.status_code == 200
    found = answer.json
    assert found.pop("delivery_id")
    assert found == {
        "status": "received",
        "outcome": "early",
        "routed": False,
        "step_completed": False,
        "triggers": [],
    }


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"specversion": "1.0", "id": "d-1", "source": "budapp", "type": "x", "data": EVENT}, {}),
        ({"id": "d-1", "source": "budapp", "data": EVENT}, {}),
        (EVENT, {"ce-id": "d-1", "ce-source": "budapp", "ce-specversion": "1.0"}),
        (
            {"specversion": "1.0", "id": "d-1", "source": "budapp", "data": json.dumps(EVENT)},
            {"Content-Type": "application/cloudevents+json"},
        ),
        (
            {
                "specversion": "1.0",
                "id": "d-1",
                "source": "budapp",
                "data_base64": base64.b64encode(json.dumps(EVENT).encode()).decode(),
            },
            {},
        ),
    ],
)
def test_cloudevents_are_understood_in_every_mode(
    session: Session, service: FlaskClient, body: dict[str, Any], headers: dict[str, str]
) -> None:
    headers = {"Content-Type": "application/json", **headers}

    answer = service.post("/workflow-events", data=json.dumps(body), headers=headers)

    assert answer.status_code == 200
    assert kept(session) == [("budapp", "d-1", "w-1", EVENT)]


def test_the_same_delivery_is_kept_once_and_gets_the_same_number(
    session: Session, service: FlaskClient
) -> None:
    body = {"specversion": "1.0", "id": "d-1", "source": "budapp", "data": EVENT}

    first = service.post("/events", json=body).json
    second = service.post("/workflow-events", json=body).json

    assert second["delivery_id"] == first["delivery_id"]
    assert second["outcome"] == "duplicate"
    assert len(kept(session)) == 1


def test_an_id_that_is_too_long_for_an_index_is_kept_by_its_hash(
    session: Session, service: FlaskClient
) -> None:
    body = {"specversion": "1.0", "id": "d" * 6000, "source": "budapp", "data": EVENT}

    answer = service.post("/events", json=body)

    assert answer.status_code == 202
    assert kept(session)[0][1].startswith("sha256:")


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 400, "json_rejected"),
        (b'{"a": NaN}', 400, "json_rejected"),
        (b'{"a": "\\u0000"}', 400, "json_rejected"),
        (b'{"a": 1, "a": 2}', 400, "json_rejected"),
        (b'{"a": 99999999999999999999}', 400, "json_rejected"),
        (b"[" * 100_000, 413, "request_entity_too_large"),
        (b"[" * 5000, 400, "json_rejected"),
        (b"", 422, "invalid_request"),
        (b'"text"', 422, "invalid_request"),
        (b"[1]", 422, "invalid_request"),
        (b'{"specversion": "1.0", "data": 7}', 422, "invalid_request"),
        (b'{"specversion": "1.0", "data_base64": "!"}', 422, "invalid_request"),
        (b'{"specversion": "1.0", "data": "{"}', 400, "json_rejected"),
    ],
)
def test_what_cannot_be_kept_is_refused_instead_of_lost(
    session: Session, service: FlaskClient, raw: bytes, status: int, code: str
) -> None:
    """The reference answered 200 to everything and lost it."""
    for path in ("/events", "/workflow-events"):
        answer = service.post(path, data=raw, content_type="application/json")
        assert (answer.status_code, answer.json["code"]) == (status, code)
    assert kept(session) == []


def test_a_delivery_may_be_smaller_than_a_definition(service: FlaskClient) -> None:
    large = {"text": "x" * 10_000}

    event = service.post("/events", json=large)
    callback = service.post("/callbacks/token", json=large)
    definition = service.post("/validate", json={"dag": large})

    assert (event.status_code, callback.status_code) == (413, 413)
    assert definition.status_code == 200


@pytest.mark.parametrize("token", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_a_callback_token_that_we_did_not_sign_is_401(anybody: FlaskClient, token: str) -> None:
    answer = anybody.post(f"/api/v1/callbacks/{token}", json={"approved": True})

    assert (answer.status_code, answer.json["code"]) == (401, "invalid_callback_token")


def test_unmatched_deliveries_are_listed_and_can_be_replayed(
    session: Session, service: FlaskClient
) -> None:
    service.post("/events", json=EVENT | {"id": "d-1", "token": "abc"})
    row = session.scalars(select(Delivery)).one()
    row.disposition = "unmatched"
    session.commit()

    listed = service.get("/deliveries?disposition=unmatched").json
    replayed = service.post(f"/deliveries/{row.id}/replay")
    again = service.post(f"/deliveries/{row.id}/replay")

    (found,) = listed["deliveries"]
    assert (found["id"], found["external_id"]) == (str(row.id), "w-1")
    assert found["body"]["token"] == "***REDACTED***"
    assert listed["pagination"]["total_count"] == 1
    assert (replayed.status_code, replayed.json["disposition"]) == (202, "pending")
    assert again.status_code == 404


def test_a_user_sees_and_replays_his_own_deliveries_only(
    session: Session, service: FlaskClient, alice: FlaskClient
) -> None:
    ids = {}
    for user in ("alice", "bob"):
        answer = service.post("/events", json=EVENT, headers={"X-User-ID": user})
        ids[user] = answer.json["delivery_id"]
    service.post("/events", json=EVENT)
    session.query(Delivery).update({"disposition": "unmatched"})
    session.commit()

    seen = alice.get("/deliveries").json["deliveries"]
    of_bob = alice.post(f"/deliveries/{ids['bob']}/replay")
    own = alice.post(f"/deliveries/{ids['alice']}/replay")

    assert [(one["id"], one["owner"]) for one in seen] == [(ids["alice"], "alice")]
    assert (of_bob.status_code, of_bob.json["code"]) == (404, "delivery_not_found")
    assert own.status_code == 202
    assert len(service.get("/deliveries").json["deliveries"]) == 3
    acting = {"X-User-ID": "bob"}
    assert len(service.get("/deliveries", headers=acting).json["deliveries"]) == 1


@pytest.mark.parametrize("delivery_id", ["x", "0", "-1", "9" * 30, "٣"])
def test_a_delivery_that_does_not_exist_is_404(service: FlaskClient, delivery_id: str) -> None:
    answer = service.post(f"/deliveries/{delivery_id}/replay")

    assert (answer.status_code, answer.json["code"]) == (404, "delivery_not_found")


def test_while_the_database_and_redis_are_away_a_sender_has_to_try_again(
    web_settings: Settings, app_with: Callable[[Settings], Flask]
) -> None:
    nowhere = replace(
        web_settings,
        database_url="postgresql://x@127.0.0.1:1/x",
        redis_url="redis://127.0.0.1:1/0",
    )
    client = app_with(nowhere).test_client()

    answer = client.post("/events", json=EVENT, headers={"dapr-api-token": "internal-token"})

    assert (answer.status_code, answer.json["code"]) == (503, "storage_unavailable")
    assert answer.headers["Retry-After"]
