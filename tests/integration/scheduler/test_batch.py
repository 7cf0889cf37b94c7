"""Cheap steps that wait for nothing but their own batch run in memory, and end together."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from support.driving import Driver, Gate, in_background
from support.factories import a_step, an_action
from support.waiting import wait_until

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler.claim.claim import STEPS_PER_TRANSACTION
from pipeline_engine.scheduler.claim.turn import Turn
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.services import executions

OK, BAD, OUT = "COMPLETED", "FAILED", "SKIPPED"
TRAVELLED = json_guard.check(
    {"n": {"zz": 1, "b": -0.0}, "big": 1e16, "small": 1e-7, "list": [{"y": 1, "x": [True, None]}]}
)


def a_chain(length: int, **fields: Any) -> list[dict[str, Any]]:
    steps = [a_step("s0", **fields)]
    return [*steps, *(a_step(f"s{n}", f"s{n - 1}", **fields) for n in range(1, length))]


def chained(index: int) -> dict[str, str]:
    return {"message": f"{{{{ steps.s{index}.outputs.message }}}}+"}


def queued(driver: Driver, execution_id: Any) -> list[int]:
    return [row.id for row in driver.look(execution_id).rows if row.queued_at]


def test_each_step_of_a_chain_that_is_written_at_once_sees_the_one_before(drive):
    steps = a_chain(100)
    for index, step in enumerate(steps[1:]):
        step["params"] = chained(index)

    end = drive().run(*steps)

    assert end.status == OK
    assert end.step("s99").outputs["message"] == "s0" + "+" * 99


def test_history_and_times_follow_the_graph_although_all_rows_are_written_at_once(drive):
    steps = a_chain(60)
    shuffled = random.Random(2).sample(steps, len(steps))

    end = drive().run(*shuffled)

    order = [
        next(row.step_id for row in end.rows if row.id == event.step_execution_id)
        for event in end.history
        if event.event_type == "step_completed"
    ]
    finished = [end.step(f"s{n}").finished_at for n in range(60)]
    assert order == [f"s{n}" for n in range(60)]
    assert finished == sorted(set(finished))
    assert all(row.started_at <= row.finished_at for row in end.rows if row.started_at)


def test_the_counters_of_a_row_that_was_counted_in_memory_are_those_of_any_other(drive):
    end = drive().run(
        a_step("a"), a_step("b"), a_step("c", "a", "b"), a_step("d", "c", condition="false")
    )

    assert [end.step(s).status for s in "abcd"] == [OK, OK, OK, OUT]
    assert all(row.remaining == 0 for row in end.rows)
    assert (end.step("c").deps_succeeded, end.step("c").dependency_count) == (2, 2)


def test_a_failure_in_the_middle_is_followed_by_what_the_rows_say(drive):
    end = drive().run(
        *a_chain(3),
        a_step("bad", "s2", action="fail"),
        a_step("after", "bad"),
        a_step("always", "bad", trigger_rule="all_done"),
        settings={"fail_fast": False},
    )

    assert end.status == BAD
    assert end.statuses["bad"] == BAD
    assert end.statuses["after"] == OUT
    assert end.statuses["always"] == OK


def test_a_conditional_in_the_middle_leaves_out_the_other_side(drive):
    branches = [
        {"id": "yes", "condition": "true", "target_step": "left"},
        {"id": "no", "condition": "false", "target_step": "right"},
    ]

    end = drive().run(
        *a_chain(2),
        a_step("choice", "s1", action="conditional", params={"branches": branches}),
        a_step("left", "choice"),
        a_step("right", "choice"),
        a_step("end", "left", "right"),
    )

    assert [end.step(s).status for s in ("left", "right", "end")] == [OK, OUT, OK]


def test_a_step_that_is_tried_again_keeps_those_behind_it_waiting(drive):
    calls: list[int] = []

    def flaky(context: ActionContext) -> ActionResult:
        calls.append(context.attempt)
        return ActionResult(success=len(calls) > 1, outputs={"calls": len(calls)})

    retry = {"max_attempts": 3, "backoff_seconds": 0.01}
    end = drive(an_action("flaky", flaky, cheap=True)).run(
        *a_chain(2),
        a_step("flaky", "s1", action="flaky", retry=retry),
        a_step("last", "flaky", params={"message": "{{ steps.flaky.outputs.calls }}"}),
    )

    assert calls == [1, 2]
    assert end.step("last").outputs["message"] == 2
    assert all(row.remaining == 0 for row in end.rows)


def test_a_step_that_parks_is_told_of_after_those_that_it_waited_for(drive):
    def park(_: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_id="job")

    driver = drive(an_action("park", park, cheap=True))
    execution_id = driver.start(
        *a_chain(2), a_step("wait", "s1", action="park"), a_step("last", "wait")
    )

    driver.settle()

    parked = driver.look(execution_id)
    told = [(e.details["step_id"], e.event_type) for e in parked.history if e.step_execution_id]
    assert told == [
        ("s0", "step_completed"),
        ("s1", "step_completed"),
        ("wait", "step_parked"),
    ]
    assert parked.step("wait").remaining == 0
    assert parked.step("wait").queued_at is None


def test_a_failure_behind_others_runs_once_and_stops_what_follows(drive):
    calls: list[int] = []

    def fail(context: ActionContext) -> ActionResult:
        calls.append(context.attempt)
        return ActionResult(success=False, error="out of luck")

    end = drive(an_action("break", fail, cheap=True)).run(
        *a_chain(2), a_step("bad", "s1", action="break"), a_step("last", "bad")
    )

    assert calls == [1]
    assert end.status == "FAILED"
    assert end.statuses == {
        "s0": "COMPLETED",
        "s1": "COMPLETED",
        "bad": "FAILED",
        "last": "SKIPPED",
    }


def test_what_a_later_step_does_to_a_result_is_not_stored(drive):
    def spoil(context: ActionContext) -> ActionResult:
        context.step_outputs["first"]["list"].append("spoilt")
        return ActionResult(success=True, outputs={"saw": context.step_outputs["first"]["list"]})

    first = an_action(
        "first", lambda _: ActionResult(success=True, outputs={"list": ["a"]}), cheap=True
    )
    end = drive(first, an_action("spoil", spoil, cheap=True)).run(
        a_step("first", action="first"), a_step("spoil", "first", action="spoil")
    )

    assert end.step("first").outputs == {"list": ["a"]}


def test_a_cancel_waits_for_a_running_batch_and_stops_what_is_behind_it(drive):
    gate = Gate()
    driver = drive(
        an_action("gate", gate.execute, cheap=True),
        an_action("block", lambda _: ActionResult(success=True)),
    )
    execution_id = driver.start(
        a_step("first"),
        a_step("gate", "first", action="gate"),
        a_step("block", "gate", action="block"),
    )
    one_batch = Turn(driver.runtime, ends_at=0)

    with in_background(lambda: one_batch.run(queued(driver, execution_id))):
        gate.wait_for("gate")
        with in_background(lambda: executions.cancel(SYSTEM, driver.runtime, execution_id)):
            wait_until(lambda: lock_waits(driver), what="a cancel that waits")
            gate.open()

    end = driver.finish(execution_id)
    assert end.status == "INTERRUPTED"
    assert end.statuses == {"first": OK, "gate": OK, "block": OUT}


def lock_waits(driver: Driver) -> int:
    with driver.runtime.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(found.scalar_one())


def test_two_workers_that_share_a_graph_run_every_step_once(drive):
    chooser = random.Random(3)
    driver = drive()
    layers = [[f"l{i}-{j}" for j in range(20)] for i in range(8)]
    steps = [a_step(name) for name in layers[0]]
    for number, layer in enumerate(layers[1:]):
        above = [name for names in layers[: number + 1] for name in names]
        steps += [a_step(name, *chooser.sample(above, 3)) for name in layer]
    execution_id = driver.start(*steps)
    ids = queued(driver, execution_id)

    with in_background(lambda: driver.turn(*ids[::2]), lambda: driver.turn(*ids[1::2])):
        pass

    end = driver.finish(execution_id)
    assert set(end.statuses.values()) == {OK}
    assert all(row.remaining == 0 and row.attempt == 1 for row in end.rows if row.kind == "step")
    assert end.events().count("step_completed") == len(steps)


def test_a_chain_longer_than_a_transaction_goes_on_in_the_next(drive):
    length = STEPS_PER_TRANSACTION + 30
    driver = drive()
    execution_id = driver.start(*a_chain(length))

    patient = Turn(driver.runtime, ends_at=time.monotonic() + 60)
    patient.run(queued(driver, execution_id))

    end = driver.look(execution_id)
    assert end.status == OK
    assert end.events().count("step_completed") == length


# ── Results that no row holds yet ────────────────────────────────────────────────────────

numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(texts, values, max_size=4))
def test_a_value_in_memory_looks_as_it_will_when_it_is_read_back(pool: Engine, value):
    with pool.connect() as connection:
        text = connection.exec_driver_sql(
            "SELECT %(value)s::jsonb::text", {"value": json_guard.dumps(value)}
        ).scalar_one()

    assert repr(json_guard.as_stored(value)) == repr(orjson.loads(text))


def test_a_template_cannot_tell_whether_a_result_was_written_before_it_was_read(drive):
    seen = [
        drive(an_action("travel", travel, cheap=cheap))
        .run(
            a_step("first", action="travel"),
            a_step("then", "first", params={"message": "{{ steps.first.outputs }}, as a text"}),
        )
        .step("then")
        .outputs["message"]
        for cheap in (True, False)
    ]

    assert seen[0] == seen[1]


def travel(_: ActionContext) -> ActionResult:
    return ActionResult(success=True, outputs=dict(TRAVELLED))


# ── Many executions at once ──────────────────────────────────────────────────────────────


def a_worker(drive: Callable[[], Driver]) -> Driver:
    """A process that has taken a step before."""
    driver = drive()
    driver.turn(*queued(driver, driver.start(a_step("before"))), queue="fast")
    return driver


def test_a_message_whose_step_was_taken_along_finds_nothing_to_do(drive):
    driver = a_worker(drive)
    one, other = driver.start(a_step("a")), driver.start(a_step("b"))
    ids = queued(driver, one), queued(driver, other)

    driver.turn(*ids[0], queue="fast")
    driver.turn(*ids[1], queue="fast")

    assert driver.look(other).events("b") == ["step_completed"]


def test_a_step_that_was_queued_before_this_worker_began_is_not_taken_along(drive):
    """It may be the one that killed the worker before."""
    driver = drive()
    one, other = driver.start(a_step("a")), driver.start(a_step("b"))

    driver.turn(*queued(driver, one), queue="fast")

    assert (driver.look(one).status, driver.look(other).status) == (OK, "PENDING")


def test_a_step_whose_message_was_lost_once_is_not_taken_along(drive):
    """It may be the one that kills its workers."""
    driver = a_worker(drive)
    one, other = driver.start(a_step("a")), driver.start(a_step("b"))
    driver.change("UPDATE step_executions SET publish_count = 2 WHERE step_id = 'b'")

    driver.turn(*queued(driver, one), queue="fast")

    assert (driver.look(one).status, driver.look(other).status) == (OK, "PENDING")


def test_an_execution_that_cannot_be_read_does_not_hold_up_others(drive):
    worker, driver = a_worker(drive), drive()  # which alone has read the definitions
    good, bad = driver.start(a_step("a")), driver.start(a_step("b"))
    driver.change(
        "UPDATE pipeline_revisions SET document = '{\"steps\": [{}]}' WHERE id ="
        " (SELECT revision_id FROM executions WHERE id = %(id)s)",
        id=str(bad),
    )

    worker.turn(*queued(driver, good), queue="fast")

    assert (driver.look(good).status, driver.look(bad).status) == (OK, "PENDING")
