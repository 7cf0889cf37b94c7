"""An event is a letter to its owner and key: each is used up once, by whoever accepts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from support.driving import Driver, in_background
from support.factories import a_step
from support.parked_job import Parked

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler import sweep
from pipeline_engine.services import deliveries, inbox
from pipeline_engine.services.inbox import Arrival, Receipt

KEY = "nightly"


@pytest.fixture
def driver(drive, job: Parked) -> Driver:
    return drive(job.action())


def a_wait(step_id: str, *depends_on: str, key: str = KEY, **match: Any) -> dict[str, Any]:
    params = {"event_key": key, "match": match}
    return a_step(step_id, *depends_on, action="wait_for_event", params=params)


def post(
    driver: Driver,
    key: str = KEY,
    *,
    letter: str | None = None,
    owner: str | None = None,
    **body: Any,
) -> Receipt:
    arrival = Arrival(source="tests", body={"workflow_id": key, **body}, delivery_id=letter)
    return inbox.accept(SYSTEM.acting_for(owner), driver.runtime, arrival)


def read(driver: Driver, execution_id: UUID) -> Mapping[str, Any]:
    """The number of the letter that each step has accepted."""
    found = driver.look(execution_id).rows
    return {
        row.step_id if row.item_index is None else f"{row.step_id}-{row.item_index}": row.outputs[
            "event"
        ]["n"]
        for row in found
        if row.outputs and row.outputs.get("event")
    }


def became(driver: Driver) -> list[str]:
    with driver.runtime.engine.connect() as connection:
        query = "SELECT disposition FROM inbox ORDER BY id"
        return list(connection.exec_driver_sql(query).scalars())


def verdicts(driver: Driver) -> list[tuple[int, str]]:
    """Which letter got which verdict, in the order of letters and steps."""
    with driver.runtime.engine.connect() as connection:
        query = (
            "SELECT rank() OVER (ORDER BY delivery_id), verdict FROM delivery_targets"
            " ORDER BY delivery_id, step_execution_id"
        )
        return [(row[0], row[1]) for row in connection.exec_driver_sql(query)]


# ── Kept until somebody accepts it ───────────────────────────────────────────────────────


def test_a_key_that_somebody_waited_for_before_can_be_waited_for_again(driver: Driver) -> None:
    first = driver.start(a_wait("a"))
    driver.settle()
    post(driver, letter="x1", n=1)
    driver.finish(first)

    receipt = post(driver, letter="x2", n=2)
    driver.deliver()
    second = driver.start(a_wait("a"))

    assert receipt.outcome == "early"
    assert driver.finish(second).status == "COMPLETED"
    assert read(driver, second) == {"a": 2}


def test_a_step_that_ignores_a_letter_does_not_use_it_up(driver: Driver) -> None:
    execution_id = driver.start(a_wait("first", phase=1), a_wait("second", "first", phase=2))
    driver.settle()

    post(driver, phase=2, n=2)
    driver.settle()
    assert became(driver) == ["pending"]
    post(driver, phase=1, n=1)

    assert driver.finish(execution_id).status == "COMPLETED"
    assert read(driver, execution_id) == {"first": 1, "second": 2}
    assert verdicts(driver) == [(1, "ignore"), (1, "complete"), (3, "complete")]


def test_a_letter_that_was_ignored_is_offered_once_to_each_attempt(
    driver: Driver, job: Parked
) -> None:
    execution_id = driver.start(a_step("a", action="job"))
    driver.settle()
    delivery = int(post(driver, "job", answer="ignore").delivery_id)

    driver.hand_over(delivery, delivery, delivery)
    sweep.sweep(driver.runtime)
    driver.settle()

    assert len(job.seen) == 1
    assert driver.look(execution_id).step("a").awaiting_event


@pytest.mark.parametrize("together", [True, False])
def test_two_waits_one_after_the_other_take_two_letters_that_come_at_once(
    driver: Driver, together: bool
) -> None:
    for _ in range(10):
        execution_id = driver.start(a_wait("a"), a_wait("b", "a"))
        driver.settle()
        letters = [f"{execution_id}-{n}" for n in (1, 2)]
        with in_background(*[partial(post, driver, letter=i, n=i[-1]) for i in letters]):
            pass
        ids = pending(driver)
        parts = [ids] if together else [[i] for i in ids]
        with in_background(*[lambda part=part: driver.give(part) for part in parts]):
            pass

        assert driver.finish(execution_id).status == "COMPLETED"
        assert sorted(read(driver, execution_id).values()) == ["1", "2"]


def pending(driver: Driver) -> list[int]:
    with driver.runtime.engine.connect() as connection:
        query = "SELECT id FROM inbox WHERE disposition = 'pending' ORDER BY id"
        return list(connection.exec_driver_sql(query).scalars())


@pytest.mark.parametrize("count", [3, 70])
def test_what_was_kept_is_read_in_its_order_each_letter_once(driver: Driver, count: int) -> None:
    for n in range(count):
        post(driver, n=n)
    driver.deliver()
    steps = [a_wait("s0"), *(a_wait(f"s{n}", f"s{n - 1}") for n in range(1, count))]

    execution_id = driver.start(*steps)

    assert driver.finish(execution_id, within=60).status == "COMPLETED"
    assert read(driver, execution_id) == {f"s{n}": n for n in range(count)}
    assert became(driver) == ["applied"] * count


def test_more_letters_than_one_transaction_reads_are_all_offered(driver: Driver) -> None:
    for n in range(130):
        post(driver, n=n, wanted=n == 129)
    driver.deliver()

    execution_id = driver.start(a_wait("a", wanted=True))

    assert driver.finish(execution_id).status == "COMPLETED"
    assert read(driver, execution_id) == {"a": 129}
    assert became(driver) == ["pending"] * 129 + ["applied"]


def test_a_kept_letter_goes_to_the_first_that_accepts_it(driver: Driver) -> None:
    post(driver, n=1)
    driver.deliver()

    execution_id = driver.start(a_wait("a"), a_wait("b"))
    driver.settle()

    assert len(read(driver, execution_id)) == 1
    post(driver, n=2)
    driver.finish(execution_id)
    assert sorted(read(driver, execution_id).values()) == [1, 2]


def test_a_letter_that_comes_while_several_wait_is_offered_to_all(driver: Driver) -> None:
    ids = [driver.start(a_wait("a")), driver.start(a_wait("a")), driver.start(a_wait("a", n=2))]
    driver.settle()

    post(driver, n=1)
    driver.settle()

    assert [driver.look(i).status for i in ids] == ["COMPLETED", "COMPLETED", "RUNNING"]
    assert verdicts(driver) == [(1, "complete"), (1, "complete"), (1, "ignore")]


def test_letters_that_come_while_a_step_reads_what_was_kept_do_not_overtake(
    driver: Driver, job: Parked
) -> None:
    for number in range(3):
        post(driver, "job", answer="more", number=number)
    driver.deliver()
    driver.start(a_step("a", action="job"))
    driver.turn(*queued(driver))
    fresh = post(driver, "job", answer="more", number=3)

    driver.give([int(fresh.delivery_id)])
    driver.settle()

    assert [seen["number"] for seen in job.seen] == [0, 1, 2, 3]


def queued(driver: Driver) -> list[int]:
    with driver.runtime.engine.connect() as connection:
        query = "SELECT id FROM step_executions WHERE queued_at IS NOT NULL"
        return list(connection.exec_driver_sql(query).scalars())


def test_a_step_whose_message_was_lost_reads_its_mailbox_by_the_sweep(driver: Driver) -> None:
    post(driver, n=1)
    driver.deliver()
    execution_id = driver.start(a_wait("a"))
    driver.turn(*queued(driver))
    assert sweep.sweep(driver.runtime).deliveries == 0, "its message may still be on its way"
    driver.change("UPDATE correlations SET parked_at = parked_at - interval '1 minute'")

    assert sweep.sweep(driver.runtime).deliveries == 1
    assert driver.look(execution_id).step("a").awaiting_event


def test_what_nobody_accepts_in_time_is_unmatched_and_replay_offers_it_to_all_again(
    driver: Driver, job: Parked
) -> None:
    execution_id = driver.start(a_step("a", action="job"))
    driver.settle()
    receipt = post(driver, "job", answer="ignore")
    driver.settle()
    driver.change("UPDATE inbox SET received_at = now() - interval '25 hours'")
    sweep.sweep(driver.runtime)
    assert became(driver) == ["unmatched"]

    deliveries.replay(SYSTEM, driver.runtime, int(receipt.delivery_id))
    driver.settle()

    assert len(job.seen) == 2
    assert driver.look(execution_id).step("a").awaiting_event


def test_how_long_letters_are_kept_is_a_setting(drive) -> None:
    driver = drive(event_buffer_seconds=0.001)
    post(driver)
    driver.deliver()

    sweep.sweep(driver.runtime)

    assert became(driver) == ["unmatched"]


def test_the_rows_of_a_loop_that_waits_for_one_key_do_not_pile_up(driver: Driver) -> None:
    for n in range(5):
        execution_id = driver.start(a_wait("a"))
        driver.settle()
        post(driver, n=n)
        driver.finish(execution_id)

    with driver.runtime.engine.connect() as connection:
        left = connection.exec_driver_sql("SELECT count(*) FROM correlations").scalar_one()
    assert left == 0


# ── The same, or another ─────────────────────────────────────────────────────────────────

SAME = {"letter": "1", "key": "job-A", "status": "in_progress"}


@pytest.mark.parametrize(
    ("other", "outcome"),
    [
        ({}, "duplicate"),
        ({"key": "job-B"}, "early"),
        ({"status": "completed"}, "early"),
        ({"letter": "2"}, "early"),
        ({"letter": None}, "early"),
        ({"owner": "alice"}, "early"),
    ],
    ids=str,
)
def test_a_delivery_is_the_same_if_id_owner_key_and_content_are(
    driver: Driver, other: dict[str, Any], outcome: str
) -> None:
    post(driver, **SAME)

    assert post(driver, **SAME | other).outcome == outcome


def a_night_later(driver: Driver) -> None:
    driver.change("UPDATE inbox SET received_at = received_at - interval '1 hour'")


@pytest.mark.parametrize(("letter", "second"), [(None, "accepted"), ("1", "duplicate")])
def test_the_next_night_says_the_same_in_another_event_unless_it_has_the_same_id(
    driver: Driver, letter: str | None, second: str
) -> None:
    first_night = driver.start(a_wait("a"))
    driver.settle()
    post(driver, letter=letter, n=1)
    driver.finish(first_night)
    assert post(driver, letter=letter, n=1).outcome == "duplicate", "the request was repeated"

    a_night_later(driver)
    next_night = driver.start(a_wait("a"))
    driver.settle()
    outcomes = [post(driver, letter=letter, n=1).outcome for _ in range(2)]

    assert outcomes == [second, "duplicate"]
    driver.settle()
    assert driver.look(next_night).statuses["a"] == ("RUNNING" if letter else "COMPLETED")


def test_the_time_in_which_the_same_event_is_a_repetition_is_a_setting(
    drive: Callable[..., Driver], job: Parked
) -> None:
    driver = drive(job.action(), event_repeat_seconds=7200)  # PIPELINE_EVENT_REPEAT_SECONDS
    execution_id = driver.start(a_wait("a"))
    driver.settle()
    post(driver, n=1)
    driver.finish(execution_id)
    a_night_later(driver)

    within = post(driver, n=1).outcome
    a_night_later(driver)
    after = post(driver, n=1).outcome

    assert (within, after) == ("duplicate", "early")


def test_what_is_still_kept_is_not_doubled_however_late_the_repetition_comes(
    driver: Driver,
) -> None:
    first = post(driver, n=1)
    driver.settle()
    a_night_later(driver)

    again = post(driver, n=1)

    assert (again.outcome, again.delivery_id) == ("duplicate", first.delivery_id)


def test_of_many_repetitions_that_come_at_once_after_a_night_one_counts(driver: Driver) -> None:
    execution_id = driver.start(a_wait("a"))
    driver.settle()
    post(driver, n=1)
    driver.finish(execution_id)
    a_night_later(driver)
    said: list[str] = []

    with in_background(*[lambda: said.append(post(driver, n=1).outcome)] * 6):
        pass

    assert sorted(said) == ["duplicate"] * 5 + ["early"]


def test_events_of_two_types_are_two(driver: Driver) -> None:
    def tell(event_type: str) -> str:
        body = {"workflow_id": KEY, "n": 1}
        arrival = Arrival(source="tests", body=body, delivery_id="1", event_type=event_type)
        return inbox.accept(SYSTEM, driver.runtime, arrival).outcome

    assert [tell(kind) for kind in ("begun", "done", "done")] == ["early", "early", "duplicate"]
    with driver.runtime.engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT event_type FROM inbox ORDER BY id").scalars()
        assert list(kept) == ["begun", "done"]


def test_no_two_parts_of_a_delivery_can_be_mistaken_for_each_other(driver: Driver) -> None:
    receipts = [
        post(driver, "b:c", owner="a"),
        post(driver, "c", owner="a:b"),
        post(driver, "c", letter="b", owner="a"),
        post(driver, "c", letter="a:b"),
    ]

    assert {receipt.outcome for receipt in receipts} == {"early"}


# ── Owners ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("waits", "sends", "arrives"),
    [
        ("alice", "alice", True),
        ("alice", "bob", False),
        ("alice", None, False),
        (None, None, True),
        (None, "bob", False),
    ],
)
@pytest.mark.parametrize("early", [True, False])
def test_a_key_is_matched_for_its_owner_only(
    driver: Driver, waits: str | None, sends: str | None, arrives: bool, early: bool
) -> None:
    if early:
        post(driver, owner=sends, n=1)
        driver.deliver()
    execution_id = driver.start(a_wait("a"), user_id=waits)
    driver.settle()
    if not early:
        receipt = post(driver, owner=sends, n=1)
        assert receipt.outcome == ("accepted" if arrives else "early")
        driver.settle()

    assert (driver.look(execution_id).status == "COMPLETED") is arrives


@pytest.mark.parametrize(
    ("waits", "sends", "arrives"),
    [
        ("alice", "alice", True),
        ("alice", "bob", False),
        ("alice", None, True),
        (None, "bob", False),
    ],
)
@pytest.mark.parametrize("early", [True, False])
def test_an_id_of_a_peer_is_matched_for_its_owner_and_for_services(
    driver: Driver, waits: str | None, sends: str | None, arrives: bool, early: bool
) -> None:
    if early:
        post(driver, "job", owner=sends)
        driver.deliver()
    execution_id = driver.start(a_step("a", action="job"), user_id=waits)
    driver.settle()
    if not early:
        post(driver, "job", owner=sends)
        driver.settle()

    assert (driver.look(execution_id).status == "COMPLETED") is arrives


def test_two_owners_may_use_one_key(driver: Driver) -> None:
    ids = {user: driver.start(a_wait("a"), user_id=user) for user in ("alice", "bob")}
    driver.settle()

    for n, user in enumerate(ids):
        post(driver, owner=user, n=n)
    driver.settle()

    assert [read(driver, ids[user]) for user in ids] == [{"a": 0}, {"a": 1}]
