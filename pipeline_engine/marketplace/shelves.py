"""The indexes of all sources as a process that answers many readers sees them.

A source is asked once a minute at most, whoever asks for what; while it does not answer, its last
index is shown, as long as that is believed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.marketplace.memory import Memory
from pipeline_engine.marketplace.sources import Shelf, opened
from pipeline_engine.setting_kinds import MarketplaceSource

FRESH = timedelta(seconds=60)
#: Until a source that could not be read is asked again.
PAUSE = timedelta(seconds=30)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of a source."""

    source: MarketplaceSource
    shelf: Shelf | None = None
    read_at: datetime | None = None  #: when ``shelf`` was read
    asked_at: datetime | None = None
    problem: PipelineEngineError | None = None  #: why it could not be read the last time

    def is_due(self, now: datetime) -> bool:
        """Whether the source is to be asked."""
        pause = FRESH if self.problem is None else PAUSE
        return self.asked_at is None or now - self.asked_at >= pause

    def at(self, now: datetime) -> Look:
        """It without an index that is to be believed no more."""
        is_over = self.shelf is not None and now >= self.shelf.index.expires_at
        return Look(self.source, None, None, self.asked_at, self.problem) if is_over else self


class Shelves:
    """The last look at each source."""

    def __init__(self, sources: Sequence[MarketplaceSource], memory: Memory) -> None:
        self._memory = memory
        self._looks = {source.name: Look(source) for source in sources}
        self._asking = {source.name: threading.Lock() for source in sources}

    def looks(self, now: datetime) -> list[Look]:
        """All sources, in their order."""
        return [self._look(name, now) for name in self._looks]

    def _look(self, name: str, now: datetime) -> Look:
        """One of them. Who finds somebody else asking takes what there is, or waits for it."""
        known = self._looks[name].at(now)
        lock = self._asking[name]
        if not known.is_due(now) or not lock.acquire(blocking=known.shelf is None):
            return known
        try:
            known = self._looks[name].at(now)  # whoever asked before has an answer by now
            if known.is_due(now):
                known = self._looks[name] = self._asked(known, now)
            return known
        finally:
            lock.release()

    def _asked(self, known: Look, now: datetime) -> Look:
        try:
            return Look(known.source, opened(known.source, self._memory, now=now), now, now)
        except PipelineEngineError as error:
            log.warning("marketplace_unreadable", source=known.source.name, error=str(error))
            return Look(known.source, known.shelf, known.read_at, now, error)
