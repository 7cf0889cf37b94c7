"""Retention: what ended long ago is forgotten, and nothing else ever."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.event import listen
from sqlalchemy.orm import Session
from support.driving import in_background
from support.factories import a_step
from support.history_rows import a_step as a_step_row
from support.history_rows import an_event, an_execution

from pipeline_engine import failpoints
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import retention
from pipeline_engine.services.retention.archive import Archive, broken_off
from pipeline_engine.setting_kinds import RetentionRule
from pipeline_engine.storage.archive import documents
from pipeline_engine.storage.tables.events import Event, EventType
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.guardrails import GuardrailRun, GuardrailWorkflow
from pipeline_engine.storage.tables.inbox import Delivery
from pipeline_engine.storage.tables.pipelines import PipelineRevision
from pipeline_engine.storage.tables.steps import Correlation, StepExecution

NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=31)
ENDED = ("COMPLETED", "FAILED", "INTERRUPTED")


@pytest.fixture
def runtime(make_runtime) -> Runtime:
    return make_runtime()


def ended(session: Session, finished_at: datetime = OLD, status: str = "COMPLETED") -> Execution:
    """An ended execution with a step, an item, an event and a correlation."""
    execution = an_execution(session, status=status, finished_at=finished_at)
    step = a_step_row(session, execution, "each", "COMPLETED")
    a_step_row(session, execution, "each", "COMPLETED", parent_id=step.id, item_index=0)
    session.add(Correlation(external_id=f"job-{step.id}", step_execution_id=step.id, attempt=1))
    an_event(session, execution.id, EventType.WORKFLOW_COMPLETED)
    session.commit()
    return execution


def left(session: Session, *tables: Any) -> list[int]:
    session.expire_all()
    return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


@pytest.mark.parametrize("status", ENDED)
def test_an_execution_that_ended_long_ago_is_deleted_with_all_that_belongs_to_it(
    runtime, session, status
):
    ended(session, status=status)
    session.query(PipelineRevision).update({"created_at": OLD})
    session.commit()

    cleaned = retention.clean_up(runtime)

    assert (cleaned.executions, cleaned.steps, cleaned.events, cleaned.revisions) == (1, 2, 1, 1)
    tables = (Execution, StepExecution, Event, Correlation, PipelineRevision)
    assert left(session, *tables) == [0] * 5


@pytest.mark.parametrize("status", ["PENDING", "RUNNING"])
def test_an_execution_that_has_not_ended_is_never_deleted_however_old_it_is(
    runtime, session, status
):
    """[!] 9.1: there running ones are deleted, too."""
    execution = an_execution(session, status=status, created_at=NOW - timedelta(days=4000))
    a_step_row(session, execution, "a", "RUNNING")
    session.commit()

    cleaned = retention.clean_up(runtime)

    assert cleaned.executions == 0
    assert left(session, Execution, StepExecution) == [1, 1]


def test_the_age_is_counted_from_the_end(runtime, session):
    execution = ended(session, finished_at=NOW)
    execution.created_at = NOW - timedelta(days=4000)
    session.commit()

    assert retention.clean_up(runtime).executions == 0


def test_what_is_to_be_kept_is_kept(make_runtime, session):
    ended(session, finished_at=NOW - timedelta(days=6))
    ended(session, finished_at=NOW - timedelta(days=8))

    cleaned = retention.clean_up(make_runtime(retention_days=7))

    assert cleaned.executions == 1
    assert left(session, Execution) == [1]


def test_many_are_deleted_in_batches(runtime, session):
    for _ in range(5):
        ended(session)

    cleaned = retention.clean_up(runtime, at_once=2)

    assert (cleaned.executions, cleaned.batches) == (5, 3)


def test_a_dry_run_counts_and_deletes_nothing(runtime, session):
    ended(session)
    ended(session, finished_at=NOW)

    cleaned = retention.clean_up(runtime, dry_run=True)

    assert (cleaned.executions, cleaned.dry_run) == (1, True)
    assert left(session, Execution) == [2]


def test_a_clean_up_that_was_killed_goes_on_where_it_was(runtime, session):
    for _ in range(3):
        ended(session)
    failpoints.arm("in_retention=raise:2")
    with pytest.raises(failpoints.FaultInjected):  # its first batch, and then nothing more
        retention.clean_up(runtime, at_once=2)
    failpoints.arm(None)

    cleaned = retention.clean_up(runtime)

    assert (cleaned.executions, cleaned.batches) == (1, 1)
    assert left(session, Execution, StepExecution) == [0, 0]


def test_two_clean_ups_at_once_delete_everything_once(runtime, session):
    for _ in range(6):
        ended(session)
    done: list[retention.Cleaned] = []

    with in_background(*[lambda: done.append(retention.clean_up(runtime)) for _ in range(3)]):
        pass

    assert sum(cleaned.executions for cleaned in done) == 6
    assert left(session, Execution) == [0]


def test_one_that_somebody_holds_is_left_for_the_next_time(runtime, session):
    """[!] 9.1: there one failing delete makes the loop spin for ever on the same rows."""
    held, _ = ended(session), ended(session)
    session.execute(select(Execution).where(Execution.id == held.id).with_for_update())

    cleaned = retention.clean_up(runtime)

    session.rollback()
    assert (cleaned.executions, cleaned.batches) == (1, 1)
    assert list(session.scalars(select(Execution.id))) == [held.id]
    assert retention.clean_up(runtime).executions == 1


def a_delivery(session: Session, disposition: str, **columns: Any) -> None:
    session.add(
        Delivery(
            source="tests",
            delivery_key=f"{disposition}-{columns}",
            event_type="",
            body={},
            disposition=disposition,
            received_at=OLD,
            **columns,
        )
    )
    session.commit()


@pytest.mark.parametrize("disposition", ["applied", "closed", "unmatched"])
def test_settled_deliveries_are_forgotten_and_others_are_not(runtime, session, disposition):
    a_delivery(session, disposition)
    a_delivery(session, "pending")

    assert retention.clean_up(runtime).deliveries == 1
    assert left(session, Delivery) == [1]


def test_a_delivery_for_a_step_that_is_gone_is_forgotten(runtime, session):
    a_delivery(session, "pending", step_execution_id=10**12, attempt=1)

    assert retention.clean_up(runtime).deliveries == 1


def a_workflow(session: Session, *, days_ago: int, ended_at: datetime | None = OLD) -> UUID:
    """A guardrail workflow with a run, which goes on if it has no end."""
    facts = {"phase": "failed" if ended_at else "deploying", "current_step": 12, "total_steps": 12}
    changed_at = NOW - timedelta(days=days_ago)
    row = GuardrailWorkflow(
        id=uuid4(), created_by="user:a", given={}, derived={}, updated_at=changed_at, **facts
    )
    session.add(row)
    session.flush()
    run = {"step_number": 12, "pipeline": "guardrail-deployment", "number": 1}
    session.add(GuardrailRun(workflow_id=row.id, execution_id=uuid4(), ended_at=ended_at, **run))
    session.commit()
    return row.id


def test_a_guardrail_workflow_is_kept_for_a_year_and_as_long_as_its_pipeline_runs(
    runtime: Runtime, session: Session
) -> None:
    a_workflow(session, days_ago=366)
    kept = {a_workflow(session, days_ago=364), a_workflow(session, days_ago=366, ended_at=None)}

    cleaned = retention.clean_up(runtime)

    assert cleaned.ledgers["guardrail_workflows"] == 1
    assert set(session.scalars(select(GuardrailRun.workflow_id))) == kept


def test_a_definition_is_kept_for_as_long_as_an_execution_is_pinned_to_it(runtime, session):
    execution = an_execution(session, status="RUNNING")
    session.query(PipelineRevision).update({"created_at": OLD})
    session.commit()

    retention.clean_up(runtime)

    assert session.get(PipelineRevision, execution.revision_id) is not None


def test_a_real_execution_can_be_forgotten(drive):
    driver = drive()
    end = driver.run(a_step("a", for_each=[1, 2]), a_step("b", "a"))

    cleaned = retention.clean_up(driver.runtime, now=NOW + timedelta(days=31))

    assert (cleaned.executions, cleaned.steps) == (1, len(end.rows))


# ── Rules ────────────────────────────────────────────────────────────────────────────────


def named(session: Session, name: str, days: float, status: str = "COMPLETED") -> Execution:
    """An execution of the pipeline *name* that ended so many days ago."""
    execution = ended(session, finished_at=NOW - timedelta(days=days), status=status)
    execution.name = name
    session.commit()
    return execution


def rule(**said: Any) -> RetentionRule:
    return RetentionRule(**said)


def test_the_first_rule_that_fits_decides_and_what_none_fits_has_the_usual_time(
    make_runtime, session
):
    rules = (rule(pipeline="audit", days=None), rule(status=("FAILED",), days=90))
    for name, days, status in (
        ("audit", 4000, "FAILED"),
        ("other", 89, "FAILED"),
        ("other", 91, "FAILED"),
        ("other", 31, "COMPLETED"),
    ):
        named(session, name, days, status)
    runtime = make_runtime(retention_rules=rules)

    preview = retention.clean_up(runtime, now=NOW, dry_run=True)
    cleaned = retention.clean_up(runtime, now=NOW, at_once=1)

    assert preview.by_rule == cleaned.by_rule == {1: 1, 2: 1}
    left_over = session.scalars(select(Execution.name).order_by(Execution.name)).all()
    assert left_over == ["audit", "other"]


def test_the_last_of_each_pipeline_stay_however_old_they_are(make_runtime, session):
    for name, days in (("a", 40), ("a", 50), ("a", 60), ("b", 70)):
        named(session, name, days)
    runtime = make_runtime(retention_rules=(rule(days=30, keep_last=2),))

    cleaned = retention.clean_up(runtime, now=NOW)

    assert cleaned.executions == 1
    kept = session.scalars(select(Execution.finished_at).where(Execution.name == "a")).all()
    assert sorted((NOW - at).days for at in kept) == [40, 50]


def test_what_cannot_be_deleted_is_told_and_does_not_keep_the_others(runtime, session):
    """[!] 9.1: there one failing delete spins for ever, and is counted as done."""
    victims = [named(session, "x", days) for days in (40, 39, 38)]
    session.execute(
        text(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF OLD.id = '{victims[0].id}' THEN RAISE EXCEPTION 'no'; END IF;"
            " RETURN OLD; END $$;"
            "CREATE TRIGGER refuses BEFORE DELETE ON executions FOR EACH ROW"
            " EXECUTE FUNCTION refuse()"
        )
    )
    session.commit()

    cleaned = retention.clean_up(runtime)

    session.execute(text("DROP FUNCTION refuse() CASCADE"))
    session.commit()
    assert (cleaned.executions, cleaned.steps) == (2, 4)
    assert cleaned.errors == [f"{victims[0].id}: cannot be deleted, see the log"]
    assert left(session, Execution) == [1]


def test_rows_with_an_age_of_their_own_go_by_it(make_runtime, session):
    a_delivery(session, "applied")

    kept = retention.clean_up(make_runtime(delivery_retention_days=60))
    gone = retention.clean_up(make_runtime(retention_days=365, delivery_retention_days=10))

    assert (kept.deliveries, gone.deliveries) == (0, 1)


# ── The archive ──────────────────────────────────────────────────────────────────────────


def archived(folder: Path) -> list[dict[str, Any]]:
    """What ``zcat *.gz`` shows."""
    found = sorted(folder.glob("*.jsonl.gz"))
    lines = b"".join(gzip.decompress(path.read_bytes()) for path in found).splitlines()
    return [json.loads(line) for line in lines]


def test_what_is_deleted_is_in_the_archive_whole_and_without_secrets(drive, tmp_path, session):
    driver = drive(archive_directory=str(tmp_path / "archive"))
    end = driver.run(
        a_step("a", for_each=[1, 2]),
        a_step("b", "a"),
        parameters=[{"name": "pass", "type": "secret"}],
        params={"pass": "correct-horse-battery"},
    )

    cleaned = retention.clean_up(driver.runtime, now=NOW + timedelta(days=31))

    (document,) = archived(tmp_path / "archive")
    assert document["execution"]["id"] == str(end.execution.id)
    assert document["execution"]["outputs"] == end.outputs
    assert len(document["steps"]) == cleaned.steps == len(end.rows)
    assert [one["event_type"] for one in document["events"]] == end.events()
    assert document["definition"]["steps"][0]["id"] == "a"
    assert "correct-horse" not in json.dumps(document)
    assert "sealed:" not in json.dumps(document["execution"]["params"])
    assert cleaned.archive is not None
    assert Path(cleaned.archive).is_file()


def test_a_clean_up_that_dies_before_it_deletes_archives_twice_and_says_so(
    make_runtime, session, tmp_path
):
    runtime = make_runtime(archive_directory=str(tmp_path))
    victim = str(named(session, "x", 40).id)
    failpoints.arm("archived=raise")
    with pytest.raises(failpoints.FaultInjected):
        retention.clean_up(runtime)
    failpoints.arm(None)
    (torn,) = tmp_path.glob("*.open")
    with torn.open("ab") as file:  # a batch that was half written when the power went
        file.write(gzip.compress(b'{"half": true}')[:12])

    retention.clean_up(runtime)

    found = archived(tmp_path)
    assert [one["execution"]["id"] for one in found] == [victim] * 2
    assert len(list(tmp_path.glob("*.broken-off.jsonl.gz"))) == 1
    assert not list(tmp_path.glob("*.open"))


def test_nothing_is_deleted_that_cannot_be_archived(make_runtime, session, tmp_path):
    (tmp_path / "file").write_text("in the way")
    named(session, "x", 40)

    cleaned = retention.clean_up(make_runtime(archive_directory=str(tmp_path / "file" / "x")))

    assert (cleaned.executions, left(session, Execution)) == (0, [1])
    assert cleaned.errors[0].startswith("archive: ")


def test_what_another_rule_keeps_takes_no_place_among_the_last(make_runtime, session):
    for days, status in ((40, "COMPLETED"), (35, "FAILED"), (34, "FAILED")):
        named(session, "a", days, status)
    rules = (rule(status=("FAILED",), days=90), rule(days=30, keep_last=1))

    cleaned = retention.clean_up(make_runtime(retention_rules=rules), now=NOW)

    assert cleaned.executions == 0


def test_executions_are_archived_one_after_the_other_as_many_would_not_fit_into_memory(
    session,
):
    ids = [named(session, "x", 40).id for _ in range(3)]
    asked: list[str] = []
    connection = session.connection()
    listen(connection, "before_cursor_execute", lambda *said: asked.append(said[2]))

    first = next(documents(connection, ids))

    assert first["execution"]["id"] == str(ids[0])
    assert len(asked) == 4


def test_a_file_that_another_clean_up_is_writing_is_left_to_it(tmp_path):
    ours = Archive(tmp_path)
    ours.keep([])

    assert [*broken_off(tmp_path)] == []

    ours.finish()
    ours.close()
    assert [path.name for path in tmp_path.iterdir()] == [ours.path.name]


def test_of_a_broken_file_all_whole_members_are_kept_however_large_it_is(tmp_path):
    whole = b"".join(gzip.compress(os.urandom(size)) for size in (0, 1, 65_000, 200_000))
    torn = tmp_path / "executions.open"
    torn.write_bytes(whole + gzip.compress(os.urandom(70_000))[:66_000])

    (kept,) = broken_off(tmp_path)

    assert kept.read_bytes() == whole
