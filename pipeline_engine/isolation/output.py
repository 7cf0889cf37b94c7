"""What a child writes to its standard output and error, as lines of the engine's log."""

from __future__ import annotations

import os
from typing import IO

import structlog

log = structlog.get_logger(__name__)

#: Bytes that are logged of one call; what is beyond them is read and thrown away.
MOST_OUTPUT = 16 * 1024
_PIECE = 65_536


class Output:
    """The reading end of the pipe; it never waits."""

    def __init__(self, pipe: IO[bytes], package: str) -> None:
        os.set_blocking(pipe.fileno(), False)
        self.pipe, self._package = pipe, package
        self.begin_call()

    def begin_call(self) -> None:
        """Forget what was said before."""
        self._read = 0
        self._unfinished = b""
        self.last_line = ""  #: the last one that is not empty

    def drain(self) -> bool:
        """Log what has come; false when nothing comes any more."""
        piece = self.pipe.read(_PIECE)
        if not piece:
            return piece is None
        room, self._read = MOST_OUTPUT - self._read, self._read + len(piece)
        *lines, self._unfinished = (self._unfinished + piece[: max(room, 0)]).split(b"\n")
        for line in lines:
            self._say(line)
        return True

    def finish(self) -> None:
        """Log what is left of a call that is over, or of a process that has ended."""
        self.drain()
        self._say(self._unfinished)
        self._unfinished = b""

    def _say(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").strip()
        if text:
            self.last_line = text
            log.info("isolated output", package=self._package, line=text)
