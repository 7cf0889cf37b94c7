"""``/webhooks`` and ``/trigger`` over HTTP: the answers of the reference, and what is ours."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from support.factories import a_document, a_step

from pipeline_engine.services import Runtime
from pipeline_engine.storage.tables.audit_log import AuditRecord

from .conftest import make_app

KEY = "whk-test-secret-1"
PARAMETERS = [
    {"name": "n", "type": "integer", "required": True},
    {"name": "password", "type": "secret", "required": False},
]


def a_pipeline(client: FlaskClient, **fields: Any) -> str:
    dag = a_document(a_step("a"), **fields)
    stored = client.post("/pipelines", json={"dag": dag, "name": uuid4().hex})
    assert stored.status_code == 201, stored.json
    return str(stored.json["id"])


def a_webhook(client: FlaskClient, *, document: Any = None, **given: Any) -> dict[str, Any]:
    wanted = {"workflow_id": a_pipeline(client, **document or {}), "name": "w", "secret": KEY}
    made = client.post("/webhooks", json=wanted | given)
    assert made.status_code == 201, made.json
    return dict(made.json)


def test_what_clients_of_the_reference_read_is_there_and_the_secret_is_told_once(
    alice: FlaskClient,
) -> None:
    pipeline = a_pipeline(alice)
    made = alice.post("/webhooks", json={"workflow_id": pipeline, "name": "w"}).json
    shown = alice.get(f"/webhooks/{made['id']}").json
    listed = alice.get(f"/webhooks?workflow_id={pipeline}&enabled=true")
    rotated = alice.post(f"/webhooks/{made['id']}/rotate-secret").json

    expected = {
        "workflow_id": pipeline,
        "name": "w",
        "endpoint_url": f"http://127.0.0.1:9082/trigger/{made['id']}",
        "params": {},
        "enabled": True,
        "last_triggered_at": None,
        "trigger_count": 0,
    }
    assert {name: shown[name] for name in expected} == expected
    reference = {"require_secret": True, "allowed_ips": None, "headers_to_include": []}
    assert {name: shown["config"][name] for name in reference} == reference
    assert len(made["secret"]) == 43
    assert made["secret"] != rotated["secret"]
    assert listed.json == [shown]
    assert made["secret"] not in listed.text
    assert "secret" not in shown
    assert alice.get("/webhooks?enabled=false").json == []
    assert alice.delete(f"/webhooks/{made['id']}").status_code == 204
    assert alice.get(f"/webhooks/{made['id']}").json["detail"] == "Webhook not found"


def test_the_answers_of_a_trigger_are_those_of_the_reference(
    alice: FlaskClient, anybody: FlaskClient
) -> None:
    made = a_webhook(alice, config={"allowed_ips": ["198.51.100.7"]})
    path, right = f"/trigger/{made['id']}", {"X-Webhook-Secret": KEY}
    here = {"REMOTE_ADDR": "198.51.100.7"}

    def call(path: str = path, **given: Any) -> tuple[int, str | None]:
        answer = anybody.post(path, **given)
        return answer.status_code, answer.json.get("detail")

    assert call(f"/trigger/{uuid4()}", headers=right) == (404, "Webhook not found")
    assert call("/trigger/no-uuid", headers=right) == (404, "Webhook not found")
    assert call(headers=right) == (403, "IP not allowed")
    for wrong in ({}, {"X-Webhook-Secret": "x"}, {"X-Webhook-Secret": "\u00e9"}):
        assert call(headers=wrong, environ_base=here) == (401, "Invalid secret")
    answer = anybody.post(path, headers=right, environ_base=here)
    assert answer.status_code == 200
    told = {name: answer.json[name] for name in ("workflow_id", "status", "duplicate")}
    assert told == {"workflow_id": made["workflow_id"], "status": "PENDING", "duplicate": False}
    alice.put(f"/webhooks/{made['id']}", json={"enabled": False})
    assert call(headers=right, environ_base=here) == (403, "Webhook is disabled")
    alice.delete(f"/pipelines/{made['workflow_id']}")
    assert call(headers=right, environ_base=here)[0] == 410
    assert alice.get(f"/webhooks/{made['id']}").json["workflow_id"] is None


def test_params_that_the_pipeline_does_not_know_or_misses_are_found_when_it_is_saved(
    alice: FlaskClient,
) -> None:
    document = {"parameters": PARAMETERS}
    pipeline = a_pipeline(alice, **document)

    def problems(**given: Any) -> set[tuple[str, str]]:
        answer = alice.post("/webhooks", json={"workflow_id": pipeline, "name": "w", **given})
        found = answer.json.get("errors") or ()
        return {(one["pointer"], one["code"]) for one in found}

    mapped = {"map": {"n": "{{ body.n }}"}}
    assert problems() == set()
    assert problems(config=mapped) == set()
    assert problems(config={"map": {}}) == {("/params/n", "required")}
    assert problems(params={"m": 1}) == {("/params/m", "unknown_parameter")}
    assert problems(params={"n": "x"}) == {("/params/n", "wrong_type")}
    assert problems(config={"map": mapped["map"] | {"m": 1}}) == {
        ("/config/map/m", "unknown_parameter")
    }
    assert problems(config={"map": {"n": "{{ bod.n }}"}}) == {("/config/map/n", "unknown_name")}
    assert problems(secret="short") == {("/secret", "invalid_secret")}
    assert problems(secret=KEY, config={"require_secret": False}) == {("/secret", "contradiction")}


def test_a_change_keeps_what_is_not_given_and_whether_a_secret_is_needed(
    alice: FlaskClient,
) -> None:
    document = {"parameters": PARAMETERS}
    made = a_webhook(alice, document=document, params={"n": 1, "password": "hidden-value"})
    path = f"/webhooks/{made['id']}"
    shown = made["params"]

    config = {"require_secret": False, "allowed_ips": ["192.0.2.7/24"]}
    changed = alice.put(
        path, json={"params": shown | {"n": 2}, "config": config}, headers={"If-Match": '"1"'}
    )
    stale = alice.put(path, json={"name": "v"}, headers={"If-Match": '"1"'})

    assert shown == {"n": 1, "password": "***REDACTED***"}
    assert changed.json["params"] == {"n": 2, "password": "***REDACTED***"}
    assert changed.json["config"]["allowed_ips"] == ["192.0.2.0/24"]
    assert changed.json["config"]["require_secret"] is True
    assert changed.headers["ETag"] == '"2"'
    assert stale.status_code == 412
    tried = alice.post(f"{path}/test", json={"dry_run": True}).json
    assert tried["problems"] == []


def test_a_trial_says_what_a_request_would_start_and_starts_it_unless_it_is_dry(
    alice: FlaskClient,
) -> None:
    mapping = {"n": "{{ body.n }}"}
    config = {"map": mapping, "dedupe_key": "{{ headers.x_id }}"}
    made = a_webhook(alice, document={"parameters": PARAMETERS}, config=config)
    path = f"/webhooks/{made['id']}"
    alice.put(path, json={"enabled": False})

    wrong = alice.post(f"{path}/test", json={"body": {"n": "x"}}).json
    asked = {"body": {"n": 3}, "headers": {"X-Id": "7"}}
    dry = alice.post(f"{path}/test", json=asked | {"dry_run": True}).json
    wet = alice.post(f"{path}/test", json=asked).json

    assert [one["code"] for one in wrong["problems"]] == ["wrong_type"]
    assert (dry["params"], dry["dedupe_key"], dry["execution_id"]) == ({"n": 3}, "7", None)
    (delivery,) = alice.get(f"{path}/deliveries?include_body=true").json["deliveries"]
    assert (delivery["test"], delivery["body"]) == (True, '{"n":3}')
    assert delivery["execution_id"] == wet["execution_id"]


def test_a_trial_tells_of_an_expression_that_fails(alice: FlaskClient) -> None:
    for config in ({"map": {"n": "{{ body.n / 0 }}"}}, {"dedupe_key": "{{ body.n / 0 }}"}):
        made = a_webhook(alice, document={"parameters": PARAMETERS}, config=config)

        tried = alice.post(f"/webhooks/{made['id']}/test", json={"body": {"n": 3}})

        assert (tried.status_code, tried.json["execution_id"]) == (200, None)
        assert len(tried.json["problems"]) == 1


def test_what_a_body_gives_for_a_secret_parameter_is_shown_nowhere_in_its_delivery(
    alice: FlaskClient, anybody: FlaskClient
) -> None:
    pin = {"name": "pin", "type": "secret", "required": False}
    made = a_webhook(alice, document={"parameters": [pin]})
    headers = {"X-Webhook-Secret": KEY, "X-Gitlab-Token": "gl-hidden-value"}
    body = {"params": {"pin": "hidden-value"}, "note": "it is hidden-value"}
    anybody.post(f"/trigger/{made['id']}", json=body, headers=headers)

    found = alice.get(f"/webhooks/{made['id']}/deliveries?include_body=true")

    assert len(found.json["deliveries"]) == 1
    assert "hidden-value" not in found.text


def test_deliveries_are_listed_with_what_became_of_each_and_without_secrets(
    alice: FlaskClient, bob: FlaskClient, anybody: FlaskClient
) -> None:
    made = a_webhook(alice)
    headers = {"X-Webhook-Secret": KEY, "Cookie": "session=1", "X-GitHub-Delivery": "g-1"}
    for _ in range(2):
        anybody.post(f"/trigger/{made['id']}", json={"token": "hidden-value"}, headers=headers)

    found = alice.get(f"/webhooks/{made['id']}/deliveries?outcome=PENDING&include_body=true")

    (one,) = found.json["deliveries"]
    assert (one["key"], one["duplicates"], one["form"]) == ("g-1", 1, "secret")
    assert "hidden-value" not in found.text
    assert KEY not in found.text
    assert "cookie" not in one["headers"]
    assert bob.get(f"/webhooks/{made['id']}/deliveries").status_code == 404


def test_what_strangers_are_refused_is_on_the_owners_record_and_merged(
    alice: FlaskClient, anybody: FlaskClient, session: Session, application: Flask
) -> None:
    application.extensions["pipeline_engine_refusals"].forget()
    made = a_webhook(alice)
    for _ in range(5):
        anybody.post(f"/trigger/{made['id']}", headers={"X-Webhook-Secret": "wrong"})

    found = session.query(AuditRecord).filter_by(act="webhook.trigger").all()

    told = [(one.owner, one.target, one.code, one.principal) for one in found]
    assert told == [("alice", made["id"], "invalid_webhook_secret", None)]
    assert alice.get(f"/webhooks/{made['id']}/deliveries").json["deliveries"] == []


@pytest.fixture(scope="module")
def meddled(runtime: Runtime) -> FlaskClient:
    """A client of an application in which somebody reads the form of every request first."""
    app = make_app(runtime)
    app.before_request_funcs.setdefault(None, []).insert(0, lambda: str(request.form)[:0] or None)
    return app.test_client()


@pytest.mark.parametrize(
    ("content_type", "raw", "signature"),
    [
        (
            "application/json",
            rb'{"name": "caf\u00e9",  "n": 1.0, "z":1e2, "a":"\/"}',
            "a9ace4ef9c7086d619f7f0574c66c81ce134ddba08fe6175a56a4273897f485d",
        ),
        (
            "application/x-www-form-urlencoded",
            b"payload=%7B%22zen%22%3A%22Keep%20it%20simple%22%7D",
            "e4fd2f111be92fbc10bc16397afe2cdde990841549ee5cd9db707b533b1d0403",
        ),
        (
            "application/json",
            b"",
            "a297e1b5b9aab6c9242100785bcbe5978153863feab51e9d5183496369d51c9c",
        ),
    ],
    ids=["json", "form", "empty"],
)
def test_a_signature_is_right_whoever_has_read_the_form_before(
    alice: FlaskClient, meddled: FlaskClient, content_type: str, raw: bytes, signature: str
) -> None:
    made = a_webhook(alice)
    headers = {"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": content_type}

    answer = meddled.post(f"/trigger/{made['id']}", data=raw, headers=headers)

    assert answer.status_code == 200, answer.json
    (one,) = alice.get(f"/webhooks/{made['id']}/deliveries?include_body=true").json["deliveries"]
    assert one["body"] == raw.decode()


def test_what_cannot_be_read_or_is_too_large_is_refused_before_it_is_kept(
    alice: FlaskClient, anybody: FlaskClient
) -> None:
    made = a_webhook(alice, config={"dedupe_key": "{{ body.a / 0 }}"})
    path, secret = f"/trigger/{made['id']}", {"X-Webhook-Secret": KEY}

    def call(raw: bytes, content_type: str = "application/json", **more: str) -> tuple[int, str]:
        headers = secret | {"Content-Type": content_type, **more}
        answer = anybody.post(path, data=raw, headers=headers)
        return answer.status_code, answer.json["code"]

    assert call(b"{") == (400, "json_rejected")
    assert call(b"<a/>", "text/xml") == (415, "unreadable_body")
    assert call(b"{}", **{"Content-Encoding": "gzip"}) == (415, "unsupported_media_type")
    assert call(b'{"a": 1}') == (422, "dedupe_key_failed")
    assert call(b"x" * 1_048_577) == (413, "request_entity_too_large")
    assert alice.get(f"/webhooks/{made['id']}/deliveries").json["deliveries"] == []


def test_too_many_requests_are_told_when_to_come_back(
    alice: FlaskClient, anybody: FlaskClient
) -> None:
    made = a_webhook(alice, config={"max_per_minute": 1})
    secret = {"X-Webhook-Secret": KEY}

    answers = [anybody.post(f"/trigger/{made['id']}", headers=secret) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert 1 <= int(answers[1].headers["Retry-After"]) <= 60
