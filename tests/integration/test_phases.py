"""A step has one phase, the same in Python and in SQL, and moves as the table of phases says."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session
from support.history_rows import START, an_execution

from pipeline_engine.domain.phases import PHASE_MOVES, Phase, is_lost, phase_of
from pipeline_engine.domain.readiness import Contribution
from pipeline_engine.domain.states import FINAL_STEP_STATUSES, STEP_MOVES, StepStatus
from pipeline_engine.storage import admission, queueing, transitions
from pipeline_engine.storage.moves import Claim, Ending, Growth, Parking
from pipeline_engine.storage.phases import IS, IS_LOST, NAME, OPEN, WILL_MOVE, any_of
from pipeline_engine.storage.rows import STEP_COLUMNS, StepRow, fetch_steps
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.steps import StepExecution

SOON = timedelta(seconds=30)
#: The values of each column that matter to a phase, or to what moves a step.
COLUMNS: dict[str, tuple[Any, ...]] = {
    "status": tuple(StepStatus),
    "held": (False, True),
    "in_line": (False, True),
    "queued_at": (None, START),
    "due_at": (None, START),
    "awaiting_event": (False, True),
    "cancelling": (False, True),
    "items_open": (None, 0, 2),
    "remaining": (0, 1),
    "leased_until": (None, START),
}
#: Rows as the engine leaves them.
RUNNING = {"status": "RUNNING", "attempt": 1}
PARKED = {**RUNNING, "awaiting_event": True}
ROWS: dict[Phase, list[dict[str, Any]]] = {
    Phase.WAITING: [{"remaining": 1}],
    Phase.HELD: [{"held": True}, {"held": True, "due_at": START + timedelta(days=36500)}],
    Phase.IN_LINE: [{"in_line": True}, {"in_line": True, "status": "RETRYING", "attempt": 1}],
    Phase.DELAYED: [{"due_at": START}],
    Phase.QUEUED: [{"queued_at": START}, {"status": "RETRYING", "queued_at": START, "attempt": 1}],
    Phase.RUNNING: [{**RUNNING, "leased_until": START}],
    Phase.PARKED: [PARKED],
    Phase.TIMER: [{**RUNNING, "awaiting_event": True, "due_at": START}],
    Phase.RETRYING: [{"status": "RETRYING", "due_at": START, "attempt": 1}],
    Phase.EXPANDED: [{**RUNNING, "items_total": 2, "items_open": 1, "items_failed": 0}],
    Phase.JOINING: [{**RUNNING, "items_total": 2, "items_open": 0, "due_at": START}],
    Phase.CLEANING_UP: [{**RUNNING, "cancelling": True, "due_at": START}],
    Phase.ENDED: [{"status": status} for status in sorted(FINAL_STEP_STATUSES)],
}
OF_EXECUTIONS = {
    *("mark_running", "note_failure", "note_not_undone", "intend_abort", "pass_deadline"),
    *("force_end", "end_executions"),
}
Statement = Callable[[Connection, StepRow], object]


def rows(execution: Execution, *columns: dict[str, Any]) -> list[dict[str, Any]]:
    common = {"execution_id": execution.id, "name": "A", "action": "log", "kind": "step"}
    common |= {"sequence_number": 1, "queue": "fast", "cheap": True}
    return [{**common, "step_id": f"s{n}", **given} for n, given in enumerate(columns)]


def test_every_row_has_exactly_one_phase_and_python_and_sql_agree_on_it(session: Session):
    every = [dict(zip(COLUMNS, values, strict=True)) for values in product(*COLUMNS.values())]
    execution = an_execution(session)
    session.execute(StepExecution.__table__.insert(), rows(execution, *every))

    found = session.connection().exec_driver_sql(
        f"SELECT step_id, ARRAY[{', '.join(f'({IS[phase]}) IS TRUE' for phase in Phase)}],"
        f" {NAME}, {IS_LOST} IS TRUE, {WILL_MOVE} IS TRUE, {OPEN} FROM step_executions"
    )

    steps = {step.step_id: step for step in session.scalars(select(StepExecution))}
    assert len(steps) == len(every)
    for step_id, held_to_be, name, lost, will_move, is_open in found:
        step = steps[step_id]
        phase = phase_of(step)
        said = [one for one, is_true in zip(Phase, held_to_be, strict=True) if is_true]
        assert (said, name, lost, is_open) == (
            [phase],
            phase.value,
            is_lost(step),
            phase is not Phase.ENDED,
        )
        waits_for_steps = not lost and phase in {Phase.WAITING, Phase.HELD, Phase.EXPANDED}
        assert lost + will_move + waits_for_steps + (phase is Phase.ENDED) == 1


def park(wake: timedelta | None) -> Statement:
    parking = Parking(external_ids=("job",), outputs={}, deadline=SOON, wake_after=wake)
    return lambda connection, step: transitions.park(connection, step, parking)


def end(status: StepStatus) -> Statement:
    return lambda connection, step: transitions.end(connection, [Ending(step, status)])


#: Every statement that moves a step, by the name of its function.
STATEMENTS: list[tuple[str, Statement]] = [
    (
        "claim",
        lambda c, step: transitions.claim(c, [Claim(step, None)], worker="w", lease=SOON),
    ),
    ("requeue_lost", transitions.requeue_lost),
    ("requeue_lost", lambda c, step: transitions.requeue_lost(c, step, delay=SOON)),
    *[("end", end(status)) for status in sorted(FINAL_STEP_STATUSES)],
    (
        "retry",
        lambda c, step: transitions.retry(c, step, delay=SOON, error_code="x", error_message="x"),
    ),
    ("park", park(None)),
    ("park", park(SOON)),
    (
        "expand",
        lambda c, step: transitions.expand(c, [Growth(step, added=2)]),
    ),
    ("note_progress", lambda c, step: transitions.note_progress(c, step, progress=1)),
    ("begin_stopping", lambda c, step: transitions.begin_stopping(c, [step.id], wake=SOON)),
    (
        "claim_clean_up",
        lambda c, step: transitions.claim_clean_up(c, step.id, lease=SOON, within=SOON),
    ),
    ("queue", lambda c, step: admission.queue(c, [step.id])),
    ("put_in_line", lambda c, step: admission.put_in_line(c, [step.id])),
    ("queue_with_place", lambda c, step: admission.queue_with_place(c, step.id)),
    ("take_out_of_line", lambda c, step: admission.take_out_of_line(c, step.execution_id)),
    ("hold", lambda c, step: admission.hold(c, [step.id])),
    ("let_in", lambda c, step: admission.let_in(c, step.execution_id, window=9)),
    ("count_ends", lambda c, step: queueing.count_ends(c, {step.id: Contribution(ended=1)})),
    (
        "count_ended_items",
        lambda c, step: queueing.count_ended_items(c, {step.id: (1, 0)}, wake=SOON),
    ),
    ("queue_due", lambda c, _: admission.queue_due(c)),
    ("requeue_unclaimed", lambda c, _: admission.requeue_unclaimed(c, patience=SOON)),
]
#: The phases in which callers have the steps that they give to statements without a status.
ONLY_FOR = {
    "count_ends": {Phase.WAITING},
    "count_ended_items": {Phase.EXPANDED},
    "put_in_line": {Phase.QUEUED, Phase.WAITING},
}


def look(connection: Connection, step_id: int) -> tuple[Phase, StepStatus]:
    phase, status = connection.exec_driver_sql(
        f"SELECT {NAME}, status FROM step_executions WHERE id = %(id)s", {"id": step_id}
    ).one()
    return Phase(phase), StepStatus(status)


def attempts(session: Session) -> Iterator[tuple[tuple[Phase, StepStatus], ...]]:
    """Each statement on a row of each phase: what it was before, and what it is then."""
    connection = session.connection()
    for phase, given in ((phase, given) for phase, several in ROWS.items() for given in several):
        execution = an_execution(session)
        session.execute(StepExecution.__table__.insert(), rows(execution, given))
        for name, statement in STATEMENTS:
            if phase in ONLY_FOR.get(name, Phase):
                with connection.begin_nested() as savepoint:
                    (step,) = fetch_steps(
                        connection,
                        f"SELECT {STEP_COLUMNS} FROM step_executions s WHERE execution_id = %(id)s",
                        {"id": str(execution.id)},
                    )
                    before = look(connection, step.id)
                    assert before[0] is phase
                    statement(connection, step)
                    yield before, look(connection, step.id)
                    savepoint.rollback()


def test_no_table_has_a_move_that_no_statement_makes(session: Session):
    made = list(attempts(session))

    phases = {(before[0], after[0]) for before, after in made}
    statuses = {(before[1], after[1]) for before, after in made if before[1] is not after[1]}
    assert {(phase, to) for phase, those in PHASE_MOVES.items() for to in those} - phases == set()
    assert statuses == {(status, to) for status, those in STEP_MOVES.items() for to in those}


def test_items_get_places_in_their_order_and_the_clock_queues_those_with_a_delay(session: Session):
    execution = an_execution(session)
    fan_out = rows(execution, {**RUNNING, "items_total": 4, "items_open": 4})
    table = StepExecution.__table__
    parent = session.scalar(table.insert().returning(table.c.id), fan_out)
    later = START + timedelta(days=36500)
    items = [{"parent_id": parent, "item_index": n, "held": True, "kind": "item"} for n in range(4)]
    items[0]["due_at"] = later
    for item in items:
        session.execute(table.insert(), rows(execution, item))
    connection = session.connection()

    queued = admission.let_items_in(connection, execution.id, parent, places=2)

    found = connection.exec_driver_sql(
        f"SELECT {NAME} FROM step_executions WHERE parent_id IS NOT NULL ORDER BY item_index"
    )
    assert [row.item_index for row in queued] == [1], "a message before its time is in vain"
    assert list(found.scalars()) == ["delayed", "queued", "held", "held"]


def test_no_statement_that_moves_steps_is_left_out_here():
    functions = inspect.getmembers(transitions, inspect.isfunction)
    own = {n for n, f in functions if f.__module__ == transitions.__name__ and n[0] != "_"}

    assert own - OF_EXECUTIONS == own & {name for name, _ in STATEMENTS}


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        (f"{IS[Phase.QUEUED]} AND queued_at < now()", "shares"),
        (f"{any_of((Phase.DELAYED, Phase.RETRYING))} AND due_at <= now()", "delayed"),
        (f"{IS[Phase.TIMER]} AND due_at <= now()", "due"),
        (f"{IS[Phase.JOINING]} AND due_at <= now()", "due"),
        (f"{IS[Phase.CLEANING_UP]} AND due_at <= now()", "due"),
        (f"execution_id = uuid_nil() AND {IS[Phase.HELD]}", "held"),
        (f"execution_id = uuid_nil() AND {IS[Phase.IN_LINE]}", "in_line"),
        (f"execution_id = uuid_nil() AND {OPEN}", "open"),
    ],
)
def test_a_partial_index_answers_for_a_phase(session: Session, condition: str, index: str):
    for others in ([{"remaining": 1}] * 1000, [PARKED] * 1000):
        session.execute(StepExecution.__table__.insert(), rows(an_execution(session), *others))
    connection = session.connection()
    connection.exec_driver_sql("ANALYZE step_executions")
    condition = condition.replace("uuid_nil()", f"'{an_execution(session).id}'")

    plan = connection.exec_driver_sql(f"EXPLAIN SELECT id FROM step_executions WHERE {condition}")

    assert f"ix_step_executions_{index}" in "\n".join(plan.scalars())
