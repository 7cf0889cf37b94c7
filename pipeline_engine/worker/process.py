"""One runtime a process: made after the fork, closed with the process."""

from __future__ import annotations

import os
from threading import Lock

from pipeline_engine.config import Settings
from pipeline_engine.dispatch.sender import Dispatcher
from pipeline_engine.scheduler.runtime import Runtime, tune_gc

_lock = Lock()
_runtimes: dict[int, Runtime] = {}


def runtime(dispatch: Dispatcher | None = None) -> Runtime:
    """The runtime of this process; a forked child never uses its parent's connections."""
    found = _runtimes.get(os.getpid())
    if found is None:
        with _lock:
            found = _runtimes.get(os.getpid())
            if found is None:
                found = Runtime.start(Settings.from_env(), dispatch=dispatch)
                tune_gc()
                _runtimes[os.getpid()] = found
    return found


def found() -> Runtime | None:
    """The runtime of this process, if it has made one."""
    return _runtimes.get(os.getpid())


def stop() -> None:
    """Close this process's connections."""
    found = _runtimes.pop(os.getpid(), None)
    if found is not None:
        found.stop()
