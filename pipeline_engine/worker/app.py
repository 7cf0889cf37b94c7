"""The Celery app of workers and beat."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.concurrency.thread import TaskPool
from celery.signals import (
    setup_logging,
    worker_before_create_process,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)

from pipeline_engine.beat.schedule import set_beat_up
from pipeline_engine.config import Settings
from pipeline_engine.dispatch.celery_app import make_celery
from pipeline_engine.dispatch.messages import SYSTEM
from pipeline_engine.dispatch.sender import Dispatcher
from pipeline_engine.logs import configure_logging
from pipeline_engine.registry import Registry, ReloadingRegistry
from pipeline_engine.scheduler.runtime import Runtime, installed_actions
from pipeline_engine.worker import process
from pipeline_engine.worker.celery_results import CeleryResults
from pipeline_engine.worker.flower import ask_for_the_password
from pipeline_engine.worker.messenger import Messenger
from pipeline_engine.worker.presence import Presence
from pipeline_engine.worker.reloading import Reloading
from pipeline_engine.worker.sweeper import Sweeper
from pipeline_engine.worker.tasks import register_tasks
from pipeline_engine.worker.watch import LastMinutes, Watch


def make_app(settings: Settings, registry: Registry) -> Celery:
    """The app, its tasks, and what beat rings for."""
    celery = make_celery(settings)
    # For `celery -A pipeline_engine.worker beat`; `python -m pipeline_engine.beat` needs no worker.
    set_beat_up(celery, settings)
    # Its children live long: a low limit here costs most of the throughput.
    celery.conf.worker_max_tasks_per_child = 5000
    register_tasks(celery, registry.types(), _runtime)
    celery.steps["consumer"].add(Presence)
    return celery


def _runtime() -> Runtime:
    return process.runtime(dispatcher, registry)


settings = Settings.from_env()
registry = installed_actions(settings)
app = make_app(settings, registry)
ask_for_the_password()
dispatcher = Dispatcher(app)
sweeper = Sweeper(_runtime)
messenger = Messenger(_runtime)
celery_results = CeleryResults(_runtime)
looking: list[Watch | Reloading] = []


@setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    configure_logging(settings)


@worker_before_create_process.connect
def _share_memory_with_child(**_: Any) -> None:
    process.prepare_child(dispatcher, registry)


@worker_process_init.connect
def _start_child(**_: Any) -> None:
    _runtime()


@worker_init.connect
def _remember_events(sender: Any, **_: Any) -> None:
    # Its children know the settings, and not the -E on its command line.
    app.conf.worker_send_task_events = bool(sender.task_events)


@worker_ready.connect
def _look_after_it(sender: Any, **_: Any) -> None:
    if not isinstance(sender.pool, TaskPool):
        # A prefork worker's own process never opens connections, which its children would
        # inherit; what does not come back there is ended by force.
        return
    watch = Watch(_runtime, sender.hostname, sender.pool.limit)
    watch.start()
    looking.append(watch)
    messenger.start()
    if SYSTEM in {queue.name for queue in sender.task_consumer.queues}:
        sweeper.start()
        celery_results.start()
        if isinstance(registry, ReloadingRegistry):
            reloading = Reloading(registry)
            reloading.start()
            looking.append(reloading)


@worker_shutting_down.connect
def _come_to_an_end(**_: Any) -> None:
    sweeper.stop()
    messenger.stop()
    celery_results.stop()
    for watch in looking:
        watch.stop()
    LastMinutes(settings.shutdown_seconds, process.found).begin()


@worker_process_shutdown.connect
@worker_shutdown.connect
def _stop_process(**_: Any) -> None:
    process.stop()
