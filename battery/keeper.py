"""Starts again at once whatever dies, as a supervisor in production does, and counts it."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread

import psutil

from pipeline_engine.embedded.programs import Program, signal_group

LOOK_EVERY_SECONDS = 0.05
START_WITHIN_SECONDS = 60.0


class Keeper:
    """Keeps programs running; one thread owns them all, for they die with whoever forked them."""

    def __init__(self, programs: Iterable[Program], logs: Path) -> None:
        self._programs = {program.name: program for program in programs}
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started, self._stopping = Event(), Event()
        self._lock = Lock()
        self._thread = Thread(target=self._keep, name="keeper")
        self.deaths: Counter[str] = Counter()

    def start(self) -> None:
        """Start all programs."""
        self._logs.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        if not self._started.wait(START_WITHIN_SECONDS):
            raise TimeoutError("The processes were not started.")

    def stop(self) -> None:
        """Stop all programs, what makes work first."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def logs(self) -> list[Path]:
        """The log of each program, over all its lives."""
        return [self._log(name) for name in self._programs]

    def pid(self, name: str) -> int:
        """Return the process that runs a program now."""
        with self._lock:
            return self._running[name].pid

    def pids(self) -> list[int]:
        """Return every process that is ours: programs and their children."""
        return [process.pid for name in self._programs for process in self.family(name)]

    def family(self, name: str) -> list[psutil.Process]:
        """Return a program's process and its children; empty while it is dead."""
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.pid(name))
            return [parent, *parent.children(recursive=True)]
        return []

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _keep(self) -> None:
        for program in self._programs.values():
            self._spawn(program)
        self._started.set()
        while not self._stopping.wait(LOOK_EVERY_SECONDS):
            for program in self._programs.values():
                self._revive(program)
        for program in reversed(self._programs.values()):
            self._end(program)

    def _revive(self, program: Program) -> None:
        process = self._running[program.name]
        if process.poll() is None:
            return
        signal_group(process.pid, signal.SIGKILL)  # children do not outlive their parent
        self.deaths[program.name] += 1
        self._spawn(program)

    def _spawn(self, program: Program) -> None:
        with self._log(program.name).open("ab") as output:
            process = program.spawn(output)
        with self._lock:
            self._running[program.name] = process

    def _end(self, program: Program) -> None:
        process = self._running[program.name]
        for member in self.family(program.name):
            with suppress(psutil.NoSuchProcess):
                member.resume()  # a frozen process could not hear us
        process.send_signal(program.stop_signal)
        with suppress(subprocess.TimeoutExpired):
            process.wait(program.stop_within.total_seconds())
        signal_group(process.pid, signal.SIGKILL)
        process.wait()
