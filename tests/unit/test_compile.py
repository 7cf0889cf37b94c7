"""Ready steps as Celery canvas: nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any
from uuid import UUID

import pytest
from celery import Celery, chord, group

from pipeline_engine.dispatch.messages import JOIN, RUN_BATCH, RUN_STORED, SYSTEM
from pipeline_engine.scheduler.outbox import CHORD_HEADER, Limits, fan_out, wave
from pipeline_engine.storage.rows import StepRow

LIMITS = Limits(slots=2, largest=32, messages=64)
#: Those that are installed: each has a task of its own.
ACTIONS = frozenset({"acme.train", "http_request", "log"})


@pytest.fixture
def app() -> Iterator[Celery]:
    made = Celery("tests", set_as_current=False)
    yield made
    made.close()


def a_row(number: int, **given: Any) -> StepRow:
    known = {"execution_id": UUID(int=1), "action": "log", "queue": "fast", "cheap": True}
    blank = dict.fromkeys(field.name for field in fields(StepRow))
    return StepRow(**{**blank, **known, "id": number, **given})


def ids_of(canvas: Any) -> list[list[int]]:
    return [list(signature.args[0]) for signature in canvas.tasks]


def test_a_wave_is_a_group(app):
    canvas = wave(app, [a_row(1), a_row(2, cheap=False)], LIMITS, ACTIONS)

    assert isinstance(canvas, group)


def test_blocking_steps_travel_alone_under_the_name_of_their_action(app):
    rows = [
        a_row(1, cheap=False, queue="io", action="http_request"),
        a_row(2, cheap=False, queue="cpu", action="acme.train"),
    ]

    canvas = wave(app, rows, LIMITS, ACTIONS)

    assert [(s.task, s.options["queue"]) for s in canvas.tasks] == [
        ("step.http_request", "io"),
        ("step.acme.train", "cpu"),
    ]
    assert ids_of(canvas) == [[1], [2]]


def test_cheap_steps_share_messages_on_the_fast_queue(app):
    canvas = wave(app, [a_row(number) for number in range(40)], LIMITS, ACTIONS)

    assert {(s.task, s.options["queue"]) for s in canvas.tasks} == {(RUN_BATCH, "fast")}
    assert [len(ids) for ids in ids_of(canvas)] == [16, 16, 8]


def test_every_ready_step_is_in_exactly_one_message(app):
    rows = [a_row(number, cheap=number % 3 > 0, queue="io") for number in range(100)]

    sent = [step for ids in ids_of(wave(app, rows, LIMITS, ACTIONS)) for step in ids]

    assert sorted(sent) == list(range(100))


@pytest.mark.parametrize(("ready", "size"), [(1, 16), (40, 16), (100, 25), (128, 32), (10_000, 32)])
def test_chunks_leave_something_for_every_slot_where_that_is_worth_a_message(ready, size):
    assert LIMITS.cheap(ready) == size


@pytest.mark.parametrize(("ready", "messages"), [(1, 1), (64, 64), (65, 33), (400, 58), (3000, 94)])
def test_a_wave_of_blocking_steps_wakes_every_slot_and_sends_little_more(app, ready, messages):
    rows = [a_row(n, cheap=False, queue="io", action="http_request") for n in range(1, ready + 1)]

    sent = ids_of(
        group(
            [wave(app, rows, LIMITS, ACTIONS)]
            if ready == 1
            else wave(app, rows, LIMITS, ACTIONS).tasks
        )
    )

    assert len(sent) == messages
    assert [step_id for ids in sent for step_id in ids] == [row.id for row in rows]


def test_a_task_that_can_be_ended_by_force_runs_one_step(app):
    rows = [a_row(n, cheap=False, queue="cpu", action="acme.train") for n in range(300)]

    assert {len(ids) for ids in ids_of(wave(app, rows, LIMITS, ACTIONS))} == {1}


def test_a_fan_out_is_a_chord_whose_body_is_the_join_of_its_parent(app):
    items = [a_row(number, parent_id=7, cheap=False, queue="io") for number in (11, 12)]

    canvas = fan_out(app, items, LIMITS, ACTIONS)

    assert isinstance(canvas, chord)
    assert (canvas.body.task, canvas.body.args[0], canvas.body.options["queue"]) == (
        JOIN,
        [7],
        SYSTEM,
    )
    assert [signature.kwargs for signature in canvas.tasks] == [{CHORD_HEADER: True}] * 2
    assert ids_of(canvas) == [[11], [12]]


def test_nothing_is_kept_in_the_result_backend_for_a_wave(app):
    canvas = wave(app, [a_row(1), a_row(2, cheap=False, queue="io")], LIMITS, ACTIONS)

    assert all(signature.options["ignore_result"] for signature in canvas.tasks)


def test_a_message_names_rows_and_stays_small(app):
    canvas = wave(app, [a_row(2**62 + number) for number in range(128)], LIMITS, ACTIONS)

    assert all(signature.immutable for signature in canvas.tasks)
    assert all(len(str(list(signature.args))) < 1024 for signature in canvas.tasks)


def test_flower_shows_which_execution_and_step_a_message_is_for(app):
    rows = [a_row(n, step_id=f"s{n}") for n in range(1, 17)]
    item = a_row(17, step_id="deploy", item_index=3, cheap=False, queue="io")

    canvas = wave(app, [*rows, item], Limits(slots=1, largest=16), ACTIONS)

    batch, *_, alone = (signature.options["argsrepr"] for signature in canvas.tasks)
    execution = UUID(int=1)
    assert batch == ", ".join(f"{execution}/s{n}" for n in range(1, 6)) + " and 3 more"
    assert alone == f"{execution}/deploy[3]"


def test_a_blocking_step_of_a_stored_action_travels_under_one_name_for_all_of_them(app):
    stored = a_row(1, cheap=False, queue="io", action="custom_notification")

    assert wave(app, [stored], LIMITS, ACTIONS).task == RUN_STORED
