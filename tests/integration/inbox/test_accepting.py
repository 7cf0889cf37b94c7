"""A callback answered with 2xx is never lost and never applied twice.

Early, late, doubled, out of order, at the same time, or while a server is away.
"""

from __future__ import annotations

from secrets import token_hex

import pytest
from sqlalchemy.exc import OperationalError
from support.driving import Driver, in_background
from support.factories import a_step
from support.parked_job import accept, dispositions

from pipeline_engine.dispatch import messages
from pipeline_engine.dispatch.messages import DELIVER, Message
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.errors import DeliveryNotFound, ExternalIdTooLong, StorageUnavailable
from pipeline_engine.scheduler import sweep
from pipeline_engine.services import deliveries, executions, inbox
from pipeline_engine.services.inbox import Arrival, Receipt

NOWHERE = "127.0.0.1:1"

# ── Once, early, late ────────────────────────────────────────────────────────────────────


def test_an_event_for_a_parked_step_is_accepted_kept_and_applied(driver, waiting, job):
    receipt = accept(driver)

    assert (receipt.outcome, receipt.routed) == ("accepted", True)
    assert job.seen == [], "a worker applies it, not the request"
    assert driver.finish(waiting).status == "COMPLETED"
    assert dispositions(driver) == ["applied"]


@pytest.mark.parametrize("memory", ["redis remembers", "redis was wiped"])
@pytest.mark.parametrize("key", [None, "delivery-1"])
def test_a_doubled_delivery_is_told_the_number_of_the_first_and_is_applied_once(
    driver, waiting, job, redis, key, memory
):
    first = accept(driver, key=key)
    if memory == "redis was wiped":
        redis.flushdb()

    second = accept(driver, key=key)

    assert (second.outcome, second.delivery_id) == ("duplicate", first.delivery_id)
    assert driver.finish(waiting).status == "COMPLETED"
    assert len(job.seen) == 1


def test_the_same_body_from_another_source_is_another_delivery(driver, waiting, job):
    accept(driver, source="one", answer="more", number=1)
    accept(driver, source="two", answer="more", number=1)

    driver.settle()

    assert driver.look(waiting).step("a").outputs["n"] == 2


def test_a_secret_of_the_installation_is_masked_before_an_event_is_kept(drive, job, redis):
    driver = drive(job.action(), secrets={"api": "hush-hush-4711"})
    said = {
        "answer": "more",
        "number": 1,
        "note": "with hush-hush-4711",
        "deep": ["hush-hush-4711"],
    }

    outcomes = [accept(driver, key="hush-hush-4711", **said).outcome for _ in range(2)]

    with driver.runtime.engine.connect() as connection:
        query = "SELECT inbox::text, body FROM inbox"
        ((row, body),) = connection.exec_driver_sql(query).all()
    assert "hush" not in row
    assert (body["note"], body["deep"]) == ("with ***REDACTED***", ["***REDACTED***"])
    assert outcomes == ["early", "duplicate"]


def test_two_events_that_differ_in_a_secret_alone_are_two(drive, job):
    driver = drive(job.action(), secrets={"a": "hush-hush-4711", "b": "hush-hush-4712"})

    outcomes = [accept(driver, note=f"hush-hush-471{n}").outcome for n in (1, 2)]

    assert outcomes == ["early", "early"]


def test_an_early_event_waits_for_its_step(driver, job):
    """[!] 6.4: there an event that arrives before the step is parked is dropped."""
    receipt = accept(driver)
    execution_id = driver.start(a_step("a", action="job"))

    assert (receipt.outcome, receipt.routed) == ("early", False)
    assert driver.finish(execution_id).status == "COMPLETED"
    assert len(job.seen) == 1


def test_early_events_are_given_in_the_order_in_which_they_came(driver, job):
    for number in range(3):
        accept(driver, answer="more", number=number)
    execution_id = driver.start(a_step("a", action="job"))

    driver.settle()

    assert [seen["number"] for seen in job.seen] == [0, 1, 2]
    assert driver.look(execution_id).step("a").outputs["n"] == 3


