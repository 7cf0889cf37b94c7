"""``GET /parked``: what waits for the world, for what, and since when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from support.history_rows import START, a_pipeline, a_step, an_execution

from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.steps import Correlation

PATH = "/api/v1/parked"
LATER = START + timedelta(hours=1)


def waits(session: Session, execution: Execution, name: str, *ids: str, **columns: Any) -> None:
    """A step that is parked on these external ids."""
    columns = {"started_at": START, "deadline_at": LATER, "attempt": 1} | columns
    step = a_step(session, execution, name, "RUNNING", awaiting_event=True, **columns)
    for external_id in ids:
        session.add(
            Correlation(external_id=external_id, step_execution_id=step.id, attempt=step.attempt)
        )


def test_each_kind_of_wait_is_told_apart_and_the_oldest_comes_first(
    session: Session, alice: FlaskClient
) -> None:
    execution = an_execution(session, user_id="alice")
    waits(session, execution, "clock", due_at=START, started_at=LATER)
    waits(session, execution, "polled", "job-2", "job-1", due_at=START)
    waits(session, execution, "called")
    waits(session, execution, "child", "execution:01a2")
    waits(session, execution, "people", "approval:7", action="approval@1.0.0", outputs={})
    a_step(session, execution, "busy", "RUNNING", deadline_at=LATER)
    session.commit()

    found = alice.get(PATH).json

    told = [(one["step_id"], one["kind"], one["until"]) for one in found["parked"]]
    assert told == [
        ("polled", "event", LATER.isoformat()),
        ("called", "callback", LATER.isoformat()),
        ("child", "execution", LATER.isoformat()),
        ("people", "approval", LATER.isoformat()),
        ("clock", "timer", START.isoformat()),
    ]
    assert found["parked"][0]["external_workflow_ids"] == ["job-1", "job-2"]
    assert found["pagination"]["total_count"] == 5
    only = alice.get(f"{PATH}?kind=timer&page_size=1").json
    assert [one["step_id"] for one in only["parked"]] == ["clock"]
    assert alice.get(f"{PATH}?kind=nothing").status_code == 422


def test_what_an_approval_quotes_of_a_secret_is_masked(
    session: Session, alice: FlaskClient
) -> None:
    params = {"key": "correct-horse-battery"}
    execution = an_execution(
        session,
        user_id="alice",
        params=params,
        document={"name": "n", "steps": [], "parameters": [{"name": "key", "type": "secret"}]},
    )
    asked = {"users": ["ada"], "groups": [], "required": 1}
    outputs = {"message": f"Use {params['key']}?", "asked": asked, "decisions": []}
    waits(session, execution, "people", action="approval", outputs=outputs)
    session.commit()

    (found,) = alice.get(PATH).json["parked"]

    assert found["approval"]["asked"] == asked
    assert found["approval"]["message"].startswith("Use ")
    assert params["key"] not in found["approval"]["message"]


def test_others_see_nothing_of_it_and_a_pipeline_only_its_own(
    session: Session, alice: FlaskClient, bob: FlaskClient, service: FlaskClient
) -> None:
    pipeline = a_pipeline(session, user_id="alice")
    waits(session, an_execution(session, user_id="alice", pipeline_id=pipeline.id), "its own")
    waits(session, an_execution(session, user_id="alice"), "another")
    session.commit()

    own = alice.get(f"{PATH}?pipeline_id={pipeline.id}").json["parked"]

    assert [one["step_id"] for one in own] == ["its own"]
    assert own[0]["pipeline_id"] == str(pipeline.id)
    assert bob.get(PATH).json["parked"] == []
    assert service.get(PATH).json["pagination"]["total_count"] == 2
