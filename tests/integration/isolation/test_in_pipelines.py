"""Isolated actions in executions: what rows hold of them is what they hold of any other."""

from __future__ import annotations

from typing import Any

import pytest
from support.driving import Driver
from support.factories import a_step

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.registry import Registry
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Arrival


@pytest.fixture
def driver(drive: Any, strangers: Registry) -> Driver:
    made: Driver = drive(*strangers)
    return made


def test_one_that_fans_out_and_one_that_waits_for_an_event_carry_an_execution_on(driver: Driver):
    execution_id = driver.start(
        a_step("each", action="stranger_each", params={"count": 2}),
        a_step(
            "wait",
            "each",
            action="stranger_wait",
            params={"job": "j-{{ steps.each.outputs.total }}"},
        ),
    )
    driver.settle()

    body = {"workflow_id": "j-10001", "word": "{{ done }}"}
    inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body=body))

    found = driver.finish(execution_id)
    assert found.status == "COMPLETED"
    assert found.step("each").outputs == {"total": 10001, "last": 100}
    assert found.step("wait").outputs["said"] == "{{ done }}"


def test_one_that_crashes_fails_its_step_with_a_code_and_the_engine_goes_on(driver: Driver):
    found = driver.run(
        a_step(
            "crash", action="stranger_misbehave", params={"how": "crash"}, on_failure="continue"
        ),
        a_step("after", "crash", action="stranger_greet", params={"whom": "world"}),
    )

    assert found.statuses == {"crash": "FAILED", "after": "COMPLETED"}
    assert found.step("crash").error_code == "isolated_crashed"


def test_a_secret_that_was_placed_is_used_and_hidden_and_others_are_not_there(
    drive: Any, strangers: Registry
):
    driver: Driver = drive(*strangers, secrets={"one": "first-secret", "two": "second-secret"})

    found = driver.run(
        a_step(
            "render",
            action="stranger_render",
            params={"text": "{{ secrets.one }} {{ params.open }}"},
        ),
        params={"open": "seen"},
        parameters=[{"name": "open", "type": "string"}],
    )

    assert found.step("render").outputs["rendered"] == "***REDACTED*** seen"


def test_it_cancels_no_execution_but_those_that_it_has_started(driver: Driver):
    other = driver.start(a_step("wait", action="stranger_wait", params={"job": "never"}))
    driver.settle()

    found = driver.run(
        a_step("ask", action="stranger_ask", params={"what": "cancel", "execution": str(other)})
    )

    assert found.step("ask").error_code == "execution_not_found"
    assert driver.look(other).status == "RUNNING"
