"""What the measured processes use: processor time and memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import psutil

MEBIBYTE = 1024 * 1024


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time that these processes and all their children have used.

    The noise of other programs lengthens a measurement, but hardly what it costs.
    """
    return sum(_cpu_seconds(process) for process in _trees(pids))


def memory(pids: Iterable[int]) -> dict[int, float]:
    """Return the resident MiB of these processes and their children, by process."""
    return {process.pid: process.memory_info().rss / MEBIBYTE for process in _trees(pids)}


def share_of_memory(pid: int) -> float:
    """Return the proportional set size in MiB of a process and its children.

    A page that several processes share counts for each of them in part.
    """
    return sum(map(_share, _trees([pid])))


def _share(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / MEBIBYTE
    except psutil.NoSuchProcess:
        return 0.0


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        # What a child used counts for its parent once it has ended, as PostgreSQL's do.
        return sum(process.cpu_times()[:4])
    except psutil.NoSuchProcess:
        return 0.0


def _trees(pids: Iterable[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        process = psutil.Process(pid)
        yield process
        yield from process.children(recursive=True)
