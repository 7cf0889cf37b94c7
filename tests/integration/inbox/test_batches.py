"""Deliveries that come at the same time share a transaction, and know nothing of each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from support.driving import Driver
from support.factories import a_step
from support.parked_job import accept, dispositions

from pipeline_engine.dispatch.messages import DELIVER, Message
from pipeline_engine.scheduler.claim.turn import Turn
from pipeline_engine.scheduler.resume import deliver
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.services import inbox

#: On a busy machine thirty events take longer than a transaction should.
ENOUGH = 30.0


def call_back(driver: Driver, url: str, **body: object) -> int:
    receipt = inbox.accept_callback(driver.runtime, url.rsplit("/", 1)[-1], dict(body))
    return int(receipt.delivery_id)


def given(
    driver: Driver,
    *delivery_ids: int,
    seconds: float = ENOUGH,
    turn_seconds: float = deliver.TURN_SECONDS,
) -> list[Transaction]:
    """The transactions that a message with these deliveries takes, of so many seconds each."""
    works = list(
        deliver.deliver(
            driver.runtime, delivery_ids, reading_seconds=seconds, turn_seconds=turn_seconds
        )
    )
    for work in works:
        Turn(driver.runtime).go_on(work)
    return works


@pytest.fixture
def several(driver: Driver) -> list[UUID]:
    """Executions that wait, each for its own callback."""
    ids = [driver.start(a_step("a", action="job")) for _ in range(5)]
    driver.settle()
    return ids


def test_one_message_gives_all_that_came_at_the_same_time(driver, several, job):
    ids = [call_back(driver, url) for url in job.urls]

    works = given(driver, ids[2])

    assert len(works) == 1
    assert dispositions(driver) == ["applied"] * 5
    assert [driver.finish(i).status for i in several] == ["COMPLETED"] * 5


def test_a_message_whose_delivery_was_taken_along_finds_nothing_to_do(driver, several, job):
    ids = [call_back(driver, url) for url in job.urls]
    given(driver, ids[0])

    works = [work for delivery_id in ids for work in given(driver, delivery_id)]

    assert all(work.leaves_nothing for work in works)
    assert len(job.seen) == 5


def test_what_is_old_is_taken_along_but_not_what_was_sent_again(driver, several, job):
    ids = [call_back(driver, url) for url in job.urls]
    driver.change("UPDATE inbox SET received_at = received_at - interval '1 hour'")
    driver.change("UPDATE inbox SET queued_at = received_at")
    driver.change("UPDATE inbox SET queued_at = now() WHERE id = %(id)s", id=ids[3])

    given(driver, ids[0])

    assert dispositions(driver) == ["applied", "applied", "applied", "pending", "applied"]


def test_many_events_of_one_step_are_each_seen_once_and_in_their_order(driver, waiting, job):
    ids = [int(accept(driver, answer="more", number=n).delivery_id) for n in range(30)]

    works = given(driver, ids[0])

    assert len(works) == 1
    assert [seen["number"] for seen in job.seen] == list(range(30))
    outputs = driver.look(waiting).step("a").outputs
    assert outputs["n"] == 30, "each has seen what those before it have left"
    assert all(outputs[f"k{number}"] for number in range(30))


def test_what_comes_behind_the_end_of_its_step_is_sent_anew_and_kept(driver, waiting, job):
    accept(driver, answer="more", number=1)
    end = int(accept(driver, number=2).delivery_id)
    late = int(accept(driver, answer="more", number=3).delivery_id)

    works = given(driver, end)

    assert works[0].messages == [Message(DELIVER, (late,))]
    assert dispositions(driver) == ["applied", "applied", "pending"]
    given(driver, late)
    assert dispositions(driver) == ["applied", "applied", "pending"]
    assert len(job.seen) == 2
    assert driver.finish(waiting).step("a").outputs["n"] == 2


def test_an_event_that_an_action_cannot_read_does_not_hold_up_the_others(driver, several, job):
    ids = [
        call_back(driver, url, answer="crash" if number == 2 else "complete")
        for number, url in enumerate(job.urls)
    ]

    works = given(driver, ids[0])

    assert len(works) == 1
    assert dispositions(driver) == ["applied", "applied", "closed", "applied", "applied"]
    waits = [driver.look(i).step("a").awaiting_event for i in several]
    assert sorted(waits) == [False] * 4 + [True]


@pytest.mark.parametrize("named", [0, 2])
def test_a_document_that_cannot_be_read_does_not_hold_up_the_others(
    drive, driver, several, job, named
):
    ids = [call_back(driver, url) for url in job.urls]
    driver.change(
        "UPDATE pipeline_revisions SET document = '{}' WHERE id = (SELECT e.revision_id"
        " FROM inbox i JOIN step_executions s ON s.id = i.step_execution_id"
        " JOIN executions e ON e.id = s.execution_id WHERE i.id = %(id)s)",
        id=ids[2],
    )
    fresh = drive(job.action())  # the other has the document in memory

    given(fresh, ids[named])

    assert dispositions(driver) == ["applied", "applied", "pending", "applied", "applied"]
    assert len(job.seen) >= 4


def test_early_and_doubled_deliveries_in_a_batch_are_what_they_are_alone(driver, several, job):
    early = int(accept(driver, workflow_id="nobody").delivery_id)
    ids = [call_back(driver, url) for url in job.urls]
    doubled = [call_back(driver, url) for url in job.urls]

    works = given(driver, *ids, early)

    assert doubled == ids
    assert len(works) == 2, "what may be early waits for locks, so it has its own transaction"
    assert dispositions(driver) == ["pending"] + ["applied"] * 5
    assert len(job.seen) == 5


def test_one_for_two_steps_is_left_to_its_own_message(driver, job):
    executions = [driver.start(a_step("a", action="job")) for _ in range(2)]
    driver.settle()
    for_both = int(accept(driver).delivery_id)
    for_one = call_back(driver, job.urls[0], answer="progress", progress=10)

    given(driver, for_one)
    assert dispositions(driver) == ["pending", "applied"]

    given(driver, for_both)
    assert [driver.finish(i).status for i in executions] == ["COMPLETED", "COMPLETED"]


def test_one_that_came_long_ago_is_not_taken_along_for_it_may_kill_its_worker(driver, several, job):
    old, *ids = [call_back(driver, url) for url in job.urls]
    driver.change(
        "UPDATE inbox SET received_at = now() - interval '1 minute' WHERE id = %(id)s", id=old
    )

    given(driver, ids[0])
    assert dispositions(driver) == ["pending"] + ["applied"] * 4

    given(driver, old)
    assert dispositions(driver) == ["applied"] * 5


def test_what_slow_actions_leave_no_time_for_is_sent_anew(driver, several, job):
    first, *others = [call_back(driver, url) for url in job.urls]

    works = given(driver, first, seconds=0)

    assert works[0].messages == [Message(DELIVER, (other,)) for other in others]
    assert dispositions(driver) == ["applied"] + ["pending"] * 4


def test_a_thread_waits_for_another_that_gives_and_finds_its_delivery_taken_along(
    drive, driver, several, job
):
    ids = [call_back(driver, url) for url in job.urls]

    with ThreadPoolExecutor(1) as thread:
        with driver.runtime.giving:
            waits = thread.submit(given, driver, ids[4], turn_seconds=ENOUGH)
            taken_along = given(drive(job.action()), ids[0])

        assert len(taken_along) == 1
        assert all(work.leaves_nothing for work in waits.result())
    assert len(job.seen) == 5


def test_a_thread_that_gives_for_long_holds_the_others_up_for_a_moment_only(driver, several, job):
    ids = [call_back(driver, url) for url in job.urls]

    with driver.runtime.giving:
        given(driver, ids[0])

    assert dispositions(driver) == ["applied"] * 5
