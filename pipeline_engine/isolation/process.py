"""One child process as the engine holds it: started, called, and killed with all below it."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count

import psutil
import structlog

from pipeline_engine.isolation import sandbox as sandboxes
from pipeline_engine.isolation.between.failures import IsolationFault, told
from pipeline_engine.isolation.between.plain import Misshapen
from pipeline_engine.isolation.between.wire import Channel, Garbled, Message
from pipeline_engine.isolation.clerk import Clerk
from pipeline_engine.isolation.output import Output
from pipeline_engine.isolation.sandbox import Sandbox
from pipeline_engine.isolation.terms import Terms

log = structlog.get_logger(__name__)

#: Seconds until a child that was started answers; it may be a busy machine.
START_SECONDS = 60.0
#: Seconds between two looks at the clock while a child computes.
_LOOK_SECONDS = 1.0


class ChildProcess:
    """A process that runs the actions of one package, one call at a time."""

    def __init__(self, package: str, terms: Terms) -> None:
        self.package, self.calls, self.idle_since = package, 0, time.monotonic()
        self.is_sound = True  #: it waits for the next call
        self._numbers = count(1)
        kind = sandboxes.sandbox(terms.sandbox)
        # Of the machine's own: a relative one would be looked for inside of the sandbox.
        self._directory = tempfile.mkdtemp(prefix="pipeline-engine-child-")
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = _started(kind, terms, theirs.fileno(), self._directory)
        except BaseException:
            ours.close()
            shutil.rmtree(self._directory, ignore_errors=True)
            raise
        self._channel = Channel(ours)
        assert self._process.stdout is not None, "it was opened as a pipe"
        self._output = Output(self._process.stdout, package)
        self._selector = selectors.DefaultSelector()
        self._selector.register(ours, selectors.EVENT_READ)
        self._selector.register(self._output.pipe, selectors.EVENT_READ)

    def wait_until_ready(self) -> None:
        """Wait for its first word. Raises ``IsolationFault``."""
        ends_at = time.monotonic() + START_SECONDS
        self._guarded(lambda: self._next(lambda: ends_at - time.monotonic()))

    def call(self, call: Message, clerk: Clerk, *, seconds: float, pausing: bool) -> Message:
        """Let the child do something, and answer what it asks for meanwhile.

        With *pausing* what is done for it here is not counted. Raises ``IsolationFault`` if it
        dies, takes longer or talks nonsense; it is killed then.
        """
        self.is_sound = False
        self._output.begin_call()
        number = next(self._numbers)
        found = self._guarded(
            lambda: self._talk({**call, "call": number}, number, clerk, _Clock(seconds, pausing))
        )
        self.is_sound, self.calls, self.idle_since = True, self.calls + 1, time.monotonic()
        return found

    def _guarded(self, talk: Callable[[], Message]) -> Message:
        try:
            return talk()
        except (Garbled, KeyError, TypeError, ValueError) as error:
            raise self._fault("isolated_garbled", f"talked nonsense: {error}") from error
        except TimeoutError as error:
            raise self._fault("isolated_timeout", "took too long and was killed") from error
        except OSError as error:
            raise self._fault("isolated_crashed", self._how_it_ended()) from error
        except BaseException:  # such as the alarm of a worker: nobody knows what it is at
            self.kill()
            raise

    def _talk(self, call: Message, number: int, clerk: Clerk, clock: _Clock) -> Message:
        self._channel.sock.settimeout(max(clock.left(), 0.01))
        self._channel.send(call)
        while True:
            message = self._next(clock.left)
            if message.get("done") == number:
                self._output.finish()
                return message
            if "ask" in message:
                with clock.paused():
                    reply = self._reply(message, number, clerk)
                self._channel.sock.settimeout(max(clock.left(), 0.01))
                self._channel.send(reply)
            elif "log" in message and message.get("call") == number:
                clerk.log(message)

    def _reply(self, message: Message, number: int, clerk: Clerk) -> Message:
        try:
            if message.get("call") != number:
                raise Misshapen("The call for which this was asked is over")
            value = clerk.answer(message.get("what"), message.get("with"))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever has asked
            return {"reply": message["ask"], "error": told(error)}
        return {"reply": message["ask"], "value": value}

    def _next(self, left: Callable[[], float]) -> Message:
        """The next message. Raises ``TimeoutError``, ``Garbled`` and ``OSError``."""
        while (message := self._channel.next_message()) is None:
            if left() <= 0:
                raise TimeoutError
            for key, _ in self._selector.select(min(left(), _LOOK_SECONDS)):
                if key.fileobj is self._output.pipe:
                    self._listen()
                elif not self._channel.read_more():
                    raise ConnectionResetError
        return message

    def _listen(self) -> None:
        if not self._output.drain():  # it has closed them
            self._selector.unregister(self._output.pipe)

    # ── Its end ──────────────────────────────────────────────────────────────────────────

    def _fault(self, code: str, how: str) -> IsolationFault:
        with suppress(OSError, ValueError):
            self._output.finish()
        self.kill()
        log.warning("isolated child failed", package=self.package, code=code, how=how)
        said = f": {self._output.last_line[:300]}" if self._output.last_line else ""
        return IsolationFault(f"The process of {self.package} {how}{said}", error_code=code)

    def _how_it_ended(self) -> str:
        try:
            status = self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "hung up"
        number = -status if status < 0 else status - 128
        if number == signal.SIGXCPU:
            return "used up its processor time (PIPELINE_ISOLATED_CPU_SECONDS)"
        if number == signal.SIGKILL:
            return "was killed, perhaps for want of memory"
        with suppress(ValueError):
            return f"ended by {signal.Signals(number).name}"
        return f"ended with status {status}"

    @property
    def pid(self) -> int:
        """Of the process, or of the sandbox around it."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it and everything below it, and wait for it."""
        self.is_sound = False
        for process in _below(self._process):
            with suppress(psutil.Error):
                process.kill()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._close()

    def forget(self) -> None:
        """Let go of what belongs to the process that we were forked from."""
        self._process.returncode = 0  # it is not ours to wait for
        self._close(keep_files=True)

    def _close(self, *, keep_files: bool = False) -> None:
        self._selector.close()
        self._channel.close()
        self._output.pipe.close()
        if not keep_files:
            shutil.rmtree(self._directory, ignore_errors=True)


