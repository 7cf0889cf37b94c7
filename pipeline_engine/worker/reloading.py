"""A thread that takes over what authors save, and says what became of it (``up --reload``)."""

from __future__ import annotations

from threading import Event, Thread

import structlog

from pipeline_engine.registry import ReloadingRegistry
from pipeline_engine.registry.reloading import INTERVAL_SECONDS, Change

log = structlog.get_logger(__name__)


class Reloading:
    """One for each stack: the other processes look when they need an action, and are silent."""

    def __init__(self, registry: ReloadingRegistry) -> None:
        self._registry = registry
        self._stopped = Event()

    def start(self) -> None:
        """Start looking, in a thread that ends with the process."""
        Thread(target=self._look_for_ever, daemon=True, name="reloading").start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _look_for_ever(self) -> None:
        while not self._stopped.wait(INTERVAL_SECONDS):
            self._registry.look()
            for change in self._registry.news():
                _say(change)


def _say(change: Change) -> None:
    if change.live:
        log.info("action_reloaded", package=change.package, actions=list(change.live))
    for name, reason in change.broken.items():
        log.warning("action_broken", action=name, package=change.package, reason=reason)
