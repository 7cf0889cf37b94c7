"""Retention and time-outs over HTTP: for administrators, and for the mesh as the reference did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from support.driving import Driver
from support.factories import a_document
from support.factories import a_step as a_wait
from support.history_rows import a_step, an_execution

from pipeline_engine.services import Runtime
from pipeline_engine.storage.tables.audit_log import AuditRecord

from .conftest import INTERNAL

MESH = {"dapr-api-token": INTERNAL}
NOW = datetime.now(UTC)


@pytest.fixture
def old(session: Session) -> str:
    execution = an_execution(session, status="FAILED", finished_at=NOW - timedelta(days=40))
    a_step(session, execution, "a", "FAILED")
    session.commit()
    return str(execution.id)


def test_the_mesh_cleans_up_with_the_answers_of_the_reference(
    anybody: FlaskClient, old: str, session: Session
) -> None:
    before = anybody.get("/internal/retention-stats", headers=MESH).json
    done = anybody.post("/internal/retention-cleanup", headers=MESH).json
    after = anybody.get("/internal/retention-stats", headers=MESH).json

    assert (before["pending_cleanup_count"], before["retention_days"]) == (1, 30)
    assert before.keys() == {
        "pending_cleanup_count",
        "retention_days",
        "cutoff_date",
        "oldest_execution_date",
    }
    assert done.pop("duration_seconds") > 0
    assert done == {
        "status": "completed",
        "deleted": {"progress_events": 0, "subscriptions": 0, "steps": 1, "executions": 1},
        "batches_processed": 1,
        "errors": [],
    }
    assert (after["pending_cleanup_count"], after["oldest_execution_date"]) == (0, None)
    (record,) = session.scalars(select(AuditRecord).where(AuditRecord.act == "retention.run"))
    assert (record.principal, record.details["executions"]) == ("env:app", 1)


def test_an_administrator_looks_before_anything_is_deleted(
    service: FlaskClient, alice: FlaskClient, old: str
) -> None:
    shown = service.get("/api/v1/retention").json
    counted = service.post("/api/v1/retention/run", json={"dry_run": True}).json
    done = service.post("/api/v1/retention/run").json

    assert shown["rules"] == [
        {
            "pipeline": None,
            "owner": None,
            "status": None,
            "days": 30,
            "keep_last": None,
            "executions": 1,
        }
    ]
    assert (counted["dry_run"], counted["executions"], counted["steps"]) == (True, 1, 0)
    assert (done["dry_run"], done["executions"], done["steps"]) == (False, 1, 1)
    assert {"deliveries", "schedule_fires", "webhook_deliveries"} <= set(done["ledgers"])
    assert alice.get("/api/v1/retention").status_code == 403


def test_a_time_out_that_nobody_has_seen_is_ended_when_the_mesh_rings(
    anybody: FlaskClient, alice: FlaskClient, runtime: Runtime
) -> None:
    waits = [
        a_wait(key, action="wait_for_event", params={"event_key": key}, on_failure="continue")
        for key in ("a", "b")
    ]
    alice.post("/executions/run", json={"pipeline_definition": a_document(*waits)})
    driver = Driver(runtime)
    driver.settle()
    driver.change("UPDATE step_executions SET deadline_at = now() WHERE step_id = 'a'")

    before = anybody.get("/internal/step-timeout-stats", headers=MESH).json
    checked = anybody.post("/internal/step-timeout-check", headers=MESH).json
    again = anybody.post("/internal/step-timeout-check", headers=MESH).json

    assert (before["awaiting_events_count"], before["overdue_timeout_count"]) == (2, 1)
    assert before.keys() == {
        "awaiting_events_count",
        "overdue_timeout_count",
        "earliest_timeout",
        "current_time",
        "check_interval_seconds",
    }
    counts = [(one["timed_out_count"], one["processed_count"]) for one in (checked, again)]
    assert (counts, checked["status"], checked["errors"]) == ([(1, 1), (0, 0)], "ok", [])
    assert checked.keys() == {
        "status",
        "checked_at",
        "timed_out_count",
        "processed_count",
        "errors",
    }


def test_who_has_not_the_token_of_the_mesh_is_told_as_the_reference_did(
    anybody: FlaskClient,
) -> None:
    wrong = anybody.post("/internal/retention-cleanup", headers={"dapr-api-token": "wrong"})

    assert (wrong.status_code, wrong.json["detail"]) == (403, "Forbidden - Invalid internal token")


def test_a_sidecar_is_told_which_topic_is_ours(anybody: FlaskClient) -> None:
    assert anybody.get("/dapr/subscribe").json == [
        {
            "pubsubname": "pubsub",
            "topic": "budpipelineEvents",
            "route": "/workflow-events",
            "deadLetterTopic": "poisonMessages",
        }
    ]
