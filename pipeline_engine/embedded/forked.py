"""The supervisor's side of the fork server: a program that was forked, and who did it."""

from __future__ import annotations

import json
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pipeline_engine.embedded.fork_server import REQUEST_BYTES, Request
from pipeline_engine.embedded.programs import Program, Stage

FORK_SERVER = "fork-server"
#: Seconds between two looks whether a forked process has ended.
POLL_SECONDS = 0.05
#: Seconds for the fork server to end once its channel is closed.
END_SECONDS = 5.0
#: Seconds for it to load all modules and fork; one that never ends loading must hold nobody up.
ANSWER_SECONDS = 30.0


class Running(Protocol):
    """What a supervisor needs of a process: ``subprocess.Popen`` has it, too."""

    pid: int
    returncode: int | Any

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while the process runs."""

    def wait(self) -> int:
        """Come back when the process has ended, with its exit code."""


class ForkServer:
    """One fork server.

    If it cannot start, dies, or does not answer in time, ``fork`` returns None from then on.
    """

    def __init__(
        self,
        modules: Sequence[str],
        environment: Mapping[str, str],
        output: int,
        *,
        answers_within: float = ANSWER_SECONDS,
    ) -> None:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = Program(
            name=FORK_SERVER,
            command=(sys.executable, "-P", "-m", "pipeline_engine.embedded.fork_server", *modules),
            environment=environment,
            stage=Stage.WORKERS,
        )
        self._process = program.spawn(output, stdin=its.fileno())
        its.close()
        self._channel = ours
        self._is_gone = False
        self._answers_within = answers_within
        self._ended: dict[int, int] = {}

    @property
    def pid(self) -> int:
        """The server's own process."""
        return self._process.pid

    def fork(self, program: Program, output: int) -> Running | None:
        """Start a program, once everything is loaded; None if this is not for a fork server."""
        if not program.module or self._is_gone:
            return None
        request = Request(program.name, program.module)
        try:
            socket.send_fds(self._channel, [request.encoded()], [output])
        except OSError:
            self._is_gone = True
        deadline = time.monotonic() + self._answers_within
        while not self._is_gone:
            left = max(deadline - time.monotonic(), 0)
            if not select.select([self._channel], [], [], left)[0]:
                self._process.kill()  # what it has forked ends with it
                self._is_gone = True
            elif "started" in (answer := self._read()):
                return Forked(self, answer["started"])
        return None

    def code_of(self, pid: int) -> int | None:
        """Return the exit code of a process that was forked here, once; None while it runs."""
        while not self._is_gone and select.select([self._channel], [], [], 0)[0]:
            self._read()
        # The kernel kills what has lost its parent.
        # Told once: another process may have the number later.
        return self._ended.pop(pid, -signal.SIGKILL if self._is_gone else None)

    def wait_a_moment(self) -> None:
        """Come back when there may be news."""
        if not self._is_gone:
            select.select([self._channel], [], [], POLL_SECONDS)

    def stop(self) -> None:
        """End the server, and with it whatever it has forked."""
        self._channel.close()
        self._is_gone = True
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> dict[str, int]:
        try:
            said = self._channel.recv(REQUEST_BYTES)
        except OSError:
            said = b""
        if not said:
            self._is_gone = True
            return {}
        answer: dict[str, int] = json.loads(said)
        if "ended" in answer:
            self._ended[answer["ended"]] = answer["code"]
        return answer


class Forked:
    """A process that the fork server has started."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self._server = server
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while the process runs."""
        if self.returncode is None:
            self.returncode = self._server.code_of(self.pid)
        return self.returncode

    def wait(self) -> int:
        """Come back when the process has ended, with its exit code."""
        while (code := self.poll()) is None:
            self._server.wait_a_moment()
        return code
