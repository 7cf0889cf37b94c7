"""A virtual environment for each peer, made by the benchmark itself and used again by the next."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.failures import ContestantFailed, last_line

INSTALL_WITHIN_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python, and the versions of everything that it can import."""

    python: Path
    versions: dict[str, str]


def environment_in(directory: Path, requirements: tuple[str, ...]) -> Environment:
    """Return an environment with *requirements*, made if need be.  Raises ``ContestantFailed``."""
    python = directory / "bin" / "python"
    stamp = directory / "requirements"
    wanted = "\n".join(requirements)
    if not stamp.exists() or stamp.read_text() != wanted:
        _run(sys.executable, "-m", "venv", "--clear", str(directory))
        _run(str(python), "-m", "pip", "install", "--quiet", *requirements)
        stamp.write_text(wanted)
    return Environment(python, versions_of(python))


def versions_of(python: Path) -> dict[str, str]:
    """Return the name and version of every package that is installed for *python*."""
    listed = _run(str(python), "-m", "pip", "list", "--format=freeze")
    pairs = (line.partition("==") for line in listed.splitlines() if "==" in line)
    return {name.lower(): version for name, _, version in pairs}


def _run(*command: str) -> str:
    done = subprocess.run(  # noqa: S603 (the commands are ours)
        command, capture_output=True, text=True, check=False, timeout=INSTALL_WITHIN_SECONDS
    )
    if done.returncode:
        raise ContestantFailed(f"installation: {last_line(done.stderr)}")
    return done.stdout
