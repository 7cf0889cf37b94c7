"""One step over HTTP: what its action was given, its attempts, and what it waits for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from support.driving import Driver
from support.factories import a_step
from support.history_rows import a_step as a_row
from support.history_rows import an_event, an_execution

from pipeline_engine.domain.masking import MASK
from pipeline_engine.services import Runtime
from pipeline_engine.storage.tables.events import EventType

SECRET = "s3cr3t-of-the-hub"


@pytest.fixture
def driver(app: Flask, runtime: Runtime) -> Driver:
    return Driver(runtime)


def shown(client: FlaskClient, execution_id: UUID, step_id: str, **query: str) -> dict[str, Any]:
    """One step as a client is shown it, or an item of it."""
    steps = f"/executions/{execution_id}/steps"
    [row] = [s for s in client.get(steps).json["steps"] if s["step_id"] == step_id]
    if query:
        [row] = client.get(steps, query_string={"parent": row["id"], **query}).json["steps"]
    answer = client.get(f"{steps}/{row['id']}")
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def test_params_are_shown_filled_in_with_the_mask_in_place_of_what_quotes_a_secret(
    driver: Driver, service: FlaskClient
) -> None:
    execution = driver.run(
        a_step("first", params={"message": "hello"}),
        a_step(
            "second",
            "first",
            params={
                "message": "{{ steps.first.outputs.message }} Bearer {{ params.hub }}",
                "facts": {"whole": "{{ params.hub }}", "coded": "{{ params.hub | b64encode }}"},
            },
        ),
        a_step(
            "each",
            "second",
            for_each=["a", "b"],
            params={"message": "{{ item }} {{ params.hub }}"},
        ),
        parameters=[{"name": "hub", "type": "secret"}],
        params={"hub": SECRET},
    ).execution

    second = shown(service, execution.id, "second")
    item = shown(service, execution.id, "each", index="1")

    assert second["params"]["message"] == f"hello Bearer {MASK}"
    assert second["params"]["facts"]["whole"] == MASK
    assert item["params"]["message"] == f"b {MASK}"
    assert second["params_problem"] is None
    for told in (second, item):
        assert SECRET not in str(told)
        assert [one["status"] for one in told["attempts"]] == ["COMPLETED"]


def test_attempts_are_told_with_their_errors_and_workers(
    session: Session, alice: FlaskClient
) -> None:
    execution = an_execution(session, user_id="alice")
    step = a_row(session, execution, "a", "RUNNING", attempt=3)

    def told(event_type: EventType, **details: Any) -> None:
        event = an_event(session, execution.id, event_type, step_id="a", **details)
        event.step_execution_id = step.id

    told(EventType.STEP_STARTED, attempt=1, worker="w-1")
    told(EventType.STEP_RETRYING, attempt=1, error_code="http_500", error="token=abcdefgh said no")
    told(EventType.STEP_STARTED, attempt=2, worker="w-2")
    told(EventType.STEP_RECOVERED, attempt=2, lost_attempt=2)
    told(EventType.STEP_STARTED, attempt=3, worker="w-3")
    session.commit()

    found = shown(alice, execution.id, "a")["attempts"]

    assert [(one["attempt"], one["status"], one["worker"]) for one in found] == [
        (1, "FAILED", "w-1"),
        (2, "LOST", "w-2"),
        (3, "RUNNING", "w-3"),
    ]
    assert found[0]["error"] == {"code": "http_500", "message": f"token={MASK} said no"}
    assert (found[0]["ended_at"] is None, found[2]["ended_at"]) == (False, None)


def test_attempts_are_told_of_a_step_that_has_reported_progress_all_day(
    session: Session, alice: FlaskClient
) -> None:
    execution = an_execution(session, user_id="alice")
    step = a_row(session, execution, "a", "COMPLETED", attempt=2)
    reported = text(
        "INSERT INTO events (execution_id, event_type, step_execution_id, details)"
        " SELECT :execution, kind, :step, jsonb_build_object('attempt', attempt)"
        " FROM (VALUES (1, 'step_started', 1, 1), (2, 'step_progress', 1, 2500),"
        " (3, 'step_retrying', 1, 1), (4, 'step_started', 2, 1), (5, 'step_completed', 2, 1))"
        " AS told (place, kind, attempt, times), generate_series(1, times) ORDER BY place"
    )
    session.execute(reported, {"execution": execution.id, "step": step.id})
    session.commit()

    found = shown(alice, execution.id, "a")["attempts"]

    assert [(one["attempt"], one["status"]) for one in found] == [(1, "FAILED"), (2, "COMPLETED")]


def test_a_parked_step_says_what_it_waits_for_and_until_when(
    driver: Driver, service: FlaskClient
) -> None:
    wait = {"event_key": "sign-off", "timeout_seconds": 600}
    execution_id = driver.start(a_step("wait", action="wait_for_event", params=wait))
    driver.settle()

    found = shown(service, execution_id, "wait")

    assert found["waits_for"]["kind"] == "event"
    assert found["waits_for"]["external_workflow_ids"] == ["sign-off"]
    assert found["callback_url"] is not None
    assert found["callback_expires_at"] == found["timeout_at"] == found["waits_for"]["until"]


def test_large_outputs_are_elsewhere_and_a_step_of_others_does_not_exist(
    session: Session, alice: FlaskClient, bob: FlaskClient
) -> None:
    execution = an_execution(session, user_id="alice")
    outputs = {"rows": ["x" * 1000] * 100, "password": "hunter22"}
    step = a_row(session, execution, "a", "COMPLETED", outputs=outputs)
    other = a_row(session, an_execution(session, user_id="bob"), "a", "PENDING")
    session.commit()
    steps = f"/executions/{execution.id}/steps"

    found = shown(alice, execution.id, "a")
    whole = alice.get(found["outputs"]["href"])
    missing = [
        alice.get(f"{steps}/{unknown}{tail}")
        for unknown in (other.id, "0", "x", 10**30)
        for tail in ("", "/outputs")
    ]

    assert found["outputs_are_elsewhere"] is True
    assert found["outputs"]["size"] > 100_000
    assert whole.json == {"rows": outputs["rows"], "password": MASK}
    assert {answer.json["code"] for answer in missing} == {"step_not_found"}
    assert bob.get(f"{steps}/{step.id}").json["code"] == "execution_not_found"


def test_expressions_are_tried_with_what_a_step_sees_and_learn_nothing_of_what_is_hidden(
    driver: Driver, service: FlaskClient
) -> None:
    execution = driver.run(
        a_step("first", params={"message": "hello"}),
        a_step("each", "first", for_each=["a", "b"], params={"message": "{{ item }}"}),
        parameters=[{"name": "hub", "type": "secret"}],
        params={"hub": SECRET},
    ).execution
    address = f"/executions/{execution.id}/evaluate"

    def tried(**body: Any) -> Any:
        return service.post(address, json=body)

    told = {
        text: tried(expression=text).json["value"]
        for text in ("params.hub", "params.hub | length", "params.hub[0]", "1 + 1")
    }
    item = tried(template="{{ item }} {{ steps.first.status }}", step_id="each", item_index=1)
    listed = tried(expression="[params.hub, true]")
    refused = [tried(expression="1 +"), tried(template="{{ 'x' * 2 | nothing }}"), tried()]
    large = tried(expression="('x' * 1000000)")
    half = tried(expression=r"'\ud800'")  # half a surrogate pair is no text that JSON has

    assert told == {
        "params.hub": MASK,
        "params.hub | length": len(MASK),
        "params.hub[0]": MASK[0],
        "1 + 1": 2,
    }
    assert item.json == {"value": "b COMPLETED", "type": "string"}
    assert listed.json == {"value": [MASK, True], "type": "array"}
    assert [one.status_code for one in (*refused, large, half)] == [422] * 5
    assert refused[0].json["code"] == "invalid_expression"
    assert refused[0].json["errors"][0]["pointer"] == "/expression"
    assert tried(expression="1", step_id="nowhere").json["code"] == "step_not_found"
