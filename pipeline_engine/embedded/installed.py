"""Notices that packages with actions were installed, removed or installed again."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata

# Not asked of the registry: what that loads would stay in the supervisor's memory.
GROUP = "pipeline_engine.actions"
#: Seconds in which nothing else happens before an installation counts as done.
SETTLED_SECONDS = 0.5


class InstalledPackages:
    """Compares the folders that Python searches with what they were at the last look."""

    def __init__(self) -> None:
        self._folders = dict(_folders())
        self._packages = set(_packages())
        self._settled_at: float | None = None

    def have_changed(self, *, now: float | None = None) -> bool:
        """Whether other packages with actions are there; *now* is of ``time.monotonic()``."""
        now = time.monotonic() if now is None else now
        folders = dict(_folders())
        if folders != self._folders:
            self._folders, self._settled_at = folders, now + SETTLED_SECONDS
        if self._settled_at is None or now < self._settled_at:
            return False
        self._settled_at = None
        before, self._packages = self._packages, set(_packages())
        return before != self._packages


def _folders() -> Iterator[tuple[str, int]]:
    for folder in sys.path:
        with suppress(OSError):
            yield folder, os.stat(folder).st_mtime_ns  # noqa: PTH116 (ten times a second)


def _packages() -> Iterator[tuple[str, str, str, str]]:
    """The entry points of actions, and what their packages say of their files."""
    for point in metadata.entry_points(group=GROUP):
        record = point.dist.read_text("RECORD") if point.dist else None
        yield point.dist.name if point.dist else "", point.name, point.value, record or ""
