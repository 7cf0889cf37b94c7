"""What one user has does not exist for another: not by id, name, key, list, count or filter."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from support.factories import a_document, a_step
from support.history_rows import an_execution

BASE = "/api/v1"
DAG = a_document(a_step("a"))
#: What every answer has of its own.
OWN_HEADERS = {"x-correlation-id", "date", "x-ratelimit-remaining"}

Things = dict[str, str]

TARGET = {"type": "http", "url": "https://hooks.example/in"}


@pytest.fixture
def hers(alice: FlaskClient, session: Session) -> Things:
    """One of everything that Alice can have, by its noun."""
    pipeline = alice.post(f"{BASE}/pipelines", json={"dag": DAG, "name": "payroll"}).json["id"]
    execution = an_execution(session, user_id="alice")
    session.commit()
    delivery = alice.post(f"{BASE}/events", json={"external_id": "job-1"}).json["delivery_id"]
    session.execute(text("UPDATE inbox SET disposition = 'unmatched'"))
    session.commit()
    token = alice.post(f"{BASE}/tokens", json={"name": "t", "roles": ["viewer"]}).json["id"]
    hook = {"pipeline_id": pipeline, "name": "payday"}
    webhook = alice.post(f"{BASE}/webhooks", json=hook).json["id"]
    alice.put(f"{BASE}/secrets/payroll_key", json={"value": "s3cr3t-value"})
    order = {"pipeline_id": pipeline, "name": "t", "config": {"event_type": "x"}}
    trigger = alice.post(f"{BASE}/event-triggers", json=order).json["id"]
    watched = {"pipeline_id": pipeline, "name": "r", "kind": "failed"}
    when = {"type": "cron", "expression": "0 9 * * *"}
    wanted = {"pipeline_id": pipeline, "name": "payday", "schedule": when}
    schedule = alice.post(f"{BASE}/schedules", json=wanted).json["id"]
    asked = {"target": TARGET}
    subscription = alice.post(f"{BASE}/subscriptions", json=asked).json["id"]
    step = {"workflow_total_steps": 12, "step_number": 1, "provider_type": "bud"}
    begun = alice.post(f"{BASE}/guardrails/deploy-workflow", json=step)
    return {
        "guardrail": begun.json["workflow_id"],
        "trigger": trigger,
        "rule": alice.post(f"{BASE}/alert-rules", json=watched).json["id"],
        "pipeline": pipeline,
        "schedule": schedule,
        "execution": str(execution.id),
        "delivery": delivery,
        "token": token,
        "secret": "payroll_key",
        "webhook": webhook,
        "subscription": subscription,
    }


STRANGE = {
    "guardrail": str(uuid4()),
    "trigger": str(uuid4()),
    "rule": str(uuid4()),
    "pipeline": str(uuid4()),
    "schedule": str(uuid4()),
    "execution": str(uuid4()),
    "delivery": "999999",
    "token": "a" * 12,
    "secret": "other_key",
    "webhook": str(uuid4()),
    "subscription": str(uuid4()),
}
TO_PAY = {"name": "payday", "schedule": {"type": "cron", "expression": "@daily"}}
REQUESTS = [
    ("GET", "/pipelines/{pipeline}", None),
    ("GET", "/pipelines/{pipeline}/draft", None),
    ("PUT", "/pipelines/{pipeline}/draft", {"document": DAG}),
    ("DELETE", "/pipelines/{pipeline}/draft", None),
    ("GET", "/pipelines/{pipeline}/grid", None),
    ("GET", "/pipelines/{pipeline}/statistics", None),
    ("GET", "/pipelines/{pipeline}/revisions", None),
    ("PUT", "/pipelines/{pipeline}", {"dag": DAG, "lock_version": 1}),
    ("DELETE", "/pipelines/{pipeline}", None),
    ("POST", "/executions", {"pipeline_id": "{pipeline}"}),
    ("POST", "/executions", {"workflow_id": "{pipeline}", "user_id": "alice"}),
    ("GET", "/executions/{execution}", None),
    ("GET", "/executions/{execution}/steps", None),
    ("GET", "/executions/{execution}/steps?parent=1", None),
    ("GET", "/executions/{execution}/events", None),
    ("GET", "/executions/{execution}/progress", None),
    ("GET", "/executions/{execution}/explain", None),
    ("POST", "/executions/{execution}/approval", {"approved": True}),
    ("POST", "/executions/{execution}/cancel", {"force": True}),
    ("POST", "/deliveries/{delivery}/replay", None),
    ("GET", "/alert-rules/{rule}", None),
    ("PUT", "/alert-rules/{rule}", {"enabled": False}),
    ("DELETE", "/alert-rules/{rule}", None),
    ("POST", "/alert-rules", {"workflow_id": "{pipeline}", "name": "r", "kind": "failed"}),
    ("GET", "/executions/{execution}/stream", None),
    ("GET", "/event-triggers/{trigger}", None),
    ("PUT", "/event-triggers/{trigger}", {"enabled": False}),
    ("DELETE", "/event-triggers/{trigger}", None),
    ("GET", "/event-triggers/{trigger}/firings", None),
    (
        "POST",
        "/event-triggers",
        {"workflow_id": "{pipeline}", "name": "t", "config": {"event_type": "x"}},
    ),
    ("GET", "/tokens/{token}", None),
    ("DELETE", "/tokens/{token}", None),
    ("POST", "/tokens", {"name": "t", "scopes": ["executions:run"], "pipelines": ["{pipeline}"]}),
    ("POST", "/webhooks", {"workflow_id": "{pipeline}", "name": "w"}),
    ("GET", "/webhooks/{webhook}", None),
    ("PUT", "/webhooks/{webhook}", {"enabled": False}),
    ("DELETE", "/webhooks/{webhook}", None),
    ("GET", "/webhooks/{webhook}/deliveries", None),
    ("POST", "/webhooks/{webhook}/rotate-secret", None),
    ("POST", "/webhooks/{webhook}/revoke-secret", None),
    ("POST", "/webhooks/{webhook}/test", {"dry_run": True}),
    ("GET", "/guardrails/deploy-workflow/{guardrail}", None),
    ("GET", "/guardrails/deploy-workflow/{guardrail}/model-status", None),
    ("GET", "/guardrails/deployment/{guardrail}/progress", None),
    ("POST", "/guardrails/deploy-workflow/{guardrail}/cancel", None),
    (
        "POST",
        "/guardrails/deploy-workflow",
        {"workflow_id": "{guardrail}", "step_number": 1, "provider_type": "cloud"},
    ),
    ("POST", "/schedules", TO_PAY | {"pipeline_id": "{pipeline}"}),
    ("PUT", "/schedules/{schedule}", {"name": "mine", "lock_version": 1}),
    ("GET", "/schedules/{schedule}", None),
    ("GET", "/schedules/{schedule}/next-runs", None),
    ("GET", "/schedules/{schedule}/fires", None),
    ("POST", "/schedules/{schedule}/pause", None),
    ("POST", "/schedules/{schedule}/resume", None),
    ("POST", "/schedules/{schedule}/trigger", {}),
    ("POST", "/schedules/{schedule}/backfill", {"from": "2026-01-01", "to": "2026-01-02"}),
    ("DELETE", "/schedules/{schedule}", None),
    ("GET", "/secrets/{secret}", None),
    ("DELETE", "/secrets/{secret}", None),
    ("POST", "/secrets/{secret}/restore", {"version": 1}),
    ("POST", "/subscriptions", {"pipeline_id": "{pipeline}", "target": TARGET}),
    ("POST", "/subscriptions", {"execution_id": "{execution}", "target": TARGET}),
    ("GET", "/subscriptions/{subscription}", None),
    ("PUT", "/subscriptions/{subscription}", {"name": "mine"}),
    ("DELETE", "/subscriptions/{subscription}", None),
    ("GET", "/subscriptions/{subscription}/messages", None),
    ("GET", "/subscriptions/{subscription}/messages/m", None),
    ("POST", "/subscriptions/{subscription}/messages/m/replay", None),
    ("POST", "/subscriptions/{subscription}/replay", {"position": "1-1"}),
    *(
        ("POST", f"/subscriptions/{{subscription}}/{verb}", None)
        for verb in ("pause", "resume", "rotate-secret", "test")
    ),
]


def asked(client: FlaskClient, request: tuple[str, str, Any], things: Things) -> Any:
    """The answer about *things*, with their names taken out of it."""
    method, path, body = request
    filled = _filled(body, things)
    answer = client.open(BASE + path.format(**things), method=method, json=filled)
    said = answer.get_json() | {"correlation_id": None}
    words = repr(said)
    for noun, name in things.items():
        words = re.sub(rf"\b{name}\b", f"<{noun}>", words)
    headers = {name.lower(): value for name, value in answer.headers if name != "Content-Length"}
    shown = {name: value for name, value in headers.items() if name not in OWN_HEADERS}
    return answer.status_code, words, shown


def _filled(value: Any, things: Things) -> Any:
    if isinstance(value, dict):
        return {key: _filled(member, things) for key, member in value.items()}
    if isinstance(value, list):
        return [_filled(member, things) for member in value]
    return value.format(**things) if isinstance(value, str) and value.startswith("{") else value


def test_what_is_of_another_is_answered_as_what_is_not_there(
    hers: Things, bob: FlaskClient
) -> None:
    for request in REQUESTS:
        foreign, missing = asked(bob, request, hers), asked(bob, request, STRANGE)
        assert foreign[0] == 404, request
        assert foreign == missing, request


def test_what_is_hers_is_there_for_her_after_all_that(hers: Things, alice: FlaskClient) -> None:
    nouns = ("pipeline", "execution", "token", "secret", "webhook", "schedule", "subscription")
    for noun in nouns:
        assert alice.get(f"{BASE}/{noun}s/{hers[noun]}").status_code == 200


def test_lists_counts_and_filters_know_nothing_of_others(hers: Things, bob: FlaskClient) -> None:
    for path in (
        "/executions",
        f"/executions?pipeline_id={hers['pipeline']}",
        f"/executions?root={hers['execution']}",
        "/deliveries",
        "/tokens?include_revoked=true",
        "/guardrails/deploy-workflow",
        "/secrets",
        "/subscriptions",
    ):
        found = bob.get(BASE + path).json
        assert found["pagination"]["total_count"] == 0, path
    for path in (
        "/pipelines",
        "/pipelines?include_system=true",
        "/pipelines?name=payroll",
        "/webhooks",
    ):
        listed = bob.get(BASE + path)
        assert (listed.json, listed.headers["X-Total-Count"]) == ([], "0")


def test_a_pipeline_that_many_may_start_counts_for_each_what_he_has_started(
    service: FlaskClient, alice: FlaskClient, bob: FlaskClient
) -> None:
    shared = service.post(f"{BASE}/pipelines", json={"dag": DAG, "system_owned": True}).json
    alice.post(f"{BASE}/executions", json={"pipeline_id": shared["id"]})

    told = [who.get(f"{BASE}/pipelines/{shared['id']}").json for who in (alice, bob, service)]

    assert [one["execution_count"] for one in told] == [1, 0, 1]
    assert told[1]["last_execution_at"] is None
    assert bob.get(f"{BASE}/pipelines?include_system=true").json[0]["execution_count"] == 0


def test_names_keys_and_ids_of_two_owners_do_not_meet(
    hers: Things, alice: FlaskClient, bob: FlaskClient
) -> None:
    same_name = bob.post(f"{BASE}/pipelines", json={"dag": DAG, "name": "payroll"})
    same_secret = bob.put(f"{BASE}/secrets/payroll_key", json={"value": "of-bob-alone"})
    same_event = bob.post(f"{BASE}/events", json={"external_id": "job-1"})
    key = {"Idempotency-Key": "nightly"}
    ran = [
        client.post(f"{BASE}/executions/run", json={"pipeline_definition": DAG}, headers=key)
        for client in (alice, bob, alice)
    ]

    assert (same_name.status_code, same_secret.status_code) == (201, 201)
    assert same_event.json["outcome"] != "duplicate"
    assert same_event.json["delivery_id"] != hers["delivery"]
    ids = [answer.json["execution_id"] for answer in ran]
    assert (ids[0] == ids[2], ids[0] == ids[1]) == (True, False)


def test_a_user_cannot_say_that_he_is_another(hers: Things, bob: FlaskClient) -> None:
    for headers in ({"X-User-ID": "alice"}, {"X-User-ID": "system"}):
        assert bob.get(f"{BASE}/executions/{hers['execution']}", headers=headers).status_code == 404
    as_alice = bob.post(
        f"{BASE}/executions/run", json={"pipeline_definition": DAG, "user_id": "alice"}
    )
    stored = bob.post(f"{BASE}/pipelines", json={"dag": DAG, "name": "x", "user_id": "alice"})

    assert bob.get(f"{BASE}/executions/{as_alice.json['execution_id']}").json["user_id"] == "bob"
    assert stored.json["user_id"] == "bob"


def test_a_group_shares_what_it_has_and_its_members_keep_what_is_their_own(
    app: Flask, service: FlaskClient, hers: Things
) -> None:
    """What a token says of groups; those of people come with their JWT."""
    of_ops = {"X-Owner": "group:ops"}
    made = service.post(
        f"{BASE}/tokens",
        json={"name": "nightly", "roles": ["editor"], "user_id": "group:ops"},
    )
    member = app.test_client()
    member.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {made.json['token']}"
    theirs = service.post(f"{BASE}/pipelines", json={"dag": DAG, "name": "p"}, headers=of_ops).json

    started = member.post(f"{BASE}/executions", json={"pipeline_name": "p"}).json

    assert member.get(f"{BASE}/pipelines/{theirs['id']}").status_code == 200
    assert member.get(f"{BASE}/pipelines/{hers['pipeline']}").status_code == 404
    shown = service.get(f"{BASE}/executions/{started['execution_id']}", headers=of_ops).json
    assert (shown["user_id"], shown["initiator"]) == ("group:ops", "api")
