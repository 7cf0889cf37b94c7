"""A program that we run: its command, who it runs as, and how it is told to stop."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import IO

from pipeline_engine.embedded.privileges import Account, run_as

# Loaded here, because the few instructions between fork and exec are no place for it.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


class Stage(IntEnum):
    """When a program starts; programs stop in the reverse order."""

    SERVERS = 0
    WORKERS = 1
    FRONT = 2  # what accepts or makes new work: web, beat, flower


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program of a stack, as it is started and started again."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    stage: Stage
    module: tuple[str, ...] = ()  # what ``python -m`` runs, if a fork server may run it instead
    speaks: bool = True  # whether its warnings are shown on the screen, too
    account: Account | None = None
    directory: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within: timedelta = timedelta(seconds=10)
    # What the kernel sends if the supervisor dies without stopping the program.
    # None: the program runs on without the supervisor.
    orphan_signal: signal.Signals | None = signal.SIGKILL

    def spawn(
        self, output: int | IO[bytes], stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        """Start the program in a process group of its own; everything it says goes to *output*."""
        return subprocess.Popen(  # noqa: S603 (the commands are ours)
            self.command,
            env=dict(self.environment),
            cwd=self.directory,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the supervisor, which stops things in order
            preexec_fn=_leash(self.orphan_signal),  # noqa: PLW1509 (one call into libc)
            **run_as(self.account),
        )


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to a program and all its children, if any of them is left."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:  # macOS says so of a group of zombies
        pass


def leash(number: signal.Signals, parent: int) -> None:
    """Ask the kernel to send us a signal when *parent* dies; end if it has died already."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)


def show_as(name: str) -> None:
    """Let ``top`` and ``ps -o comm`` call this process *name*, as far as 15 bytes go."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def _leash(orphan_signal: signal.Signals | None) -> Callable[[], None] | None:
    """Return what a child does before it runs: ask to be told when its parent has died."""
    if _LIBC is None or orphan_signal is None:
        return None
    return partial(leash, orphan_signal, os.getpid())
