"""``/event-triggers`` over HTTP: as the reference has them, and what became of each event."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from support.driving import Driver
from support.factories import a_document, a_step

from pipeline_engine.services import Runtime

from .conftest import INTERNAL

PARAMETERS = [
    {"name": "event", "type": "object", "required": True},
    {"name": "password", "type": "secret", "required": False},
]


@pytest.fixture
def pipeline(alice: FlaskClient) -> str:
    dag = a_document(a_step("a"), parameters=PARAMETERS)
    return str(alice.post("/pipelines", json={"dag": dag, "name": "release"}).json["id"])


def body(pipeline: str, **given: Any) -> dict[str, Any]:
    config = {"event_type": "model.onboarded", "filters": {"model.kind": "llm"}}
    return {"workflow_id": pipeline, "name": "t", "config": config} | given


def test_a_trigger_is_made_listed_changed_and_deleted_as_the_reference_does(
    alice: FlaskClient, pipeline: str
) -> None:
    made = alice.post("/event-triggers", json=body(pipeline))
    path = f"/api/v1/event-triggers/{made.json['id']}"
    changed = alice.put(path, json={"config": {"condition": "event.n > 1"}, "enabled": False})
    stale = alice.put(path, json={"name": "x"}, headers={"If-Match": made.headers["ETag"]})
    listed = alice.get("/event-triggers", query_string={"workflow_id": pipeline, "enabled": False})
    gone = alice.delete(path)

    assert (made.status_code, changed.status_code, gone.status_code) == (201, 200, 204)
    assert made.json["workflow_id"] == made.json["pipeline_id"] == pipeline
    assert (made.json["trigger_count"], made.json["last_triggered_at"]) == (0, None)
    assert changed.json["config"]["filters"] == {"model.kind": "llm"}, "what is left out stays"
    assert (changed.json["config"]["condition"], changed.json["enabled"]) == ("event.n > 1", False)
    assert (stale.status_code, stale.json["code"]) == (412, "if_match_failed")
    assert listed.json == [changed.json]
    assert listed.headers["X-Total-Count"] == "1"
    missing = alice.get(path)
    assert (missing.status_code, missing.json["detail"]) == (404, "Event trigger not found")


@pytest.mark.parametrize(
    ("given", "code", "pointer"),
    [
        ({"config": {"filters": {}}}, "invalid_request", "/config/event_type"),
        ({"workflow_id": None}, "invalid_request", "/workflow_id"),
        ({"config": {"event_type": "x", "condition": "a b"}}, None, "/config/condition"),
        ({"config": {"event_type": "x", "quiet_seconds": 0}}, "invalid_request", None),
        ({"params": {"nobody": 1}}, "invalid_params", "/params/nobody"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    alice: FlaskClient, pipeline: str, given: dict[str, Any], code: str | None, pointer: str | None
) -> None:
    answer = alice.post("/event-triggers", json=body(pipeline, **given))

    assert answer.status_code == 422
    assert answer.json["code"] == (code or "invalid_event_trigger")
    assert pointer is None or pointer in [one["pointer"] for one in answer.json["errors"]]


def test_the_eight_types_of_the_reference_are_listed_and_any_other_is_allowed(
    alice: FlaskClient, pipeline: str
) -> None:
    types = alice.get("/event-triggers/event-types").json
    other = alice.post("/event-triggers", json=body(pipeline, config={"event_type": "our.own"}))

    assert {one["type"]: one["source"] for one in types} == {
        "model.onboarded": "budapp",
        "model.deleted": "budapp",
        "benchmark.completed": "budapp",
        "benchmark.failed": "budapp",
        "cluster.healthy": "budcluster",
        "cluster.unhealthy": "budcluster",
        "deployment.created": "budcluster",
        "deployment.failed": "budcluster",
    }
    assert other.status_code == 201


def test_a_cloud_event_of_the_mesh_starts_an_execution_for_the_user_that_it_names(
    alice: FlaskClient, anybody: FlaskClient, pipeline: str, runtime: Runtime
) -> None:
    trigger = alice.post("/event-triggers", json=body(pipeline)).json
    event = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "budapp",
        "type": "model.onboarded",
        "data": {"model": {"kind": "llm"}},
    }
    headers = {"dapr-api-token": INTERNAL, "X-User-ID": "alice"}

    first = anybody.post("/workflow-events", json=event, headers=headers).json
    Driver(runtime).settle()
    again = anybody.post("/workflow-events", json=event, headers=headers).json

    told = {
        "trigger_id": trigger["id"],
        "trigger_name": "t",
        "workflow_id": pipeline,
        "execution_id": None,
        "status": "pending",
    }
    assert first["triggers"] == [told]
    firings = alice.get(f"/event-triggers/{trigger['id']}/firings?outcome=fired").json["firings"]
    (firing,) = firings
    started = {"execution_id": firing["execution_id"], "status": "triggered"}
    assert again["triggers"] == [told | started]
    execution = alice.get(f"/executions/{firing['execution_id']}").json
    assert (execution["initiator"], execution["user_id"]) == ("event", "alice")
    targets = alice.get("/deliveries").json["deliveries"][0]["targets"]
    assert [(one["trigger_id"], one["execution_id"], one["verdict"]) for one in targets] == [
        (trigger["id"], firing["execution_id"], "fired")
    ]


def test_a_secret_param_is_shown_masked_and_stays_when_the_mask_comes_back(
    alice: FlaskClient, pipeline: str
) -> None:
    made = alice.post("/event-triggers", json=body(pipeline, params={"password": "correct-horse"}))
    path = f"/event-triggers/{made.json['id']}"

    changed = alice.put(path, json={"params": made.json["params"], "name": "u"})

    assert changed.status_code == 200
    assert "correct-horse" not in made.text + changed.text + alice.get(path).text
    assert changed.json["params"] == made.json["params"] != {}


def test_who_only_sends_events_is_not_told_of_triggers(
    alice: FlaskClient, service: FlaskClient, anybody: FlaskClient, pipeline: str
) -> None:
    alice.post("/event-triggers", json=body(pipeline, config={"event_type": "x"}))
    asked = {"name": "t", "scopes": ["events:send"], "user_id": "alice"}
    token = service.post("/api/v1/tokens", json=asked).json["token"]

    answer = anybody.post(
        "/workflow-events", json={"type": "x"}, headers={"Authorization": f"Bearer {token}"}
    )

    assert (answer.status_code, answer.json["triggers"]) == (200, [])
