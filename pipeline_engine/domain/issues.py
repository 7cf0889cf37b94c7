"""What is wrong at one place of a JSON document."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issue:
    """One error or warning; programs read ``pointer`` and ``code``, people the rest."""

    pointer: str  #: RFC 6901, "" is the whole document
    code: str  #: stable
    message: str
    hint: str | None = None


def join(pointer: str, *names: str | int) -> str:
    """The pointer to what is found below *pointer* under *names*."""
    steps = (str(name).replace("~", "~0").replace("/", "~1") for name in names)
    return "/".join((pointer, *steps))


def dotted(pointer: str) -> str:
    """The same place as the clients of the reference service know it: ``steps.0.name``."""
    return pointer[1:].replace("/", ".").replace("~1", "/").replace("~0", "~")
