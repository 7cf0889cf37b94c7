"""The table of the audit log only grows, and what happens without a request is in it, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from support.factories import a_document, a_pipeline, a_step, an_action

from pipeline_engine.domain.audit_log import Act, Record
from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk import ActionResult
from pipeline_engine.services import audit_log, executions, inbox, retention
from pipeline_engine.services.executions import StartRequest
from pipeline_engine.storage import audit_log as records
from pipeline_engine.storage.tables.audit_log import AuditRecord

ADA = Caller("ada", rights=frozenset({"executions:run"}), principal="token:1")
LONG_AGO = datetime.now(UTC) - timedelta(days=100)
YEAR_AGO = datetime.now(UTC) - timedelta(days=365)
YEAR_AND_DAY = timedelta(days=366)


def a_record(connection: Connection, *, at: datetime | None = None) -> None:
    records.write(connection, Record.of(ADA, Act.PIPELINE_CREATE, "p-1", "ada"))
    if at is not None:
        with as_replica(connection):
            connection.exec_driver_sql("UPDATE audit_log SET at = %(at)s", {"at": at})


@contextmanager
def as_replica(connection: Connection) -> Iterator[None]:
    """Meanwhile no trigger is asked, so that a test can make an old row."""
    connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    yield
    connection.exec_driver_sql("SET LOCAL session_replication_role = origin")


def found(session: Session, act: Act) -> list[AuditRecord]:
    session.rollback()
    return list(session.scalars(select(AuditRecord).where(AuditRecord.act == act)))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET principal = 'somebody else'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "SELECT forget_audit_log(now(), 100)",
    ],
)
def test_no_statement_changes_what_is_recorded(
    engine: Engine, session: Session, statement: str
) -> None:
    with engine.begin() as connection:
        a_record(connection)

    told = "only grows|last day"
    with engine.connect() as other, pytest.raises(DBAPIError, match=told) as refused:
        other.exec_driver_sql(statement)

    assert refused.value.orig.pgcode == "42501"  # type: ignore[union-attr]
    assert [record.principal for record in found(session, Act.PIPELINE_CREATE)] == ["token:1"]


def test_forgetting_opens_the_table_to_nothing_else_in_its_transaction(engine: Engine) -> None:
    with engine.begin() as connection:
        a_record(connection, at=datetime.now(UTC) - YEAR_AND_DAY)

    with engine.connect() as connection:
        records.forget(connection, cutoff=YEAR_AGO, limit=10)
        with pytest.raises(DBAPIError, match="only grows"):
            connection.exec_driver_sql("DELETE FROM audit_log")


def test_a_role_of_its_own_needs_to_read_and_to_insert_only(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE ROLE engine_of_test")
        connection.exec_driver_sql("GRANT SELECT, INSERT ON audit_log TO engine_of_test")
        a_record(connection, at=datetime.now(UTC) - YEAR_AND_DAY)
        connection.exec_driver_sql("SET LOCAL ROLE engine_of_test")

        a_record(connection)
        gone = records.forget(connection, cutoff=YEAR_AGO, limit=10)

        assert gone == 1
        with pytest.raises(DBAPIError, match="permission denied"):
            connection.exec_driver_sql("DELETE FROM audit_log")
        connection.rollback()


def test_the_clean_up_forgets_what_is_too_old_and_says_so(
    make_runtime: Any, engine: Engine, session: Session
) -> None:
    runtime: Runtime = make_runtime()
    with engine.begin() as connection:
        a_record(connection, at=datetime.now(UTC) - YEAR_AND_DAY)
        a_record(connection)

    cleaned = retention.clean_up(runtime)
    again = retention.clean_up(runtime)

    assert (cleaned.audit_records, again.audit_records) == (1, 0)
    assert len(found(session, Act.PIPELINE_CREATE)) == 1
    (told,) = found(session, Act.RETENTION_RUN)
    assert (told.principal, told.details["audit_records"]) == ("system", 1)


def test_what_a_step_may_not_do_is_recorded_once_for_all_its_items(
    drive: Any, session: Session
) -> None:
    asks_nothing = drive(an_action("retrain", lambda context: ActionResult(success=True)))
    each = a_step("each", action="retrain", params={}, for_each={"items": [1, 2, 3]})
    document = a_document(each)
    started = executions.run_ephemeral(ADA, asks_nothing.runtime, document, StartRequest())
    asks = drive(
        an_action(
            "retrain",
            lambda context: ActionResult(success=True),
            required_permissions=("model:write",),
        )
    )

    end = asks.finish(started.id)

    (refused,) = found(session, Act.STEP_RUN)
    assert end.status == "FAILED"
    assert (refused.principal, refused.owner, refused.target) == ("token:1", "ada", str(started.id))
    assert (refused.result, refused.code) == ("refused", "permission_denied")
    assert refused.details == {
        "step_id": "each",
        "action": "retrain",
        "missing": ["model:write"],
    }


def test_what_steps_start_is_part_of_what_was_started(drive: Any, session: Session) -> None:
    driver = drive()
    child = a_pipeline(session, a_step("a"), name="child")
    child.user_id = "ada"
    session.commit()
    call = a_step("call", action="run_pipeline", params={"pipeline": "child"})
    started = executions.run_ephemeral(ADA, driver.runtime, a_document(call), StartRequest())
    driver.finish(started.id)

    assert [record.target for record in found(session, Act.EXECUTION_START)] == [str(started.id)]


def test_a_page_of_many_records_is_read_by_an_index(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO audit_log (act, principal, owner, target, result, details)"
            " SELECT 'event.send', 'token:' || mod(n, 10), 'u-' || mod(n, 100), n, 'done', '{}'"
            " FROM generate_series(1, 20000) n"
        )
        connection.exec_driver_sql("ANALYZE audit_log")
        asked = [
            ({}, SYSTEM),
            ({"principal": "token:3"}, SYSTEM),
            ({"act": "token.create"}, SYSTEM),
            ({"target": "77"}, SYSTEM),
            ({"result": "refused"}, SYSTEM),
            ({"before": 100}, SYSTEM),
            ({"owner": "u-1"}, SYSTEM),
            ({"since": LONG_AGO, "until": LONG_AGO + timedelta(days=1)}, SYSTEM),
            ({}, Caller("u-1")),
        ]
        for wanted, caller in asked:
            plan = planned(connection, caller, **wanted)
            assert "Seq Scan" not in plan, (wanted, plan)
        connection.rollback()


def test_a_span_is_read_without_what_is_newer_or_older(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO audit_log (at, act, result, details)"
            " SELECT now() - n * interval '1 hour', 'event.send', 'done', '{}'"
            " FROM generate_series(5000, 1, -1) n"
        )
        since, until = LONG_AGO, LONG_AGO + timedelta(days=2)
        query = records.query(SYSTEM, audit_log.Wanted(since=since, until=until, limit=1000))
        connection.exec_driver_sql("ANALYZE audit_log")

        found = [row.at for row in connection.execute(query)]
        plan = planned(connection, SYSTEM, analyze=True, since=since, until=until, limit=1000)

        connection.rollback()
    assert len(found) == 48
    assert since <= min(found) <= max(found) <= until
    removed = [int(count) for count in re.findall(r"Removed by Filter: (\d+)", plan)]
    assert sum(removed) < 10, plan


def planned(connection: Connection, caller: Caller, *, analyze: bool = False, **wanted: Any) -> str:
    query = records.query(caller, audit_log.Wanted(**wanted))
    explain = "EXPLAIN ANALYZE" if analyze else "EXPLAIN"
    text = query.compile(connection, compile_kwargs={"literal_binds": True})
    return "\n".join(row[0] for row in connection.exec_driver_sql(f"{explain} {text}"))


def test_an_event_that_waits_for_the_database_is_recorded_when_it_is_kept(
    make_runtime: Any, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime: Runtime = make_runtime()
    arrival = inbox.Arrival(source="events", body={"event_key": "k"})
    monkeypatch.setattr(inbox, "is_unreachable", lambda error: True)
    with monkeypatch.context() as away:
        away.setattr(inbox, "_stored", unreachable)
        inbox.accept(ADA, runtime, arrival)

    inbox.drain_spool(runtime)

    (sent,) = found(session, Act.EVENT_SEND)
    assert (sent.principal, sent.owner, sent.details["external_id"]) == ("token:1", "ada", "k")
    assert datetime.fromisoformat(sent.details["accepted_at"]) < sent.at


def unreachable(*_: Any) -> inbox.Receipt:
    raise DBAPIError("INSERT", None, Exception("away"))
