"""Landlock: a process of Linux gives up files, connections and its neighbours, for good.

It needs no rights and no program, so it is what holds a child where bubblewrap is missing.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from contextlib import suppress

from pipeline_engine.isolation.inside.limits import PR_SET_NO_NEW_PRIVS, prctl

_libc = ctypes.CDLL(None, use_errno=True)

_CREATE, _ADD, _RESTRICT = 444, 445, 446  #: numbers of the calls, the same on every machine
_VERSION = 1  #: flag of the first: say which version there is
_PATH_BENEATH = 1

_EXECUTE, _WRITE, _READ, _READ_DIRECTORY = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_ALL_FILES = (1 << 13) - 1  #: of the first version: everything that can be done to files
_REFER, _TRUNCATE, _DEVICES = 1 << 13, 1 << 14, 1 << 15  #: since versions 2, 3 and 5
_TO_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _DEVICES  #: what a rule on a file may name
_TCP = 0b11  #: to bind and to connect, since version 4
_SCOPES = 0b11  #: abstract sockets and signals, since version 6


def version() -> int:
    """Which version of it the kernel has; 0 is none."""
    return max(0, int(_libc.syscall(_CREATE, None, 0, _VERSION)))


def restrict(*, readable: Iterable[str], writable: Iterable[str]) -> bool:
    """Keep this process, and all that it starts, to these; False if the kernel cannot.

    No file elsewhere is opened, no TCP connection made (from version 4 on), and no process
    outside is looked into.
    """
    known = version()
    if not known:
        return False
    files = _ALL_FILES
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _DEVICES)):
        files |= right if known >= since else 0
    rules = _ruleset(known, files)
    reading = _EXECUTE | _READ | _READ_DIRECTORY
    for path in readable:
        _allow(rules, path, reading)
    for path in writable:
        _allow(rules, path, files)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    done = int(_libc.syscall(_RESTRICT, rules, 0)) == 0
    os.close(rules)
    return done


def _ruleset(known: int, files: int) -> int:
    words = [files]
    if known >= 4:
        words.append(_TCP)
    if known >= 6:
        words.append(_SCOPES)
    attributes = struct.pack(f"={len(words)}Q", *words)
    rules = int(_libc.syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0))
    if rules < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    return rules


def _allow(rules: int, path: str, rights: int) -> None:
    with suppress(FileNotFoundError):  # what is not there needs no rule
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not os.path.isdir(path):  # noqa: PTH112 - as cheap as it gets, before all imports
                rights &= _TO_FILES
            beneath = struct.pack("=Qi", rights, place)
            if _libc.syscall(_ADD, rules, _PATH_BENEATH, beneath, 0):
                raise OSError(ctypes.get_errno(), f"landlock_add_rule {path}")
        finally:
            os.close(place)
