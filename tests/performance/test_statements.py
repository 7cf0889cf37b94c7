"""Cheap steps that end together, and executions that begin together, share their statements."""

from __future__ import annotations

from typing import Any

from support.counting import counted_statements
from support.driving import Driver
from support.factories import a_step


def a_chain(length: int) -> list[dict[str, Any]]:
    return [a_step("s0"), *(a_step(f"s{n}", f"s{n - 1}") for n in range(1, length))]


def queued(driver: Driver, execution_id: Any) -> list[int]:
    return [row.id for row in driver.look(execution_id).rows if row.queued_at]


def test_a_chain_of_cheap_steps_is_written_at_once(drive):
    driver = drive()
    execution_id = driver.start(*a_chain(100))

    with counted_statements(driver.runtime.engine) as statements:
        driver.turn(*queued(driver, execution_id))

    assert driver.look(execution_id).status == "COMPLETED"
    assert statements.total() < 25, statements


def test_executions_whose_first_steps_share_a_message_share_their_statements(drive):
    driver = drive()
    started = [driver.start(*a_chain(5)) for _ in range(20)]
    first = [step_id for execution_id in started for step_id in queued(driver, execution_id)]

    with counted_statements(driver.runtime.engine) as statements:
        driver.turn(*first, queue="fast")

    assert {driver.look(execution_id).status for execution_id in started} == {"COMPLETED"}
    definitions = sum(n for text, n in statements.items() if "pipeline_revisions" in text)
    assert statements.total() - definitions < 25, statements
