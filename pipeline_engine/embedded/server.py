"""One embedded server: what to run, where it answers, and a handle to run it alone."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline_engine.embedded.errors import ServerFailed
from pipeline_engine.embedded.programs import Program, signal_group

START_WITHIN_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Server:
    """A server of this stack: its program, its address, and whether it answers there."""

    program: Program
    variable: str  # the setting that holds its address
    url: str = field(repr=False)
    answers: Callable[[], bool] = field(repr=False)


class RunningServer:
    """A server that a test may kill and start again on the same port with the same data."""

    def __init__(self, server: Server, log: Path) -> None:
        self._server = server
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """Where the server answers, password included."""
        return self._server.url

    @property
    def pid(self) -> int:
        """The process that a test may send signals to."""
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Start the server and return when it answers.  Raises ``ServerFailed``."""
        with self._log.open("ab") as log:
            self._process = self._server.program.spawn(log)
        deadline = time.monotonic() + START_WITHIN_SECONDS
        while not self._server.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed(f"{self._server.program.name} did not start:\n{self.last_words}")
            time.sleep(0.02)

    @property
    def last_words(self) -> str:
        """The end of the server's log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-10:])

    def stop(self) -> None:
        """End the server in order; kill it if it does not obey."""
        assert self._process
        if self._process.poll() is None:
            self._process.send_signal(self._server.program.stop_signal)
        try:
            self._process.wait(self._server.program.stop_within.total_seconds())
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the server as a power cut would."""
        assert self._process
        signal_group(self._process.pid, signal.SIGKILL)
        self._process.wait()
