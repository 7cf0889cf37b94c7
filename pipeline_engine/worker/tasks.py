"""The Celery tasks; each hands over to the scheduler or to a service.

A message can come twice, late or forged: tasks take ids only, and the rows decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from celery import Celery, Task
from celery.states import SUCCESS
from structlog.contextvars import bound_contextvars

from pipeline_engine.dispatch.messages import (
    CANCEL_REST,
    CLEAN_UP,
    DELIVER,
    FIRE,
    FOLLOW_WEBHOOKS,
    GIVE_PLACES,
    JOIN,
    MOST_IDS_EVER,
    OFFER,
    RETENTION,
    RUN_BATCH,
    RUN_STORED,
    SUPERSEDE,
    SWEEP,
    several,
    task_of,
)
from pipeline_engine.dispatch.sender import SENDING_ERRORS
from pipeline_engine.scheduler.claim.plain import PlainTurn, make_turn
from pipeline_engine.scheduler.claim.turn import Turn
from pipeline_engine.scheduler.event_triggers.decide import offer
from pipeline_engine.scheduler.resume.cancel_rest import cancel_rest
from pipeline_engine.scheduler.resume.cleanup import clean_up
from pipeline_engine.scheduler.resume.deliver import deliver
from pipeline_engine.scheduler.resume.give_places import give_places
from pipeline_engine.scheduler.resume.join import join
from pipeline_engine.scheduler.resume.supersede import supersede
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.schedules import look
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.scheduler.webhooks import start_deliveries
from pipeline_engine.services import retention
from pipeline_engine.worker.step_events import step_events
from pipeline_engine.worker.sweeper import sweep_now

log = structlog.get_logger(__name__)
MakeRuntime = Callable[[], Runtime]


def register_tasks(app: Celery, actions: Iterable[str], runtime: MakeRuntime) -> None:
    """Give *app* its tasks: one for each of these actions, and the engine's own."""
    for name in (RUN_BATCH, RUN_STORED, *map(task_of, actions)):
        app.task(name=name, bind=True, throws=(StepFailed,))(_step_task(runtime))
    for name, by_id in BY_ID.items():
        app.task(name=name, bind=True, throws=(StepFailed,))(_id_task(runtime, by_id))
    app.task(name=FIRE, send_events=False)(_ring_task(runtime))
    for name, by_deliveries in BY_DELIVERIES.items():
        app.task(name=name, bind=True, throws=(StepFailed,))(_delivery_task(runtime, by_deliveries))
    for name, tick in TICKS.items():
        # Flower would show one a second, and nothing else for long.
        app.task(name=name, send_events=False)(_tick_task(runtime, tick))


class StepFailed(Exception):
    """An attempt failed. The rows know all about it; this is how Celery and Flower hear of it."""


def named(ids: object) -> list[int]:
    """The rows that a message names: none, if it is not one of ours."""
    if (
        isinstance(ids, list)
        and len(ids) <= MOST_IDS_EVER
        and all(type(row_id) is int and 0 < row_id < 2**63 for row_id in ids)
    ):
        return ids
    log.warning("message_rejected", because="names no rows, or too many")
    return []


def _step_task(runtime: MakeRuntime) -> Callable[..., None]:
    def run_steps(task: Task[Any, Any], ids: list[int], chord_header: bool = False) -> None:
        with bound_contextvars(task=task.name, task_id=task.request.id):
            ids = named(ids)
            turn = _turn(runtime(), task, in_chord=chord_header, shown=len(ids))
            turn.run(ids)
        _tell(turn.failures)

    return run_steps


def _id_task(
    runtime: MakeRuntime, by_id: Callable[[Runtime, int], Transaction]
) -> Callable[..., None]:
    def run_by_id(task: Task[Any, Any], ids: list[int]) -> None:
        failures: list[str] = []
        with _at_work(runtime(), task):
            for row_id in named(ids):
                turn = _turn(runtime(), task)
                turn.go_on(by_id(runtime(), row_id))
                failures += turn.failures
        _tell(failures)

    return run_by_id


def _delivery_task(
    runtime: MakeRuntime, by_deliveries: Callable[[Runtime, Sequence[int]], Iterable[Transaction]]
) -> Callable[..., None]:
    def give(task: Task[Any, Any], ids: list[int]) -> None:
        failures: list[str] = []
        with _at_work(runtime(), task):
            for tx in by_deliveries(runtime(), named(ids)):
                turn = _turn(runtime(), task)
                turn.go_on(tx)
                failures += turn.failures
        _tell(failures)

    return give


def _tell(failures: Sequence[str]) -> None:
    """Let the task fail if it carried an attempt that did; everything is committed by now."""
    if failures:
        raise StepFailed(several(failures))


def _at_work(runtime: Runtime, task: Task[Any, Any]) -> AbstractContextManager[None]:
    """Count the thread as occupied: housekeeping calls plug-ins, too, which may not come back."""
    return runtime.occupied.by(task.name or "", seconds=runtime.settings.step_timeout_seconds)


def _turn(
    runtime: Runtime, task: Task[Any, Any], *, in_chord: bool = False, shown: int = 0
) -> Turn | PlainTurn:
    queue = (task.request.delivery_info or {}).get("routing_key")
    return make_turn(
        runtime,
        task_id=task.request.id,
        queue=queue,
        in_chord=in_chord,
        shown=step_events(task, named=shown),
        leave_chord=partial(_leave_chord, task),
    )


def _leave_chord(task: Task[Any, Any]) -> bool:
    """Count the task as ended for its chord, whose body would else wait for what it goes on with.

    Returns whether that could be done. What it has not run by then wakes the join by itself.
    """
    request: Any = task.request
    if request.chord:
        try:
            task.backend.on_chord_part_return(request, SUCCESS, None)
        except SENDING_ERRORS as error:
            log.warning("a task stays in its chord", error=str(error))
            return False
        request.chord = None  # or Celery would count it once more
    return True


def _tick_task(runtime: MakeRuntime, tick: Callable[[Runtime], object]) -> Callable[..., None]:
    def run_tick() -> None:
        tick(runtime())

    return run_tick


def _ring_task(runtime: MakeRuntime) -> Callable[..., None]:
    def ring(schedule_id: object = None) -> None:
        look.ring(runtime(), _as_id(schedule_id))

    return ring


def _as_id(said: object) -> UUID | None:
    """The schedule that a ring names; which it was matters little, as rows say what is due."""
    try:
        return UUID(said) if isinstance(said, str) else None
    except ValueError:
        return None


#: Task names, and what each does for one of the rows that its message names.
BY_ID: dict[str, Callable[[Runtime, int], Transaction]] = {
    JOIN: join,
    CLEAN_UP: clean_up,
    CANCEL_REST: cancel_rest,
    GIVE_PLACES: give_places,
    SUPERSEDE: supersede,
}
#: The same for deliveries, several of which share a transaction.
BY_DELIVERIES: dict[str, Callable[[Runtime, Sequence[int]], Iterable[Transaction]]] = {
    DELIVER: deliver,
    OFFER: offer,
    FOLLOW_WEBHOOKS: start_deliveries,
}
#: Names of the tasks that beat sends, and what they do.
TICKS: dict[str, Callable[[Runtime], object]] = {
    SWEEP: sweep_now,
    RETENTION: retention.clean_up,
}
