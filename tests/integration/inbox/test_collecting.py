"""Steps that wait for several events: each letter once, in order, whatever is killed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from support.driving import Driver, Look, in_background
from support.factories import a_step
from support.waiting import wait_until

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler import sweep
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Arrival


@pytest.fixture
def driver(drive: Callable[..., Driver]) -> Driver:
    return drive()


def a_wait(**params: Any) -> dict[str, Any]:
    fields = {"retry": params.pop("retry")} if "retry" in params else {}
    return a_step("wait", action="wait_for_event", params=params, **fields)


def post(driver: Driver, key: str, **body: Any) -> int:
    arrival = Arrival(source="tests", body={"event_key": key, **body})
    return int(inbox.accept(SYSTEM, driver.runtime, arrival).delivery_id)


def left(found: Look) -> Any:
    return found.step("wait").outputs


def numbers(found: Look) -> list[int]:
    return [event["n"] for event in left(found)["events"]]


def parked(driver: Driver, **params: Any) -> UUID:
    execution_id = driver.start(a_wait(**params))
    driver.settle()
    return execution_id


def dispositions(driver: Driver) -> list[str]:
    with driver.runtime.engine.connect() as connection:
        query = "SELECT disposition FROM inbox ORDER BY id"
        return list(connection.exec_driver_sql(query).scalars())


@pytest.mark.parametrize("is_early", [True, False])
def test_readings_above_a_limit_are_collected_and_the_others_stay_for_others(
    driver: Driver, is_early: bool
) -> None:
    """The readings of a patient until three of them show a fever."""
    params = {"event_key": "p1", "condition": "{{ event.n > 38 }}", "count": 3}
    execution_id = None if is_early else parked(driver, **params)
    for n in (37, 39, 36, 40, 41, 42):
        post(driver, "p1", n=n)
    driver.settle()

    execution_id = execution_id or parked(driver, **params)
    end = driver.finish(execution_id)

    assert numbers(end) == [39, 40, 41]
    assert dispositions(driver) == [
        "pending", "applied", "pending", "applied", "applied", "pending"
    ]  # fmt: skip


def test_what_has_come_so_far_is_shown_as_progress(driver: Driver) -> None:
    execution_id = parked(driver, event_key="k", count=4)

    post(driver, "k", n=1)
    driver.settle()

    row = driver.look(execution_id).step("wait")
    assert (row.progress_percentage, row.awaiting_event) == (25, True)
    assert numbers(driver.look(execution_id)) == [1]


def test_a_letter_that_is_handed_over_again_counts_once(driver: Driver) -> None:
    execution_id = parked(driver, event_key="k", count=3)
    first = post(driver, "k", n=1)

    driver.hand_over(first, first)
    sweep.sweep(driver.runtime)
    driver.hand_over(first, post(driver, "k", n=2), post(driver, "k", n=3))

    assert numbers(driver.finish(execution_id)) == [1, 2, 3]


@pytest.mark.parametrize("keys", [["k"], ["k", "l"]])
def test_letters_that_come_at_the_same_moment_are_all_kept(driver: Driver, keys: list[str]) -> None:
    execution_id = parked(driver, event_keys=keys, count=20)
    calls = [partial(post, driver, keys[n % len(keys)], n=n) for n in range(20)]
    with in_background(*calls):
        pass
    with driver.runtime.engine.connect() as connection:
        query = "SELECT id FROM inbox ORDER BY id"
        ids = list(connection.exec_driver_sql(query).scalars())

    with in_background(*[partial(driver.give, ids[n::4]) for n in range(4)]):
        pass
    end = driver.finish(execution_id)

    assert sorted(numbers(end)) == list(range(20))
    assert left(end)["received_at"] == sorted(left(end)["received_at"])


def test_three_approvals_are_waited_for_at_once_and_the_first_refusal_ends_all(
    driver: Driver,
) -> None:
    """Three approvals side by side; who says no ends the wait of the others."""
    keys = ["legal-7", "ops-7", "security-7"]
    approved = parked(driver, event_keys=keys, wait_for="all")
    for key in keys:
        post(driver, key, by=f"head of {key}", action="complete")
    driver.settle()
    refused = parked(driver, event_keys=keys, wait_for="all")
    post(driver, "legal-7", by="Ada")
    post(driver, "ops-7", action="fail", error="too early", by="Bob")

    assert left(driver.finish(approved))["by_key"]["ops-7"]["by"] == "head of ops-7"
    assert driver.finish(refused).step("wait").error_message == "too early"


def test_the_first_of_several_keys_ends_the_wait_also_when_both_have_come_before(
    driver: Driver,
) -> None:
    post(driver, "z-done", n=1)
    post(driver, "a-failed", n=2)
    driver.settle()

    end = driver.finish(parked(driver, event_keys=["a-failed", "z-done"]))

    assert left(end)["by_key"] == {"z-done": {"event_key": "z-done", "n": 1}, "a-failed": None}
    assert dispositions(driver) == ["applied", "pending"]


def test_another_attempt_waits_for_what_is_missing_since_letters_are_used_up(
    driver: Driver,
) -> None:
    retry = {"max_attempts": 2, "backoff_seconds": 0}
    execution_id = parked(driver, event_key="k", count=2, retry=retry)
    post(driver, "k", n=1)
    driver.settle()

    driver.change("UPDATE step_executions SET deadline_at = now() WHERE awaiting_event")
    sweep.sweep(driver.runtime)
    wait_until(lambda: _is_parked(driver, execution_id))
    post(driver, "k", n=2)

    end = driver.finish(execution_id)
    assert (numbers(end), end.step("wait").attempt) == ([1, 2], 2)


def _is_parked(driver: Driver, execution_id: UUID) -> bool:
    sweep.sweep(driver.runtime)
    driver.settle()
    row = driver.look(execution_id).step("wait")
    return row.awaiting_event and row.attempt == 2


def test_large_events_are_collected_beyond_what_one_answer_may_have(
    drive: Callable[..., Driver],
) -> None:
    driver = drive(max_output_bytes=4096)
    execution_id = parked(driver, event_key="k", count=5)
    for n in range(5):
        post(driver, "k", n=n, text="x" * 3000)

    assert numbers(driver.finish(execution_id)) == [0, 1, 2, 3, 4]


def test_all_that_was_collected_is_bounded(drive: Callable[..., Driver]) -> None:
    driver = drive(max_output_bytes=4096, max_joined_bytes=8192)
    execution_id = parked(driver, event_key="k", count=5)
    for n in range(5):
        post(driver, "k", n=n, text="x" * 3000)

    assert driver.finish(execution_id).step("wait").error_code == "json_rejected"
