"""One runtime a process, closed with the process."""

from __future__ import annotations

import gc
import os
from threading import Lock

from pipeline_engine.config import Settings
from pipeline_engine.dispatch.sender import Dispatcher
from pipeline_engine.registry import Registry
from pipeline_engine.scheduler.runtime import Runtime, tune_gc

_lock = Lock()
_runtimes: dict[int, Runtime] = {}
#: Runtime that a parent has made for its children; the parent itself never uses it.
_prepared: list[Runtime] = []


def prepare_child(dispatch: Dispatcher, registry: Registry) -> None:
    """Make, before a fork, what parent and child share as long as neither writes to it.

    A collection writes into every object that it looks at, and a page that parent or child has
    written to is copied; what is frozen is not looked at.
    """
    if not _prepared:
        _prepared.append(_made(dispatch, registry))
    gc.collect()
    gc.freeze()


def runtime(dispatch: Dispatcher, registry: Registry) -> Runtime:
    """The runtime of this process; a forked child never uses its parent's connections."""
    found = _runtimes.get(os.getpid())
    if found is None:
        with _lock:
            found = _runtimes.get(os.getpid())
            if found is None:
                found = _prepared[0] if _prepared else _made(dispatch, registry)
                tune_gc()
                _runtimes[os.getpid()] = found
    return found


def _made(dispatch: Dispatcher, registry: Registry) -> Runtime:
    return Runtime.start(Settings.from_env(), registry=registry, dispatch=dispatch)


def found() -> Runtime | None:
    """The runtime of this process, if it has used one."""
    return _runtimes.get(os.getpid())


def stop() -> None:
    """Close this process's connections."""
    found = _runtimes.pop(os.getpid(), None)
    if found is not None:
        found.stop()
