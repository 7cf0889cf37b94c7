"""A virtual environment for each peer, made by the benchmark itself and used again by the next."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.failures import ContestantFailed, last_line

INSTALL_WITHIN_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python, the versions of all that is installed beside it, and where programs are."""

    python: Path
    versions: dict[str, str]
    programs: tuple[Path, ...]


def environment_in(
    directory: Path, requirements: tuple[str, ...], npm_packages: tuple[str, ...] = ()
) -> Environment:
    """Return an environment with what is pinned, made if need be.  Raises ``ContestantFailed``."""
    python = directory / "bin" / "python"
    stamp = directory / "requirements"
    wanted = "\n".join(requirements + npm_packages)
    if not stamp.exists() or stamp.read_text() != wanted:
        _run(sys.executable, "-m", "venv", "--clear", str(directory))
        _run(str(python), "-m", "pip", "install", "--quiet", *requirements)
        if npm_packages:
            install_from_npm(directory, npm_packages)
        stamp.write_text(wanted)
    folders = (directory / "node_modules" / name / "bin" for name in _names(npm_packages))
    return Environment(
        python, versions_of(python) | _versions(npm_packages), (python.parent, *folders)
    )


def install_from_npm(directory: Path, packages: tuple[str, ...]) -> None:
    """Install from the registry that npm is configured for, and run nothing of the packages."""
    npm = shutil.which("npm")
    if npm is None:
        raise ContestantFailed("installation: npm is needed, and there is none")
    _run(npm, "install", "--no-save", "--ignore-scripts", "--prefix", str(directory), *packages)


def versions_of(python: Path) -> dict[str, str]:
    """Return the name and version of every package that is installed for *python*."""
    listed = _run(str(python), "-m", "pip", "list", "--format=freeze")
    pairs = (line.partition("==") for line in listed.splitlines() if "==" in line)
    return {name.lower(): version for name, _, version in pairs}


def _names(npm_packages: tuple[str, ...]) -> Iterator[str]:
    return (package.rpartition("@")[0] for package in npm_packages)


def _versions(npm_packages: tuple[str, ...]) -> dict[str, str]:
    versions = (package.rpartition("@")[2] for package in npm_packages)
    return dict(zip(_names(npm_packages), versions, strict=True))


def _run(*command: str) -> str:
    done = subprocess.run(  # noqa: S603 (the commands are ours)
        command, capture_output=True, text=True, check=False, timeout=INSTALL_WITHIN_SECONDS
    )
    if done.returncode:
        raise ContestantFailed(f"installation: {last_line(done.stderr)}")
    return done.stdout
