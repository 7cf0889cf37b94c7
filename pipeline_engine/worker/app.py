"""The Celery app of workers and beat."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.signals import (
    setup_logging,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
)

from pipeline_engine.config import Settings
from pipeline_engine.dispatch import Dispatcher, make_celery
from pipeline_engine.registry import Registry
from pipeline_engine.services.logs import configure_logging
from pipeline_engine.worker import process
from pipeline_engine.worker.beat import static_schedule
from pipeline_engine.worker.presence import Presence
from pipeline_engine.worker.sweeper import Sweeper, is_wanted
from pipeline_engine.worker.tasks import register_tasks


def make_app(settings: Settings) -> Celery:
    """The app, its tasks, and what beat rings for."""
    celery = make_celery(settings)
    celery.conf.beat_schedule = static_schedule(settings)
    # Its children live long: a low limit here costs most of the throughput.
    celery.conf.worker_max_tasks_per_child = 5000
    register_tasks(celery, Registry.discover(), Dispatcher(celery))
    celery.steps["consumer"].add(Presence)
    return celery


settings = Settings.from_env()
app = make_app(settings)
dispatcher = Dispatcher(app)
sweeper = Sweeper(lambda: process.runtime(dispatcher))


@setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    configure_logging(settings)


@worker_process_init.connect
def _start_child(**_: Any) -> None:
    process.runtime(dispatcher).look_at_the_clock()


@worker_ready.connect
def _sweep_unasked(sender: Any, **_: Any) -> None:
    if is_wanted(sender):
        sweeper.start()


@worker_shutdown.connect
def _sweep_no_more(**_: Any) -> None:
    sweeper.stop()


@worker_process_shutdown.connect
@worker_shutdown.connect
def _stop_process(**_: Any) -> None:
    process.stop()
