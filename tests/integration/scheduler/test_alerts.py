"""Alerts: what is late, fails or waits too long is told once, and once more when it is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session
from support.history_rows import START, a_pipeline, a_step, an_execution, statements_on

from pipeline_engine.domain.alerts import AlertKind
from pipeline_engine.scheduler import alerts, sweep
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage import alerts as storage
from pipeline_engine.storage.tables.alerts import Alert, AlertRule
from pipeline_engine.storage.tables.events import Event
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.steps import StepExecution

NOW = text("now()")


@pytest.fixture
def runtime(make_runtime: Any) -> Runtime:
    return make_runtime()


@pytest.fixture
def pipeline_id(session: Session) -> UUID:
    return a_pipeline(session, user_id="alice").id


@pytest.fixture
def rule(session: Session, pipeline_id: UUID) -> Any:
    def make(kind: str, **columns: Any) -> AlertRule:
        given = {"user_id": "alice", "pipeline_id": pipeline_id, "created_by": "tests"}
        made = AlertRule(name=f"is-{kind}", kind=kind, **given | columns)
        session.add(made)
        session.commit()
        return made

    return make


@pytest.fixture
def running(session: Session, pipeline_id: UUID) -> Any:
    def make(seconds: float, **columns: Any) -> UUID:
        given = {"user_id": "alice", "pipeline_id": pipeline_id}
        execution = an_execution(session, **given | columns)
        execution.started_at = text(f"now() - interval '{seconds} seconds'")
        session.commit()
        return execution.id

    return make


def end(session: Session, execution_id: UUID, status: str, **values: Any) -> None:
    values = {"finished_at": NOW, **values}
    session.execute(
        update(Execution).where(Execution.id == execution_id).values(status=status, **values)
    )
    session.commit()


def look(session: Session, runtime: Runtime) -> int:
    session.execute(update(AlertRule).values(look_at=NOW))
    session.commit()
    return alerts.look(runtime)


def told(session: Session) -> list[tuple[str, UUID]]:
    """What the histories tell of alerts."""
    session.rollback()
    rows = session.execute(
        select(Event.event_type, Event.execution_id)
        .where(Event.event_type.like("alert%"))
        .order_by(Event.id)
    )
    return [(kind, execution_id) for kind, execution_id in rows]


def test_one_that_is_late_is_told_once_and_that_it_has_ended(
    session: Session, runtime: Runtime, rule: Any, running: Any
) -> None:
    rule("late", after_seconds=60)
    late, _in_time = running(90), running(30)

    found = [look(session, runtime), look(session, runtime)]
    raised = session.scalars(select(Alert)).one()
    end(session, late, "COMPLETED")
    found += [look(session, runtime), look(session, runtime)]

    assert found == [1, 0, 1, 0]
    assert told(session) == [("alert_raised", late), ("alert_resolved", late)]
    assert raised.details["rule"] == "is-late"
    assert 89 <= raised.details["seconds"] <= 100
    assert raised.details["limit"] == 60
    assert session.get(Alert, raised.id, populate_existing=True).resolved_at is not None


def test_late_is_what_takes_longer_than_usual_once_that_is_known(
    session: Session, runtime: Runtime, rule: Any, running: Any
) -> None:
    made = rule("late", times_p95=2)
    late = running(30)
    unknown = look(session, runtime)
    for seconds in range(1, 21):  # of 1 to 20 seconds, 19.05 is the 95th percentile
        done = running(0)
        moments = {"started_at": START, "finished_at": START + timedelta(seconds=seconds)}
        end(session, done, "COMPLETED", **moments)
    session.execute(update(AlertRule).values(usual_at=None))
    session.commit()

    in_time = look(session, runtime)
    longer = {"started_at": text("now() - interval '39 s'")}
    session.execute(update(Execution).where(Execution.id == late).values(**longer))
    session.commit()
    found = look(session, runtime)

    assert (unknown, in_time, found) == (0, 0, 1)
    session.refresh(made)
    assert round(made.usual_seconds, 2) == 19.05


def test_with_both_limits_the_later_counts(
    session: Session, runtime: Runtime, rule: Any, running: Any
) -> None:
    for after, usual, found in ((60, 50, 0), (60, 10, 1), (100, 10, 0)):
        rule("late", after_seconds=after, times_p95=2, usual_seconds=usual, usual_at=NOW)
        running(90)
        assert look(session, runtime) == found
        session.execute(text("DELETE FROM alert_rules"))
        session.execute(text("DELETE FROM executions"))


def test_a_failure_is_told_after_the_end_and_resolved_when_it_works_again(
    session: Session, runtime: Runtime, rule: Any, running: Any
) -> None:
    before = running(9)
    end(session, before, "FAILED", finished_at=text("now() - interval '1 minute'"))
    rule("failed")
    failed = running(5)
    end(session, failed, "FAILED", error={"code": "boom", "step_id": "pay", "message": "s3cr3t"})

    found = [look(session, runtime), look(session, runtime)]
    again = running(1)
    end(session, again, "COMPLETED")
    found.append(look(session, runtime))

    assert found == [1, 0, 1]
    assert told(session) == [("alert_raised", failed), ("alert_resolved", failed)]
    details = session.scalars(select(Alert.details)).one()
    assert (details["error_code"], details["failed_step"]) == ("boom", "pay")
    assert "s3cr3t" not in str(details)


def test_of_a_fan_out_with_many_parked_items_there_is_one_alert(
    session: Session, runtime: Runtime, rule: Any, running: Any
) -> None:
    rule("parked", after_seconds=60)
    execution = session.get(Execution, running(100))
    parked = {"awaiting_event": True, "started_at": text("now() - interval '90 s'")}
    a_step(session, execution, "ask", "RUNNING", **parked)
    each = a_step(session, execution, "each", "RUNNING", started_at=NOW)
    for number in range(3):
        item = {"parent_id": each.id, "item_index": number}
        a_step(session, execution, "each", "RUNNING", **item, **parked)
    a_step(session, execution, "young", "RUNNING", awaiting_event=True, started_at=NOW)
    session.commit()

    found = [look(session, runtime), look(session, runtime)]
    rows = {a.details["step_id"]: a.details["parked"] for a in session.scalars(select(Alert))}
    session.execute(update(StepExecution).values(awaiting_event=False, status="COMPLETED"))
    found.append(look(session, runtime))

    assert found == [2, 0, 2]
    assert rows == {"ask": 1, "each": 3}


def test_a_rule_sees_only_what_its_owner_runs_of_its_pipeline(
    session: Session, runtime: Runtime, rule: Any, running: Any
) -> None:
    rule("late", after_seconds=60)
    other = a_pipeline(session, name="other", user_id="alice").id
    for columns in ({"user_id": "bob"}, {"user_id": None}, {"pipeline_id": other}):
        running(90, **columns)

    assert look(session, runtime) == 0


def test_it_looks_every_few_seconds_and_not_at_disabled_rules(
    session: Session, runtime: Runtime, rule: Any, running: Any
) -> None:
    rule("late", after_seconds=60, enabled=False)
    running(90)
    disabled = alerts.look(runtime)
    session.execute(update(AlertRule).values(enabled=True))
    session.commit()

    first = sweep.sweep(runtime).alerts
    running(90)
    at_once = alerts.look(runtime)

    assert (disabled, first, at_once) == (0, 1, 0)


def test_without_rules_a_sweep_asks_once(session: Session, runtime: Runtime) -> None:
    with statements_on(runtime.engine) as statements:
        alerts.look(runtime)

    assert len(statements) == 1


def test_two_who_look_at_once_tell_it_once(
    session: Session, runtime: Runtime, rule: Any, running: Any
) -> None:
    made = rule("late", after_seconds=60)
    running(90)
    with Session(runtime.engine) as other:
        other.execute(select(AlertRule).where(AlertRule.id == made.id).with_for_update())
        meanwhile = alerts.look(runtime)

    assert (meanwhile, alerts.look(runtime), len(told(session))) == (0, 1, 1)


def test_thousands_of_open_alerts_of_a_pipeline_that_goes_on_failing_cost_no_more_than_one(
    session: Session, runtime: Runtime, rule: Any, running: Any
) -> None:
    made, first = rule("failed"), running(9)
    copied = (
        "INSERT INTO executions (id, pipeline_id, revision_id, name, status, given_params, params,"
        " initiator, user_id, created_at) SELECT gen_random_uuid(), pipeline_id, revision_id, name,"
        " :status, '{}', '{}', 'x', user_id, now() + n * interval '1 s'"
        " FROM executions, generate_series(CAST(:since AS int), :since + 4000) n WHERE id = :first"
    )
    for status, since in (("COMPLETED", 0), ("FAILED", 5000)):
        session.execute(text(copied), {"status": status, "since": since, "first": first})
    session.execute(
        text(
            "INSERT INTO alerts (rule_id, user_id, pipeline_id, kind, execution_id, details)"
            " SELECT :rule, user_id, pipeline_id, 'failed', id, '{}' FROM executions"
            " WHERE status = 'FAILED'"
        ),
        {"rule": made.id},
    )
    session.execute(text("ANALYZE executions, alerts"))
    session.execute(text("SET LOCAL statement_timeout TO 300"))

    found = storage.resolve(session.connection(), AlertKind.FAILED, [str(made.id)])

    assert found == 0
