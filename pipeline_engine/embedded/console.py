"""The logs of all processes on one screen, each line under the name of its process."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import BinaryIO, TextIO

COLOURS = (36, 33, 35, 32, 34, 31)
#: Bytes of a log file, until it is renamed to ``.1`` and a new one is begun.
KEEP_BYTES = 10 * 1024 * 1024


#: Lines that need not be shown: ours of level debug or info, but for news of ``up --reload``, and
#: Celery's farewell.
ALL_IS_WELL = re.compile(
    r"\s*$|worker: Warm shutdown|(?!.*\baction_reloaded\b)"
    r'\S+ \[(debug|info) *\]|\{.*"level": ?"(debug|info)"'
)


class Console:
    """Prints what the stack says, and the warnings and errors of its processes."""

    def __init__(self, out: TextIO | None = None, *, verbose: bool = False) -> None:
        self._out = out or sys.stdout
        self._verbose = verbose
        self._coloured = self._out.isatty()
        self._colours: dict[str, int] = {}

    @property
    def is_terminal(self) -> bool:
        """Whether people read along, and what is said is not kept."""
        return self._coloured

    def pass_on(self, name: str, line: str, *, speaks: bool) -> None:
        """Print a line of a process if it matters to the user; its log file has all lines.

        A line without a level is shown: a traceback, or what an action prints.
        """
        if self._verbose or (speaks and not ALL_IS_WELL.match(line)):
            self.say(name, line)

    def say(self, name: str, line: str) -> None:
        """Print one line under the name of its process."""
        label = f"{name:<13} |"
        if self._coloured:
            colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
            label = f"\x1b[{colour}m{label}\x1b[0m"
        self._out.write(f"{label} {line}\n")
        self._out.flush()


class ProcessLog:
    """The output of one process: whole lines to the console, all of it to a file."""

    def __init__(
        self,
        name: str,
        folder: Path,
        console: Console,
        *,
        speaks: bool = True,
        keep_bytes: int = KEEP_BYTES,
    ) -> None:
        self._name = name
        self._keep_bytes = keep_bytes
        self._speaks = speaks
        self.path = folder / f"{name}.log"
        self._console = console
        self._unfinished = b""
        self._file: BinaryIO = self._open()

    def take(self, chunk: bytes) -> None:
        """Keep a piece of output."""
        self._file.write(chunk)
        if self._file.tell() > self._keep_bytes:
            self._file.close()
            self._file = self._open()
        *lines, self._unfinished = (self._unfinished + chunk).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace").rstrip("\r")
            self._console.pass_on(self._name, text, speaks=self._speaks)

    def last_words(self) -> str:
        """Return the end of the log, for the message of a failure."""
        return "\n".join(self.path.read_text(errors="replace").splitlines()[-15:])

    def close(self) -> None:
        """Print what did not end in a new line, and close the file."""
        if self._unfinished:
            self.take(b"\n")
        self._file.close()

    def _open(self) -> BinaryIO:
        """Open the file at its end; one that has grown big becomes ``.1``."""
        if self.path.exists() and self.path.stat().st_size > self._keep_bytes:
            self.path.rename(self.path.with_suffix(".log.1"))
        return self.path.open("ab", buffering=0)
