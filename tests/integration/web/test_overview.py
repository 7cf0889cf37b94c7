"""``/overview``: what all executions of a caller are up to."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from support.history_rows import START, a_document, a_step, an_execution, statements_on

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.scopes import Scope
from pipeline_engine.services import queries

ALICE = Caller("alice", rights=frozenset({Scope.SCHEDULES_READ}))
NOW = START + timedelta(minutes=30)  # 12:30


def ended(session: Session, status: str, at: datetime, owner: str = "alice") -> None:
    """An execution that was started and ended at this time."""
    times = {"created_at": at, "started_at": at, "finished_at": at}
    an_execution(session, status=status, user_id=owner, **times)


def test_what_ended_is_counted_by_hour_and_its_failures_to_the_minute(session: Session) -> None:
    ended(session, "FAILED", NOW - timedelta(hours=24))  # of the last day, but of no hour
    ended(session, "FAILED", NOW - timedelta(hours=24, seconds=1))
    ended(session, "FAILED", NOW - timedelta(hours=23, minutes=30))
    ended(session, "COMPLETED", NOW)
    ended(session, "INTERRUPTED", NOW, owner="bob")

    found = queries.overview(ALICE, session, now=NOW)

    assert found.failed_24h == 2
    assert len(found.hours) == 24
    first, *between, last = found.hours
    assert (first.begins_at, first.failed, first.started) == (START - timedelta(hours=23), 1, 1)
    assert (last.begins_at, last.completed, last.interrupted, last.started) == (START, 1, 0, 1)
    assert {hour.started for hour in between} == {0}


def test_open_executions_and_the_oldest_parked_step_are_those_of_the_caller(
    session: Session, engine: Engine
) -> None:
    an_execution(session, status="PENDING", user_id="alice")
    for owner, minutes in (("alice", 3), ("alice", 2), ("bob", 1)):
        execution = an_execution(session, user_id=owner, started_at=START)
        since = START + timedelta(minutes=minutes)
        waits = {"awaiting_event": True, "started_at": since, "deadline_at": NOW}
        a_step(session, execution, "wait", "RUNNING", **waits)
        a_step(session, execution, "work", "RUNNING", started_at=START)
    session.commit()

    with statements_on(engine) as statements:
        found = queries.overview(ALICE, session, now=NOW)

    assert (found.running, found.waiting, found.parked.count) == (2, 1, 2)
    assert found.parked.oldest is not None
    assert found.parked.oldest.since == START + timedelta(minutes=2)
    assert len(statements) == 7


def test_the_overview_says_what_is_due_next(alice: FlaskClient, bob: FlaskClient) -> None:
    pipeline = alice.post("/pipelines", json={"dag": a_document()}).json["id"]
    for name, expression in (("yearly", "@yearly"), ("soon", "* * * * *")):
        when = {"type": "cron", "expression": expression}
        wanted = {"pipeline_id": pipeline, "name": name, "schedule": when}
        alice.post("/schedules", json=wanted)

    found = alice.get("/api/v1/overview").json

    assert [due["name"] for due in found["next_due"]] == ["soon", "yearly"]
    assert found["next_due"][0]["pipeline_name"] == "nightly"
    assert found["hours"][0].keys() == {"from", "completed", "failed", "interrupted", "started"}
    assert found["parked"] == {"count": 0, "oldest": None}
    assert bob.get("/api/v1/overview").json["next_due"] == []
