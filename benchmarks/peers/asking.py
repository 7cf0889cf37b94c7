"""One contestant at work: started, asked for workloads, and stopped with all that it started."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.ledger import Incomplete, Ledger
from benchmarks.peers.failures import ContestantFailed, last_line
from benchmarks.peers.inside.work import Shape, Workload

READY_WITHIN_SECONDS = 180.0
ANSWER_WITHIN_SECONDS = 600.0
STOP_WITHIN_SECONDS = 45.0
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a workload took, in seconds."""

    answered: float  #: from the request until the caller had the result
    worked: float  #: from the request until the last step had run
    signalled: tuple[float, ...] = ()  #: from each signal until the step behind it ran


class Asked:
    """A contestant that is ready."""

    def __init__(self, process: subprocess.Popen[str], ledger: Ledger, log: Path) -> None:
        self._process = process
        self._ledger = ledger
        self._log = log
        self.hear(READY_WITHIN_SECONDS)

    def time(self, workload: Workload) -> Timing:
        """Have *workload* done.  Raises ``ContestantFailed`` unless each step ran once."""
        self._ledger.clear()
        assert self._process.stdin is not None
        self._process.stdin.write(f"{workload.name}\n")
        self._process.stdin.flush()
        answer = self.hear(ANSWER_WITHIN_SECONDS)
        if answer["found"] != workload.answer:
            raise ContestantFailed(
                f"{workload.name}: {answer['found']!r} instead of {workload.answer}"
            )
        try:
            last_at = self._ledger.wait_for(workload.records, within=1)
        except Incomplete as error:
            raise ContestantFailed(f"{workload.name}: {error}") from error
        began_at = answer["began_at"]
        return Timing(
            answered=answer["ended_at"] - began_at,
            worked=last_at - began_at,
            signalled=self._signalled(workload, answer),
        )

    def _signalled(self, workload: Workload, answer: Any) -> tuple[float, ...]:
        """Return how long after its signal the last step of each workflow ran."""
        if workload.shape is not Shape.SIGNAL:
            return ()
        ran_at = self._ledger.moments_by_number()
        lasts = [ran_at[first + workload.items - 1] for first in workload.firsts]
        return tuple(last - sent for last, sent in zip(lasts, answer["sent_at"], strict=True))

    def hear(self, within: float) -> Any:
        """Return the next thing that it says.  Raises ``ContestantFailed``."""
        line = self._line(within)
        if not line:
            raise ContestantFailed(last_line(self._log.read_text(errors="replace")))
        return json.loads(line)

    def _line(self, within: float) -> str:
        assert self._process.stdout is not None
        ends_at = time.monotonic() + within
        while not select.select([self._process.stdout], [], [], POLL_SECONDS)[0]:
            if self._process.poll() is not None:
                return ""  # it is dead; something that it started holds the pipe open
            if time.monotonic() > ends_at:
                raise ContestantFailed(f"no answer within {within:g} s")
        return self._process.stdout.readline()


@contextmanager
def asking(
    command: Sequence[str], environment: Mapping[str, str], directory: Path, ledger: Ledger
) -> Iterator[Asked]:
    """Run a contestant in *directory* until the block ends.  Raises ``ContestantFailed``."""
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "log"
    ledger.clear()
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603 (the commands are ours)
            command,
            env={**os.environ, **environment},
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            start_new_session=True,
        )
    try:
        yield Asked(process, ledger, log)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    """Ask for nothing more, which ends it in order; kill whatever is left after a while."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    _, left = psutil.wait_procs(_session(process.pid), timeout=STOP_WITHIN_SECONDS)
    for member in left:
        if member.is_running():
            member.kill()
    psutil.wait_procs(left, timeout=STOP_WITHIN_SECONDS)
    process.wait()
    process.stdout.close()


def _session(leader: int) -> list[psutil.Process]:
    """Return all that a contestant started, also when it is dead itself."""
    return [one for one in psutil.process_iter() if _session_of(one.pid) == leader]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None
