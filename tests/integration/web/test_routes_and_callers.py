"""Every route, asked by everybody: a new route without its line here fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from support.factories import a_document, a_step
from support.history_rows import a_step as a_row
from support.history_rows import an_execution

from pipeline_engine.domain.scopes import FAR_REACHING, Scope

SERVICE, ALICE, BOB = "service-token", "alice-token", "bob-token"
BASE = "/api/v1"
EVERY_SCOPE = sorted(set(Scope) - FAR_REACHING)
DAG = a_document(a_step("a"))
FIRST_STEP = {"workflow_total_steps": 12, "step_number": 1, "provider_type": "bud"}


@dataclass
class Scene:
    """Things of Alice's, each made when a route asks for it."""

    app: Flask
    session: Session

    def client(self, token: str, **headers: str) -> FlaskClient:
        client = self.app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        for name, value in headers.items():
            client.environ_base[f"HTTP_{name.upper()}"] = value
        return client

    def token(self, *scopes: str, **wanted: Any) -> str:
        asked = {"name": "t", "scopes": scopes, **wanted}
        made = self.client(SERVICE).post(f"{BASE}/tokens", json=asked)
        assert made.status_code == 201, made.json
        return str(made.json["token"])

    def pipeline(self) -> str:
        asked = {"dag": DAG, "name": str(uuid4())}
        stored = self.client(ALICE).post(f"{BASE}/pipelines", json=asked)
        return str(stored.json["id"])

    def execution(self) -> str:
        found = an_execution(self.session, user_id="alice")
        self.session.commit()
        return str(found.id)

    def step(self) -> str:
        found = an_execution(self.session, user_id="alice")
        step = a_row(self.session, found, "a", "PENDING")
        self.session.commit()
        return f"{found.id}/steps/{step.id}"

    def delivery(self) -> str:
        sent = self.client(ALICE).post(f"{BASE}/events", json={"external_id": str(uuid4())})
        # A worker would have found that nobody waits for it.
        self.session.execute(text("UPDATE inbox SET disposition = 'unmatched'"))
        self.session.commit()
        return str(sent.json["delivery_id"])

    def event_trigger(self) -> str:
        asked = {"pipeline_id": self.pipeline(), "name": "t", "config": {"event_type": "x"}}
        stored = self.client(ALICE).post(f"{BASE}/event-triggers", json=asked)
        assert stored.status_code == 201, stored.json
        return str(stored.json["id"])

    def alert_rule(self) -> str:
        stored = self.client(ALICE).post(f"{BASE}/alert-rules", json=watches_pipeline(self))
        assert stored.status_code == 201, stored.json
        return str(stored.json["id"])

    def guardrail_workflow(self) -> str:
        begun = self.client(ALICE).post(f"{BASE}/guardrails/deploy-workflow", json=FIRST_STEP)
        assert begun.status_code == 201, begun.json
        return str(begun.json["workflow_id"])

    def token_id(self) -> str:
        return self.token("executions:read", user_id="alice").split("_")[1]

    def schedule(self) -> str:
        when = {"type": "cron", "expression": "0 9 * * *"}
        asked = {"pipeline_id": self.pipeline(), "name": "s", "schedule": when}
        made = self.client(ALICE).post(f"{BASE}/schedules", json=asked)
        assert made.status_code == 201, made.json
        return str(made.json["id"])

    def secret(self) -> str:
        stored = self.client(ALICE).put(f"{BASE}/secrets/key", json={"value": "s3cr3t-value"})
        assert stored.status_code in {200, 201}, stored.json
        return "key"

    def stored_action(self) -> str:
        stored = self.client(ALICE).post(f"{BASE}/actions", json=GREETING)
        assert stored.status_code in {201, 409}, stored.json
        return "hello"

    def webhook(self) -> str:
        asked = {"pipeline_id": self.pipeline(), "name": "w"}
        made = self.client(ALICE).post(f"{BASE}/webhooks", json=asked)
        assert made.status_code == 201, made.json
        return str(made.json["id"])

    def rotated_webhook(self) -> str:
        webhook = self.webhook()
        self.client(ALICE).post(f"{BASE}/webhooks/{webhook}/rotate-secret")
        return webhook

    def subscription(self) -> str:
        # At an address that leads nowhere, outside of every installation.
        asked = {"target": {"type": "http", "url": "https://hooks.example/in"}}
        made = self.client(ALICE).post(f"{BASE}/subscriptions", json=asked)
        return str(made.json["id"])

    def message(self) -> str:
        subscription = self.subscription()
        path = f"{BASE}/subscriptions/{subscription}"
        sent = self.client(ALICE).post(f"{path}/test").json["id"]
        # A worker would have found that nobody is there.
        self.session.execute(text("UPDATE subscription_messages SET status = 'dead'"))
        self.session.commit()
        return f"{subscription}/messages/{sent}"


