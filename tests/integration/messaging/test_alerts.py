"""Alerts reach subscribers as all events do, signed and tried again."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session
from support.history_rows import a_pipeline, an_execution
from support.local_service import LocalService
from support.messengers import OneMessenger, subscribe

from pipeline_engine.scheduler import alerts
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage.tables.alerts import AlertRule


def test_who_subscribes_to_alerts_of_a_pipeline_is_sent_them(
    session: Session, runtime: Runtime, messenger: OneMessenger, receiver: LocalService
) -> None:
    pipeline = a_pipeline(session).id
    execution = an_execution(session, pipeline_id=pipeline)
    execution.started_at = text("now() - interval '90 s'")
    rule = AlertRule(name="slow", kind="late", after_seconds=60, created_by="tests")
    rule.pipeline_id = pipeline
    session.add(rule)
    session.commit()
    wanted = ["alert_raised", "alert_resolved"]
    subscribe(runtime, f"{receiver.url}/hook", pipeline=str(pipeline), event_types=wanted)

    alerts.look(runtime)
    messenger.send_all()

    (received,) = receiver.received
    assert received.body["type"] == "alert_raised"
    assert received.body["data"]["execution_id"] == str(execution.id)
    assert received.body["data"]["details"]["rule"] == "slow"
    assert "webhook-signature" in received.headers
