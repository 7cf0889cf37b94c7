"""The sweep finds everything that ought to have moved by now: no row can be stuck for ever."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from redis import Redis
from support.driving import Driver, Gate, in_background
from support.factories import a_step, an_action
from support.waiting import wait_until

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.services import executions
from pipeline_engine.storage import overdue

PATIENT = {"republish_after_seconds": 10.0}
RETRY = {"max_attempts": 2, "backoff_seconds": 0}


def work(name: str = "work", **meta: Any) -> Any:
    return an_action(name, lambda context: ActionResult(success=True), **meta)


def parking(**given: Any) -> Any:
    def park(context: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_id="job")

    return an_action("park", park, **given)


def age_queue(driver: Driver, seconds: float) -> None:
    driver.change(
        "UPDATE step_executions SET queued_at = queued_at - %(s)s * interval '1 second'", s=seconds
    )


def messages(redis: Redis) -> int:
    return sum(int(redis.llen(key)) for key in redis.keys("pe:*") if redis.type(key) == b"list")


def test_a_quiet_sweep_finds_nothing_and_sends_nothing(drive, redis):
    driver = drive(parking())
    driver.start(a_step("a", action="park"))
    driver.settle()
    redis.flushdb()

    swept = sweep.sweep(driver.runtime)

    assert not any(asdict(swept).values())
    assert messages(redis) == 0


# ── Lost messages ────────────────────────────────────────────────────────────────────────


def test_a_queued_step_that_nobody_takes_is_sent_again(drive, redis):
    driver = drive(**PATIENT)
    execution_id = driver.start(a_step("a"))
    wait_until(lambda: messages(redis) == 1, what="its message")
    redis.flushdb()  # the message is lost
    assert sweep.sweep(driver.runtime).unclaimed == 0, "it may still be on its way"
    age_queue(driver, 11)

    swept = sweep.sweep(driver.runtime)

    assert (swept.unclaimed, messages(redis)) == (1, 1)
    assert driver.look(execution_id).step("a").publish_count == 2
    assert sweep.sweep(driver.runtime).unclaimed == 0


def test_a_long_queue_is_not_made_longer_by_its_sweeps(drive):
    driver = drive(**PATIENT)
    driver.start(a_step("a"))
    waited = []
    for seconds in (10.5, 10.5, 10.5, 10.5):
        age_queue(driver, seconds)
        waited.append(sweep.sweep(driver.runtime).unclaimed)

    assert waited == [1, 0, 1, 0], "the patience doubles"


def test_a_step_whose_messages_are_lost_again_and_again_is_claimed_before_it_runs(drive):
    """It may be one that kills its workers: a lease and an attempt make it count."""
    driver = drive(work(cheap=True))
    execution_id = driver.start(a_step("a", action="work"))
    driver.change("UPDATE step_executions SET publish_count = 4")

    driver.turn(driver.look(execution_id).step("a").id)

    assert driver.look(execution_id).events("a") == ["step_started", "step_completed"]


def test_a_start_whose_message_could_not_be_sent_is_accepted_all_the_same(drive):
    driver = drive(redis_url="redis://127.0.0.1:1/0", **PATIENT)

    execution_id = driver.start(a_step("a", for_each=[1, 2, 3]), a_step("b", action="log"))

    assert driver.look(execution_id).status == "PENDING"
    assert drive(**PATIENT).finish(execution_id).status == "COMPLETED"


# ── Workers that died ────────────────────────────────────────────────────────────────────


def lose_worker(driver: Driver, execution_id: Any, step_id: str = "a") -> None:
    """Leave the step as a killed worker would."""
    driver.change(
        "UPDATE step_executions SET status = 'RUNNING', attempt = attempt + 1, queued_at = NULL,"
        " worker = 'gone', leased_until = now() - interval '1 second',"
        " deadline_at = now() + interval '1 hour', started_at = now()"
        " WHERE execution_id = %(id)s AND step_id = %(step)s AND parent_id IS NULL",
        id=str(execution_id),
        step=step_id,
    )


def test_an_idempotent_step_of_a_dead_worker_is_done_again(drive):
    driver = drive(work())
    execution_id = driver.start(a_step("a", action="work"))
    lose_worker(driver, execution_id)

    assert sweep.sweep(driver.runtime).lost_workers == 1

    row = driver.look(execution_id).step("a")
    assert (row.status, row.lost_count, row.leased_until, row.deadline_at) == (
        "PENDING",
        1,
        None,
        None,
    )
    end = driver.finish(execution_id)
    assert (end.step("a").attempt, end.step("a").retry_count) == (2, 0)
    assert "step_recovered" in end.events("a")


@pytest.mark.parametrize("said_by", ["action", "step", "installation"])
def test_a_step_that_must_not_be_repeated_has_an_unknown_outcome(drive, said_by):
    peers = ["budapp"] if said_by == "installation" else []
    driver = drive(
        work(idempotent=said_by != "action", needs_keys_at=peers),
        peers_with_idempotency=("budsim",),
    )
    fields = {"idempotent": False} if said_by == "step" else {}
    execution_id = driver.start(a_step("a", action="work", retry=RETRY, **fields))
    lose_worker(driver, execution_id)

    end = driver.finish(execution_id)

    assert (end.step("a").status, end.step("a").error_code) == ("FAILED", "outcome_unknown")
    assert end.step("a").attempt == 1, "not even its retries repeat it"


def test_a_step_that_kills_its_workers_is_given_up(drive):
    driver = drive(work(), max_lost_attempts=3)
    execution_id = driver.start(a_step("a", action="work"))
    for _ in range(3):
        lose_worker(driver, execution_id)
        sweep.sweep(driver.runtime)

    end = driver.look(execution_id)
    assert (end.status, end.step("a").error_code) == ("FAILED", "worker_lost")
    assert end.step("a").error_message == "3 workers died running it"


def test_the_repeated_step_has_the_key_of_its_first_attempt(drive):
    keys: list[str] = []

    def die_once(context: ActionContext) -> ActionResult:
        keys.append(context.idempotency_key)
        if len(keys) == 1:
            raise KeyboardInterrupt  # not even an exit, which would only fail the attempt
        return ActionResult(success=True)

    driver = drive(an_action("work", die_once), lease_seconds=0.2)
    execution_id = driver.start(a_step("a", action="work"))
    with pytest.raises(KeyboardInterrupt):
        driver.turn(driver.look(execution_id).step("a").id)

    assert driver.finish(execution_id).step("a").attempt == 2
    assert keys == [f"{execution_id}:a"] * 2


def test_a_fan_out_that_died_while_it_expanded_expands_again(drive):
    driver = drive(work())
    execution_id = driver.start(a_step("each", action="work", for_each=[1, 2]))
    lose_worker(driver, execution_id, "each")

    end = driver.finish(execution_id)

    assert (end.status, len(end.items("each"))) == ("COMPLETED", 2)


def test_a_clean_up_whose_worker_died_is_repeated(drive):
    driver = drive(parking(cleanup=lambda context: None))
    execution_id = driver.start(a_step("a", action="park"))
    driver.settle()
    executions.cancel(SYSTEM, driver.runtime, execution_id)
    driver.change(
        "UPDATE step_executions SET attempt = attempt + 1, leased_until = now() - interval '1 s',"
        " due_at = now() - interval '1 s' WHERE cancelling"
    )

    swept = sweep.sweep(driver.runtime)

    assert (swept.clean_ups, swept.lost_workers) == (1, 0)
    assert driver.finish(execution_id).status == "INTERRUPTED"


# ── Lost joins, timers, deliveries ───────────────────────────────────────────────────────


def test_a_fan_out_whose_join_was_lost_is_joined(drive):
    driver = drive(work())
    execution_id = driver.start(a_step("each", action="work", for_each=[1, 2]))
    step = driver.look(execution_id).step("each").id
    driver.turn(step)
    driver.turn(*[item.id for item in driver.look(execution_id).items("each")])
    assert sweep.sweep(driver.runtime).unjoined == 0, "it may still be on its way"
    driver.change("UPDATE step_executions SET due_at = now() WHERE items_open = 0")

    assert sweep.sweep(driver.runtime).unjoined == 1
    assert sweep.sweep(driver.runtime).unjoined == 0
    assert driver.finish(execution_id).status == "COMPLETED"


def test_a_retry_whose_time_has_come_is_queued_once(drive):
    driver = drive()
    execution_id = driver.start(a_step("a", action="fail", retry=RETRY))
    driver.turn(driver.look(execution_id).step("a").id)

    swept = [sweep.sweep(driver.runtime).due for _ in range(2)]

    row = driver.look(execution_id).step("a")
    assert swept == [1, 0]
    assert (row.status, row.due_at, row.publish_count) == ("RETRYING", None, 1)
    assert row.queued_at is not None


# ── Several sweeps, and findings that cannot be mended ───────────────────────────────────


def test_two_sweeps_at_once_do_everything_once(drive):
    driver = drive(work(), work("once", idempotent=False), parking())
    ids = []
    for number in range(6):
        action = ("work", "once", "park")[number % 3]
        ids.append(driver.start(a_step("a", action=action)))
        if action == "park":
            driver.settle_only(ids[-1])
            driver.change("UPDATE step_executions SET deadline_at = now() WHERE awaiting_event")
        else:
            lose_worker(driver, ids[-1])
    found: list[sweep.Swept] = []

    with in_background(*[lambda: found.append(sweep.sweep(driver.runtime)) for _ in range(4)]):
        pass

    assert sum(swept.lost_workers for swept in found) == 4
    assert sum(swept.timed_out_steps for swept in found) == 2
    recovered = [driver.finish(i).events("a").count("step_recovered") for i in ids]
    assert recovered == [1, 0, 0, 1, 0, 0]


def test_a_step_that_somebody_holds_is_left_for_the_next_sweep(drive):
    driver = drive(parking())
    driver.start(a_step("a", action="park"))
    driver.settle()
    driver.change("UPDATE step_executions SET deadline_at = now() WHERE awaiting_event")

    with driver.runtime.engine.begin() as held:
        (step,) = overdue.passed_deadlines(held)
        assert overdue.lock_passed_deadline(held, step)
        assert sweep.sweep(driver.runtime).timed_out_steps == 0

    assert sweep.sweep(driver.runtime).timed_out_steps == 1


def test_a_finding_that_cannot_be_mended_does_not_keep_the_others_from_it(drive):
    """Its plug-in is gone, so nobody can wake it; everything after it in the sweep still runs."""
    soon_action = an_action(
        "sleep",
        lambda context: ActionResult(
            success=True, awaiting_event=True, wake_at=context.deadline.replace(year=2000)
        ),
    )
    before = drive(soon_action)
    before.start(a_step("a", action="sleep"))
    before.settle()
    driver = drive(work())
    other = driver.start(a_step("b", action="work"))
    lose_worker(driver, other, "b")

    swept = sweep.sweep(driver.runtime)

    assert (swept.timers, swept.lost_workers) == (0, 1)
    assert driver.finish(other).status == "COMPLETED"


def test_an_execution_that_cannot_be_read_does_not_keep_the_others_from_timing_out(drive):
    driver = drive()
    broken, good = driver.start(a_step("a")), driver.start(a_step("a"))
    driver.change(
        "UPDATE pipeline_revisions SET document = '{\"steps\": [{}]}' WHERE id ="
        " (SELECT revision_id FROM executions WHERE id = %(id)s)",
        id=str(broken),
    )
    driver.change("UPDATE executions SET deadline_at = now() - interval '1 s'")
    other = drive()  # has not read the revisions yet

    swept = sweep.sweep(other.runtime)

    assert swept.timed_out_executions == 1
    assert driver.look(good).status == "FAILED"


def test_a_row_whose_wake_up_is_lost_is_always_found_by_a_sweep(drive, redis):
    """Every open row is queued, held, leased, parked, timed, waiting for others, or a sink."""
    gate = Gate()
    driver = drive(
        an_action("gate", gate.execute),
        parking(cleanup=lambda context: None),
        lease_seconds=0.5,
        republish_after_seconds=0.1,
    )
    ids = [
        driver.start(a_step("a", action="park", for_each={"items": [1, 2], "max_concurrency": 1})),
        driver.start(a_step("a", action="fail", retry=RETRY), a_step("b", "a")),
        driver.start(a_step("a"), a_step("b", "a", trigger_rule="all_done")),
    ]
    driver.settle()
    executions.cancel(SYSTEM, driver.runtime, ids[0])
    redis.flushdb()  # nobody will be told of anything

    def nothing_is_out_of_reach() -> bool:
        with driver.runtime.engine.connect() as connection:
            lost = connection.exec_driver_sql(
                "SELECT s.id FROM step_executions s JOIN executions e ON e.id = s.execution_id"
                " WHERE s.status IN ('PENDING', 'RETRYING', 'RUNNING') AND s.kind <> 'sink'"
                " AND s.remaining = 0 AND NOT s.held AND s.queued_at IS NULL"
                " AND s.leased_until IS NULL AND s.due_at IS NULL AND s.deadline_at IS NULL"
                " AND coalesce(s.items_open, 0) = 0"
            ).all()
        assert lost == []
        return all(driver.look(i).status in {"COMPLETED", "FAILED", "INTERRUPTED"} for i in ids)

    def carried_on() -> bool:
        sweep.sweep(driver.runtime)
        driver.round()
        return nothing_is_out_of_reach()

    wait_until(carried_on, within=15)