#: An action that is data.
GREETING = {"type": "hello", "name": "Hello", "template": "log", "defaults": {"message": "hi"}}


@dataclass(frozen=True)
class Line:
    """What a route is asked, and what those are answered who may."""

    may: int = 200
    body: Any = None
    #: what the variable of the path stands for; a stranger is answered that there is no such thing
    thing: Callable[[Scene], str] | None = None
    needs: Callable[[Scene], Any] | None = None  #: makes what the body names, and returns the body
    headers: dict[str, str] = field(default_factory=dict)
    open: bool = False  #: to everybody
    #: found by a name of its owner's: an administrator has to say whose
    by_name: bool = False
    far: bool = False  #: no role of users has its scope

    def send(self, scene: Scene, client: FlaskClient, method: str, rule: str) -> Any:
        path = rule
        if self.thing is not None:
            head, _, rest = rule.partition("<")
            path = head + self.thing(scene) + rest.rpartition(">")[2]
        body = self.needs(scene) if self.needs else self.body
        return client.open(path, method=method, json=body, headers=self.headers)


def runs_pipeline(scene: Scene) -> dict[str, str]:
    return {"pipeline_id": scene.pipeline(), "name": "w"}


def lets_events_start(scene: Scene) -> dict[str, Any]:
    return {"pipeline_id": scene.pipeline(), "name": "t", "config": {"event_type": "x"}}


def schedules_pipeline(scene: Scene) -> dict[str, Any]:
    return runs_pipeline(scene) | {"name": "s", "schedule": {"type": "manual"}}


def watches_pipeline(scene: Scene) -> dict[str, Any]:
    return {"pipeline_id": scene.pipeline(), "name": "r", "kind": "failed"}


def another_action(scene: Scene) -> dict[str, Any]:
    return GREETING | {"type": f"hello_{uuid4().hex}"}


