"""Installs a lock into the environment of this Python, and says how far it is.

One line that changes on a terminal, a plain line now and then elsewhere. What pip says is
shown if it fails: ``python requirements/install.py requirements/dev.txt``
"""

from __future__ import annotations

import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from sysconfig import get_path
from typing import IO

#: Seconds between two looks, and between two lines where nobody can overwrite one.
LOOK_SECONDS = 0.5
PLAIN_SECONDS = 10.0
PIP = (sys.executable, "-m", "pip", "install", "--require-hashes", "--progress-bar", "off", "-r")


def main(lock: Path) -> int:
    """Install *lock*; returns pip's exit code."""
    wanted = len(re.findall(r"^[a-z0-9-]+==", lock.read_text(), re.MULTILINE))
    before = len(installed())
    print(f"Installing {wanted} packages from {lock}; once, and again only if it changes.")
    pip = subprocess.Popen(  # noqa: S603 (the command is ours)
        (*PIP, str(lock)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said: list[str] = []
    progress = Progress()
    for lines in spoken(pip):
        said += lines
        fetched = sum(line.startswith("Collecting ") for line in said)
        done = max(0, len(installed()) - before)
        progress.say(f"installed {done} of {wanted}" if done else f"fetched {fetched} of {wanted}")
    progress.end()
    if pip.wait():
        print("".join(said), file=sys.stderr)
    return pip.returncode


def spoken(pip: subprocess.Popen[str]) -> Iterator[list[str]]:
    """Yield what pip has said since the last look, until it has ended."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    assert pip.stdout
    reader = threading.Thread(target=pass_on, args=(pip.stdout, lines), daemon=True)
    reader.start()
    while reader.is_alive():
        reader.join(LOOK_SECONDS)
        yield [lines.get() for _ in range(lines.qsize())]


def pass_on(output: IO[str], lines: queue.SimpleQueue[str]) -> None:
    """Put what is read where the main thread finds it."""
    for line in output:
        lines.put(line)


def installed() -> list[Path]:
    """Return what is there so far: pip writes this folder of a package last."""
    return list(Path(get_path("purelib")).glob("*.dist-info"))


class Progress:
    """One line that changes, or plain lines."""

    def __init__(self) -> None:
        self._changes = sys.stdout.isatty()
        self._last = ""
        self._due = time.monotonic() + PLAIN_SECONDS

    def say(self, text: str) -> None:
        """Show *text*, if it is new and somebody should see it now."""
        if text == self._last:
            return
        if self._changes:
            print(f"\r  {text:<30}", end="", flush=True)
        elif time.monotonic() > self._due:
            print(f"  {text}", flush=True)
            self._due = time.monotonic() + PLAIN_SECONDS
        else:
            return
        self._last = text

    def end(self) -> None:
        """Leave the line."""
        if self._changes and self._last:
            print()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
