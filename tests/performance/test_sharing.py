"""Threads that claim or end blocking steps at the same moment share a transaction."""

from __future__ import annotations

from collections import Counter
from threading import Barrier

from support.driving import Driver, Gate, in_background
from support.factories import a_step, an_action
from support.meeting import OTHERS, Meeting, claiming, turn
from support.waiting import wait_until

from pipeline_engine.sdk import ActionContext, ActionResult


def transactions(driver: Driver, event_type: str, *step_ids: str) -> int:
    """In how many transactions this happened to the steps."""
    with driver.runtime.engine.connect() as connection:
        return connection.exec_driver_sql(
            "SELECT count(DISTINCT e.xmin::text) FROM events e"
            " JOIN step_executions s ON s.id = e.step_execution_id"
            " WHERE e.event_type = %(type)s AND s.step_id = ANY(%(steps)s)",
            {"type": event_type, "steps": list(step_ids)},
        ).scalar_one()


def test_steps_that_end_together_share_a_transaction_and_each_thread_goes_on_with_one(
    drive, session, redis
):
    all_at_once = Barrier(4)
    followed: Counter[str] = Counter()

    def follow(context: ActionContext) -> ActionResult:
        followed[context.step_id] += 1
        all_at_once.wait(20)  # broken, unless each of the four threads has one of them
        return ActionResult(success=True)

    meeting = Meeting(drive, session, an_action("follow", follow))
    names = ("first", *OTHERS)
    meeting.start(*[a_step(f"after_{name}", name, action="follow") for name in names])
    redis.flushdb()

    with meeting.held_up():
        meeting.let_the_others_end()
    sent = redis.keys("pe:io")

    assert transactions(meeting.driver, "step_completed", *names) == 2
    assert sent == []
    assert followed == {f"after_{name}": 1 for name in names}
    end = meeting.driver.finish(meeting.execution_id)
    assert end.status == "COMPLETED"
    assert {row.attempt for row in end.rows if row.kind == "step"} == {1}


def test_threads_whose_executions_wait_for_them_alone_end_all_of_these_together(drive, session):
    meeting = Meeting(drive, session)
    meeting.start()
    more = [meeting.driver.start(a_step("a", action="work")) for _ in range(3)]

    with in_background(*[turn(meeting.driver, execution_id, "a") for execution_id in more]):
        wait_until(lambda: len(meeting.others.entered) == len(more), what="their actions")
        with meeting.held_up():
            meeting.let_the_others_end(len(OTHERS) + len(more))

    assert [meeting.driver.look(one).status for one in more] == ["COMPLETED"] * len(more)
    assert [meeting.driver.audit(one) for one in more] == [[]] * len(more)
    assert transactions(meeting.driver, "step_completed", *OTHERS) == 1


def test_steps_that_are_wanted_together_are_claimed_in_one_transaction_for_their_own_tasks(
    drive, session
):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute))
    wanted = [(driver.start(a_step(name, action="gate")), name) for name in OTHERS]

    with claiming(driver, session, *wanted):
        gate.wait_for("first", *OTHERS)
        claimed = [driver.look(execution_id).step(name) for execution_id, name in wanted]
        gate.open()

    assert transactions(driver, "step_started", *OTHERS) == 1
    assert [row.task_id for row in claimed] == list(OTHERS)
    assert Counter(gate.entered) == Counter(["first", *OTHERS])
    ends = [driver.finish(execution_id).status for execution_id, _ in wanted]
    assert ends == ["COMPLETED"] * len(OTHERS)
