"""The read side: what is shown of executions, to whom, and in which order."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from support.history_rows import (
    START,
    a_document,
    a_finished_step,
    a_step,
    an_event,
    an_execution,
    statements_on,
)

from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.errors import ExecutionNotFound
from pipeline_engine.services import queries
from pipeline_engine.services.pages import Page
from pipeline_engine.services.queries import EventFilter, ExecutionFilter, ItemFilter, ProgressQuery
from pipeline_engine.services.visibility import require_visible
from pipeline_engine.storage.tables.events import EventType
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.steps import StepKind

ALICE = Caller(user_id="alice")
BOB = Caller(user_id="bob")
ALL = ProgressQuery()


def test_executions_of_others_are_not_listed_and_do_not_exist(session: Session) -> None:
    """The reference showed every execution to everybody."""
    hers = an_execution(session, user_id="alice")
    nobodys = an_execution(session)

    listed = queries.executions(ALICE, session, ExecutionFilter(), Page())

    assert [record.id for record in listed.entries] == [hers.id]
    for read in (queries.execution, queries.steps, require_visible):
        for hidden in (nobodys.id, hers.id):
            with pytest.raises(ExecutionNotFound):
                read(BOB, session, hidden)
    with pytest.raises(ExecutionNotFound):
        queries.events(BOB, session, hers.id, EventFilter())
    with pytest.raises(ExecutionNotFound):
        queries.below(BOB, session, hers.id, parent_id=1, page=Page())


def test_a_service_that_acts_for_a_user_sees_what_the_user_sees(session: Session) -> None:
    hers = an_execution(session, user_id="alice")
    an_execution(session, user_id="bob")

    for_alice = queries.executions(SYSTEM.acting_for("alice"), session, ExecutionFilter(), Page())
    for_itself = queries.executions(SYSTEM, session, ExecutionFilter(), Page())

    assert [record.id for record in for_alice.entries] == [hers.id]
    assert for_itself.total == 2


def test_a_list_of_executions_costs_three_queries_however_long_it_is(
    session: Session, engine: Engine
) -> None:
    for _ in range(25):
        execution = an_execution(session)
        a_step(session, execution, "a", "RUNNING", progress_percentage=40)
    session.commit()

    with statements_on(engine) as statements:
        listed = queries.executions(SYSTEM, session, ExecutionFilter(), Page(size=25))

    assert len(listed.entries) == 25
    assert len(statements) == 3
    assert all("document" not in statement for statement in statements)
    assert {record.progress_percentage for record in listed.entries} == {Decimal("40.00")}


def test_lists_are_filtered_by_status_initiator_pipeline_and_time(session: Session) -> None:
    wanted = an_execution(session, status="FAILED", initiator="schedule", created_at=START)
    an_execution(session, status="RUNNING", initiator="schedule", created_at=START)
    an_execution(session, status="FAILED", initiator="api", created_at=START)
    an_execution(session, status="FAILED", initiator="schedule")

    found = queries.executions(
        SYSTEM,
        session,
        ExecutionFilter(statuses=["FAILED"], initiator="schedule", start=START, end=START),
        Page(),
    )
    none = queries.executions(SYSTEM, session, ExecutionFilter(pipeline_id=uuid4()), Page())

    assert [record.id for record in found.entries] == [wanted.id]
    assert (none.total, none.total_pages) == (0, 0)


def test_progress_is_the_mean_of_the_steps_as_the_reference_computes_it(session: Session) -> None:
    execution = an_execution(session)
    a_step(session, execution, "a", "COMPLETED", progress_percentage=100, sequence_number=1)
    a_step(session, execution, "b", "RUNNING", progress_percentage=50, sequence_number=2)
    a_step(session, execution, "c", "PENDING", sequence_number=3)
    a_step(session, execution, "sink", "PENDING", kind=StepKind.SINK, sequence_number=4)

    found = queries.progress(SYSTEM, session, execution.id, ALL)

    assert found.aggregated.overall_progress == Decimal("50.00")
    assert (found.aggregated.completed_steps, found.aggregated.total_steps) == (1, 3)
    assert found.aggregated.current_step == "B"
    assert [step.step_id for step in found.steps] == ["a", "b", "c"]


def test_a_fan_out_is_as_far_as_its_items(session: Session) -> None:
    execution = an_execution(session)
    a_step(session, execution, "a", "RUNNING", items_total=4, items_open=1, items_failed=0)

    found = queries.progress(SYSTEM, session, execution.id, ALL)

    assert found.aggregated.overall_progress == Decimal("75.00")


def test_the_time_left_is_told_at_the_pace_of_what_was_done(session: Session) -> None:
    execution = an_execution(session)
    a_finished_step(session, execution, "a", seconds=10)
    a_step(session, execution, "b", "RUNNING", progress_percentage=50)
    a_step(session, execution, "c", "PENDING")

    with_eta = queries.progress(SYSTEM, session, execution.id, ALL)
    without = queries.progress(SYSTEM, session, execution.id, ProgressQuery(with_eta=False))

    assert with_eta.aggregated.eta_seconds == 15
    assert without.aggregated.eta_seconds is None


@pytest.mark.parametrize(
    ("item", "seconds"),
    [
        ({"status": "RUNNING", "awaiting_event": True}, None),
        ({"status": "RUNNING", "awaiting_event": True, "eta_seconds": 3600}, 3600),
        ({"status": "RUNNING", "awaiting_event": True, "progress_percentage": 10}, 5),
        ({"status": "RUNNING", "awaiting_event": True, "due_in": 3600}, 3600),
        ({"status": "RETRYING", "due_in": 3600}, 3600),
        ({"status": "RUNNING"}, 5),
        ({"status": "PENDING"}, 5),
        ({"status": "COMPLETED"}, 5),
    ],
    ids=str,
)
def test_what_an_item_waits_for_its_fan_out_waits_for(
    session: Session, item: dict[str, Any], seconds: int | None
) -> None:
    item, execution = {**item}, an_execution(session)
    a_finished_step(session, execution, "a", seconds=10)
    fan_out = a_step(session, execution, "b", "RUNNING", items_total=2, items_open=1)
    due = {"due_at": func.now() + timedelta(seconds=item.pop("due_in"))} if "due_in" in item else {}
    a_step(
        session,
        execution,
        "b",
        parent_id=fan_out.id,
        kind=StepKind.ITEM,
        item_index=0,
        **item,
        **due,
    )

    found = queries.progress(SYSTEM, session, execution.id, ALL)

    assert found.aggregated.eta_seconds == seconds


def test_progress_never_goes_back_because_its_mark_is_stored(session: Session) -> None:
    """The reference kept the mark in the memory of one process."""
    execution = an_execution(session)
    step = a_step(session, execution, "a", "RUNNING", progress_percentage=80)
    session.commit()
    queries.progress(SYSTEM, session, execution.id, ALL)
    session.commit()

    step.progress_percentage = Decimal(10)
    session.commit()
    later = queries.progress(SYSTEM, session, execution.id, ALL)

    assert later.aggregated.overall_progress == Decimal("80.00")
    assert later.execution.progress_percentage == Decimal("80.00")
    stored = session.scalar(select(Execution.progress_percentage))
    assert stored == Decimal("80.00")


def test_readers_write_the_mark_once_a_second_unless_it_rose_by_a_point(session: Session) -> None:
    execution = an_execution(session)
    step = a_step(session, execution, "a", "RUNNING", progress_percentage=50)
    session.commit()
    queries.execution(SYSTEM, session, execution.id)
    session.commit()

    step.progress_percentage = Decimal("50.40")
    session.commit()
    shown = queries.execution(SYSTEM, session, execution.id).progress_percentage
    session.commit()

    stored = session.scalar(select(Execution.progress_percentage))
    assert (shown, stored) == (Decimal("50.40"), Decimal("50.00"))


def test_a_reader_leaves_an_execution_alone_that_a_worker_is_writing_to(
    session: Session, engine: Engine
) -> None:
    execution = an_execution(session)
    a_step(session, execution, "a", "RUNNING", progress_percentage=50)
    session.commit()

    with Session(engine) as worker:
        worker.execute(select(Execution.id).with_for_update())
        record = queries.execution(SYSTEM, session, execution.id)

    assert record.progress_percentage == Decimal("50.00")


def test_events_are_numbered_newest_first_and_described(session: Session) -> None:
    execution = an_execution(session)
    an_event(session, execution.id, EventType.WORKFLOW_STARTED)
    an_event(session, execution.id, EventType.STEP_COMPLETED, step_id="a", step_name="Fetch")
    session.commit()

    found = queries.events(SYSTEM, session, execution.id, EventFilter())

    assert [(e.sequence_number, e.description) for e in found.entries] == [
        (2, "Completed: Fetch"),
        (1, "Started"),
    ]
    assert (found.total, found.last) == (2, 2)


def test_a_follower_never_skips_an_event_that_commits_late(
    session: Session, engine: Engine
) -> None:
    execution = an_execution(session)
    an_event(session, execution.id, EventType.WORKFLOW_STARTED)
    session.commit()
    with Session(engine) as late:
        an_event(late, execution.id, EventType.STEP_STARTED)
        an_event(session, execution.id, EventType.STEP_COMPLETED)
        session.commit()
        before = queries.events(SYSTEM, session, execution.id, EventFilter(after=0))
        session.commit()
        late.commit()

    after = queries.events(SYSTEM, session, execution.id, EventFilter(after=before.last))

    assert [e.event_type for e in before.entries] == ["workflow_started"]
    assert [(e.sequence_number, e.event_type) for e in after.entries] == [
        (2, "step_started"),
        (3, "step_completed"),
    ]


def test_events_are_filtered_without_changing_their_numbers(session: Session) -> None:
    execution = an_execution(session)
    for _ in range(3):
        an_event(session, execution.id, EventType.STEP_STARTED)
        an_event(session, execution.id, EventType.STEP_COMPLETED)
    session.commit()

    found = queries.events(
        SYSTEM, session, execution.id, EventFilter(event_types=["step_started"], limit=2, offset=1)
    )

    assert [e.sequence_number for e in found.entries] == [3, 1]
    assert found.total == 3


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EventFilter(step_id="a"), [3, 1]),
        (EventFilter(event_types=["step_failed", "step_skipped"]), [3, 2]),
        (EventFilter(q="TIME_out"), [3]),
        (EventFilter(q="worker-1", step_id="a"), [1]),
        (EventFilter(q="s3cr3t"), []),
    ],
    ids=str,
)
def test_events_are_found_by_step_kind_and_words_but_not_by_what_is_masked_in_them(
    session: Session, wanted: EventFilter, found: list[int]
) -> None:
    execution = an_execution(session)
    a: dict[str, Any] = {"step_id": "a", "step_name": "Fetch"}
    an_event(session, execution.id, EventType.STEP_STARTED, **a, worker="worker-1")
    an_event(session, execution.id, EventType.STEP_SKIPPED, step_id="b", step_name="Ship")
    failed = EventType.STEP_FAILED
    an_event(session, execution.id, failed, **a, error_code="time_out", error="token=s3cr3t")
    session.commit()

    told = queries.events(SYSTEM, session, execution.id, wanted)

    assert [event.sequence_number for event in told.entries] == found
    assert told.total == len(found)


def test_recent_events_come_in_the_order_in_which_they_happened(session: Session) -> None:
    """The reference never had any."""
    execution = an_execution(session)
    for number in range(5):
        an_event(session, execution.id, EventType.STEP_PROGRESS, number=number)
    session.commit()

    found = queries.progress(SYSTEM, session, execution.id, ProgressQuery(newest_events=2))

    assert [e.sequence_number for e in found.recent_events] == [4, 5]


def test_ten_thousand_items_are_one_entry_with_counters_and_are_read_by_page(
    session: Session,
) -> None:
    execution = an_execution(session)
    parent = a_step(
        session, execution, "fan", "RUNNING", items_total=3, items_open=1, items_failed=1
    )
    for index in range(3):
        a_step(
            session,
            execution,
            "fan",
            "COMPLETED",
            kind=StepKind.ITEM,
            parent_id=parent.id,
            item_index=index,
            item_key=f"model-{index}",
        )

    listed = queries.steps(SYSTEM, session, execution.id)
    page = queries.below(
        SYSTEM, session, execution.id, parent_id=parent.id, page=Page(number=2, size=2)
    )

    counts = queries.ItemCounts(total=3, open=1, failed=1, by_status={"COMPLETED": 3})
    assert [(step.step_id, step.items) for step in listed] == [("fan", counts)]
    assert [item.item_key for item in page.entries] == ["model-2"]
    assert (page.total, page.total_pages) == (3, 2)


def a_fan_out(session: Session, execution: Execution, *statuses: str) -> int:
    """The id of a fan-out whose items stand so; those that are parked say ``parked``."""
    total = len(statuses)
    parent: int = a_step(session, execution, "fan", "RUNNING", items_total=total, items_open=1).id
    for index, status in enumerate(statuses):
        a_step(
            session,
            execution,
            "fan",
            "RUNNING" if status == "parked" else status,
            awaiting_event=status == "parked",
            kind=StepKind.ITEM,
            parent_id=parent,
            item_index=index,
            item_key=f"Model_{index}%",
        )
    return parent


def test_items_are_counted_by_status_where_they_are_listed_and_where_progress_is_told(
    session: Session, engine: Engine
) -> None:
    execution = an_execution(session)
    a_fan_out(session, execution, "COMPLETED", "COMPLETED", "FAILED", "RUNNING", "parked")
    a_step(session, execution, "none", "COMPLETED", items_total=0)
    execution_id = execution.id

    with statements_on(engine) as statements:
        fan, none = queries.steps(SYSTEM, session, execution_id)
    told = queries.progress(SYSTEM, session, execution_id, ALL).steps[0]

    assert fan.items is not None
    assert told.items == fan.items
    assert fan.items.by_status == {"COMPLETED": 2, "FAILED": 1, "RUNNING": 2}
    assert (fan.items.total, fan.items.parked) == (5, 1)
    assert none.items == queries.ItemCounts(0, 0, 0)
    assert len(statements) == 3, "all of them are counted at once"


def test_of_a_block_the_steps_of_its_last_attempt_are_counted(session: Session) -> None:
    execution = an_execution(session)
    block = a_step(session, execution, "pay", "RUNNING", items_total=2, items_open=1, retry_count=1)
    for within, status in (("pay", "FAILED"), ("pay#2", "COMPLETED"), ("pay#2", "RUNNING")):
        a_step(session, execution, "charge", status, parent_id=block.id, within=within)

    [shown] = queries.steps(SYSTEM, session, execution.id)

    assert shown.items is not None
    assert shown.items.by_status == {"COMPLETED": 1, "RUNNING": 1}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ItemFilter(q="model_3"), [3]),
        (ItemFilter(q="%"), [0, 1, 2, 3, 4]),
        (ItemFilter(q="l%"), []),
        (ItemFilter(index=4), [4]),
        (ItemFilter(statuses=("FAILED", "COMPLETED")), [0, 1, 2]),
        (ItemFilter(statuses=("RUNNING",), parked=False), [3]),
        (ItemFilter(q="model", parked=True), [4]),
    ],
    ids=str,
)
def test_items_are_found_among_thousands_without_reading_them_all(
    session: Session, wanted: ItemFilter, found: list[int]
) -> None:
    execution = an_execution(session)
    parent = a_fan_out(session, execution, "COMPLETED", "COMPLETED", "FAILED", "RUNNING", "parked")

    page = queries.below(
        SYSTEM, session, execution.id, parent_id=parent, wanted=wanted, page=Page(size=2)
    )

    assert [item.item_index for item in page.entries] == found[:2]
    assert page.total == len(found)


def test_what_is_hidden_in_an_item_is_not_found_either(session: Session) -> None:
    """A search in it would tell a secret, letter by letter."""
    execution = an_execution(session)
    parent = a_step(session, execution, "fan", "RUNNING", items_total=1, items_open=0)
    hidden = {
        "outputs": {"token": "s3cr3t"},
        "error_message": "s3cr3t",
        "item": {"value": "s3cr3t"},
    }
    item = {"kind": StepKind.ITEM, "parent_id": parent.id, "item_index": 0}
    a_step(session, execution, "fan", "FAILED", **item, **hidden)

    wanted = ItemFilter(q="s3cr")
    page = queries.below(
        SYSTEM, session, execution.id, parent_id=parent.id, wanted=wanted, page=Page()
    )

    assert page.total == 0


def test_secrets_are_masked_wherever_they_are_shown_and_stay_in_the_rows(session: Session) -> None:
    """The reference masked what later steps read, and forgot params, errors and events."""
    document = a_document(
        parameters=[{"name": "hub", "type": "secret", "default": "default-secret"}]
    )
    execution = an_execution(
        session,
        status="FAILED",
        document=document,
        params={"hub": "s3cr3t-value", "password": "hunter22", "region": "eu"},
        outputs={"url": "https://u:pw@host/x", "said": "the key is s3cr3t-value"},
        error={"code": "boom", "message": "hub refused s3cr3t-value"},
    )
    a_step(
        session, execution, "a", "FAILED", outputs={"token": "abc"}, error_message="s3cr3t-value"
    )
    an_event(session, execution.id, EventType.STEP_FAILED, error="refused: s3cr3t-value")
    session.commit()

    found = queries.progress(SYSTEM, session, execution.id, ALL)

    assert found.execution.params == {
        "hub": "***REDACTED***",
        "password": "***REDACTED***",
        "region": "eu",
    }
    for secret in ("s3cr3t-value", "hunter22", "default-secret", ":pw@", "abc"):
        assert secret not in repr(found)
    assert session.scalar(select(Execution.params))["hub"] == "s3cr3t-value"


def found_by(session: Session, **wanted: Any) -> list[str]:
    """The names of what a filter finds, in order."""
    found = queries.executions(ALICE, session, ExecutionFilter(**wanted), Page())
    return sorted(record.name for record in found.entries)


def test_executions_are_found_by_names_ids_statuses_and_what_is_parked(session: Session) -> None:
    columns: dict[str, Any] = {"user_id": "alice"}
    load, export, other = (
        an_execution(session, status=status, **columns)
        for status in ("RUNNING", "FAILED", "COMPLETED")
    )
    load.name, export.name, other.name = "Daily load", "export 100%", "other"
    an_execution(session, user_id="bob").name = "Daily export"
    waits = {"awaiting_event": True, "deadline_at": START}
    a_step(session, load, "a", "RUNNING", **waits)
    session.flush()

    assert found_by(session, q="LOAD") == found_by(session, parked=True) == ["Daily load"]
    assert found_by(session, q="0%") == found_by(session, pipeline_name="export 100%")
    assert found_by(session, statuses=["FAILED", "COMPLETED"]) == ["export 100%", "other"]
    assert found_by(session, parked=False) == ["export 100%", "other"]
    for start in (str(export.id)[:30], export.id.hex[:30].upper()):
        assert "export 100%" in found_by(session, q=start)
    assert found_by(session, q=str(other.id)) == ["other"]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ([("region", "eu")], ["one", "two"]),
        ([("region", "eu"), ("count", "7")], ["one"]),
        ([("count", '"7"')], []),
        ([("version", "1.4")], ["one", "two"]),  # one has the text, and the other the number
        ([("items", "[1]")], []),  # a part is not the whole
        ([("items", "[1, 2]")], ["one"]),
        ([("none", "null")], ["one"]),
        ([("missing", "null")], []),
        ([("region", "eu%")], []),
        ([("password", "hunter22")], []),  # shown as the mask: nobody finds it out by guessing
        ([("mail", '{"to": "ada", "password": "hunter22"}')], []),
    ],
)
def test_executions_are_found_by_their_params(
    session: Session, params: list[tuple[str, str]], found: list[str]
) -> None:
    one = {"region": "eu", "count": 7, "version": "1.4", "items": [1, 2], "none": None}
    one |= {"password": "hunter22", "mail": {"to": "ada", "password": "hunter22"}}
    an_execution(session, user_id="alice", params=one).name = "one"
    two = {"region": "eu", "count": 8, "version": 1.4}
    an_execution(session, user_id="alice", params=two).name = "two"
    session.flush()

    assert found_by(session, params=params) == found
