"""The Celery tasks; each hands over to the scheduler or to a service.

A message can come twice, late or forged: tasks take ids only, and the rows decide.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import Celery, Task
from structlog.contextvars import bound_contextvars

from pipeline_engine import dispatch
from pipeline_engine.dispatch import Dispatcher
from pipeline_engine.registry import Registry
from pipeline_engine.scheduler import delivering, waking
from pipeline_engine.scheduler.run import Turn
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.work import Work
from pipeline_engine.services import retention
from pipeline_engine.worker import process
from pipeline_engine.worker.sweeper import sweep_now

MakeRuntime = Callable[[], Runtime]


def register_tasks(app: Celery, registry: Registry, dispatcher: Dispatcher) -> None:
    """Give *app* its tasks: one per installed action, and the engine's own."""

    def runtime() -> Runtime:
        return process.runtime(dispatcher)

    for name in (dispatch.RUN_BATCH, *map(dispatch.task_of, registry.types())):
        app.task(name=name, bind=True)(_step_task(runtime))
    for name, by_id in BY_ID.items():
        app.task(name=name, bind=True)(_id_task(runtime, by_id))
    app.task(name=dispatch.DELIVER, bind=True)(_delivery_task(runtime))
    for name, tick in TICKS.items():
        app.task(name=name)(_tick_task(runtime, tick))


def _step_task(runtime: MakeRuntime) -> Callable[..., None]:
    def run_steps(task: Task[Any, Any], ids: list[int], chord_header: bool = False) -> None:
        with bound_contextvars(task=task.name, task_id=task.request.id):
            _turn(runtime(), task, in_chord=chord_header).run(ids)

    return run_steps


def _id_task(runtime: MakeRuntime, by_id: Callable[[Runtime, int], Work]) -> Callable[..., None]:
    def run_by_id(task: Task[Any, Any], ids: list[int]) -> None:
        for row_id in ids:
            _turn(runtime(), task).go_on(by_id(runtime(), row_id))

    return run_by_id


def _delivery_task(runtime: MakeRuntime) -> Callable[..., None]:
    def give(task: Task[Any, Any], ids: list[int]) -> None:
        for work in delivering.deliver(runtime(), ids):
            _turn(runtime(), task).go_on(work)

    return give


def _turn(runtime: Runtime, task: Task[Any, Any], *, in_chord: bool = False) -> Turn:
    queue = (task.request.delivery_info or {}).get("routing_key")
    return Turn(runtime, task_id=task.request.id, queue=queue, in_chord=in_chord)


def _tick_task(runtime: MakeRuntime, tick: Callable[[Runtime], object]) -> Callable[..., None]:
    def run_tick() -> None:
        tick(runtime())

    return run_tick


#: Tasks that do one thing for each of the rows that a message names.
BY_ID: dict[str, Callable[[Runtime, int], Work]] = {
    dispatch.JOIN: waking.join,
    dispatch.CLEAN_UP: waking.clean_up,
}
#: Tasks that beat rings for.
TICKS: dict[str, Callable[[Runtime], object]] = {
    dispatch.SWEEP: sweep_now,
    dispatch.RETENTION: retention.clean_up,
}
