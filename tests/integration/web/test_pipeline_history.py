"""What pipelines did: over HTTP, by the history that their executions left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from support.history_rows import START, a_document, a_pipeline, a_step, an_execution

DAILY = {"type": "cron", "expression": "0 9 * * *"}


def created(client: FlaskClient, **fields: Any) -> str:
    """The id of a pipeline that the client stored."""
    answer = client.post("/pipelines", json={"dag": a_document(), **fields})
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def names(client: FlaskClient, query: str) -> list[str]:
    """What a list with this query holds."""
    return [found["name"] for found in client.get(f"/pipelines?{query}").json]


def test_a_list_shows_what_each_pipeline_did_lately_and_when_it_is_due(
    alice: FlaskClient, session: Session
) -> None:
    busy, idle = created(alice, name="busy"), created(alice, name="idle")
    ends = START + timedelta(seconds=2.5)
    for number, (owner, status) in enumerate(
        [("alice", "FAILED"), ("alice", "COMPLETED"), ("bob", "COMPLETED"), ("alice", "PENDING")]
    ):
        times = {} if status == "PENDING" else {"started_at": START, "finished_at": ends}
        made = START + timedelta(minutes=number)
        columns = {"pipeline_id": busy, "user_id": owner, "created_at": made, **times}
        an_execution(session, status=status, **columns)
    session.commit()
    wanted = {"pipeline_id": busy, "name": "daily", "schedule": DAILY}
    due = alice.post("/api/v1/schedules", json=wanted).json["next_run_at"]

    found = {one["id"]: one for one in alice.get("/pipelines?recent=2").json}

    recent = found[busy]["recent"]
    assert [(one["status"], one["seconds"]) for one in recent] == [
        ("PENDING", None),
        ("COMPLETED", 2.5),
    ]
    assert recent[0].keys() == {"execution_id", "status", "created_at", "seconds"}
    assert found[busy]["next_due_at"] == due
    assert (found[idle]["recent"], found[idle]["next_due_at"]) == ([], None)


def test_history_is_left_out_of_a_list_that_does_not_ask_for_it(alice: FlaskClient) -> None:
    created(alice)

    assert not {"recent", "next_due_at"} & alice.get("/pipelines").json[0].keys()
    assert alice.get("/pipelines?recent=0").json[0]["recent"] == []
    assert alice.get("/pipelines?recent=101").status_code == 422


def test_who_may_not_read_schedules_is_not_told_when_one_is_due(alice: FlaskClient) -> None:
    pipeline = created(alice)
    alice.post("/schedules", json={"pipeline_id": pipeline, "name": "daily", "schedule": DAILY})
    asked = {"name": "t", "scopes": ["pipelines:read"]}
    token = alice.post("/api/v1/tokens", json=asked).json["token"]

    bearer = {"Authorization": f"Bearer {token}"}
    shown = alice.application.test_client().get("/pipelines?recent=1", headers=bearer)

    assert shown.json[0]["next_due_at"] is None


def test_pipelines_are_found_by_a_part_of_name_or_description_and_by_status(
    alice: FlaskClient, session: Session
) -> None:
    a_pipeline(session, name="Nightly load", user_id="alice")
    a_pipeline(session, name="export", description="copies the NIGHTLY load", user_id="alice")
    a_pipeline(session, name="100%", user_id="alice")
    a_pipeline(session, name="nightly", user_id="bob")
    session.commit()
    created(alice, name="draft", dag=a_document() | {"steps": []})

    assert set(names(alice, "q=nightly")) == {"Nightly load", "export"}
    assert names(alice, "q=%25") == ["100%"]
    assert names(alice, "status=draft") == ["draft"]
    assert set(names(alice, "status=DRAFT&status=ACTIVE&q=l")) == {"Nightly load", "export"}
    assert alice.get("/pipelines?status=broken").status_code == 422


@pytest.mark.parametrize("page", [1, 2])
def test_the_links_of_a_list_keep_every_status_that_was_asked_for(
    alice: FlaskClient, page: int
) -> None:
    created(alice)

    asked = f"/pipelines?status=ACTIVE&status=DRAFT&page={page}&page_size=1"

    assert "status=ACTIVE&status=DRAFT" in alice.get(asked).headers["Link"]


def test_every_revision_says_what_it_held_and_who_saved_it(
    alice: FlaskClient, service: FlaskClient
) -> None:
    secret = {"name": "key", "type": "secret", "default": "s3cr3t-default"}
    pipeline = created(alice)
    for version, document in enumerate([a_document("a", "b"), a_document(parameters=[secret])], 1):
        body = {"dag": document, "lock_version": version}
        on_behalf = {"X-User-ID": "alice"}
        service.put(f"/pipelines/{pipeline}", json=body, headers=on_behalf)

    answer = alice.get(f"/api/v1/pipelines/{pipeline}/revisions?page_size=2")
    newest, second = answer.json
    oldest = alice.get(f"/api/v1/pipelines/{pipeline}/revisions?page_size=2&page=2").json[0]

    assert [one["revision"] for one in (newest, second, oldest)] == [3, 2, 1]
    assert (second["dag"], oldest["dag"]) == (a_document("a", "b"), a_document())
    assert oldest["saved_by"] == "env:user:alice"
    assert newest["saved_by"] not in (None, oldest["saved_by"])
    assert "s3cr3t-default" not in answer.text
    assert answer.headers["X-Total-Count"] == "3"
    assert 'rel="next"' in answer.headers["Link"]


def test_a_param_that_is_looked_for_has_a_name_and_a_value(alice: FlaskClient) -> None:
    right = alice.get("/executions?param=at:10:30&param=region:eu&status=failed&status=PENDING")
    wrong = [alice.get(f"/executions?{query}") for query in ("param=region", "param=:eu")]

    assert (right.status_code, right.json["executions"]) == (200, [])
    assert {answer.status_code for answer in wrong} == {422}


def lived(session: Session, pipeline: str, status: str, seconds: int, *steps: str) -> str:
    """An execution of Alice's that took so long; each of its steps did, too."""
    ends = START + timedelta(seconds=seconds)
    times = {"started_at": START, "finished_at": ends}
    columns = {"pipeline_id": pipeline, "user_id": "alice", "created_at": ends, **times}
    execution = an_execution(session, status=status, document=a_document(*steps), **columns)
    for number, step in enumerate(steps):
        a_step(session, execution, step, status, sequence_number=number, **times)
    return str(execution.id)


