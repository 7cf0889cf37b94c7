"""Look at parts of the installation, all at once and in limited time.

Of a part there is one look at a time, whoever asks: one that hangs costs one thread and one
connection, and what takes seconds is not begun fifty times.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

Found = TypeVar("Found")
NOT_KEPT: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at one part; ``begun`` is in seconds of the monotonic clock."""

    begun: float
    found: Future[Any]

    @classmethod
    def begin(cls, name: str, look: Callable[[], Any]) -> _Look:
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        begun = cls(time.monotonic(), pool.submit(look))
        # Nobody waits for a late one: it ends by a time limit of its own.
        pool.shutdown(wait=False)
        return begun

    def serves(self, kept_seconds: float) -> bool:
        """Whether who asks now gets what this one finds."""
        return not self.found.done() or time.monotonic() - self.begun < kept_seconds


class Looks:
    """What is looked at in this process, and what was found."""

    def __init__(self) -> None:
        self._looks: dict[str, _Look] = {}
        self._lock = Lock()

    def at(
        self,
        parts: Mapping[str, Callable[[], Found]],
        *,
        seconds: float,
        kept: Mapping[str, float] = NOT_KEPT,
    ) -> dict[str, Found | None]:
        """What each part says within *seconds*; null of one that is late.

        What was found is told again for as many seconds as *kept* says of the part. Raises what a
        look has raised.
        """
        with self._lock:
            found = {
                name: self._found(name, look, kept.get(name, 0.0)) for name, look in parts.items()
            }
        wait(found.values(), timeout=seconds)
        return {name: one.result() if one.done() else None for name, one in found.items()}

    def _found(self, name: str, look: Callable[[], Found], kept_seconds: float) -> Future[Found]:
        present = self._looks.get(name)
        if present is None or not present.serves(kept_seconds):
            present = self._looks[name] = _Look.begin(name, look)
        return present.found
