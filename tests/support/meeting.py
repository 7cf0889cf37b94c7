"""Threads of one worker that meet: a lock holds up the first, and the others come meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.claim.turn import Turn
from pipeline_engine.scheduler.combining import Combiner
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.steps import StepExecution
from support.driving import Driver, Gate, in_background
from support.factories import a_step, an_action
from support.waiting import wait_until

BLOCKED = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
OTHERS = ("a", "b", "c")  #: steps whose threads come while that of the first waits


def wait_for_blocked(driver: Driver) -> None:
    def is_blocked() -> bool:
        with driver.runtime.engine.connect() as connection:  # a transaction sees no changes there
            return bool(connection.exec_driver_sql(BLOCKED).scalar())

    wait_until(is_blocked, what="a thread that waits for a lock")


def wait_for_waiting(combiner: Combiner, count: int) -> None:
    wait_until(lambda: len(combiner._waiting) == count, what=f"{count} threads that wait")


def turn(driver: Driver, execution_id: UUID, *step_ids: str) -> Callable[[], None]:
    """What a thread does with the message of steps; its task has the name of the first."""
    look = driver.look(execution_id)
    ids = [look.step(step_id).id for step_id in step_ids]
    return lambda: Turn(driver.runtime, task_id=step_ids[0], queue="io").run(ids)


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
    def held_up(self, *in_hand: str) -> Iterator[None]:
        """All actions run, the end of the first one waits for a lock; then the others end.

        Each of the others has the same steps *in hand*.
        """
        with ExitStack() as threads:
            for name in ("first", *OTHERS):
                named = (name,) if name == "first" else (name, *in_hand)
                threads.enter_context(in_background(turn(self.driver, self.execution_id, *named)))
                (self.first if name == "first" else self.others).wait_for(name)
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
