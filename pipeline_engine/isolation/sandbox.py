"""How a child is started: what it may see of this machine, and the command that sees to it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path

import pipeline_engine
from pipeline_engine.isolation.between.failures import IsolationFault
from pipeline_engine.isolation.inside import landlock


class Sandbox(StrEnum):
    """What keeps a child from files, network and other processes."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "off"  #: limits only


#: What Python needs of a system, without its keys and accounts; what is not there is left out.
_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/mime.types",
    "/etc/ssl",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
#: The main program of a child: paths first, so that it finds the engine wherever that is.
_BOOTSTRAP = (
    "import sys, json; told = json.loads(sys.argv[1]); sys.path[:] = told['path']\n"
    "from pipeline_engine.isolation.inside.child import main\n"
    "main(told['handle'], told)"
)
#: Seconds for trying whether bubblewrap works.
_TRIAL_SECONDS = 10.0


#: Of the setting: the best that works here.
AUTO = "auto"


def sandbox(wanted: str = AUTO) -> Sandbox:
    """The one that is *wanted*. Raises ``IsolationFault`` if it does not work on this machine."""
    working = [one for one in Sandbox if _works(one)]
    if wanted == AUTO:
        return working[0]
    if wanted not in working:
        message = f"{wanted} does not work on this machine (PIPELINE_ISOLATED_SANDBOX)"
        raise IsolationFault(message, error_code="isolated_sandbox_missing")
    return Sandbox(wanted)


def _works(one: Sandbox) -> bool:
    if one is Sandbox.BUBBLEWRAP:
        return bubblewrap() is not None
    return one is Sandbox.NONE or landlock.version() > 0


@cache
def bubblewrap() -> str | None:
    """Where bubblewrap is; None if it is missing, or may not make namespaces here."""
    program = shutil.which("bwrap")
    if program is None:
        return None
    command = (program, *_namespaces(), "--ro-bind", "/", "/", sys.executable, "-I", "-S", "-c", "")
    try:
        tried = subprocess.run(command, capture_output=True, timeout=_TRIAL_SECONDS, check=False)  # noqa: S603 - our own words
    except (OSError, subprocess.TimeoutExpired):
        return None
    return program if tried.returncode == 0 else None


def search_path() -> list[str]:
    """Where a child finds what this process would import; not the folder that it stands in."""
    places = sys.path[1:] if _is_put_in_front() else sys.path
    return [str(Path(one).resolve()) for one in places if one and Path(one).exists()]


def _is_put_in_front() -> bool:
    """Whether ``python -m`` has put the folder there that this process stands in.

    Nobody has asked for that, and an ``.env`` with all keys is in it. Whoever wants a child to see
    it says so: in ``PYTHONPATH``, or by installing what is there.
    """
    if sys.flags.safe_path or not sys.path or not sys.path[0]:
        return False
    return Path(sys.path[0]).resolve() == Path.cwd()


def readable() -> list[str]:
    """What a child may read: Python, the system's libraries, and what can be imported."""
    own = str(Path(pipeline_engine.__file__).parent)
    found = [sys.prefix, sys.base_prefix, sys.base_exec_prefix, own, *search_path()]
    known = (str(Path(one).resolve()) for one in (*found, str(Path(sys.executable).parent)))
    return [*_SYSTEM, *dict.fromkeys(known)]


def command(kind: Sandbox, told: str, directory: str) -> Sequence[str]:
    """The command line of a child."""
    python = (sys.executable, "-I", "-u", "-c", _BOOTSTRAP, told)
    if kind is not Sandbox.BUBBLEWRAP:
        return python
    return (bubblewrap() or "bwrap", *_view(directory), "--", *python)


def _namespaces() -> Sequence[str]:
    return ("--unshare-all", "--cap-drop", "ALL")


def _view(directory: str) -> list[str]:
    """The file system of a child: what it may read, and a folder of its own."""
    words = [*_namespaces(), "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 - its own
    for path in dict.fromkeys((*readable(), str(Path(sys.executable).parent))):
        if Path(path).is_symlink():  # /lib is a part of /usr on most machines
            words += ["--symlink", str(Path(path).readlink()), path]
        elif Path(path).exists():
            words += ["--ro-bind", path, path]
    return [*words, "--bind", directory, directory, "--chdir", directory]
