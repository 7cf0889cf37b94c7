"""The topics of an execution, and the envelope in which they hear of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import redis as redis_client
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session
from support.driving import Driver
from support.factories import a_document, a_step, an_action
from support.local_service import LocalService
from support.messengers import OneMessenger

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.messaging import look
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk import ActionResult
from pipeline_engine.services import executions
from pipeline_engine.services.executions import StartRequest
from pipeline_engine.storage.tables.subscriptions import Subscription

TOLD: dict[str, Any] = {
    "callback_topics": ("release-news",),
    "subscriber_ids": "u-1,u-2",
    "payload_type": "release",
    "notification_workflow_id": "R-7",
}


def a_failing_step(_: Any) -> ActionResult:
    return ActionResult(success=False, error="no disk left on 10.0.0.7", error_code="full")


@pytest.fixture
def driver(make_runtime: Callable[..., Runtime], receiver: LocalService) -> Driver:
    """A driver whose messages go through a sidecar that takes everything."""
    for topic in ("release-news", "notify"):
        receiver.answer(f"POST /v1.0/publish/pubsub/{topic}", status=204)
    action = an_action("failing", a_failing_step)
    settings = {"dapr_http_endpoint": receiver.url, "notify_service_topic": "notify"}
    return Driver(make_runtime(action, **settings))


def run(driver: Driver, *steps: dict[str, Any], **told: Any) -> UUID:
    request = StartRequest(**told)
    document = a_document(*steps, outputs={"said": "{{ steps.a.outputs.message }}"})
    started = executions.run_ephemeral(SYSTEM, driver.runtime, document, request)
    driver.finish(started.id)
    OneMessenger(driver.runtime).send_all()
    return started.id


def bodies(receiver: LocalService, topic: str) -> list[dict[str, Any]]:
    path = f"/v1.0/publish/pubsub/{topic}"
    return [received.body for received in receiver.received if received.path == path]


def test_topics_hear_of_an_execution_in_the_envelope_of_the_reference(
    driver: Driver, receiver: LocalService
) -> None:
    execution_id = run(driver, a_step("a"), **TOLD)

    told = bodies(receiver, "release-news")
    assert told[0]["payload"]["content"]["result"].pop("duration_seconds") >= 0
    assert told == [
        envelope("a", "a", "Step 'a' completed", "COMPLETED", result={"sequence_number": 2}),
        envelope(
            "results",
            "Pipeline Execution",
            "Pipeline execution completed",
            "COMPLETED",
            result={"outputs": {"said": "a"}, "success": True},
        ),
    ]
    assert len(bodies(receiver, "notify")) == 2
    sent = next(one for one in receiver.received if "release-news" in one.path)
    assert sent.headers["content-type"] == "application/cloudevents+json"
    assert sent.query["metadata.cloudevent.type"] == ["step_completed"]
    assert sent.query["metadata.cloudevent.source"] == ["budpipeline"]
    assert sent.query["metadata.cloudevent.id"][0].startswith("msg_")
    assert str(execution_id) not in json.dumps(bodies(receiver, "release-news"))


def envelope(name: str, title: str, message: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "notification_type": "event",
        "name": "bud-notification",
        "subscriber_ids": "u-1,u-2",
        "payload": {
            "category": "internal",
            "type": "release",
            "event": name,
            "workflow_id": "R-7",
            "source": "budpipeline",
            "content": {"title": title, "message": message, "status": status, **more},
        },
        "source": "budpipeline",
        "source_topic": "release-news",
    }


def test_a_failure_says_what_has_gone_wrong_and_what_is_unset_has_its_default(
    driver: Driver, receiver: LocalService
) -> None:
    execution_id = run(
        driver,
        a_step("a", action="failing"),
        callback_topics=("release-news",),
        notification_workflow_id="",
    )

    told = [body["payload"] for body in bodies(receiver, "release-news")]
    steps = {one["event"]: one["content"] for one in told}
    assert (steps["a"]["message"], steps["a"]["status"]) == ("no disk left on 10.0.0.7", "FAILED")
    assert "no disk left on 10.0.0.7" in steps["results"]["message"]
    assert steps["results"]["result"]["success"] is False
    assert {(one["workflow_id"], one["type"]) for one in told} == {
        (str(execution_id), "pipeline_execution")
    }
    assert bodies(receiver, "notify") == []


def test_how_far_an_execution_is_is_said_once_a_second_and_is_part_of_its_history(
    driver: Driver, receiver: LocalService, redis: redis_client.Redis
) -> None:
    request = StartRequest(callback_topics=("release-news",))
    document = a_document(
        a_step("a"),
        a_step("park", "a", action="wait_for_event", params={"event_key": "k"}),
        a_step("b", "park"),
    )
    started = executions.run_ephemeral(SYSTEM, driver.runtime, document, request)
    driver.settle()
    messenger = OneMessenger(driver.runtime)

    messenger.send_all()
    messenger.send_all()

    told = [one["payload"]["content"] for one in bodies(receiver, "release-news")]
    progress = [one for one in told if one["message"].startswith("Progress")]
    assert [(one["message"], one["status"]) for one in progress] == [
        ("Progress: 33.33%", "RUNNING")
    ]
    assert driver.look(started.id).events().count("workflow_progress") == 1
    assert driver.look(started.id).execution.progress_percentage == Decimal("33.33")


def test_a_topic_that_is_named_twice_is_one_subscription_which_ends_with_its_execution(
    driver: Driver, receiver: LocalService, session: Session
) -> None:
    named = ("release-news", "release-news", "notify")
    execution_id = run(driver, a_step("a"), callback_topics=named, subscriber_ids="u-1")

    rows = session.query(Subscription).filter_by(execution_id=execution_id).all()
    assert sorted(row.address for row in rows) == ["notify", "release-news"]
    assert {(row.status, row.target, row.format) for row in rows} == {
        ("active", "dapr", "reference")
    }
    assert look.tidy(driver.runtime) == 2
    session.expire_all()
    assert {(row.status, row.reason) for row in rows} == {("expired", "execution_ended")}


def test_without_a_sidecar_topics_are_channels_of_redis(
    make_runtime: Callable[..., Runtime], redis: redis_client.Redis
) -> None:
    told = redis.pubsub(ignore_subscribe_messages=True)
    told.subscribe("pe:messages::news")
    told.get_message(timeout=5)

    run(Driver(make_runtime()), a_step("a"), callback_topics=("news",))

    message = told.get_message(timeout=5)
    assert b'"source_topic":"news"' in message["data"]
    told.close()


def test_an_execution_that_tells_nobody_costs_no_statement(
    runtime: Runtime, engine: Engine
) -> None:
    said: list[str] = []
    event.listen(runtime.engine, "before_cursor_execute", lambda *a: said.append(a[2]))

    executions.run_ephemeral(SYSTEM, runtime, a_document(a_step("a")), StartRequest())

    assert not [statement for statement in said if "subscriptions" in statement]
