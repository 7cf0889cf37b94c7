"""Threads of one worker that take or end blocking steps at the same moment share a transaction.

Each test holds up a first thread with a lock, so that the others meet behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from support.driving import Driver, Gate, in_background
from support.factories import a_step, an_action
from support.waiting import wait_until

from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.claim.turn import Turn
from pipeline_engine.scheduler.combining import Combiner
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.steps import StepExecution

BLOCKED = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


def wait_for_blocked(driver: Driver) -> None:
    def is_blocked() -> bool:
        with driver.runtime.engine.connect() as connection:  # a transaction sees no changes there
            return bool(connection.exec_driver_sql(BLOCKED).scalar())

    wait_until(is_blocked, what="a thread that waits for a lock")


def wait_for_waiting(combiner: Combiner, count: int) -> None:
    wait_until(lambda: len(combiner._waiting) == count, what=f"{count} threads that wait")


def turn(driver: Driver, execution_id: UUID, step_id: str) -> Callable[[], None]:
    """What a thread does with the message of a step; its task has the name of the step."""
    row = driver.look(execution_id).step(step_id)
    return lambda: Turn(driver.runtime, task_id=step_id, queue="io").run([row.id])


def transactions(driver: Driver, event_type: str, *step_ids: str) -> int:
    """In how many transactions this happened to the steps."""
    with driver.runtime.engine.connect() as connection:
        return connection.exec_driver_sql(
            "SELECT count(DISTINCT e.xmin::text) FROM events e"
            " JOIN step_executions s ON s.id = e.step_execution_id"
            " WHERE e.event_type = %(type)s AND s.step_id = ANY(%(steps)s)",
            {"type": event_type, "steps": list(step_ids)},
        ).scalar_one()


# ── Ends ─────────────────────────────────────────────────────────────────────────────────

OTHERS = ("a", "b", "c")


class Meeting:
    """Steps that end together: *first* is held up while it ends, the others come meanwhile."""

    def __init__(self, drive: Any, session: Session, *actions: Any, **answers: ActionResult):
        self.first, self.others = Gate(), Gate()
        self.session = session

        def work(context: ActionContext) -> ActionResult:
            done = self.others.execute(context)
            return answers.get(context.step_id, done)

        self.driver: Driver = drive(
            an_action("first", self.first.execute), an_action("work", work), *actions
        )
        self.execution_id = UUID(int=0)

    def start(self, *more: dict[str, Any], **fields: Any) -> None:
        self.execution_id = self.driver.start(
            a_step("first", action="first"),
            *[a_step(step_id, action="work") for step_id in OTHERS],
            *more,
            a_step("join", "first", *OTHERS, *[step["id"] for step in more]),
            **fields,
        )

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """All actions run, the end of the first one waits for a lock; then the others end."""
        turns = [turn(self.driver, self.execution_id, name) for name in ("first", *OTHERS)]
        with in_background(*turns):
            self.first.wait_for("first")
            self.others.wait_for(*OTHERS)
            join = select(StepExecution).filter_by(step_id="join").with_for_update()
            self.session.execute(join)
            self.first.open()
            wait_for_blocked(self.driver)
            yield
            self.session.rollback()

    def let_the_others_end(self, count: int = len(OTHERS)) -> None:
        self.others.open()
        wait_for_waiting(self.driver.runtime.finishing, count)

    def spoil_and_let_the_others_end(self, step_id: str) -> None:
        """As before, but PostgreSQL refuses every change of this step's row."""
        self.driver.change(
            "UPDATE step_executions SET lock_version = 2147483647 WHERE step_id = %(step)s",
            step=step_id,
        )
        self.let_the_others_end()

    def lose(self, step_id: str) -> None:
        """Take the step from its worker, as if that one were dead."""
        self.driver.change(
            "UPDATE step_executions SET leased_until = now() - interval '1 second'"
            " WHERE step_id = %(step)s",
            step=step_id,
        )
        assert sweep.sweep(self.driver.runtime).lost_workers == 1

    def events(self, step_id: str) -> list[str]:
        return self.driver.look(self.execution_id).events(step_id)


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


