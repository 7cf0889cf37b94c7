"""``/executions`` over HTTP; no worker runs, so what is started stays PENDING."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from support.history_rows import START, a_document, a_pipeline, a_step, an_event, an_execution
from support.waiting import wait_until

from pipeline_engine.config import Settings
from pipeline_engine.domain.masking import MASK
from pipeline_engine.services import Runtime
from pipeline_engine.storage.tables.events import EventType
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.steps import StepKind

#: The names of the API, and those that clients of the reference read.
EPHEMERAL = {
    "pipeline_id": None,
    "pipeline_name": "nightly",
    "workflow_id": "ephemeral",
    "workflow_name": "nightly",
}


def test_an_execution_outlives_its_pipeline_and_is_ephemeral_then(
    alice: FlaskClient, session: Session
) -> None:
    execution = started(alice, session)
    address = f"/executions/{execution['execution_id']}"

    alice.delete(f"/pipelines/{execution['workflow_id']}")

    shown = alice.get(address).json
    assert shown["id"] == execution["execution_id"]
    assert shown["pipeline_definition"]["workflow_id"] == "ephemeral"


def started(client: FlaskClient, session: Session, **body: Any) -> dict[str, Any]:
    """What a client is told about a pipeline of alice that it has just executed."""
    pipeline = a_pipeline(session, user_id="alice")
    session.commit()
    answer = client.post("/executions", json={"workflow_id": str(pipeline.id), **body})
    assert answer.status_code == 201, answer.json
    found: dict[str, Any] = answer.json
    return found


def test_an_execution_is_pending_at_once(session: Session, alice: FlaskClient) -> None:
    """The reference ran the whole pipeline inside the request."""
    found = started(alice, session, params={"region": "eu"})

    assert found.pop("execution_id")
    assert found.pop("workflow_id") == found.pop("pipeline_id")
    assert found == {
        "pipeline_name": "nightly",
        "workflow_name": "nightly",
        "status": "PENDING",
        "started_at": None,
        "completed_at": None,
        "params": {"region": "eu", "user_id": "alice"},
        "outputs": None,
        "error": None,
        "error_info": None,
    }


def test_the_user_in_the_params_is_the_one_who_asks(
    session: Session, alice: FlaskClient, service: FlaskClient
) -> None:
    """Actions act for that user: a caller must not become somebody else by a param."""
    hers = started(alice, session, params={"user_id": "bob"}, user_id="bob")
    by_service = service.post(
        "/executions", json={"pipeline_id": hers["workflow_id"], "user_id": "alice"}
    )

    assert hers["params"]["user_id"] == "alice"
    assert by_service.json["params"]["user_id"] == "alice"
    assert session.scalars(select(Execution.user_id)).all() == ["alice", "alice"]


@pytest.mark.parametrize("pipeline_id", [str(UUID(int=4)), "not-a-uuid", "nightly"])
def test_an_unknown_pipeline_is_404(alice: FlaskClient, pipeline_id: str) -> None:
    """In the reference it was a 500, as every wrong request was."""
    answer = alice.post("/executions", json={"workflow_id": pipeline_id})

    assert (answer.status_code, answer.json["code"]) == (404, "pipeline_not_found")


def test_the_pipeline_of_another_user_is_404(session: Session, bob: FlaskClient) -> None:
    pipeline = a_pipeline(session, user_id="alice")
    session.commit()

    answer = bob.post("/executions", json={"workflow_id": str(pipeline.id)})

    assert answer.status_code == 404


def test_a_draft_is_400(session: Session, alice: FlaskClient) -> None:
    draft = alice.post("/pipelines", json={"dag": {}, "name": "later"}).json

    answer = alice.post("/executions", json={"pipeline_id": draft["id"]})

    assert (answer.status_code, answer.json["code"]) == (400, "draft_not_executable")


def test_params_that_do_not_fit_are_422_with_their_places(
    session: Session, alice: FlaskClient
) -> None:
    document = a_document(parameters=[{"name": "count", "type": "integer"}])
    pipeline = a_pipeline(session, user_id="alice", document=document)
    session.commit()
    body = {"pipeline_id": str(pipeline.id)}

    missing = alice.post("/executions", json=body)
    wrong = alice.post("/executions", json=body | {"params": {"count": "many"}})

    for answer in (missing, wrong):
        assert (answer.status_code, answer.json["code"]) == (422, "invalid_params")
        assert answer.json["errors"][0]["pointer"].endswith("/count")


def test_a_param_beyond_its_limits_is_422_with_its_very_place_in_a_run_without_a_pipeline_too(
    alice: FlaskClient,
) -> None:
    port = {"type": "integer", "maximum": 65535}
    server = {"type": "object", "properties": {"port": port}}
    declared = {"name": "servers", "type": "array", "items": server}
    body = {
        "pipeline_definition": a_document(parameters=[declared]),
        "params": {"servers": [{"port": 1}, {"port": 70000}]},
    }

    answer = alice.post("/executions/run", json=body)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_params")
    [problem] = answer.json["errors"]
    assert (problem["pointer"], problem["code"]) == ("/params/servers/1/port", "too_large")
    assert "70000" not in answer.text


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/pipeline_id"),
        ({"workflow_id": 7}, "/workflow_id"),
        ({"workflow_id": "x", "params": []}, "/params"),
        ({"workflow_id": "x", "callback_topics": "t"}, "/callback_topics"),
        ({"workflow_id": "x", "callback_topics": ["ok", "no topic"]}, "/callback_topics/1"),
        ({"workflow_id": "x", "notification_workflow_id": "n" * 256}, "/notification_workflow_id"),
    ],
)
def test_a_wrong_body_is_422_with_its_place(
    alice: FlaskClient, body: dict[str, Any], pointer: str
) -> None:
    answer = alice.post("/executions", json=body)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert [problem["pointer"] for problem in answer.json["errors"]] == [pointer]


def test_a_repeated_request_finds_the_first_execution(
    session: Session, alice: FlaskClient, bob: FlaskClient
) -> None:
    pipeline = a_pipeline(session, system_owned=True)
    session.commit()
    body = {"pipeline_id": str(pipeline.id), "params": {"a": 1, "b": 2}}
    same = {"params": {"b": 2, "a": 1}, "pipeline_id": str(pipeline.id)}
    key = {"Idempotency-Key": "tonight"}

    first = alice.post("/executions", json=body, headers=key)
    again = alice.post("/api/v1/executions", json=same, headers=key)
    other = alice.post("/executions", json=body | {"params": {}}, headers=key)
    his = bob.post("/executions", json=body, headers=key)

    assert again.json["execution_id"] == first.json["execution_id"]
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert his.status_code == 201
    assert his.json["execution_id"] != first.json["execution_id"]


def test_the_first_answer_says_what_a_repeated_request_reads(
    session: Session, alice: FlaskClient
) -> None:
    """The first one is made of what was just written, without looking."""
    document = a_document(
        parameters=[
            {"name": "pin", "type": "secret"},
            {"name": "size", "type": "integer", "default": 3},
        ]
    )
    pipeline = a_pipeline(session, user_id="alice", document=document)
    session.commit()
    params = {"zone": "eu", "a": 1e3, "pin": "1234", "api_key": "k", "note": "pin is 1234"}
    body = {"pipeline_id": str(pipeline.id), "params": params}

    first, again = (
        alice.post("/executions", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    )

    assert first.data == again.data
    assert first.json["params"]["pin"] == first.json["params"]["api_key"] == MASK
    assert first.json["params"]["size"] == 3


def test_a_service_that_acts_for_one_user_cannot_start_what_only_another_sees(
    session: Session, service: FlaskClient
) -> None:
    """Both the one who asks and the one whom it is for have to see the pipeline."""
    hers = a_pipeline(session, user_id="alice")
    session.commit()
    body = {"pipeline_id": str(hers.id)}
    as_alice, as_bob = {"X-User-ID": "alice"}, {"X-User-ID": "bob"}

    answers = [
        service.post("/executions", json=body | {"user_id": user}, headers=headers).status_code
        for user, headers in (("bob", as_alice), ("alice", as_bob), ("bob", {}), ("alice", {}))
    ]

    assert answers == [404, 404, 404, 201]


@pytest.mark.parametrize("key", ["", "a b", "ü", "x" * 256])
def test_a_key_that_cannot_be_kept_is_422(alice: FlaskClient, key: str) -> None:
    answer = alice.post("/executions", json={"workflow_id": "x"}, headers={"Idempotency-Key": key})

    assert (answer.status_code, answer.json["errors"][0]["in"]) == (422, "headers")


def test_a_definition_can_be_sent_along(alice: FlaskClient) -> None:
    answer = alice.post("/executions/run", json={"pipeline_definition": a_document()})

    assert (answer.status_code, answer.json["workflow_id"]) == (201, "ephemeral")
    shown = alice.get(f"/executions/{answer.json['execution_id']}").json
    assert shown["pipeline_definition"]["dag"] == a_document()
    assert alice.get("/pipelines").json == []


def test_a_wrong_definition_that_is_sent_along_is_400(alice: FlaskClient) -> None:
    answer = alice.post("/executions/run", json={"pipeline_definition": {"name": "x"}})

    assert (answer.status_code, answer.json["code"]) == (400, "invalid_definition")
    assert answer.json["errors"]


@pytest.mark.parametrize(
    ("query", "headers"), [("?wait_seconds=30", {}), ("", {"Prefer": "respond-async, wait=30"})]
)
def test_a_client_can_wait_for_the_end(
    session: Session, alice: FlaskClient, query: str, headers: dict[str, str]
) -> None:
    answers: list[Any] = []
    body = {"pipeline_definition": a_document()}
    waiting = threading.Thread(
        target=lambda: answers.append(
            alice.post(f"/executions/run{query}", json=body, headers=headers)
        )
    )
    waiting.start()
    execution_id = wait_until(
        lambda: session.rollback() or session.scalar(select(Execution.id)), what="an execution"
    )

    session.execute(
        Execution.__table__.update()
        .where(Execution.id == execution_id)
        .values(status="COMPLETED", outputs={"answer": 42}, finished_at=START)
    )
    session.commit()
    waiting.join(timeout=20)

    assert (answers[0].status_code, answers[0].json["status"]) == (201, "COMPLETED")
    assert answers[0].json["outputs"] == {"answer": 42}


@pytest.mark.parametrize("seconds", ["61", "-1", "soon", "nan", "inf"])
def test_nobody_waits_longer_than_a_minute(alice: FlaskClient, seconds: str) -> None:
    answer = alice.post(f"/executions?wait_seconds={seconds}", json={"workflow_id": "x"})

    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/wait_seconds")


def test_an_execution_is_shown_as_clients_know_it(session: Session, alice: FlaskClient) -> None:
    execution = an_execution(
        session,
        user_id="alice",
        status="FAILED",
        params={"api_key": "k-123456", "region": "eu"},
        error={"code": "boom", "message": "It broke", "step_id": "a"},
        started_at=START,
        finished_at=START,
    )
    session.commit()

    found = alice.get(f"/api/v1/executions/{execution.id}").json

    assert found["pipeline_definition"] == {
        **EPHEMERAL,
        "dag": a_document(),
        "params": {"api_key": "***REDACTED***", "region": "eu"},
    }
    assert found["status"] == "FAILED"
    assert found["progress_percentage"] == "0.00"
    assert found["error_info"] == {"code": "boom", "message": "It broke", "step_id": "a"}
    assert found["start_time"] == found["end_time"] == "2026-01-01T12:00:00+00:00"
    assert (found["version"], found["initiator"], found["final_outputs"]) == (1, "api", None)


@pytest.mark.parametrize("path", ["", "/steps", "/events", "/progress"])
def test_an_id_that_is_no_uuid_is_422_and_an_unknown_one_404(alice: FlaskClient, path: str) -> None:
    wrong = alice.get(f"/executions/not-a-uuid{path}")
    unknown = alice.get(f"/executions/{uuid4()}{path}")

    assert (wrong.status_code, wrong.json["code"]) == (422, "invalid_request")
    assert (unknown.status_code, unknown.json["code"]) == (404, "execution_not_found")
    assert unknown.json["correlation_id"] == unknown.headers["X-Correlation-ID"]


def test_a_list_is_paged_and_leaves_out_what_is_large(session: Session, alice: FlaskClient) -> None:
    for _ in range(3):
        an_execution(session, user_id="alice", outputs={"large": "x"})
    session.commit()

    found = alice.get("/executions?page=2&page_size=2").json

    assert found["pagination"] == {
        "page": 2,
        "page_size": 2,
        "total_count": 3,
        "total_pages": 2,
    }
    (only,) = found["executions"]
    assert only["pipeline_definition"] == EPHEMERAL
    assert "final_outputs" not in only


def test_a_list_without_entries_has_no_pages(alice: FlaskClient) -> None:
    assert alice.get("/executions").json == {
        "executions": [],
        "pagination": {"page": 1, "page_size": 20, "total_count": 0, "total_pages": 0},
    }


def test_lower_case_statuses_are_understood_and_upper_case_is_sent(
    session: Session, alice: FlaskClient
) -> None:
    """The reference sent lower case from POST and upper case from GET."""
    an_execution(session, user_id="alice", status="FAILED")
    an_execution(session, user_id="alice", status="RUNNING")
    session.commit()

    found = alice.get("/executions?status=failed").json["executions"]

    assert [execution["status"] for execution in found] == ["FAILED"]


@pytest.mark.parametrize(
    "query",
    [
        "status=cancelled",
        "start_date=yesterday",
        "start_date=0001-01-01T00:00:00%2B23:59",
        "end_date=9999-12-31T23:59:59-23:59",
        "workflow_id=x",
        "page=0",
        "page=99999999999",
        "page=1_0",
        "page=%D9%A1",
        "page_size=101",
        "initiator=%00",
    ],
)
def test_a_filter_that_means_nothing_is_422(alice: FlaskClient, query: str) -> None:
    answer = alice.get(f"/executions?{query}")

    assert answer.status_code == 422
    assert answer.json["errors"][0]["in"] == "query"


@pytest.mark.parametrize(
    "moment",
    ["2026-01-01", "2026-01-01T12:00:00Z", "2026-01-01T12:00:00+01:00", "2026-01-01T12:00:00"],
)
def test_points_in_time_may_be_written_in_every_usual_way(
    session: Session, alice: FlaskClient, moment: str
) -> None:
    an_execution(session, user_id="alice")
    session.commit()

    found = alice.get(f"/executions?start_date={moment}&end_date=2100-01-01")

    assert len(found.json["executions"]) == 1


def test_an_hour_has_what_ended_in_it_so_that_its_list_is_as_long_as_its_bar(
    session: Session, alice: FlaskClient
) -> None:
    hour = datetime(2026, 3, 5, 14, tzinfo=UTC)
    ends = {"first": hour, "last": hour + timedelta(minutes=59), "next": hour + timedelta(hours=1)}
    ids = {
        str(an_execution(session, user_id="alice", status="COMPLETED", finished_at=at).id): name
        for name, at in ends.items()
    }
    an_execution(session, user_id="alice", status="RUNNING")
    session.commit()

    span = "ended_from=2026-03-05T14:00:00Z&ended_before=2026-03-05T15:00:00Z"
    listed = alice.get(f"/executions?{span}").json["executions"]

    assert {ids[execution["id"]] for execution in listed} == {"first", "last"}


@pytest.mark.parametrize(
    ("span", "found"),
    [
        ("end_date=2026-03-05", ["evening"]),
        ("end_date=20260305", ["evening"]),
        ("start_date=2026-03-05&end_date=2026-03-05", ["evening"]),
        ("end_date=2026-03-05T00:00:00Z", []),
        ("start_date=2026-03-06&end_date=9999-12-31", ["next"]),
    ],
)
def test_a_span_ends_with_the_whole_of_its_last_day(
    session: Session, alice: FlaskClient, span: str, found: list[str]
) -> None:
    created = {
        "evening": datetime(2026, 3, 5, 23, 59, 59, 999999, tzinfo=UTC),
        "next": datetime(2026, 3, 6, tzinfo=UTC),
    }
    ids = {
        str(an_execution(session, user_id="alice", created_at=at).id): name
        for name, at in created.items()
    }
    session.commit()

    listed = alice.get(f"/executions?{span}").json["executions"]

    assert [ids[execution["id"]] for execution in listed] == found


def test_a_step_says_whether_it_is_parked_and_until_when(
    session: Session, alice: FlaskClient
) -> None:
    execution = an_execution(session, user_id="alice")
    a_step(
        session,
        execution,
        "onboard",
        "RUNNING",
        action="model_add",
        awaiting_event=True,
        external_workflow_id="w-1",
        deadline_at=START,
        attempt=2,
        progress_percentage=12.5,
    )
    session.commit()

    (step,) = alice.get(f"/executions/{execution.id}/steps").json["steps"]

    assert isinstance(step["id"], str)
    expected = {
        "step_id": "onboard",
        "step_name": "ONBOARD",
        "handler_type": "model_add",
        "status": "RUNNING",
        "awaiting_event": True,
        "parked": True,
        "external_workflow_id": "w-1",
        "timeout_at": "2026-01-01T12:00:00+00:00",
        "attempt": 2,
        "retry_count": 0,
        "progress_percentage": "12.50",
        "items": None,
        "skip_reason": None,
        "error_code": None,
    }
    assert {name: step[name] for name in expected} == expected


def test_items_are_listed_by_their_parent(session: Session, alice: FlaskClient) -> None:
    execution = an_execution(session, user_id="alice")
    parent = a_step(
        session, execution, "fan", "RUNNING", items_total=2, items_open=2, items_failed=0
    )
    for index in range(2):
        a_step(
            session,
            execution,
            "fan",
            "PENDING",
            kind=StepKind.ITEM,
            parent_id=parent.id,
            item_index=index,
        )
    session.commit()

    listed = alice.get(f"/executions/{execution.id}/steps").json["steps"]
    items = alice.get(f"/executions/{execution.id}/steps?parent={parent.id}&page_size=1").json
    strange = alice.get(f"/executions/{execution.id}/steps?parent={10**30}")
    second, none, unknown = (
        alice.get(f"/executions/{execution.id}/steps?parent={parent.id}&{query}")
        for query in ("index=1&status=pending&status=FAILED", "q=nowhere", "status=LOST")
    )

    counts = {"total": 2, "open": 2, "failed": 0, "by_status": {"PENDING": 2}, "parked": 0}
    assert [step["items"] for step in listed] == [counts]
    assert [item["item_index"] for item in second.json["steps"]] == [1]
    assert none.json["pagination"]["total_count"] == 0
    assert unknown.status_code == 422
    assert [item["item_index"] for item in items["steps"]] == [0]
    assert items["pagination"]["total_count"] == 2
    assert strange.status_code == 422


def test_events_are_followed_by_their_number(session: Session, alice: FlaskClient) -> None:
    execution = an_execution(session, user_id="alice")
    an_event(session, execution.id, EventType.WORKFLOW_STARTED)
    an_event(session, execution.id, EventType.STEP_STARTED, step_name="A", attempt=1)
    session.commit()
    address = f"/executions/{execution.id}/events"

    newest = alice.get(f"{address}?limit=1").json
    followed = alice.get(f"{address}?after=1").json
    end = alice.get(f"{address}?after=2").json

    assert newest["total_count"] == 2
    assert (newest["limit"], newest["offset"]) == (1, 0)
    (event,) = newest["events"]
    assert (event["sequence_number"], event["event_type"]) == (2, "step_started")
    assert event["current_step_desc"] == "Started: A"
    assert event["event_details"] == {"step_name": "A", "attempt": 1}
    assert event["timestamp"] == event["created_at"]
    assert [e["sequence_number"] for e in followed["events"]] == [2]
    assert (end["events"], end["next_after"]) == ([], 2)


@pytest.mark.parametrize("query", ["event_type=nonsense", "limit=0", "limit=1001", "after=-1"])
def test_an_unknown_event_type_is_422(session: Session, alice: FlaskClient, query: str) -> None:
    """In the reference it was a 500."""
    execution = an_execution(session, user_id="alice")
    session.commit()

    answer = alice.get(f"/executions/{execution.id}/events?{query}")

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("query", "steps", "events"),
    [
        ("", 1, 1),
        ("?detail=full", 1, 1),
        ("?granularity=detailed", 1, 1),
        ("?detail=steps", 1, 0),
        ("?detail=summary", 0, 0),
        ("?include_events=false", 1, 0),
    ],
)
def test_progress_comes_in_three_sizes(
    session: Session, alice: FlaskClient, query: str, steps: int, events: int
) -> None:
    execution = an_execution(session, user_id="alice")
    a_step(session, execution, "a", "RUNNING", progress_percentage=50)
    an_event(session, execution.id, EventType.WORKFLOW_STARTED)
    session.commit()

    found = alice.get(f"/executions/{execution.id}/progress{query}").json

    assert (len(found["steps"]), len(found["recent_events"])) == (steps, events)
    assert found["aggregated_progress"] == {
        "overall_progress": "50.00",
        "eta_seconds": None,
        "completed_steps": 0,
        "total_steps": 1,
        "current_step": "A",
    }
    assert found["execution"]["progress_percentage"] == "50.00"


WITH_HANDLER = {
    "name": "n",
    "steps": [{"id": "a", "name": "a", "action": "log", "params": {"message": "m"}}],
    "settings": {
        "finally": [
            {"id": "h", "name": "h", "action": "wait_until", "params": {"duration_seconds": 3600}}
        ],
    },
}
FORCE_IN_BODY = {"json": {"force": True}}
FORCE_IN_QUERY = {"query_string": "force=true"}


@pytest.mark.parametrize("again", [{}, FORCE_IN_BODY, FORCE_IN_QUERY])
def test_a_cancel_lets_handlers_run_and_a_second_one_does_not(
    alice: FlaskClient, again: dict[str, Any]
) -> None:
    started = alice.post("/executions/run", json={"pipeline_definition": WITH_HANDLER})
    path = f"/executions/{started.json['execution_id']}"

    first = alice.post(f"{path}/cancel", json={"reason": "too late"})
    between = alice.get(path).json
    second = alice.post(f"{path}/cancel", **again)

    assert (first.status_code, first.json["forced_at"]) == (202, None)
    assert first.json["cancel_requested_at"]
    assert between["status"] in {"PENDING", "RUNNING"}, "its handler is queued"
    assert (second.status_code, second.json["status"]) == (202, "INTERRUPTED")
    assert second.json["forced_at"]
    assert alice.get(path).json["error_info"]["message"] == "too late"


@pytest.mark.parametrize("force", [FORCE_IN_BODY, FORCE_IN_QUERY])
def test_force_ends_an_execution_without_its_handlers(
    alice: FlaskClient, force: dict[str, Any]
) -> None:
    started = alice.post("/executions/run", json={"pipeline_definition": WITH_HANDLER})
    path = f"/executions/{started.json['execution_id']}"

    answer = alice.post(f"{path}/cancel", **force)

    assert (answer.status_code, answer.json["status"]) == (202, "INTERRUPTED")
    assert [step["step_id"] for step in alice.get(f"{path}/steps").json["steps"]] == ["a"]


def test_a_cancel_that_can_stop_nothing_more_is_refused(
    session: Session, alice: FlaskClient
) -> None:
    execution = an_execution(session, user_id="alice", status="RUNNING")
    execution.abort_reason, execution.forced_at = "cancelled", datetime.now(UTC)
    session.commit()

    answer = alice.post(f"/executions/{execution.id}/cancel")

    assert (answer.status_code, answer.json["code"]) == (409, "execution_already_stopped")


def test_what_has_ended_cannot_be_cancelled(session: Session, alice: FlaskClient) -> None:
    execution = an_execution(session, user_id="alice", status="COMPLETED")
    session.commit()

    answer = alice.post(f"/executions/{execution.id}/cancel")

    assert (answer.status_code, answer.json["code"]) == (409, "execution_already_final")


def test_a_cancel_of_what_has_ended_reaches_what_goes_on_below_it(
    session: Session, alice: FlaskClient
) -> None:
    root = an_execution(session, user_id="alice", status="COMPLETED")
    below = {"parent_execution_id": root.id, "root_execution_id": root.id}
    child = an_execution(session, user_id="alice", **below)
    session.commit()

    listed = alice.get(f"/executions?root={root.id}").json["executions"]
    answer = alice.post(f"/executions/{root.id}/cancel")

    assert answer.status_code == 202
    assert {(one["parent_execution_id"], one["root_execution_id"]) for one in listed} == {
        (None, str(root.id)),
        (str(root.id), str(root.id)),
    }
    assert alice.get(f"/executions/{child.id}").json["cancel_requested_at"]


def test_an_owner_with_too_many_open_executions_is_told_to_come_again(
    session: Session, web_settings: Settings, app_with: Callable[[Settings], Flask]
) -> None:
    pipeline = a_pipeline(session, user_id="alice")
    session.commit()
    narrow = app_with(replace(web_settings, max_open_executions=1)).test_client()
    as_alice = {"Authorization": "Bearer alice-token"}
    wanted = {"workflow_id": str(pipeline.id)}

    answers = [narrow.post("/executions", json=wanted, headers=as_alice) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 429]
    assert answers[1].json["code"] == "too_many_open_executions"
    told = {name: answers[1].json[name] for name in ("quota", "limit", "used")}
    assert told == {"quota": "open_executions", "limit": 1, "used": 1}
    assert int(answers[1].headers["Retry-After"]) > 0


def test_nothing_is_left_open_after_a_request(
    session: Session, alice: FlaskClient, runtime: Runtime
) -> None:
    started(alice, session)
    alice.get("/executions")
    alice.post("/executions", json={"workflow_id": str(uuid4())})

    assert runtime.engine.pool.checkedout() == 0


def test_whom_to_tell_is_stored_and_shown(session: Session, alice: FlaskClient) -> None:
    pipeline = a_pipeline(session, user_id="alice")
    session.commit()
    whom = {
        "callback_topics": ["news", "audit"],
        "subscriber_ids": "ada,grace",
        "payload_type": "release",
        "notification_workflow_id": "wf-1",
    }

    started = alice.post("/executions", json={"pipeline_id": str(pipeline.id)} | whom)
    shown = alice.get(f"/executions/{started.json['execution_id']}").json
    listed = alice.get("/executions").json["executions"][0]

    assert {name: shown[name] for name in whom} == whom
    assert whom.keys() & listed.keys() == set()