OPEN = Line(open=True)
ANY_VERSION = {"If-Match": "*"}
LINES: dict[str, Line] = {
    "GET /actions": Line(),
    "GET /actions/<action_type>": Line(thing=lambda _: "log"),
    "GET /marketplace/packages": Line(),
    "GET /marketplace/packages/<name>": Line(404, thing=lambda _: "acme-greetings"),
    "POST /actions": Line(201, needs=another_action),
    "PUT /actions/<action_type>": Line(
        body=GREETING, thing=Scene.stored_action, headers=ANY_VERSION, by_name=True
    ),
    "DELETE /actions/<action_type>": Line(204, thing=Scene.stored_action, by_name=True),
    "GET /actions/<action_type>/versions": Line(thing=Scene.stored_action, by_name=True),
    "POST /actions/validate": Line(body={"action_type": "log", "params": {"message": "x"}}),
    "POST /callbacks/<token>": Line(401, thing=lambda _: "wrong", open=True),
    "GET /alerts": Line(),
    "GET /approvals": Line(),
    "GET /alert-rules": Line(),
    "POST /alert-rules": Line(201, needs=watches_pipeline),
    "GET /alert-rules/<rule_id>": Line(thing=Scene.alert_rule),
    "PUT /alert-rules/<rule_id>": Line(body={"name": "u"}, thing=Scene.alert_rule),
    "DELETE /alert-rules/<rule_id>": Line(204, thing=Scene.alert_rule),
    "GET /audit-log": Line(far=True),
    "GET /deliveries": Line(),
    "POST /deliveries/<delivery_id>/replay": Line(202, thing=Scene.delivery),
    "GET /doctor": Line(far=True),
    "GET /event-triggers": Line(),
    "POST /event-triggers": Line(201, needs=lets_events_start),
    "GET /event-triggers/event-types": Line(),
    "GET /event-triggers/<trigger_id>": Line(thing=Scene.event_trigger),
    "PUT /event-triggers/<trigger_id>": Line(body={"name": "u"}, thing=Scene.event_trigger),
    "DELETE /event-triggers/<trigger_id>": Line(204, thing=Scene.event_trigger),
    "GET /event-triggers/<trigger_id>/firings": Line(thing=Scene.event_trigger),
    "POST /events": Line(202, body={"external_id": "x"}),
    "POST /workflow-events": Line(body={"external_id": "x"}),
    "GET /executions": Line(),
    "POST /executions": Line(201, needs=runs_pipeline),
    "POST /executions/run": Line(201, body={"pipeline_definition": DAG}),
    "GET /executions/<execution_id>": Line(thing=Scene.execution),
    "GET /executions/<execution_id>/events": Line(thing=Scene.execution),
    "GET /executions/<execution_id>/logs": Line(thing=Scene.execution),
    "GET /executions/<execution_id>/explain": Line(thing=Scene.execution),
    "GET /executions/<execution_id>/progress": Line(thing=Scene.execution),
    "GET /executions/<execution_id>/steps": Line(thing=Scene.execution),
    "GET /executions/<execution_id>/steps/<step_execution_id>": Line(thing=Scene.step),
    "GET /executions/<execution_id>/steps/<step_execution_id>/outputs": Line(thing=Scene.step),
    "POST /executions/<execution_id>/evaluate": Line(
        body={"expression": "1 + 1"}, thing=Scene.execution
    ),
    "POST /executions/<execution_id>/approval": Line(
        409, body={"approved": True}, thing=Scene.execution
    ),
    "POST /executions/<execution_id>/cancel": Line(202, thing=Scene.execution),
    "GET /health": OPEN,
    "GET /openapi.json": OPEN,
    "GET /ready": OPEN,
    "GET /parked": Line(),
    "GET /overview": Line(),
    "GET /pipelines": Line(),
    "POST /pipelines": Line(201, needs=lambda _: {"dag": DAG, "name": str(uuid4())}),
    "GET /pipelines/<pipeline_id>": Line(thing=Scene.pipeline),
    "GET /pipelines/<pipeline_id>/draft": Line(thing=Scene.pipeline),
    "PUT /pipelines/<pipeline_id>/draft": Line(body={"document": {}}, thing=Scene.pipeline),
    "DELETE /pipelines/<pipeline_id>/draft": Line(204, thing=Scene.pipeline),
    "GET /pipelines/<pipeline_id>/grid": Line(thing=Scene.pipeline),
    "GET /pipelines/<pipeline_id>/statistics": Line(thing=Scene.pipeline),
    "GET /pipelines/<pipeline_id>/revisions": Line(thing=Scene.pipeline),
    "POST /pipelines/<pipeline_id>/archive": Line(thing=Scene.pipeline),
    "POST /pipelines/<pipeline_id>/restore": Line(thing=Scene.pipeline),
    "PUT /pipelines/<pipeline_id>": Line(
        needs=lambda _: {"dag": DAG, "name": str(uuid4()), "lock_version": 1}, thing=Scene.pipeline
    ),
    "DELETE /pipelines/<pipeline_id>": Line(204, thing=Scene.pipeline),
    "GET /guardrails/deploy-workflow": Line(),
    "POST /guardrails/deploy-workflow": Line(201, body=FIRST_STEP),
    "GET /guardrails/deploy-workflow/<workflow_id>": Line(thing=Scene.guardrail_workflow),
    "GET /guardrails/deploy-workflow/<workflow_id>/model-status": Line(
        thing=Scene.guardrail_workflow
    ),
    "POST /guardrails/deploy-workflow/<workflow_id>/cancel": Line(thing=Scene.guardrail_workflow),
    "GET /guardrails/deployment/<deployment_id>/progress": Line(thing=Scene.guardrail_workflow),
    "PATCH /internal/guardrails/rules/<rule_id>/model": Line(
        body={"model_id": "m-1"}, thing=lambda _: "rule-1", far=True
    ),
    "DELETE /internal/guardrails/redis/<profile_id>": Line(503, thing=lambda _: "p-1", far=True),
    "GET /quotas": Line(),
    "GET /schedules": Line(),
    "POST /schedules": Line(201, needs=schedules_pipeline),
    "POST /schedules/preview": Line(body={"schedule": {"type": "cron", "expression": "@daily"}}),
    "GET /schedules/calendar": Line(),
    "GET /schedules/<schedule_id>": Line(thing=Scene.schedule),
    "PUT /schedules/<schedule_id>": Line(
        body={"name": "t", "lock_version": 1}, thing=Scene.schedule
    ),
    "DELETE /schedules/<schedule_id>": Line(204, thing=Scene.schedule),
    "POST /schedules/<schedule_id>/pause": Line(thing=Scene.schedule),
    "POST /schedules/<schedule_id>/resume": Line(thing=Scene.schedule),
    "POST /schedules/<schedule_id>/trigger": Line(thing=Scene.schedule),
    "GET /schedules/<schedule_id>/next-runs": Line(thing=Scene.schedule),
    "GET /schedules/<schedule_id>/fires": Line(thing=Scene.schedule),
    "POST /schedules/<schedule_id>/backfill": Line(
        body={"from": "2026-01-01", "to": "2026-01-03"}, thing=Scene.schedule
    ),
    "POST /internal/schedule-poll": Line(),
    "POST /internal/retention-cleanup": Line(far=True),
    "GET /internal/retention-stats": Line(far=True),
    "POST /internal/step-timeout-check": Line(far=True),
    "GET /internal/step-timeout-stats": Line(far=True),
    "GET /dapr/subscribe": OPEN,
    "GET /retention": Line(far=True),
    "POST /retention/run": Line(body={"dry_run": True}, far=True),
    "GET /secrets": Line(),
    "GET /secrets/<name>": Line(thing=Scene.secret, by_name=True),
    "PUT /secrets/<name>": Line(
        201, body={"value": "another-value"}, thing=lambda _: f"key_{uuid4().hex}"
    ),
    "DELETE /secrets/<name>": Line(thing=Scene.secret, by_name=True),
    "POST /secrets/<name>/restore": Line(body={"version": 1}, thing=Scene.secret, by_name=True),
    "GET /executions/<execution_id>/stream": Line(thing=Scene.execution),
    "GET /stream": Line(),
    "GET /subscriptions": Line(),
    "POST /subscriptions": Line(
        201, body={"target": {"type": "http", "url": "https://hooks.example/in"}}
    ),
    "GET /subscriptions/<subscription_id>": Line(thing=Scene.subscription),
    "PUT /subscriptions/<subscription_id>": Line(
        body={"event_types": None}, thing=Scene.subscription
    ),
    "DELETE /subscriptions/<subscription_id>": Line(204, thing=Scene.subscription),
    "GET /subscriptions/<subscription_id>/messages": Line(thing=Scene.subscription),
    "GET /subscriptions/<subscription_id>/messages/<message_id>": Line(thing=Scene.message),
    "POST /subscriptions/<subscription_id>/messages/<message_id>/replay": Line(
        202, thing=Scene.message
    ),
    "POST /subscriptions/<subscription_id>/pause": Line(thing=Scene.subscription),
    "POST /subscriptions/<subscription_id>/replay": Line(
        202, body={"position": "1-1"}, thing=Scene.subscription
    ),
    "POST /subscriptions/<subscription_id>/resume": Line(thing=Scene.subscription),
    "POST /subscriptions/<subscription_id>/rotate-secret": Line(thing=Scene.subscription),
    "POST /subscriptions/<subscription_id>/test": Line(202, thing=Scene.subscription),
    "GET /system": Line(far=True),
    "GET /tokens": Line(),
    "POST /tokens": Line(
        201,
        body={"name": "t", "scopes": ["tokens:manage"]},
        headers={"X-User-ID": "alice"},
    ),
    "GET /tokens/<token_id>": Line(thing=Scene.token_id),
    "DELETE /tokens/<token_id>": Line(204, thing=Scene.token_id),
    "POST /validate": Line(body={"dag": DAG}),
    "GET /webhooks": Line(),
    "POST /webhooks": Line(201, needs=runs_pipeline),
    "GET /webhooks/<webhook_id>": Line(thing=Scene.webhook),
    "PUT /webhooks/<webhook_id>": Line(body={"name": "v"}, thing=Scene.webhook),
    "DELETE /webhooks/<webhook_id>": Line(204, thing=Scene.webhook),
    "GET /webhooks/<webhook_id>/deliveries": Line(thing=Scene.webhook),
    "POST /webhooks/<webhook_id>/revoke-secret": Line(thing=Scene.rotated_webhook),
    "POST /webhooks/<webhook_id>/rotate-secret": Line(thing=Scene.webhook),
    "POST /webhooks/<webhook_id>/test": Line(thing=Scene.webhook),
    "POST /trigger/<webhook_id>": Line(401, thing=Scene.webhook, open=True),
    "GET /schema": Line(),
    "GET /whoami": Line(),
    "POST /sign-in-links": Line(201),
}
#: What belongs to nobody in particular, or to whoever asks.
NOBODYS = {"GET /actions/<action_type>", "PUT /secrets/<name>"}


