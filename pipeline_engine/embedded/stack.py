"""A stack seen from outside: start it, ask it, hurt it, stop it.

The supervisor is always a process of its own; this is how the command line, the demo and the
tests talk to it: through its state file and through signals.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline_engine.embedded.errors import NotRunning, StackFailed
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.leftovers import SAME_START_SECONDS, started_at
from pipeline_engine.embedded.ports import ANY
from pipeline_engine.embedded.programs import Program, Stage
from pipeline_engine.embedded.state import ProcessState, ProcessStatus, StackState

READY_WITHIN_SECONDS = 90.0
STOP_WITHIN_SECONDS = 90.0
POLL_SECONDS = 0.05


class Stack:
    """A running stack: ``with Stack.start(directory, environment=os.environ) as stack``."""

    def __init__(self, directory: Path, supervisor: subprocess.Popen[bytes] | None = None) -> None:
        self._home = Home.at(directory)
        self._supervisor = supervisor

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        environment: Mapping[str, str],
        options: tuple[str, ...] = (),
        port: int | None = ANY,
        detached: bool = False,
    ) -> Self:
        """Start a stack and return when its API answers; *options* are those of ``up``.

        Its API is on any free *port*; None is the one that ``up`` takes.  It stops when we die,
        unless it is *detached*.  Raises ``StackFailed``.
        """
        command = ("-P", "-m", "pipeline_engine", "up", "--directory", str(directory.resolve()))
        listen = () if port is None else (f"--port={port}",)
        program = Program(
            name="supervisor",
            command=(sys.executable, *command, *listen, *options),
            environment=environment,
            stage=Stage.FRONT,
            orphan_signal=None if detached else signal.SIGTERM,
        )
        log = Home.at(directory).logs / "supervisor.log"
        with log.open("wb") as output:
            stack = cls(directory, program.spawn(output))
        stack._wait_until_ready(log)
        return stack

    @classmethod
    def attach(cls, directory: Path) -> Self:
        """Return the stack that runs in *directory*.  Raises ``NotRunning``."""
        if (directory / "state.json").exists():
            stack = cls(directory)
            if stack.is_running:
                return stack
        raise NotRunning(f"No stack is running in {directory}.")

    @property
    def directory(self) -> Path:
        """What the commands take as ``--directory``."""
        return self._home.directory

    @property
    def is_running(self) -> bool:
        """Whether a supervisor looks after this stack."""
        state = StackState.read(self._home.state)
        start = started_at(state.pid) if state else None
        if state is None or start is None or not self._home.is_locked():
            return False
        return abs(start - state.started_at) < SAME_START_SECONDS

    @property
    def state(self) -> StackState:
        """What the supervisor last wrote down."""
        state = StackState.read(self._home.state)
        if state is None:
            raise NotRunning(f"No stack is running in {self._home.directory}.")
        return state

    @property
    def exports(self) -> Mapping[str, str]:
        """The environment of a client: PIPELINE_API_URL, PIPELINE_API_TOKEN, …"""
        return self.state.exports

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of a process that is to work on the servers of this stack itself."""
        state = self.state
        return {**state.exports, **state.servers}

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return self.exports["PIPELINE_API_URL"]

    @property
    def api_token(self) -> str:
        """A token that the API accepts."""
        return self.exports["PIPELINE_API_TOKEN"]

    @property
    def database_url(self) -> str:
        """The stack's database."""
        return self.state.servers["DATABASE_URL"]

    @property
    def redis_url(self) -> str:
        """The stack's Redis."""
        return self.state.servers["REDIS_URL"]

    def process(self, name: str) -> ProcessState:
        """Return one process: ``stack.process("worker-io").pid``."""
        return self.state.process(name)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> ProcessState:
        """Kill a process (or send it another signal) and return its state before that."""
        process = self.process(name)
        if process.pid is None:
            raise NotRunning(f"{name} is not running: {process.status}.")
        os.kill(process.pid, number)
        return process

    def kill_supervisor(self) -> None:
        """Kill the supervisor, as a crash would; what it ran is left to fend for itself."""
        os.kill(self.state.pid, signal.SIGKILL)
        self._wait(lambda: not self._is_alive(), "dying")

    def hold(self, name: str) -> None:
        """Kill a process and keep it down until ``release``."""
        (self._home.held / name).touch()
        self.kill(name)
        self._wait(lambda: self.process(name).status is ProcessStatus.HELD, f"holding {name}")

    def release(self, name: str) -> None:
        """Let a held process come back, and wait until it is started."""
        (self._home.held / name).unlink(missing_ok=True)
        self._wait(lambda: self.process(name).pid is not None, f"releasing {name}")

    def log(self, name: str) -> str:
        """Return what a process has said so far."""
        return (self._home.logs / f"{name}.log").read_text(errors="replace")

    def stop(self) -> None:
        """Stop everything in order and wait until it is done.  Raises ``StackFailed``."""
        os.kill(self.state.pid, signal.SIGTERM)
        self._wait(lambda: not self._is_alive(), "stopping", STOP_WITHIN_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_alive():
            self.stop()

    def _is_alive(self) -> bool:
        if self._supervisor is not None:
            return self._supervisor.poll() is None
        return self.is_running

    def _wait_until_ready(self, log: Path) -> None:
        assert self._supervisor
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self._is_ready(self._supervisor.pid):
            if self._supervisor.poll() is not None or time.monotonic() > deadline:
                self._supervisor.terminate()
                words = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
                raise StackFailed(f"The stack did not become ready:\n{words}")
            time.sleep(POLL_SECONDS)

    def _is_ready(self, pid: int) -> bool:
        state = StackState.read(self._home.state)
        return state is not None and state.pid == pid and state.ready

    def _wait(self, done: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise StackFailed(f"{what.capitalize()} took longer than {seconds:g} s.")
            time.sleep(POLL_SECONDS)