def test_statistics_are_of_the_last_executions_that_have_ended(
    alice: FlaskClient, session: Session
) -> None:
    pipeline = created(alice)
    for seconds in (1000, 10, 20, 30):
        lived(session, pipeline, "COMPLETED", seconds, "a", "b")
    lived(session, pipeline, "FAILED", 40, "a")
    an_execution(session, pipeline_id=pipeline, user_id="alice")  # it runs
    an_execution(session, status="FAILED", pipeline_id=pipeline, user_id="bob")
    session.commit()

    found = alice.get(f"/api/v1/pipelines/{pipeline}/statistics").json
    newest = alice.get(f"/api/v1/pipelines/{pipeline}/statistics?executions=1").json
    nothing = alice.get(f"/api/v1/pipelines/{created(alice, name='new')}/statistics").json

    assert found["executions"] | {"p95_seconds": None} == {
        "looked_at": 5,
        "completed": 4,
        "failed": 1,
        "interrupted": 0,
        "p50_seconds": 25.0,
        "p95_seconds": None,
    }
    steps = [(one["step_id"], one["runs"], one["failed"]) for one in found["steps"]]
    assert steps == [("a", 5, 1), ("b", 4, 0)]
    assert newest["executions"]["p50_seconds"] == 1000
    assert (nothing["executions"]["p50_seconds"], nothing["steps"]) == (None, [])


def test_a_grid_has_a_cell_for_each_step_of_each_execution(
    alice: FlaskClient, session: Session
) -> None:
    pipeline = created(alice)
    older = lived(session, pipeline, "COMPLETED", 10, "gone", "a")
    newer = lived(session, pipeline, "FAILED", 20, "a", "b")
    an_execution(session, pipeline_id=pipeline, user_id="bob")
    session.commit()

    found = alice.get(f"/api/v1/pipelines/{pipeline}/grid").json
    second = alice.get(f"/api/v1/pipelines/{pipeline}/grid?page=2&page_size=1").json

    assert [one["execution_id"] for one in found["executions"]] == [newer, older]
    assert [one["step_id"] for one in found["steps"]] == ["a", "b", "gone"]
    cells = [
        {name: cell["status"] for name, cell in one["cells"].items()} for one in found["executions"]
    ]
    assert cells == [{"a": "FAILED", "b": "FAILED"}, {"gone": "COMPLETED", "a": "COMPLETED"}]
    assert [one["step_id"] for one in second["steps"]] == ["gone", "a"]
    assert second["pagination"]["total_count"] == 2