def test_an_event_that_comes_after_the_end_is_kept_for_whoever_waits_next(driver, waiting, job):
    accept(driver)
    driver.finish(waiting)

    late = accept(driver, number=2)
    driver.deliver()

    assert late.outcome == "early"
    assert dispositions(driver) == ["applied", "pending"]
    again = driver.start(a_step("a", action="job"))
    assert driver.finish(again).status == "COMPLETED"
    assert dispositions(driver) == ["applied", "applied"]
    assert len(job.seen) == 2


def test_progress_that_comes_after_the_end_changes_nothing(driver, waiting):
    accept(driver, number=1)
    accept(driver, answer="progress", progress=50, number=2)

    end = driver.finish(waiting)
    driver.deliver()

    assert (end.status, end.step("a").progress_percentage) == ("COMPLETED", 100)
    assert dispositions(driver) == ["applied", "pending"]


def test_an_event_that_nobody_waits_for_is_kept_as_possibly_early(driver, waiting):
    receipt = inbox.accept(
        SYSTEM, driver.runtime, Arrival(source="tests", body={"workflow_id": "another"})
    )
    driver.deliver()

    assert (receipt.outcome, receipt.routed) == ("early", False)
    assert dispositions(driver) == ["pending"]


def test_after_a_day_it_is_unmatched_and_can_be_replayed(driver, job):
    receipt = accept(driver)
    driver.deliver()
    driver.change("UPDATE inbox SET received_at = now() - interval '25 hours'")
    sweep.sweep(driver.runtime)
    assert dispositions(driver) == ["unmatched"]
    execution_id = driver.start(a_step("a", action="job"))
    driver.settle()

    deliveries.replay(SYSTEM, driver.runtime, int(receipt.delivery_id))

    assert driver.finish(execution_id).status == "COMPLETED"
    with pytest.raises(DeliveryNotFound):
        deliveries.replay(SYSTEM, driver.runtime, int(receipt.delivery_id))


def test_an_event_without_any_id_is_kept_all_the_same(driver):
    receipt = inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body={"type": "hello"}))

    driver.deliver()

    assert receipt.outcome == "early"


def test_an_id_that_is_far_too_long_is_refused_and_never_spooled(driver, redis):
    with pytest.raises(ExternalIdTooLong):
        accept(driver, workflow_id="x" * 100_000)

    assert redis.keys("*spool*") == []


def test_a_delivery_id_of_any_length_is_a_key(driver, waiting):
    key = token_hex(10_000)  # does not fit an index entry, not even compressed

    first, second = accept(driver, key=key), accept(driver, key=key)

    assert (first.outcome, second.outcome) == ("accepted", "duplicate")


# ── At the same time ─────────────────────────────────────────────────────────────────────


def test_fifty_callbacks_at_the_same_time_for_one_step_are_all_applied(driver, waiting, job):
    """[!] 6.4: there concurrent events collide on the version, and one is lost."""
    calls = [lambda n=n: accept(driver, answer="more", number=n) for n in range(50)]
    with in_background(*calls):
        pass
    with driver.runtime.engine.connect() as connection:
        ids = list(connection.exec_driver_sql("SELECT id FROM inbox").scalars())
    parts = [ids[n::5] for n in range(5)]

    with in_background(*[lambda part=part: driver.hand_over(*part) for part in parts]):
        pass

    outputs = driver.look(waiting).step("a").outputs
    assert outputs["n"] == 50
    assert all(outputs[f"k{number}"] for number in range(50))


def test_the_same_delivery_in_many_hands_is_applied_once(driver, waiting, job):
    delivery = int(accept(driver, answer="more", number=1).delivery_id)

    with in_background(*[lambda: driver.hand_over(delivery) for _ in range(8)]):
        pass

    assert len(job.seen) == 1


def test_the_same_delivery_accepted_by_many_at_once_is_kept_once(driver, waiting):
    receipts: list[Receipt] = []

    with in_background(*[lambda: receipts.append(accept(driver, key="k")) for _ in range(8)]):
        pass

    assert sorted(receipt.outcome for receipt in receipts) == ["accepted"] + ["duplicate"] * 7
    assert len({receipt.delivery_id for receipt in receipts}) == 1


def test_two_ends_at_the_same_time_give_one_end(driver, waiting):
    ids = [int(accept(driver, number=n).delivery_id) for n in range(6)]

    with in_background(*[lambda i=i: driver.hand_over(i) for i in ids]):
        pass

    end = driver.finish(waiting)
    driver.deliver()
    assert end.events("a").count("step_completed") == 1
    assert sorted(dispositions(driver)) == ["applied"] + ["pending"] * 5