def test_a_step_that_was_taken_away_does_not_keep_the_others_from_their_ends(drive, session):
    meeting = Meeting(drive, session)
    meeting.start()

    with meeting.held_up():
        meeting.lose("b")
        meeting.let_the_others_end()

    assert transactions(meeting.driver, "step_completed", *OTHERS) == 1
    assert meeting.events("b") == ["step_started", "step_recovered"]
    assert meeting.events("c") == ["step_started", "step_completed"]
    end = meeting.driver.finish(meeting.execution_id)
    assert (end.status, end.step("b").attempt) == ("COMPLETED", 2)


def test_two_attempts_of_one_step_that_come_back_together_end_it_once(drive, session):
    meeting = Meeting(drive, session)
    meeting.start()

    with meeting.held_up():
        meeting.lose("b")
        with in_background(turn(meeting.driver, meeting.execution_id, "b")):
            wait_until(lambda: meeting.others.entered.count("b") == 2, what="the second attempt")
            meeting.let_the_others_end(4)
            session.rollback()

    assert transactions(meeting.driver, "step_completed", *OTHERS) == 1
    assert meeting.events("b")[-2:] == ["step_started", "step_completed"]
    end = meeting.driver.finish(meeting.execution_id)
    assert (end.status, end.step("join").remaining) == ("COMPLETED", 0)


def test_an_end_that_cannot_be_stored_fails_alone(drive, session):
    meeting = Meeting(drive, session)
    meeting.start()

    with pytest.raises(DBAPIError, match="out of range"), meeting.held_up():
        meeting.spoil_and_let_the_others_end("b")

    assert meeting.events("a") == meeting.events("c") == ["step_started", "step_completed"]
    assert meeting.events("b") == ["step_started"]
    assert meeting.driver.audit(meeting.execution_id) == []


def test_two_failures_that_end_an_execution_together_end_it_once(drive, session):
    failure = ActionResult(success=False, error="no")
    meeting = Meeting(drive, session, a=failure, b=failure)
    meeting.start(a_step("after", "a"), settings={"fail_fast": True})

    with meeting.held_up():
        meeting.let_the_others_end()

    end = meeting.driver.finish(meeting.execution_id)
    assert end.status == "FAILED"
    assert end.events("after") == end.events("join") == ["step_skipped"]
    assert transactions(meeting.driver, "step_failed", "a", "b") == 1


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


# ── Claims ───────────────────────────────────────────────────────────────────────────────


@contextmanager
def claiming(driver: Driver, session: Session, *others: tuple[UUID, str]) -> Iterator[None]:
    """The claim of a first step waits for a lock; the others are wanted meanwhile."""
    first = driver.start(a_step("first", action="gate"))
    session.execute(select(Execution).filter_by(id=first).with_for_update())
    with in_background(turn(driver, first, "first")):
        wait_for_blocked(driver)
        with in_background(*[turn(driver, *other) for other in others]):
            wait_for_waiting(driver.runtime.taking, len(others))
            session.rollback()
            yield


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


def test_a_step_that_two_tasks_want_together_is_run_by_one_of_them(drive, session):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute))
    twice = (driver.start(a_step("a", action="gate")), "a")

    with claiming(driver, session, twice, twice):
        gate.wait_for("first", "a")
        gate.open()

    assert gate.entered.count("a") == 1
    end = driver.finish(twice[0])
    assert (end.status, end.events("a")) == ("COMPLETED", ["step_started", "step_completed"])


def test_a_step_that_cannot_be_claimed_does_not_keep_others_from_it(drive, session):
    """Its definition may come from a newer version of the engine, for instance."""
    gate = Gate()
    gate.open()
    action = an_action("gate", gate.execute)
    starter = drive(action)
    good, bad, more = (
        (starter.start(a_step(name, action="gate")), name) for name in ("good", "bad", "more")
    )
    starter.change(
        "UPDATE pipeline_revisions SET document = '{\"steps\": [{}]}' WHERE id ="
        " (SELECT revision_id FROM executions WHERE id = %(id)s)",
        id=str(bad[0]),
    )
    driver = drive(action)  # a process that has not read the definitions yet

    with claiming(driver, session, good, bad, more):
        pass

    assert [driver.look(one[0]).status for one in (good, bad, more)] == [
        "COMPLETED",
        "PENDING",
        "COMPLETED",
    ]
    assert sorted(gate.entered) == ["first", "good", "more"]
