"""Which raw tasks have run, and when: a file that all workers of one machine append to.

A record costs a raw task two microseconds, so that it still counts as doing nothing.
"""

from __future__ import annotations

import os
import struct
import time
from functools import cached_property
from pathlib import Path

LEDGER_VARIABLE = "BENCHMARK_LEDGER"  #: how a worker is told where the file is
RECORD = struct.Struct("<qd")  # the number of the task, the second at which it ran
POLL_SECONDS = 0.01


class Incomplete(Exception):
    """Not every task ran, or one ran more than once: the measurement says nothing."""


class Ledger:
    """The tasks of one measurement."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, number: int) -> None:
        """Write that task *number* has run."""
        os.write(self._file, RECORD.pack(number, time.time()))

    def clear(self) -> None:
        """Begin another measurement."""
        self.path.write_bytes(b"")

    def wait_for(self, count: int, *, within: float) -> float:
        """Return the second at which the last of *count* tasks ran, each of them once.

        Raises ``Incomplete``.
        """
        ends_at = time.monotonic() + within
        while self.path.stat().st_size < count * RECORD.size and time.monotonic() < ends_at:
            time.sleep(POLL_SECONDS)
        records = self._records()
        if sorted(number for number, _ in records) != list(range(count)):
            raise Incomplete(f"{len(records)} records instead of {count} different ones")
        return max(moment for _, moment in records)

    def moments(self) -> list[float]:
        """Return the second of every record, in their order."""
        return [moment for _, moment in self._records()]

    def moments_by_number(self) -> dict[int, float]:
        """Return the second at which each task ran, by its number."""
        return dict(self._records())

    def _records(self) -> list[tuple[int, float]]:
        return list(RECORD.iter_unpack(self.path.read_bytes()))

    @cached_property
    def _file(self) -> int:
        # O_APPEND makes a small write whole, and keeps processes out of each other's way.
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
