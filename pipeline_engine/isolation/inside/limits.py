"""What the kernel holds a child to; set by the child itself before it loads anything foreign."""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Mapping
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

PR_SET_NO_NEW_PRIVS = 38
PR_SET_CHILD_SUBREAPER = 36
PR_CAPBSET_DROP = 24
_CAPABILITY_VERSION = 0x20080522  #: of the header of capset: two words of 32 capabilities
_LAST_CAPABILITY = 40


def limit(limits: Mapping[str, int]) -> None:
    """Give up what a child has no use for; there is no way back."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    # Whoever outlives its parent in here stays below this process, and is found when it is killed.
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_AS, limits["memory"])
    _set(resource.RLIMIT_FSIZE, limits["file"])
    _set(resource.RLIMIT_NOFILE, limits["open_files"])
    # The kernel counts what the user runs everywhere, the engine's own among it.
    _set(resource.RLIMIT_NPROC, _running_here() + limits["processes"])
    drop_capabilities()


def limit_call(cpu_seconds: int) -> None:
    """Give the call that begins so much processor time; at its end the kernel kills."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime) + 1 + cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def prctl(option: int, value: int) -> None:
    """Ask the kernel for something that it may not know."""
    _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0)


def drop_capabilities() -> None:
    """Root without capabilities cannot look into the processes of root that has some."""
    for capability in range(_LAST_CAPABILITY + 1):
        prctl(PR_CAPBSET_DROP, capability)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _libc.capset(header, nothing)


def _set(kind: int, wanted: int) -> None:
    _, hard = resource.getrlimit(kind)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (most, most))


def _running_here() -> int:
    """The threads of this user, as far as they can be seen."""
    user, found = os.getuid(), 0
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and process.stat().st_uid == user:
                found += sum(1 for _ in (process / "task").iterdir())
        except OSError:  # it has ended meanwhile
            continue
    return found
