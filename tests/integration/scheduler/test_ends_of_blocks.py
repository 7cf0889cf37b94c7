"""Blocks that end in unusual ways: stopped from two sides, in one wave, or without outputs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from support.driving import Driver
from support.factories import a_block, a_step, an_action
from support.steps_of_blocks import booked, books, flaky, parked, parks, says

from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.resume import supersede
from pipeline_engine.scheduler.start import cancel
from pipeline_engine.sdk import ActionResult

OK, OUT, BAD = "COMPLETED", "SKIPPED", "FAILED"
SUPERSEDED = "SELECT id FROM concurrency_places WHERE superseded_at IS NOT NULL"
TWICE = {"max_attempts": 2, "backoff_seconds": 0}


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def cleaned() -> list[str]:
    return []


@pytest.fixture
def driver(drive: Any, log: list[str], cleaned: list[str]) -> Driver:
    work = an_action("work", lambda context: ActionResult(success=True))
    return drive(flaky(), parks(cleaned), *books(log), work)


def time_out(driver: Driver, step_id: str) -> None:
    """Let the time of a step be up, and somebody notice."""
    past = "UPDATE step_executions SET deadline_at = now() WHERE step_id = %(id)s"
    driver.change(f"{past} AND deadline_at IS NOT NULL", id=step_id)
    sweep.sweep(driver.runtime)


def ask_for_its_place(driver: Driver, key: str) -> UUID:
    """Start a step that cancels the oldest with this key, and have that message delivered."""
    alone = {"key": key, "when_full": "cancel_oldest"}
    execution = driver.start(a_block("later", says("a", 1), concurrency=alone))
    driver.settle_only(execution)
    driver.give_places()
    with driver.runtime.engine.connect() as connection:
        found = connection.exec_driver_sql(SUPERSEDED).scalar_one()
    supersede.supersede(driver.runtime, found)
    return execution


def test_a_block_that_is_cancelled_while_it_times_out_is_not_tried_again(driver, cleaned):
    execution = driver.start(
        a_block("slow", parked("job", params={"id": "x"}), timeout_seconds=60, retry=TWICE)
    )
    driver.settle()
    time_out(driver, "slow")

    cancel(driver.runtime, execution, because=None)
    end = driver.finish(execution)

    assert (end.status, end.statuses) == ("INTERRUPTED", {"slow": OUT, "job": OUT})
    assert cleaned == ["x"]


def test_a_block_that_loses_its_place_while_it_times_out_is_not_tried_again(driver):
    first = driver.start(
        a_block(
            "one",
            parked("job", params={"id": "x"}),
            concurrency={"key": "room"},
            timeout_seconds=60,
            retry=TWICE,
        )
    )
    driver.settle()
    time_out(driver, "one")

    later = ask_for_its_place(driver, "room")
    end = driver.finish(first)

    assert driver.finish(later).status == OK
    assert end.statuses == {"one": BAD, "job": OUT}
    assert (end.step("one").error_code, end.step("one").retry_count) == ("superseded", 0)


def test_a_block_that_loses_its_place_undoes_what_it_has_done(driver, log, cleaned):
    first = driver.start(
        a_block(
            "one",
            booked("hotel", "hotel"),
            parked("pay", "hotel", params={"id": "x"}),
            concurrency={"key": "room"},
            catch=[{"errors": "superseded", "outputs": {}}],
        )
    )
    driver.settle()

    later = ask_for_its_place(driver, "room")
    end = driver.finish(first)

    assert (driver.finish(later).status, end.status) == (OK, OK)
    assert (cleaned, log) == (["x"], ["book hotel", "cancel hotel!"])


def test_a_loser_that_also_loses_its_place_is_no_failure(driver):
    race = driver.start(
        parked("slow", params={"id": "x"}, concurrency={"key": "room"}),
        says("fast", 1),
        says("won", 1, "slow", "fast", trigger_rule="one_success", cancel_rest=True),
    )
    driver.settle_only(race)
    driver.cancel_rest(driver.look(race).step("won").id)
    assert driver.look(race).step("slow").cancelling

    later = ask_for_its_place(driver, "room")
    end = driver.finish(race)

    assert (driver.finish(later).status, end.status) == (OK, OK)
    assert end.statuses == {"slow": OUT, "fast": OK, "won": OK}


def test_a_block_is_not_tried_again_in_the_wave_that_makes_the_block_around_it_fail(driver, log):
    end = driver.run(
        a_block(
            "outer",
            a_step("bad", action="flaky", params={"of": "bad", "times": 9}),
            a_block(
                "inner",
                booked("hotel", "hotel"),
                a_step("pay", action="flaky", params={"of": "pay", "times": 9}),
                retry=TWICE,
            ),
        )
    )

    assert (end.status, end.statuses["outer"], end.statuses["inner"]) == (BAD, BAD, OUT)
    assert log == ["book hotel", "cancel hotel!"]


def test_a_block_without_outputs_stays_failed_though_they_could_be_made_later(drive, log):
    full = drive(*books(log), max_output_bytes=1000, max_joined_bytes=1000, plain_turns=True)
    trip = a_block("trip", booked("hotel", "hotel"), outputs={"all": "{{ 500 | range }}"})
    execution = full.start(trip)
    full.settle_only(execution)
    assert log == ["book hotel"]

    end = drive(*books(log)).finish(execution)

    assert (end.status, log) == (BAD, ["book hotel", "cancel hotel!"])
    assert (end.step("trip").error_code, end.outputs) == ("json_rejected", None)
    assert end.step("trip").error_message.startswith("outputs: More than")


def test_a_block_ends_where_the_actions_of_its_other_steps_are_not_installed(drive, driver):
    execution = driver.start(
        a_block(
            "block",
            a_step("calm", action="flaky", params={"times": 0}),
            a_step("last", "calm", action="work"),
            outputs={"calls": "{{ steps.calm.outputs.calls }}"},
        )
    )
    driver.settle_only(execution)
    other = drive(an_action("work", lambda context: ActionResult(success=True)))

    end = other.finish(execution)

    assert (end.status, end.step("block").outputs) == (OK, {"calls": 1})