class _Clock:
    """What a call has left."""

    def __init__(self, seconds: float, pausing: bool) -> None:
        self._ends_at, self._pausing = time.monotonic() + seconds, pausing
        self._began = 0.0

    def left(self) -> float:
        return self._ends_at - time.monotonic()

    def paused(self) -> _Clock:
        return self

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        if self._pausing:
            self._ends_at += time.monotonic() - self._began


def _below(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Everything that it has started, also what has left its group: it adopts its orphans."""
    if process.poll() is not None:
        return []
    try:
        own = psutil.Process(process.pid)
        own.suspend()  # or it could start more while we look
        return list(own.children(recursive=True))
    except psutil.Error:
        return []


def _started(kind: Sandbox, terms: Terms, handle: int, directory: str) -> subprocess.Popen[bytes]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": directory, "TMPDIR": directory}
    # One arena: each other one would reserve 64 MB of the address space for a thread.
    environment |= {"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1"}
    told = json.dumps(
        {
            "handle": handle,
            "path": sandboxes.search_path(),
            "environment": environment,
            "directory": directory,
            "landlock": kind is Sandbox.LANDLOCK,
            "readable": [*sandboxes.readable(), *sandboxes.DEVICES, "/proc/self"],
            "limits": dict(terms.limits),
        }
    )
    return subprocess.Popen(  # noqa: S603 - our own words
        sandboxes.command(kind, told, directory),
        env=environment,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(handle,),
        start_new_session=True,  # which its group is killed by
    )
