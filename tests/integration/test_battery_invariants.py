"""Each invariant of the battery: a clean history passes, a planted violation is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from driving import Driver
from factories import a_step

from battery.evidence import Evidence, Finding
from battery.invariants import check_all
from pipeline_engine.config import Settings

Check = Callable[..., Finding]


@pytest.fixture
def driver(drive: Callable[..., Driver]) -> Driver:
    return drive()


@pytest.fixture
def check(settings: Settings) -> Check:
    """What the battery says about one invariant, with this evidence beside the rows."""

    def check(name: str, **given: Any) -> Finding:
        nothing: dict[str, Any] = {"effects": (), "accepted": (), "deliveries": (), "answers": {}}
        evidence = Evidence(
            database_url=settings.database_url,
            **nothing | {"logs": (), "canaries": (), "processes": ()} | given,
        )
        return next(found for found in check_all(evidence) if found.invariant == name)

    return check


def test_an_execution_that_ended_was_not_lost(driver: Driver, check: Check) -> None:
    ended = driver.run(a_step("one"), a_step("two", "one"))

    assert not check("I1", accepted=[ended.execution.id]).violations


def test_an_accepted_execution_without_a_row_is_lost(driver: Driver, check: Check) -> None:
    never_stored = uuid4()

    found = check("I1", accepted=[never_stored])

    assert found.violations == [f"execution {never_stored} was accepted, and is not there"]


def test_a_queued_step_that_forgets_it_is_queued_is_lost(driver: Driver, check: Check) -> None:
    started = driver.start(a_step("one"), a_step("two", "one"))
    assert not check("I1").violations

    driver.change("UPDATE step_executions SET queued_at = NULL WHERE step_id = 'one'")

    found = check("I1").violations
    assert f"nothing will move execution {started}" in found
    assert f"nothing will move step one of execution {started}" in found
