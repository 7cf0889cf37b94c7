"""Alert rules over HTTP: what makes no sense is said, and alerts are found."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from support.factories import a_document
from support.history_rows import an_execution

from pipeline_engine.storage.tables.alerts import Alert

BASE = "/api/v1"


@pytest.fixture
def pipeline(alice: FlaskClient) -> str:
    made = alice.post(f"{BASE}/pipelines", json={"dag": a_document(), "name": "watched"})
    return str(made.json["id"])


def made(alice: FlaskClient, pipeline: str, **wanted: Any) -> Any:
    body = {"name": "slow", "pipeline_id": pipeline, "kind": "late", "after_seconds": 60}
    return alice.post(f"{BASE}/alert-rules", json=body | wanted)


def test_a_rule_is_stored_changed_and_deleted(alice: FlaskClient, pipeline: str) -> None:
    rule = made(alice, pipeline)
    path = f"{BASE}/alert-rules/{rule.json['id']}"

    changed = alice.put(path, json={"times_p95": 2}, headers={"If-Match": rule.headers["ETag"]})
    stale = alice.put(path, json={"name": "x"}, headers={"If-Match": rule.headers["ETag"]})
    listed = alice.get(f"{BASE}/alert-rules?workflow_id={pipeline}&kind=LATE").json

    assert (rule.status_code, changed.status_code, stale.status_code) == (201, 200, 412)
    assert (changed.json["after_seconds"], changed.json["times_p95"]) == (60, 2)
    assert (changed.json["usual_seconds"], changed.json["pipeline_name"]) == (None, "watched")
    assert listed["alert_rules"] == [changed.json]
    assert alice.delete(path).status_code == 204
    assert alice.get(path).json["code"] == "alert_rule_not_found"


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"after_seconds": None}, "/after_seconds"),
        ({"kind": "parked", "after_seconds": None}, "/after_seconds"),
        ({"kind": "parked", "times_p95": 2}, "/times_p95"),
        ({"kind": "failed"}, "/after_seconds"),
        ({"kind": "failed", "after_seconds": None, "times_p95": 2}, "/times_p95"),
    ],
)
def test_limits_that_make_no_sense_for_the_kind_are_told(
    alice: FlaskClient, pipeline: str, wanted: dict[str, Any], pointer: str
) -> None:
    refused = made(alice, pipeline, **wanted)

    assert (refused.status_code, refused.json["code"]) == (422, "invalid_alert_rule")
    assert [error["pointer"] for error in refused.json["errors"]] == [pointer]


def test_a_change_that_would_leave_a_rule_without_a_limit_is_refused(
    alice: FlaskClient, pipeline: str
) -> None:
    path = f"{BASE}/alert-rules/{made(alice, pipeline).json['id']}"

    refused = alice.put(path, json={"after_seconds": None})

    assert refused.json["code"] == "invalid_alert_rule"
    assert alice.get(path).json["after_seconds"] == 60


def test_alerts_are_listed_open_or_resolved_and_counted_at_their_rule(
    alice: FlaskClient, bob: FlaskClient, pipeline: str, session: Session
) -> None:
    rule = UUID(made(alice, pipeline).json["id"])
    ids = []
    for resolved_at in (None, "2026-01-01T00:00:00Z"):
        execution = an_execution(session, user_id="alice", pipeline_id=UUID(pipeline))
        alert = Alert(
            rule_id=rule,
            user_id="alice",
            pipeline_id=UUID(pipeline),
            kind="late",
            execution_id=execution.id,
            details={"limit": 60},
            resolved_at=resolved_at,
        )
        session.add(alert)
        ids.append(str(execution.id))
    session.commit()

    found = alice.get(f"{BASE}/alerts?rule_id={rule}").json["alerts"]
    is_open = alice.get(f"{BASE}/alerts?status=open&kind=late").json["alerts"]
    over = alice.get(f"{BASE}/alerts?status=resolved&execution_id={ids[1]}").json["alerts"]

    assert [one["execution_id"] for one in found] == ids[::-1]
    assert [one["execution_id"] for one in (*is_open, *over)] == ids
    assert (is_open[0]["rule_name"], is_open[0]["resolved_at"]) == ("slow", None)
    assert alice.get(f"{BASE}/alert-rules/{rule}").json["open_alerts"] == 1
    assert bob.get(f"{BASE}/alerts").json["alerts"] == []


def test_a_rule_ends_with_its_pipeline(alice: FlaskClient, pipeline: str) -> None:
    path = f"{BASE}/alert-rules/{made(alice, pipeline).json['id']}"

    alice.delete(f"{BASE}/pipelines/{pipeline}")

    assert alice.get(path).status_code == 404
