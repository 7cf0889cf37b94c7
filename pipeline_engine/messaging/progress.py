"""``workflow_progress``: written to the history for those who want to know, once a second.

No step pays for it: whoever looks for news finds that an execution came further, and writes down
how far it is. From then on it is an event as any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from redis import RedisError

from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage import news
from pipeline_engine.storage.progress import aggregates

EVERY_MS = 1000  #: between two of the same execution, whichever process writes them
KNOWN_SECONDS = 3600  #: for which it is remembered how far an execution was
MOST_OWED = 1000


@dataclass(slots=True)
class ProgressNotes:
    """Which executions came further since it was last said how far they are."""

    runtime: Runtime
    _owed: dict[UUID, None] = field(default_factory=dict)

    def write(self, came_further: Iterable[UUID]) -> None:
        """Say it of these, and of those for which it was too early the last time."""
        self._owed.update(dict.fromkeys(came_further))
        due = [one for one in self._owed if self._is_due(one)][:MOST_OWED]
        if not due:
            return
        with self.runtime.sessions.begin() as session:
            for execution_id, found in aggregates(session, due, with_eta=True).items():
                if self._is_news(execution_id, str(found.overall_progress)):
                    news.note_progress(
                        session.connection(),
                        execution_id,
                        found.overall_progress,
                        found.eta_seconds,
                    )
        for one in due:
            del self._owed[one]
        for one in list(self._owed)[:-MOST_OWED]:
            del self._owed[one]

    def _is_due(self, execution_id: UUID) -> bool:
        """Whether nobody has said it in this second."""
        key = f"{self.runtime.settings.key_prefix}progress:{execution_id}"
        try:
            return bool(self.runtime.redis.set(key, "1", nx=True, px=EVERY_MS))
        except RedisError:
            return False

    def _is_news(self, execution_id: UUID, overall: str) -> bool:
        """Whether it was another percentage the last time."""
        key = f"{self.runtime.settings.key_prefix}progress-at:{execution_id}"
        try:
            return self.runtime.redis.set(key, overall, ex=KNOWN_SECONDS, get=True) != overall
        except RedisError:
            return True
