"""I10: refusals are polite, and nothing is left over: no process, connection or transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import psutil
from sqlalchemy import Connection

from battery.evidence import Evidence
from battery.invariants.lost import PATIENCE

#: Every process of a run has it in its environment, and no two runs have the same.
MARK = "PE_BATTERY_LEDGER"
#: Connections that a process keeps; above that they are closed when they are given back.
POOLED = 10
SETTLES_WITHIN_SECONDS = 5.0
OPEN_FOR_SECONDS = PATIENCE.total_seconds()
LARGEST_BYTES = 512 * 2**20

_SESSIONS = (
    "SELECT pid, state, round(extract(epoch FROM clock_timestamp() - xact_start)::numeric, 1)"
    " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)


def leftovers(connection: Connection, evidence: Evidence) -> Iterator[str]:
    """Answers that nobody should get, and what is still there though its work is done."""
    for status, count in sorted(evidence.answers.items()):
        if status >= 500 and status != 503:
            yield f"{count} requests were answered with {status}"
    if evidence.processes():
        yield from _once_settled(lambda: _wrong_processes(evidence.processes()))
        yield from _once_settled(lambda: _wrong_sessions(connection, len(evidence.processes())))


def _once_settled(look: Callable[[], list[str]]) -> list[str]:
    """What is still wrong after a while: a process may be on its way out."""
    deadline = time.monotonic() + SETTLES_WITHIN_SECONDS
    while (found := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _wrong_processes(expected: Sequence[int]) -> list[str]:
    alive = {process.pid: process for process in psutil.process_iter() if _is_alive(process)}
    dead = [f"process {pid} has died, and should live" for pid in expected if pid not in alive]
    marks = {mark for pid in expected if pid in alive and (mark := _mark(alive[pid]))}
    orphans = [
        f"process {pid} ({process.name()}) is an orphan"
        for pid, process in alive.items()
        if _mark(process) in marks and not ({pid} | _ancestors(process)) & set(expected)
    ]
    large = [
        f"process {pid} has {alive[pid].memory_info().rss // 2**20} MiB"
        for pid in expected
        if pid in alive and alive[pid].memory_info().rss > LARGEST_BYTES
    ]
    return dead + orphans + large


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _mark(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):  # it has just gone, or belongs to somebody else
        return None


def _ancestors(process: psutil.Process) -> set[int]:
    try:
        return {parent.pid for parent in process.parents()}
    except psutil.Error:
        return set()


def _wrong_sessions(connection: Connection, processes: int) -> list[str]:
    """Transactions that nobody ends, and more connections than the pools keep."""
    sessions = connection.exec_driver_sql(_SESSIONS).all()
    # Statistics are read once a transaction, unless they are asked for anew.
    connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
    found = [
        f"connection {pid} is {state} for {seconds} s"
        for pid, state, seconds in sessions
        if seconds is not None and seconds > OPEN_FOR_SECONDS
    ]
    if len(sessions) > processes * POOLED:
        found.append(f"{len(sessions)} connections are open for {processes} processes")
    return found