@pytest.fixture
def scene(app: Flask, session: Session) -> Scene:
    return Scene(app, session)


def routes(app: Flask) -> Iterator[tuple[str, str, tuple[Scope, ...]]]:
    """Each route under its own path: the older ones are the same views."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(f"{BASE}/") and not rule.rule.startswith(f"{BASE}/pipeline/"):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, rule.rule, getattr(app.view_functions[rule.endpoint], "scopes", ())


def test_every_route_has_its_line(application: Flask) -> None:
    served = {f"{method} {rule.removeprefix(BASE)}" for method, rule, _ in routes(application)}

    assert served == LINES.keys()


@pytest.mark.parametrize("name", LINES, ids=str)
def test_a_route_answers_everybody_as_it_should(scene: Scene, name: str) -> None:
    line, method = LINES[name], name.partition(" ")[0]
    rule, scopes = next(
        (rule, scopes)
        for found, rule, scopes in routes(scene.app)
        if f"{found} {rule.removeprefix(BASE)}" == name
    )

    def ask(client: FlaskClient) -> tuple[int, str | None]:
        answer = line.send(scene, client, method, rule)
        body = answer.get_json(silent=True)
        return answer.status_code, body.get("code") if isinstance(body, dict) else None

    if line.open:
        assert ask(scene.app.test_client())[0] == line.may
        return
    assert ask(scene.app.test_client()) == (401, "authentication_required")
    assert ask(scene.client("pe_" + "a" * 12 + "_" + "b" * 43)) == (401, "invalid_token")
    for scope in scopes:
        too_little = [word for word in EVERY_SCOPE if word != scope]
        little = scene.token(*too_little, user_id="alice")
        assert ask(scene.client(little)) == (403, "insufficient_scope")
    if scopes:
        enough = scene.token(*scopes, user_id="alice")
        assert ask(scene.client(enough))[0] == line.may
        on_behalf = scene.token(*{*EVERY_SCOPE, *scopes, "owners:any"})
        assert ask(scene.client(on_behalf, x_user_id="alice"))[0] == line.may
    status, code = ask(scene.client(BOB))
    makes = {runs_pipeline, lets_events_start, schedules_pipeline, watches_pipeline}
    if line.far:
        assert (status, code) == (403, "insufficient_scope")
    elif (line.thing or line.needs in makes) and name not in NOBODYS:
        assert status == 404, code
    else:
        assert status == line.may
    acting = {"x_owner": "alice"} if line.by_name else {}
    assert ask(scene.client(SERVICE, **acting))[0] == line.may
