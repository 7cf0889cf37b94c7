"""The audit log over HTTP: one record for each act, done or refused, and none for what reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session
from support.history_rows import a_document, a_pipeline, a_step, an_execution
from werkzeug.test import TestResponse

from pipeline_engine.services import Runtime
from pipeline_engine.storage.tables.audit_log import AuditRecord
from pipeline_engine.storage.tables.inbox import Delivery
from pipeline_engine.storage.tables.pipelines import Pipeline
from pipeline_engine.storage.tables.subscriptions import SubscriptionMessage
from pipeline_engine.storage.tables.tokens import Token

from .conftest import BOB, INTERNAL, client_of

ADDRESS = "10.9.8.7"
LOG = "/api/v1/audit-log"


@dataclass(frozen=True, slots=True)
class Act:
    """One request that changes something of alice, and what the audit log is to say of it."""

    word: str
    path: str
    body: Any = None
    target: str | None = None  #: null: what the answer names
    named: str = "id"  #: the field of the answer that names the target
    headers: tuple[tuple[str, str], ...] = ()

    def by(self, client: FlaskClient, method: str, request_id: str) -> TestResponse:
        return client.open(
            self.path,
            method=method,
            json=self.body,
            headers={"X-Correlation-ID": request_id, **dict(self.headers)},
            environ_base={"REMOTE_ADDR": ADDRESS},
        )


Making = Callable[[Session, FlaskClient], Act]
ACTS: dict[tuple[str, str], Making] = {}  #: by method and route


def route(method: str, rule: str) -> Callable[[Making], Making]:
    def noted(making: Making) -> Making:
        ACTS[method, rule] = making
        return making

    return noted


def a_stored_pipeline(session: Session) -> str:
    pipeline = a_pipeline(session, user_id="alice", name=uuid4().hex)
    session.commit()
    return str(pipeline.id)


@route("POST", "/pipelines")
def create(session: Session, alice: FlaskClient) -> Act:
    return Act("pipeline.create", "/api/v1/pipelines", {"dag": a_document()})


@route("PUT", "/pipelines/<pipeline_id>")
def replace(session: Session, alice: FlaskClient) -> Act:
    pipeline = a_stored_pipeline(session)
    body = {"dag": a_document("a", "b"), "lock_version": 1}
    return Act("pipeline.replace", f"/api/v1/pipelines/{pipeline}", body, pipeline)


@route("DELETE", "/pipelines/<pipeline_id>")
def delete(session: Session, alice: FlaskClient) -> Act:
    pipeline = a_stored_pipeline(session)
    return Act("pipeline.delete", f"/api/v1/pipelines/{pipeline}", None, pipeline)


@route("POST", "/pipelines/<pipeline_id>/archive")
def archive(session: Session, alice: FlaskClient) -> Act:
    pipeline = a_stored_pipeline(session)
    return Act("pipeline.archive", f"/api/v1/pipelines/{pipeline}/archive", None, pipeline)


@route("POST", "/pipelines/<pipeline_id>/restore")
def restore(session: Session, alice: FlaskClient) -> Act:
    pipeline = a_stored_pipeline(session)
    archived = update(Pipeline).where(Pipeline.id == UUID(pipeline)).values(status="ARCHIVED")
    session.execute(archived)
    session.commit()
    return Act("pipeline.restore", f"/api/v1/pipelines/{pipeline}/restore", None, pipeline)


@route("PUT", "/pipelines/<pipeline_id>/draft")
def begin_draft(session: Session, alice: FlaskClient) -> Act:
    pipeline = a_stored_pipeline(session)
    body = {"document": "hidden-value"}
    return Act("draft.begin", f"/api/v1/pipelines/{pipeline}/draft", body, pipeline)


@route("DELETE", "/pipelines/<pipeline_id>/draft")
def discard_draft(session: Session, alice: FlaskClient) -> Act:
    pipeline = a_stored_pipeline(session)
    path = f"/api/v1/pipelines/{pipeline}/draft"
    alice.put(path, json={"document": {}})
    return Act("draft.discard", path, None, pipeline)


def a_stored_trigger(session: Session, alice: FlaskClient) -> str:
    body = {"pipeline_id": a_stored_pipeline(session), "name": "t", "config": {"event_type": "x"}}
    return str(alice.post("/api/v1/event-triggers", json=body).json["id"])


@route("POST", "/event-triggers")
def create_trigger(session: Session, alice: FlaskClient) -> Act:
    body = {"pipeline_id": a_stored_pipeline(session), "name": "t", "config": {"event_type": "x"}}
    return Act("event_trigger.create", "/api/v1/event-triggers", body)


@route("PUT", "/event-triggers/<trigger_id>")
def change_trigger(session: Session, alice: FlaskClient) -> Act:
    trigger = a_stored_trigger(session, alice)
    path = f"/api/v1/event-triggers/{trigger}"
    return Act("event_trigger.change", path, {"enabled": False}, trigger)


@route("DELETE", "/event-triggers/<trigger_id>")
def delete_trigger(session: Session, alice: FlaskClient) -> Act:
    trigger = a_stored_trigger(session, alice)
    return Act("event_trigger.delete", f"/api/v1/event-triggers/{trigger}", None, trigger)


def a_rule(session: Session) -> dict[str, str]:
    return {"pipeline_id": a_stored_pipeline(session), "name": "r", "kind": "failed"}


@route("POST", "/alert-rules")
def create_alert_rule(session: Session, alice: FlaskClient) -> Act:
    return Act("alert_rule.create", "/api/v1/alert-rules", a_rule(session))


@route("PUT", "/alert-rules/<rule_id>")
def change_alert_rule(session: Session, alice: FlaskClient) -> Act:
    rule = str(alice.post("/api/v1/alert-rules", json=a_rule(session)).json["id"])
    return Act("alert_rule.change", f"/api/v1/alert-rules/{rule}", {"name": "s"}, rule)


@route("DELETE", "/alert-rules/<rule_id>")
def delete_alert_rule(session: Session, alice: FlaskClient) -> Act:
    rule = str(alice.post("/api/v1/alert-rules", json=a_rule(session)).json["id"])
    return Act("alert_rule.delete", f"/api/v1/alert-rules/{rule}", None, rule)


@route("POST", "/executions")
def start(session: Session, alice: FlaskClient) -> Act:
    body = {"pipeline_id": a_stored_pipeline(session)}
    return Act("execution.start", "/api/v1/executions", body, named="execution_id")


@route("POST", "/executions/run")
def run(session: Session, alice: FlaskClient) -> Act:
    body = {"pipeline_definition": a_document()}
    return Act("execution.start", "/api/v1/executions/run", body, named="execution_id")


@route("POST", "/executions/<execution_id>/cancel")
def cancel(session: Session, alice: FlaskClient) -> Act:
    execution = an_execution(session, user_id="alice")
    a_step(session, execution, "a", "PENDING")
    session.commit()
    path = f"/api/v1/executions/{execution.id}/cancel"
    return Act("execution.cancel", path, {}, str(execution.id))


@route("POST", "/executions/<execution_id>/approval")
def approve(session: Session, alice: FlaskClient) -> Act:
    execution = an_execution(session, user_id="alice")
    a_step(session, execution, "a", "RUNNING", action="approval", awaiting_event=True, attempt=1)
    session.commit()
    path = f"/api/v1/executions/{execution.id}/approval"
    return Act("approval.answer", path, {"approved": True}, str(execution.id))


@route("POST", "/events")
def send(session: Session, alice: FlaskClient) -> Act:
    body = {"event_key": "k-1"}
    return Act("event.send", "/api/v1/events", body, named="delivery_id")


@route("POST", "/workflow-events")
def send_as_before(session: Session, alice: FlaskClient) -> Act:
    body = {"payload": {"workflow_id": "w-1"}}
    return Act("event.send", "/api/v1/workflow-events", body, named="delivery_id")


@route("POST", "/deliveries/<delivery_id>/replay")
def replay(session: Session, alice: FlaskClient) -> Act:
    row = Delivery(
        owner="alice",
        source="events",
        delivery_key="d",
        external_id="k",
        event_type="",
        body={},
        disposition="unmatched",
    )
    session.add(row)
    session.commit()
    return Act("delivery.replay", f"/api/v1/deliveries/{row.id}/replay", None, str(row.id))


def a_schedule(session: Session, alice: FlaskClient) -> str:
    made = alice.post("/api/v1/schedules", json=DAILY | {"pipeline_id": a_stored_pipeline(session)})
    return str(made.json["id"])


DAILY = {"name": "s", "schedule": {"type": "cron", "expression": "@daily"}}


@route("POST", "/schedules")
def create_schedule(session: Session, alice: FlaskClient) -> Act:
    body = DAILY | {"pipeline_id": a_stored_pipeline(session)}
    return Act("schedule.create", "/api/v1/schedules", body)


@route("PUT", "/schedules/<schedule_id>")
def change_schedule(session: Session, alice: FlaskClient) -> Act:
    schedule = a_schedule(session, alice)
    body = {"name": "t", "lock_version": 1}
    return Act("schedule.change", f"/api/v1/schedules/{schedule}", body, schedule)


@route("DELETE", "/schedules/<schedule_id>")
def delete_schedule(session: Session, alice: FlaskClient) -> Act:
    schedule = a_schedule(session, alice)
    return Act("schedule.delete", f"/api/v1/schedules/{schedule}", None, schedule)


@route("POST", "/schedules/<schedule_id>/pause")
def pause_schedule(session: Session, alice: FlaskClient) -> Act:
    schedule = a_schedule(session, alice)
    return Act("schedule.pause", f"/api/v1/schedules/{schedule}/pause", None, schedule)


@route("POST", "/schedules/<schedule_id>/resume")
def resume_schedule(session: Session, alice: FlaskClient) -> Act:
    schedule = a_schedule(session, alice)
    return Act("schedule.resume", f"/api/v1/schedules/{schedule}/resume", None, schedule)


@route("POST", "/schedules/<schedule_id>/trigger")
def trigger_schedule(session: Session, alice: FlaskClient) -> Act:
    schedule = a_schedule(session, alice)
    return Act("schedule.trigger", f"/api/v1/schedules/{schedule}/trigger", {}, schedule)


@route("POST", "/schedules/<schedule_id>/backfill")
def backfill_schedule(session: Session, alice: FlaskClient) -> Act:
    schedule = a_schedule(session, alice)
    span = {"from": "2026-01-01", "to": "2026-01-02", "dry_run": False}
    return Act("schedule.backfill", f"/api/v1/schedules/{schedule}/backfill", span, schedule)


@route("PUT", "/secrets/<name>")
def set_secret(session: Session, alice: FlaskClient) -> Act:
    return Act("secret.set", "/api/v1/secrets/git_token", {"value": "hidden-value"}, "git_token")


@route("POST", "/secrets/<name>/restore")
def restore_secret(session: Session, alice: FlaskClient) -> Act:
    alice.put("/api/v1/secrets/git_token", json={"value": "hidden-value"})
    return Act("secret.restore", "/api/v1/secrets/git_token/restore", {"version": 1}, "git_token")


@route("DELETE", "/secrets/<name>")
def delete_secret(session: Session, alice: FlaskClient) -> Act:
    alice.put("/api/v1/secrets/git_token", json={"value": "hidden-value"})
    return Act("secret.delete", "/api/v1/secrets/git_token", None, "git_token")


FIRST_STEP = {"workflow_total_steps": 12, "step_number": 1, "provider_type": "bud"}
WORKFLOWS = "/api/v1/guardrails/deploy-workflow"


@route("POST", "/guardrails/deploy-workflow")
def submit_guardrail_step(session: Session, alice: FlaskClient) -> Act:
    return Act("guardrail.submit", WORKFLOWS, FIRST_STEP, named="workflow_id")


@route("POST", "/guardrails/deploy-workflow/<workflow_id>/cancel")
def cancel_guardrail_workflow(session: Session, alice: FlaskClient) -> Act:
    begun = alice.post(WORKFLOWS, json=FIRST_STEP).json["workflow_id"]
    return Act("guardrail.cancel", f"{WORKFLOWS}/{begun}/cancel", {"reason": "hidden-value"}, begun)


ANY_VERSION = (("If-Match", "*"),)
GREETING = {"type": "hello", "name": "Hello", "template": "log", "defaults": {"message": "hi"}}


@route("POST", "/actions")
def create_action(session: Session, alice: FlaskClient) -> Act:
    return Act("action.create", "/api/v1/actions", GREETING | {"type": "hi"}, "hi")


@route("PUT", "/actions/<action_type>")
def replace_action(session: Session, alice: FlaskClient) -> Act:
    alice.post("/api/v1/actions", json=GREETING)
    return Act("action.replace", "/api/v1/actions/hello", GREETING, "hello", headers=ANY_VERSION)


@route("DELETE", "/actions/<action_type>")
def delete_action(session: Session, alice: FlaskClient) -> Act:
    alice.post("/api/v1/actions", json=GREETING)
    return Act("action.delete", "/api/v1/actions/hello", None, "hello")


def a_subscription(alice: FlaskClient) -> str:
    target = {"type": "http", "url": "https://hooks.example/in"}
    return str(alice.post("/api/v1/subscriptions", json={"target": target}).json["id"])


@route("POST", "/subscriptions")
def subscribe(session: Session, alice: FlaskClient) -> Act:
    target = {"type": "http", "url": "https://hooks.example/in"}
    return Act("subscription.create", "/api/v1/subscriptions", {"target": target})


def on_subscription(word: str, rest: str = "", body: Any = None) -> Making:
    def making(session: Session, alice: FlaskClient) -> Act:
        subscription = a_subscription(alice)
        path = f"/api/v1/subscriptions/{subscription}{rest}"
        return Act(f"subscription.{word}", path, body, subscription)

    return making


route("PUT", "/subscriptions/<subscription_id>")(on_subscription("change", body={"name": "x"}))
route("DELETE", "/subscriptions/<subscription_id>")(on_subscription("delete"))
for verb in ("pause", "resume", "test"):
    route("POST", f"/subscriptions/<subscription_id>/{verb}")(on_subscription(verb, f"/{verb}"))
route("POST", "/subscriptions/<subscription_id>/rotate-secret")(
    on_subscription("rotate_secret", "/rotate-secret", {})
)
route("POST", "/subscriptions/<subscription_id>/replay")(
    on_subscription("replay", "/replay", {"position": "1-1"})
)


@route("POST", "/subscriptions/<subscription_id>/messages/<message_id>/replay")
def replay_message(session: Session, alice: FlaskClient) -> Act:
    subscription = a_subscription(alice)
    path = f"/api/v1/subscriptions/{subscription}"
    message = alice.post(f"{path}/test").json["id"]
    session.execute(update(SubscriptionMessage).values(status="dead"))
    session.commit()
    path = f"{path}/messages/{message}/replay"
    return Act("subscription.replay", path, None, subscription)


@route("POST", "/tokens")
def create_token(session: Session, alice: FlaskClient) -> Act:
    return Act("token.create", "/api/v1/tokens", {"name": "ci", "scopes": ["executions:run"]})


@route("POST", "/sign-in-links")
def create_sign_in_link(session: Session, alice: FlaskClient) -> Act:
    return Act("sign_in_link.create", "/api/v1/sign-in-links")


@route("DELETE", "/tokens/<token_id>")
def revoke_token(session: Session, alice: FlaskClient) -> Act:
    made = alice.post("/api/v1/tokens", json={"name": "ci", "scopes": ["executions:run"]}).json
    return Act("token.revoke", f"/api/v1/tokens/{made['id']}", None, made["id"])


def a_webhook(session: Session, alice: FlaskClient) -> str:
    body = {"pipeline_id": a_stored_pipeline(session), "name": "w"}
    made = alice.post("/api/v1/webhooks", json=body | {"secret": "hidden-value-of-it"})
    return str(made.json["id"])


@route("POST", "/webhooks")
def create_webhook(session: Session, alice: FlaskClient) -> Act:
    body = {"pipeline_id": a_stored_pipeline(session), "name": "w"}
    return Act("webhook.create", "/api/v1/webhooks", body | {"secret": "hidden-value-of-it"})


@route("PUT", "/webhooks/<webhook_id>")
def change_webhook(session: Session, alice: FlaskClient) -> Act:
    hook = a_webhook(session, alice)
    return Act("webhook.change", f"/api/v1/webhooks/{hook}", {"enabled": False}, hook)


@route("DELETE", "/webhooks/<webhook_id>")
def delete_webhook(session: Session, alice: FlaskClient) -> Act:
    hook = a_webhook(session, alice)
    return Act("webhook.delete", f"/api/v1/webhooks/{hook}", None, hook)


@route("POST", "/webhooks/<webhook_id>/rotate-secret")
def rotate_webhook_secret(session: Session, alice: FlaskClient) -> Act:
    hook = a_webhook(session, alice)
    path = f"/api/v1/webhooks/{hook}/rotate-secret"
    return Act("webhook.rotate_secret", path, {"secret": "hidden-value-of-next"}, hook)


@route("POST", "/webhooks/<webhook_id>/revoke-secret")
def revoke_webhook_secret(session: Session, alice: FlaskClient) -> Act:
    hook = a_webhook(session, alice)
    alice.post(f"/api/v1/webhooks/{hook}/rotate-secret")
    return Act("webhook.revoke_secret", f"/api/v1/webhooks/{hook}/revoke-secret", None, hook)


@route("POST", "/webhooks/<webhook_id>/test")
def try_webhook(session: Session, alice: FlaskClient) -> Act:
    hook = a_webhook(session, alice)
    path = f"/api/v1/webhooks/{hook}/test"
    return Act("webhook.test", path, {"body": {"word": "hidden-value"}}, hook)


#: Stand for routes that anybody may call; what they accept is in the inbox, or in the deliveries.
#: What no user does; others look at their records.
BY_ADMINISTRATORS = {
    ("POST", "/internal/retention-cleanup"),
    ("POST", "/retention/run"),
    ("PATCH", "/internal/guardrails/rules/<rule_id>/model"),
    ("DELETE", "/internal/guardrails/redis/<profile_id>"),
}
NOT_BY_CALLERS = {("POST", "/callbacks/<token>"), ("POST", "/trigger/<webhook_id>")}


def recorded(session: Session, **wanted: str) -> list[dict[str, Any]]:
    """All records, or those with these values, in their order."""
    session.rollback()
    rows = session.scalars(select(AuditRecord).filter_by(**wanted).order_by(AuditRecord.id))
    columns = [column.key for column in AuditRecord.__table__.c]
    return [{name: getattr(row, name) for name in columns} for row in rows]


def one_record(session: Session, request_id: str) -> dict[str, Any]:
    (found,) = recorded(session, request_id=request_id)
    return found


def test_every_route_that_acts_is_tried_here(app: Flask) -> None:
    acting = {
        (method, rule.rule.removeprefix("/api/v1"))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and not rule.rule.startswith("/api/v1/pipeline/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if getattr(app.view_functions[rule.endpoint], "act", None) is not None
    }

    assert acting == set(ACTS) | NOT_BY_CALLERS | BY_ADMINISTRATORS


@pytest.mark.parametrize(("method", "rule"), ACTS)
def test_an_act_leaves_one_record_that_says_all_of_it(
    session: Session, alice: FlaskClient, method: str, rule: str
) -> None:
    act = ACTS[method, rule](session, alice)

    answer = act.by(alice, method, "the-act")

    assert answer.status_code < 300, answer.json
    found = one_record(session, "the-act")
    target = act.target or str(answer.json[act.named])
    assert {name: found[name] for name in found if name not in ("id", "at", "details", "once")} == {
        "act": act.word,
        "principal": "env:user:alice",
        "acted_for": "alice",
        "owner": "alice",
        "target": target,
        "result": "done",
        "code": None,
        "request_id": "the-act",
        "address": ADDRESS,
    }
    assert "hidden-value" not in str(recorded(session))


@pytest.mark.parametrize(("method", "rule"), ACTS)
def test_an_act_of_nobody_leaves_one_record_of_the_refusal(
    session: Session, alice: FlaskClient, app: Flask, method: str, rule: str
) -> None:
    act = ACTS[method, rule](session, alice)
    nobody = app.test_client()

    answer = act.by(nobody, method, "refused")

    assert answer.status_code == 401
    found = one_record(session, "refused")
    assert (found["act"], found["principal"]) == ("caller.authenticate", None)
    assert (found["result"], found["code"]) == ("refused", "authentication_required")


#: A stranger may do it, too, for himself.
HIS_OWN = ("PUT", "/secrets/<name>")


@pytest.mark.parametrize(
    ("method", "rule"), [key for key in ACTS if "<" in key[1] and key != HIS_OWN]
)
def test_what_is_refused_to_a_stranger_is_on_his_record_and_not_on_the_owners(
    session: Session, alice: FlaskClient, app: Flask, method: str, rule: str
) -> None:
    act = ACTS[method, rule](session, alice)

    answer = act.by(client_of(app, BOB), method, "strange")

    assert answer.status_code == 404, answer.json
    found = one_record(session, "strange")
    assert (found["act"], found["target"]) == (act.word, act.target)
    assert (found["principal"], found["owner"]) == ("env:user:bob", "bob")
    assert (found["result"], found["code"]) == ("refused", answer.json["code"])


@contextmanager
def without_a_log(engine: Engine) -> Iterator[None]:
    """Meanwhile there is no table to write a record to."""
    rename = "ALTER TABLE {} RENAME TO {}".format
    with engine.begin() as connection:
        connection.exec_driver_sql(rename("audit_log", "audit_log_away"))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(rename("audit_log_away", "audit_log"))


def snapshot(engine: Engine) -> list[tuple[Any, ...]]:
    """What acts change, counted and dated."""
    query = (
        "SELECT (SELECT count(*) FROM pipelines), (SELECT sum(lock_version) FROM pipelines),"
        " (SELECT count(*) FROM executions), (SELECT count(tree_cancelled_at) FROM executions),"
        " (SELECT count(*) FROM inbox), (SELECT count(queued_at) FROM inbox),"
        " (SELECT sum(lock_version) FROM stored_actions),"
        " (SELECT sum(lock_version) FROM secrets), (SELECT count(*) FROM tokens),"
        " (SELECT count(revoked_at) FROM tokens), (SELECT sum(lock_version) FROM webhooks),"
        " (SELECT count(*) FROM webhook_deliveries), (SELECT count(*) FROM webhook_secrets),"
        " (SELECT count(*) FROM schedules), (SELECT sum(lock_version) FROM schedules),"
        " (SELECT count(*) FROM schedule_fires), (SELECT count(*) FROM pipeline_drafts)"
    )
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_what_cannot_be_recorded_does_not_happen(
    session: Session, engine: Engine, alice: FlaskClient
) -> None:
    acts = [
        (method, making(session, alice))
        for (method, _), making in ACTS.items()
        if making not in (restore_secret,)
    ]
    before = snapshot(engine)

    with without_a_log(engine):
        answers = [act.by(alice, method, uuid4().hex) for method, act in acts]

    assert [answer.status_code for answer in answers] == [503] * len(acts)
    assert {answer.json["code"] for answer in answers} == {"storage_unavailable"}
    assert snapshot(engine) == before


def test_a_request_that_comes_again_has_started_one_execution_and_has_one_record(
    session: Session, alice: FlaskClient
) -> None:
    body = {"pipeline_id": a_stored_pipeline(session)}

    for _ in range(3):
        alice.post("/executions", json=body, headers={"Idempotency-Key": "once"})

    assert [found["act"] for found in recorded(session)] == ["execution.start"]


def test_an_event_that_comes_again_is_recorded_once(session: Session, alice: FlaskClient) -> None:
    for _ in range(2):
        alice.post("/events", json={"id": "e-1", "event_key": "k"})

    (found,) = recorded(session, act="event.send")
    assert found["details"] == {"source": "events", "external_id": "k"}


def test_a_cancel_is_recorded_with_each_that_stops_something(
    session: Session, alice: FlaskClient
) -> None:
    act = cancel(session, alice)

    answers = [act.by(alice, "POST", f"cancel-{n}").status_code for n in range(3)]

    found = [(r["result"], r["code"]) for r in recorded(session, act="execution.cancel")]
    assert answers == [202, 202, 409]  # the second stops handlers, too
    assert found == [("done", None), ("done", None), ("refused", "execution_already_stopped")]


def test_whoever_acts_for_another_is_named_with_him(session: Session, service: FlaskClient) -> None:
    service.post("/pipelines", json={"dag": a_document()}, headers={"X-User-ID": "carol"})

    (found,) = recorded(session)
    assert (found["principal"], found["acted_for"], found["owner"]) == (
        "env:api",
        "carol",
        "carol",
    )


def test_a_service_of_the_mesh_is_named_by_its_token(
    session: Session, anybody: FlaskClient
) -> None:
    anybody.post("/events", json={"event_key": "k"}, headers={"dapr-api-token": INTERNAL})

    assert [found["principal"] for found in recorded(session)] == ["env:app"]


def test_what_only_reads_leaves_no_record_unless_there_is_no_right_to(
    session: Session, alice: FlaskClient
) -> None:
    alice.get("/executions")
    alice.get(f"/executions/{uuid4()}")
    alice.post("/validate", json={"dag": {}})

    refused = alice.get(LOG)

    (found,) = recorded(session)
    assert (refused.status_code, found["act"], found["code"]) == (
        403,
        "caller.read",
        "insufficient_scope",
    )
    assert found["details"] == {"scope": "audit-log:read", "operation": "read_audit_log"}


def test_a_flood_of_bad_tokens_is_counted_and_does_not_fill_the_table(
    session: Session, anybody: FlaskClient
) -> None:
    for number in range(50):
        headers = {"Authorization": f"Bearer pe_1_{number}"}
        anybody.get("/pipelines", headers=headers, environ_base={"REMOTE_ADDR": "10.0.0.1"})

    (found,) = recorded(session)
    assert (found["address"], found["code"]) == ("10.0.0.1", "invalid_token")
    assert "pe_1_" not in str(found)


@pytest.mark.parametrize("reason", ["revoked", "expired"])
def test_why_a_token_was_refused_is_told_to_the_audit_log_only(
    session: Session, alice: FlaskClient, app: Flask, reason: str
) -> None:
    made = alice.post("/api/v1/tokens", json={"name": "ci", "scopes": ["executions:read"]}).json
    ended = update(Token).values(
        {"expires_at" if reason == "expired" else "revoked_at": func.now()}
    )
    session.execute(ended)
    session.commit()

    answer = client_of(app, made["token"]).get("/executions")
    unknown = client_of(app, "anything").get("/executions")

    found, _ = recorded(session, act="caller.authenticate")
    assert (answer.status_code, answer.json["detail"]) == (401, unknown.json["detail"])
    assert found["details"]["reason"] == reason
    assert found["details"]["credential"] == f"token:{made['id']}"
    secret = made["token"].split("_", 2)[2]  # which may have more of them
    assert secret not in str(recorded(session))


def test_a_callback_token_is_not_kept_with_its_refusal(
    session: Session, anybody: FlaskClient
) -> None:
    anybody.post("/callbacks/not-a-token", json={}, environ_base={"REMOTE_ADDR": "10.0.0.2"})

    (found,) = recorded(session)
    assert (found["act"], found["target"]) == ("callback.send", None)
    assert "not-a-token" not in str(found)


def test_what_somebody_says_in_a_path_is_kept_as_it_can_be_shown(
    session: Session, alice: FlaskClient
) -> None:
    alice.delete("/pipelines/a%00b%1b" + "x" * 1000)

    (found,) = recorded(session)
    assert found["target"].startswith("a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}xx")
    assert len(found["target"]) < 300


# ── Reading ──────────────────────────────────────────────────────────────────────────────


def test_a_page_is_followed_by_the_next_and_new_ones_by_after(
    session: Session, service: FlaskClient
) -> None:
    for number in range(5):
        service.post("/events", json={"event_key": f"k-{number}"})

    first = service.get(LOG, query_string={"limit": 3}).json
    second = service.get(LOG, query_string={"limit": 3, "before": first["next_before"]}).json
    service.post("/events", json={"event_key": "new"})
    news = service.get(LOG, query_string={"after": first["next_after"]}).json

    shown = [
        [r["details"]["external_id"] for r in page["records"]] for page in (first, second, news)
    ]
    assert shown == [["k-4", "k-3", "k-2"], ["k-1", "k-0"], ["new"]]
    assert second["next_before"] is None


def test_records_are_found_by_each_of_their_words(
    session: Session, alice: FlaskClient, service: FlaskClient
) -> None:
    made = alice.post("/pipelines", json={"dag": a_document()}).json["id"]
    service.delete("/pipelines/nothing", headers={"X-Correlation-ID": "the-refusal"})
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()

    def acts(**wanted: str) -> list[str]:
        return [r["act"] for r in service.get(LOG, query_string=wanted).json["records"]]

    assert acts(principal="env:user:alice") == acts(target=made) == acts(owner="alice")
    assert acts(act="pipeline.create") == acts(result="done") == ["pipeline.create"]
    assert acts(result="refused") == acts(request_id="the-refusal") == ["pipeline.delete"]
    assert acts(until="2026-01-01") == acts(since=tomorrow) == []
    assert len(acts(since="2026-01-01", until=tomorrow)) == 2
    assert len(acts(since="0001-01-01", until="9999-12-31T23:59:59Z")) == 2


def test_who_is_bound_to_owners_reads_of_their_rows_only(
    session: Session, alice: FlaskClient, bob: FlaskClient, service: FlaskClient
) -> None:
    alice.post("/pipelines", json={"dag": a_document()})
    bob.post("/pipelines", json={"dag": a_document()})

    as_alice = service.get(LOG, headers={"X-User-ID": "alice"}).json["records"]

    assert [found["owner"] for found in as_alice] == ["alice"]
    assert len(service.get(LOG).json["records"]) == 2
    assert alice.get(LOG).status_code == 403


@pytest.mark.parametrize("query", [{"act": "pipeline.dance"}, {"before": "x"}, {"limit": "0"}])
def test_a_query_that_makes_no_sense_is_refused(service: FlaskClient, query: Any) -> None:
    assert service.get(LOG, query_string=query).status_code == 422


@pytest.fixture(autouse=True)
def nothing_counted(app: Flask, runtime: Runtime) -> None:
    """What other tests were refused a moment ago is not of this one."""
    app.extensions["pipeline_engine_refusals"].forget()
