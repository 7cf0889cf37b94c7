"""Owners take turns at a queue, however much one of them has there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from support.driving import Driver
from support.factories import a_block, a_pipeline, a_step, an_action

from pipeline_engine.domain.queues import QueueName
from pipeline_engine.scheduler import sharing
from pipeline_engine.scheduler.claim.turn import Turn
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.storage import admission, shares

ENDED = """
SELECT s.step_id FROM events v JOIN step_executions s ON s.id = v.step_execution_id
WHERE v.event_type = 'step_completed' ORDER BY v.id
"""


class EvenShare(sharing.Share):
    """A share in which every step takes as long as any other, on a machine of any speed."""

    def charge(self, seconds: Mapping[str, float]) -> None:
        super().charge(dict.fromkeys(seconds, 1.0))


@pytest.fixture
def seen() -> list[str]:
    """Which blocking steps ran, one after the other."""
    return []


@pytest.fixture
def driver(drive, seen) -> Driver:
    def execute(context: ActionContext) -> ActionResult:
        seen.append(context.step_id)
        return ActionResult(success=True)

    work = an_action("work", execute)
    compute = an_action("compute", execute, queue=QueueName.CPU)
    found = drive(work, compute, chunk_size=20)
    # One message after the other: nothing is believed that was seen before.
    even = partial(EvenShare, believed_seconds=0.0, idle_seconds=3600.0)
    found.runtime = replace(found.runtime, sharing=sharing.Sharing(even))
    return found


def start(driver: Driver, name: str, owner: str | None, count: int, **fields: Any) -> list[int]:
    """Steps of an owner that wait for nothing, queued."""
    steps = [a_step(f"{name}{number}", **fields) for number in range(count)]
    settings = {"max_parallel_steps": 100}
    execution_id = driver.start(*steps, user_id=owner, settings=settings)
    return [row.id for row in driver.look(execution_id).rows if row.queued_at]


def places(order: list[str], name: str) -> list[int]:
    return [n for n, step_id in enumerate(order) if step_id.startswith(name)]


def ended(driver: Driver) -> list[str]:
    with driver.runtime.engine.connect() as connection:
        return list(connection.exec_driver_sql(ENDED).scalars())


@pytest.mark.parametrize("owner", ["many", None])
def test_five_blocking_steps_take_turns_with_those_of_another_owner(driver, seen, owner):
    many = start(driver, "m", owner, 20, action="work")
    start(driver, "f", "few", 5, action="work")

    driver.turn(*many, queue="io")

    assert len(places(seen, "f")) == 5
    assert max(places(seen, "f")) <= 10
    # Those of one owner keep their order.
    theirs = [step_id for step_id in seen if step_id.startswith("m")]
    assert theirs == [f"m{number}" for number in range(len(theirs))]


def test_five_cheap_steps_wait_for_no_more_than_a_batch_of_another_owner(driver):
    driver.turn(*start(driver, "w", "many", 1), queue="fast")
    many = start(driver, "m", "many", 60)
    start(driver, "f", "few", 5)

    driver.turn(*many, queue="fast")

    assert max(places(ended(driver), "f")) <= 6


def test_ten_owners_with_much_do_not_make_an_eleventh_wait_for_them_all(driver, seen):
    many = [start(driver, "m", f"many-{number}", 20, action="work") for number in range(10)]
    start(driver, "f", "few", 5, action="work")

    driver.turn(*many[3], queue="io")

    assert max(places(seen, "f")) <= 5 * 11
    assert min(places(seen, "f")) <= 1


def test_a_message_that_names_few_steps_is_not_kept_from_them_by_those_who_have_many(driver, seen):
    driver.turn(*start(driver, "w", "many", 1, action="work"), queue="io")
    start(driver, "m", "many", 60, action="work")
    few = start(driver, "f", "few", 3, action="work")

    driver.turn(*few, queue="io")

    assert max(places(seen, "f")) <= 6


def test_whatever_an_execution_makes_counts_for_its_owner(driver, session):
    a_pipeline(session, a_step("below"), name="inner").user_id = "ours"
    session.commit()
    items = a_step("many", for_each=[1, 2, 3], action="log", params={"message": "{{ item }}"})
    child = a_step("child", action="run_pipeline", params={"pipeline": "inner"})
    execution_id = driver.start(items, a_block("block", a_step("inside")), child, user_id="ours")
    driver.finish(execution_id)

    with driver.runtime.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT DISTINCT owner, step_id FROM step_executions")
        owners = {(owner, step_id) for owner, step_id in found}

    assert {owner for owner, _ in owners} == {"ours"}
    assert {"many", "inside", "child", "below"} <= {step_id for _, step_id in owners}


def test_a_task_in_a_chord_leaves_it_before_it_serves_another_owner(driver, seen):
    many = start(driver, "m", "many", 5, action="work")
    start(driver, "f", "few", 1, action="work")
    left: list[list[str]] = []

    def leave() -> bool:
        left.append(list(seen))
        return True

    Turn(driver.runtime, queue="io", in_chord=True, leave_chord=leave).run(many)

    assert left == [["m0"]]
    assert seen[:2] == ["m0", "f0"]


def test_a_task_that_cannot_leave_its_chord_serves_nobody_else(driver, seen):
    many = start(driver, "m", "many", 5, action="work")
    start(driver, "f", "few", 1, action="work")

    Turn(driver.runtime, queue="io", in_chord=True, leave_chord=lambda: False).run(many)

    assert not places(seen, "f")


def test_a_task_that_runs_one_step_runs_that_of_another_owner_and_sends_its_own_again(driver, seen):
    driver.turn(*start(driver, "w", "many", 1, action="compute"), queue="cpu")
    many = start(driver, "m", "many", 1, action="compute")
    start(driver, "f", "few", 1, action="compute")
    before = driver.runtime.dispatch.waiting("cpu")

    driver.turn(*many, queue="cpu")

    assert seen == ["w0", "f0"]
    assert driver.runtime.dispatch.waiting("cpu") == before + 1


def test_a_step_of_another_owner_that_makes_no_sense_holds_nobody_up(driver, seen):
    many = start(driver, "m", "many", 3, action="work")
    few = start(driver, "f", "few", 1, action="work")
    driver.change("UPDATE step_executions SET step_id = 'gone' WHERE id = ANY(%(ids)s)", ids=few)

    for _ in many:  # as the sweep sends them again
        driver.turn(*many, queue="io")

    assert seen == ["m0", "m1", "m2"]


def test_what_a_sweep_sends_again_is_shared_out_among_owners(driver):
    start(driver, "m", "many", 40, action="work")
    few = start(driver, "f", "few", 3, action="work")
    other = start(driver, "o", "other", 3)
    driver.change(
        "UPDATE step_executions SET queued_at = now() - interval '1 hour'"
        " WHERE queued_at IS NOT NULL"
    )
    driver.change(
        "UPDATE step_executions SET queued_at = now() - interval '1 minute'"
        " WHERE id = ANY(%(ids)s)",
        ids=few,
    )

    patience = driver.runtime.settings.republish_after
    with driver.runtime.engine.begin() as connection:
        found = admission.requeue_unclaimed(connection, patience=patience, most=10)

    again = {row.id for row in found}
    assert len(again) == 10
    assert {*few, *other} <= again


def test_steps_whose_delay_is_over_are_queued_for_each_owner_in_turn(driver):
    many = start(driver, "m", "many", 40, action="work")
    few = start(driver, "f", "few", 3, action="work")
    for ids, ago in ((many, "1 hour"), (few, "1 second")):
        driver.change(
            "UPDATE step_executions SET status = 'RETRYING', queued_at = NULL,"
            " due_at = now() - %(ago)s::interval WHERE id = ANY(%(ids)s)",
            ids=ids,
            ago=ago,
        )

    with driver.runtime.engine.begin() as connection:
        queued = {row.id for row in admission.queue_due(connection, most=10)}

    assert len(queued) == 10
    assert set(few) <= queued


def test_of_more_owners_than_one_look_takes_in_the_next_look_finds_the_others(driver):
    ids = start(driver, "s", "many", shares.MOST_OWNERS + 10, action="log")
    driver.change("UPDATE step_executions SET owner = 'owner-' || id WHERE id = ANY(%(i)s)", i=ids)

    with driver.runtime.engine.connect() as connection:
        first = shares.waiting(connection, "fast")
        second = shares.waiting(connection, "fast", beginning=first.those_behind)

    assert len({*first.names, *second.names}) == shares.MOST_OWNERS + 10
    assert second.those_behind == ""
