"""How often, one after the other, work on a waiting step has raised in this process."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

MOST = 10_000  #: steps that are remembered; the oldest are forgotten


@dataclass(slots=True)
class Raises:
    """A count for each step; most have none."""

    _counts: OrderedDict[int, int] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def counted(self, step_execution_id: int) -> int:
        """Count one more, and return how many they are."""
        with self._lock:
            count = self._counts[step_execution_id] = self._counts.pop(step_execution_id, 0) + 1
            while len(self._counts) > MOST:
                self._counts.popitem(last=False)
            return count

    def forget(self, step_execution_id: int) -> None:
        """It went well, or is over."""
        if step_execution_id in self._counts:
            with self._lock:
                self._counts.pop(step_execution_id, None)
