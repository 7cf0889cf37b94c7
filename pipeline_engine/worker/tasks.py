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
from pipeline_engine.scheduler import sweep, waking
from pipeline_engine.scheduler.run import Turn
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import inbox, retention
from pipeline_engine.worker import process


def register_tasks(app: Celery, registry: Registry, dispatcher: Dispatcher) -> None:
    """Give *app* its tasks: one per installed action, and the engine's own."""

    def runtime() -> Runtime:
        return process.runtime(dispatcher)

    def run_steps(task: Task[Any, Any], ids: list[int], chord_header: bool = False) -> None:
        """Run steps, and what they set free."""
        queue = (task.request.delivery_info or {}).get("routing_key")
        turn = Turn(runtime(), task_id=task.request.id, queue=queue, in_chord=chord_header)
        with bound_contextvars(task=task.name, task_id=task.request.id):
            turn.run(ids)

    def join(ids: list[int]) -> None:
        """Join a fan-out whose items have all ended."""
        _each(ids, lambda step_execution_id: waking.join(runtime(), step_execution_id))

    def clean_up(ids: list[int]) -> None:
        """Let the action of a cancelled step stop what it started."""
        _each(ids, lambda step_execution_id: waking.clean_up(runtime(), step_execution_id))

    def deliver(ids: list[int]) -> None:
        """Give deliveries to the steps that wait for them."""
        _each(ids, lambda delivery_id: waking.deliver(runtime(), delivery_id))

    def run_sweep() -> None:
        """Find what was lost, and move it."""
        sweep.sweep(runtime())
        inbox.drain_spool(runtime())
        sweep.beat_mark(runtime())

    def clean_up_history() -> None:
        """Forget executions that ended long ago."""
        retention.clean_up(runtime())

    for name in (dispatch.RUN_BATCH, *map(dispatch.task_of, registry.types())):
        app.task(name=name, bind=True)(run_steps)
    app.task(name=dispatch.JOIN)(join)
    app.task(name=dispatch.CLEAN_UP)(clean_up)
    app.task(name=dispatch.DELIVER)(deliver)
    app.task(name=dispatch.SWEEP)(run_sweep)
    app.task(name=dispatch.RETENTION)(clean_up_history)


def _each(ids: list[int], work: Callable[[int], None]) -> None:
    for found in ids:
        work(found)