# ── While a server is away ───────────────────────────────────────────────────────────────


def without_database(drive) -> Driver:
    return drive(database_url=f"postgresql://nobody@{NOWHERE}/none")


def test_while_postgresql_is_away_deliveries_are_spooled_and_drained_once(
    drive, driver, waiting, job
):
    cut_off = without_database(drive)
    receipts = [accept(cut_off, answer="more", number=n) for n in (1, 2)]
    assert {receipt.outcome for receipt in receipts} == {"early"}
    assert dispositions(driver) == []

    moved: list[int] = []
    with in_background(*[lambda: moved.append(inbox.drain_spool(driver.runtime))] * 3):
        pass

    driver.settle()
    assert driver.look(waiting).step("a").outputs["n"] == 2
    assert inbox.drain_spool(driver.runtime) == 0
    assert accept(driver, answer="more", number=1).outcome == "duplicate"


def test_a_spooled_delivery_stays_until_the_database_has_it(drive, driver):
    cut_off = without_database(drive)
    accept(cut_off)

    with pytest.raises(OperationalError):
        inbox.drain_spool(cut_off.runtime)

    assert inbox.drain_spool(driver.runtime) == 1
    assert dispositions(driver) == ["pending"]


def test_a_spooled_entry_that_cannot_be_kept_does_not_hold_up_the_others(drive, driver, redis):
    cut_off = without_database(drive)
    redis.xadd("pe:spool:deliveries", {"delivery": '{"source": "s"}'})
    accept(cut_off)

    inbox.drain_spool(driver.runtime)

    assert dispositions(driver) == ["pending"]
    assert redis.xlen("pe:spool:deliveries") == 0
    assert redis.xlen("pe:spool:deliveries:refused") == 1


def test_while_redis_is_away_postgresql_alone_serves(drive, job):
    driver = drive(job.action(), redis_url=f"redis://{NOWHERE}/0")
    execution_id = driver.start(a_step("a", action="job"))
    driver.settle()

    first, second = accept(driver), accept(driver)

    assert (first.outcome, second.outcome) == ("accepted", "duplicate")
    assert driver.finish(execution_id).status == "COMPLETED"


def test_without_both_servers_nothing_is_promised(drive):
    """[!] 6.1: every failure used to be answered with 200, and the event was lost."""
    driver = drive(
        database_url=f"postgresql://nobody@{NOWHERE}/none", redis_url=f"redis://{NOWHERE}/0"
    )

    with pytest.raises(StorageUnavailable):
        accept(driver)


def test_a_delivery_whose_wake_up_was_lost_is_found_by_the_sweep(driver, waiting, redis):
    accept(driver)
    redis.flushdb()
    assert sweep.sweep(driver.runtime).deliveries == 0, "it may still be on its way"
    driver.change("UPDATE inbox SET queued_at = now() - interval '1 minute'")

    assert sweep.sweep(driver.runtime).deliveries == 1
    assert sweep.sweep(driver.runtime).deliveries == 0, "it has just been sent again"


def test_nothing_is_sent_again_behind_a_long_queue(driver, waiting):
    delivery_id = int(accept(driver).delivery_id)
    driver.change("UPDATE inbox SET queued_at = now() - interval '1 minute'")
    dispatch = driver.runtime.dispatch
    dispatch.send([Message(DELIVER, (delivery_id,))] * (sweep.CROWDED + 1))
    length = dispatch.waiting(messages.SYSTEM)

    assert sweep.sweep(driver.runtime).deliveries == 0
    assert dispatch.waiting(messages.SYSTEM) == length > sweep.CROWDED


def test_a_queue_that_is_empty_or_cannot_be_asked_has_no_length(driver, drive, redis):
    redis.flushdb()

    assert driver.runtime.dispatch.waiting(messages.SYSTEM) == 0
    assert drive(redis_url=f"redis://{NOWHERE}/0").runtime.dispatch.waiting(messages.SYSTEM) == 0


def test_a_cancelled_step_gets_no_events(driver, waiting, job):
    executions.cancel(SYSTEM, driver.runtime, waiting)

    assert accept(driver).outcome == "early"
    driver.deliver()
    assert job.seen == []
    assert dispositions(driver) == ["pending"]
