"""The clock of web, workers and beat, which libfaketime moves where it is installed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "PE_BATTERY_FAKETIME"
FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib")
LIBRARIES = ("**/faketime/libfaketimeMT.so.1", "**/faketime/libfaketime.so.1")
MISSING = (
    f"libfaketime, which moves the clock of processes, is not installed; {VARIABLE} may name it"
)


def library() -> Path | None:
    """Return libfaketime as the environment names it, or as the system has it."""
    if given := os.environ.get(VARIABLE):
        return Path(given)
    found = (p for folder in FOLDERS for name in LIBRARIES for p in Path(folder).glob(name))
    return next(found, None)


class Clock:
    """How far the processes' clock is off; that of PostgreSQL stays right."""

    def __init__(self, file: Path) -> None:
        self._file = file.resolve()
        self._library = library()
        self.move(0)

    @property
    def is_movable(self) -> bool:
        """Whether the processes look at it."""
        return self._library is not None

    @property
    def environment(self) -> Mapping[str, str]:
        """What the processes have to be told."""
        if self._library is None:
            return {}
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",  # seconds until a jump is noticed
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # that one never jumps
        }

    def move(self, seconds: int) -> None:
        """Let the clock be wrong by so much from now on."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}s\n")
        fresh.rename(self._file)
