"""What a supervisor that was killed has left running; the next one cleans it away."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from pipeline_engine.embedded.state import ProcessState

# Every process of a stack, and so every child of one, has this in its environment.
MARK = "PIPELINE_STACK"
# How exactly two readings of a process's start time agree when the clock is adjusted.
SAME_START_SECONDS = 2.0
POLITE_SECONDS = 5.0


def started_at(pid: int) -> float | None:
    """Return when a process started: with its id, this is its identity.  None if it is gone."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


def clean(recorded: Iterable[ProcessState], directory: Path) -> tuple[str, ...]:
    """End what is left of the recorded processes and their children; return their names."""
    marked, servers = list(_marked(directory)), list(_recorded(recorded))
    names = tuple(sorted({process.name() for process in (*marked, *servers)}))
    _end(marked, signal.SIGKILL)  # they keep nothing of their own: rows decide
    _end(servers, signal.SIGINT)  # PostgreSQL ends its sessions and writes a checkpoint
    return names


def _end(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    _, stubborn = psutil.wait_procs(processes, timeout=POLITE_SECONDS)
    for process in stubborn:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=POLITE_SECONDS)


def _recorded(states: Iterable[ProcessState]) -> Iterator[psutil.Process]:
    for state in states:
        start = started_at(state.pid) if state.pid else None
        if start is None or state.started_at is None:
            continue
        if abs(start - state.started_at) < SAME_START_SECONDS:
            yield psutil.Process(state.pid)


def _marked(directory: Path) -> Iterator[psutil.Process]:
    """Yield the processes that carry this stack's mark: children that outlived their parent."""
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.environ().get(MARK) == str(directory):
                yield process
