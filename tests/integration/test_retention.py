"""Retention: what ended long ago is forgotten, and nothing else ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from support.driving import in_background
from support.factories import a_step
from support.history_rows import a_step as a_step_row
from support.history_rows import an_event, an_execution

from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import retention
from pipeline_engine.storage.tables.events import Event, EventType
from pipeline_engine.storage.tables.executions import Execution
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
    with runtime.engine.begin() as connection:  # its first batch, and then nothing more
        retention._delete_batch(connection, NOW - timedelta(days=30), 2)

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
