"""Keeps processes running: starts them, restarts what dies, stops all of them in order.

One thread, one loop.  The supervisor knows programs and pids; what they are for is told in
``processes.py``.
"""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from pipeline_engine.embedded.console import KEEP_BYTES, Console, ProcessLog
from pipeline_engine.embedded.errors import StackFailed
from pipeline_engine.embedded.forked import FORK_SERVER, ForkServer, Running
from pipeline_engine.embedded.leftovers import started_at
from pipeline_engine.embedded.programs import Program, Stage, signal_group
from pipeline_engine.embedded.state import ProcessState, ProcessStatus

TICK_SECONDS = 0.1  #: seconds between two looks at the processes, at most
STEADY_SECONDS = 10.0  #: seconds of life after which a death counts as the first one
LONGEST_DELAY = timedelta(seconds=30)  #: before a restart
CHUNK_BYTES = 65536  #: bytes of output per read, at most


def restart_delay(quick_deaths: int) -> timedelta:
    """Return how long to wait before a restart: nothing at first, then doubling to a cap."""
    if quick_deaths == 0:
        return timedelta(0)
    return min(timedelta(seconds=0.5 * 2 ** min(quick_deaths - 1, 10)), LONGEST_DELAY)


class Supervised:
    """One program and the process that runs it at the moment."""

    def __init__(
        self, program: Program, log: ProcessLog, delay: Callable[[int], timedelta] = restart_delay
    ) -> None:
        self.program = program
        self.log = log
        self._delay = delay
        self.restarts = 0
        self.status = ProcessStatus.STOPPED
        self.process: Running | None = None
        self._started_at: float | None = None
        self._began = 0.0
        self._quick_deaths = 0
        self._due = 0.0

    def start(
        self, read: Callable[[Supervised, int], None], fork_server: ForkServer | None
    ) -> None:
        """Start the program; *read* is given the file number of its output."""
        reading, writing = os.pipe()
        forked = fork_server.fork(self.program, writing) if fork_server else None
        self.process = forked or self.program.spawn(writing)
        os.close(writing)
        self._began = time.monotonic()
        self._started_at = started_at(self.process.pid)
        self.status = ProcessStatus.RUNNING
        read(self, reading)

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return self.process.pid if self.process and self.is_running else None

    @property
    def is_running(self) -> bool:
        """Whether the process was alive when we last looked."""
        return self.status is ProcessStatus.RUNNING

    def has_died(self) -> bool:
        """Look whether the process has ended since the last look; if so, plan its return."""
        if not self.is_running or self.process is None or self.process.poll() is None:
            return False
        signal_group(self.process.pid, signal.SIGKILL)  # children do not outlive their parent
        steady = time.monotonic() - self._began > STEADY_SECONDS
        delay = self._delay(0 if steady else self._quick_deaths)
        self._quick_deaths = 0 if steady else self._quick_deaths + 1
        self._due = time.monotonic() + delay.total_seconds()
        self.status = ProcessStatus.BACKING_OFF
        return True

    def is_due(self) -> bool:
        """Whether the process is down and has waited long enough."""
        waiting = self.status in (ProcessStatus.BACKING_OFF, ProcessStatus.HELD)
        return waiting and time.monotonic() >= self._due

    def ask_to_stop(self) -> None:
        """Send the signal that this program takes as a request to end."""
        if self.pid:
            signal_group(self.pid, signal.SIGCONT)  # a frozen process could not hear us
            os.kill(self.pid, self.program.stop_signal)

    def state(self) -> ProcessState:
        """Describe the process for the state file."""
        return ProcessState(
            name=self.program.name,
            status=self.status,
            pid=self.pid,
            started_at=self._started_at if self.is_running else None,
            restarts=self.restarts,
        )


