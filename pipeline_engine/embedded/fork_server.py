"""A process that has loaded what the programs of a stack have in common, and forks them.

They share its memory as long as nobody writes to it, and start in the time of a fork. Each is a
process of its own all the same, with its own session and connections.

``python -m pipeline_engine.embedded.fork_server MODULE…`` loads the modules. Its standard input is
a socket: a request is a JSON object with the file that gets the output (``Request``); the answers
are ``{"started": pid}`` and, later, ``{"ended": pid, "code": …}``. When the socket is closed, it
ends, and the kernel ends what it has forked.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module

from pipeline_engine.embedded.programs import leash, show_as

#: Bytes of a request, at most.
REQUEST_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Request:
    """A program to fork."""

    name: str
    module: tuple[str, ...]  #: what ``python -m`` would be told

    def encoded(self) -> bytes:
        """Return what is sent."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decoded(cls, sent: bytes) -> Request:
        """Return what was sent."""
        found = json.loads(sent)
        return cls(found["name"], tuple(found["module"]))


class ForkServer:
    """Answers requests.  It has no threads and no connections, so its children may be forks."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._hears, self._rings = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def serve(self) -> Request | None:
        """Serve until the channel is closed; in a forked process, return what it is to be."""
        signal.set_wakeup_fd(self._rings)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _, _ = select.select([self._channel.fileno(), self._hears], [], [])
            if self._hears in ready:
                os.read(self._hears, REQUEST_BYTES)
                for pid, code in _ended():
                    self._tell(ended=pid, code=code)
            if self._channel.fileno() in ready:
                asked, files, *_ = socket.recv_fds(self._channel, REQUEST_BYTES, 1)
                if not asked:
                    return None
                request = Request.decoded(asked)
                if self._fork(request, files[0]):
                    return request

    def _fork(self, request: Request, output: int) -> bool:
        """Fork, and tell whether we are the child: with a session, a leash, and its output."""
        server, pid = os.getpid(), os.fork()
        if pid:
            os.close(output)
            self._tell(started=pid)
            return False
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._channel.close()
        os.setsid()
        leash(signal.SIGKILL, server)
        show_as(request.name)
        for number in (1, 2):
            os.dup2(output, number)
        for number in (self._hears, self._rings, output):
            os.close(number)
        return True

    def _tell(self, **what: int) -> None:
        self._channel.send(json.dumps(what).encode())


def _ended() -> Iterator[tuple[int, int]]:
    """Yield the children that have ended, and their exit codes: negative for a signal."""
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            yield pid, os.waitstatus_to_exitcode(status)


def main() -> None:
    """Load, serve, and in a forked process run its program."""
    channel = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    for module in sys.argv[1:]:
        import_module(module)
    # What is frozen is not looked at for garbage, which would write into it: see worker/process.py.
    gc.collect()
    gc.freeze()
    request = ForkServer(channel).serve()
    if request is not None:
        module, *words = request.module
        sys.argv[1:] = words
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
