"""Which browser there is: the one that is named, else one on PATH, else the one in ``.venv``."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

#: Names a browser, by its path or as it is called on PATH.
NAMED = "PIPELINE_BROWSER"
ON_PATH = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
#: Where ``fetching`` puts Playwright's own: it goes with the environment.
FETCHED = Path(sys.prefix) / "browsers"
FETCHED_NAMES = ("chromium_headless_shell-*/*/*headless*shell", "chromium-*/*/chrome")
HOW = f"put Chromium on PATH, name one in {NAMED}, or let `make browser` fetch one into .venv"
#: Seconds until it has said its version, on a machine that is busy.
ANSWERS_WITHIN = 30.0


class NoBrowser(Exception):
    """There is no browser that could be driven."""


def find(environment: Mapping[str, str], fetched: Path = FETCHED) -> Path:
    """Return the first that starts.  Raises ``NoBrowser``, with what to do about it."""
    for path in _candidates(environment, fetched):
        if _starts(path):
            return path
    raise NoBrowser(f"There is no browser that starts: {HOW}.")


def _candidates(environment: Mapping[str, str], fetched: Path) -> Iterator[Path]:
    search = environment.get("PATH", "")
    if named := environment.get(NAMED):
        if path := shutil.which(named, path=search):
            yield Path(path)
            return  # somebody wants this one and no other
        raise NoBrowser(f"{NAMED} is {named}, and that is no program: {HOW}.")
    yield from (Path(path) for name in ON_PATH if (path := shutil.which(name, path=search)))
    for pattern in FETCHED_NAMES:
        yield from sorted(fetched.glob(pattern), reverse=True)


def _starts(path: Path) -> bool:
    """Whether its libraries are there, and it is no stand-in that tells of another package."""
    try:
        asked = subprocess.run(  # noqa: S603 (found on PATH, as any program)
            [path, "--version"], capture_output=True, check=False, timeout=ANSWERS_WITHIN
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0