class Supervisor:
    """Runs programs until it is told to stop.

    *delay* says how long a program rests after so many deaths soon after its start, *keep_bytes*
    how large a log may grow before it is put aside.
    """

    def __init__(
        self,
        *,
        logs: Path,
        held: Path,
        console: Console,
        on_change: Callable[[tuple[ProcessState, ...]], None],
        delay: Callable[[int], timedelta] = restart_delay,
        keep_bytes: int = KEEP_BYTES,
    ) -> None:
        self._logs = logs
        self._held = held
        self._console = console
        self._on_change = on_change
        self._delay = delay
        self._keep_bytes = keep_bytes
        self._selector = selectors.DefaultSelector()
        self._supervised: list[Supervised] = []
        self._stop_requests = 0
        self._fork_server: ForkServer | None = None
        self._fork_log: ProcessLog | None = None
        self._forks: tuple[Sequence[str], Mapping[str, str]] | None = None

    def start_fork_server(self, modules: Sequence[str], environment: Mapping[str, str]) -> None:
        """Fork programs that are Python modules from now on; *modules* are loaded before."""
        self._forks = modules, environment
        reading, writing = os.pipe()
        self._fork_server = ForkServer(modules, environment, writing)
        os.close(writing)
        self._fork_log = ProcessLog(FORK_SERVER, self._logs, self._console)
        self._selector.register(reading, selectors.EVENT_READ, self._fork_log)

    @property
    def fork_server_pid(self) -> int | None:
        """The process that forks the programs, if one does."""
        return self._fork_server.pid if self._fork_server else None

    def launch(self, programs: Iterable[Program]) -> None:
        """Start programs and look after them from now on."""
        for program in programs:
            log = ProcessLog(
                program.name,
                self._logs,
                self._console,
                speaks=program.speaks,
                keep_bytes=self._keep_bytes,
            )
            supervised = Supervised(program, log, self._delay)
            self._supervised.append(supervised)
            supervised.start(self._read, self._fork_server)
            self._changed()

    def request_stop(self, *_signal: object) -> None:
        """Ask for an orderly stop; asked again, it becomes a quick one.  Fit as signal handler."""
        self._stop_requests += 1

    def wait_for(self, ready: Callable[[], bool], name: str, within: timedelta) -> bool:
        """Run until *ready*; False if a stop was requested.  Raises ``StackFailed``."""
        deadline = time.monotonic() + within.total_seconds()
        supervised = next(one for one in self._supervised if one.program.name == name)
        while not self._stop_requests:
            if ready():
                return True
            if not supervised.is_running or time.monotonic() > deadline:
                raise StackFailed(f"{name} did not start:\n{supervised.log.last_words()}")
            self.tick()
        return False

    def run(self, also: Callable[[], None] = lambda: None) -> None:
        """Look after the programs until a stop is requested; *also* is called at each look."""
        while not self._stop_requests:
            self.tick()
            also()

    def renew(self) -> None:
        """Start all but the servers again, in order, with what is installed by now."""
        members = [one for one in self._supervised if one.program.stage is not Stage.SERVERS]
        for stage in (Stage.FRONT, Stage.WORKERS):
            self._stop_stage(stage)
        if self._fork_server and self._fork_log and self._forks:
            self._fork_server.stop()
            self._pump(0)
            self._fork_log.close()
            self.start_fork_server(*self._forks)
        for supervised in members:
            supervised.start(self._read, self._fork_server)
        self._changed()

    def tick(self) -> None:
        """Pass on what the processes say, notice deaths, and restart what is due."""
        self._pump(TICK_SECONDS)
        for supervised in self._supervised:
            if supervised.has_died():
                assert supervised.process
                self._console.say("stack", f"{_obituary(supervised)}, see {supervised.log.path}")
                self._changed()
            if supervised.is_due():
                self._return(supervised)

    def stop(self) -> None:
        """End all processes: what makes work first, then the workers, the servers last."""
        if not (self._supervised or self._fork_server):
            return
        for stage in sorted(Stage, reverse=True):
            self._stop_stage(stage)
        self._pump(0)
        if self._fork_server:
            self._fork_server.stop()
        for log in (self._fork_log, *(one.log for one in self._supervised)):
            if log:
                log.close()
        self._fork_server = None
        self._supervised.clear()
        self._selector.close()

    def _stop_stage(self, stage: Stage) -> None:
        members = [one for one in self._supervised if one.program.stage is stage]
        for supervised in members:
            supervised.ask_to_stop()
        for supervised in members:
            self._end(supervised)
        self._changed()

    def _return(self, supervised: Supervised) -> None:
        if (self._held / supervised.program.name).exists():
            if supervised.status is not ProcessStatus.HELD:
                supervised.status = ProcessStatus.HELD
                self._changed()
            return
        supervised.restarts += 1
        supervised.start(self._read, self._fork_server)
        self._changed()

    def _end(self, supervised: Supervised) -> None:
        """Wait until a process that was asked to stop has ended; kill it if it takes too long."""
        process, patience = supervised.process, supervised.program.stop_within.total_seconds()
        if process is None:
            return
        deadline = time.monotonic() + patience
        while process.poll() is None and time.monotonic() < deadline and self._stop_requests < 2:
            self._pump(TICK_SECONDS)
        signal_group(process.pid, signal.SIGKILL)
        process.wait()
        supervised.status = ProcessStatus.STOPPED

    def _pump(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            chunk = os.read(key.fd, CHUNK_BYTES)
            if chunk:
                key.data.take(chunk)
            else:
                self._selector.unregister(key.fd)
                os.close(key.fd)

    def _read(self, supervised: Supervised, output: int) -> None:
        self._selector.register(output, selectors.EVENT_READ, supervised.log)

    def _changed(self) -> None:
        self._on_change(tuple(one.state() for one in self._supervised))


def _obituary(supervised: Supervised) -> str:
    assert supervised.process
    code = supervised.process.returncode
    cause = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return f"{supervised.program.name} (pid {supervised.process.pid}) {cause}"
