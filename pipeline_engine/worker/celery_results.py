"""A thread that looks up how tasks of other Celery apps have ended, while steps wait for some."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

import structlog

from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services.celery_tasks import tell_ended
from pipeline_engine.storage.postgres.session import is_unreachable

log = structlog.get_logger(__name__)

#: Seconds between two looks.
LOOK_SECONDS = 1.0


class CeleryResults:
    """Looks once a second; where no app is named there is nothing to look at."""

    def __init__(self, runtime: Callable[[], Runtime]) -> None:
        self._runtime = runtime
        self._stopped = Event()

    def start(self) -> None:
        """Start looking, in a thread that ends with the process."""
        if self._runtime().settings.celery_apps:
            Thread(target=self._look_for_ever, daemon=True, name="celery results").start()

    def stop(self) -> None:
        """Stop looking."""
        self._stopped.set()

    def _look_for_ever(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            try:
                tell_ended(self._runtime())
            except Exception as error:  # the next look finds what this one has left
                log.warning("looking up tasks failed", exc_info=not is_unreachable(error))
