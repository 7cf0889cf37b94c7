"""What a stack says of itself when it is up."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pipeline_engine.embedded.state import StackState

PROGRAM = "pipeline-engine"
HERE = ".pipeline"  #: folder of a stack that commands find without ``--directory``
SERVERS = {"DATABASE_URL": ("PostgreSQL", "postgres"), "REDIS_URL": ("Redis", "valkey")}


def called() -> str:
    """Return what to type for this program here: its name, or its path if that leads nowhere."""
    path = Path(sys.argv[0])
    if shutil.which(PROGRAM) or path.name != PROGRAM or not path.is_file():
        return PROGRAM
    return shlex.quote(_shown(path.absolute()))


def typed(command: str, directory: Path) -> str:
    """Return what to type for *command* about the stack in *directory*."""
    here = _shown(directory.absolute())
    option = "" if here == HERE else f" --directory {shlex.quote(here)}"
    return f"{called()} {command}{option}"


def announcement(
    state: StackState,
    directory: Path,
    *,
    stop: str,
    isolated: Sequence[str] = (),
    link: str | None = None,
) -> Iterator[str]:
    """Yield the lines that a newcomer needs next; *stop* says how to end the stack.

    *isolated* are the packages whose actions run in processes of their own, *link* opens the
    console.
    """
    env = typed("env", directory)
    url, here = state.exports["PIPELINE_API_URL"], _shown(directory)
    yield f"API     {url}  (/docs shows every route)"
    if link:
        yield f"console {link}"
        yield f"        (signs in once, within 10 minutes; then: {typed('open', directory)})"
    if "FLOWER_URL" in state.exports:
        user = state.exports["FLOWER_BASIC_AUTH"].partition(":")[0]
        yield f"Flower  {state.exports['FLOWER_URL']}  (user {user}, password: see token)"
    for name, address, variable in foreign_servers(state):
        yield f"yours   {name} at {address} ({variable})"
    if isolated:
        yield f"isolated {', '.join(isolated)}; to trust: PIPELINE_TRUSTED_PACKAGES"
    yield f'token   in another shell: eval "$({env})"'
    yield f"logs    {here}/logs, a file for each process"
    yield f"stop    {stop}"


def foreign_servers(state: StackState) -> Iterator[tuple[str, str, str]]:
    """Yield the servers that the environment named: what they are, where, and in which variable."""
    started = {process.name for process in state.processes}
    for variable, (name, process) in SERVERS.items():
        if variable in state.servers and process not in started:
            yield name, _without_password(state.servers[variable]), variable


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _shown(directory: Path) -> str:
    """Return a folder as seen from the current one, if it is below that."""
    here = Path.cwd()
    return str(directory.relative_to(here) if directory.is_relative_to(here) else directory)
