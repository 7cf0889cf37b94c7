"""What a definition may call an action: its type, or its type and a version: ``greet@2.1``."""

from __future__ import annotations

VERSION_SIGN = "@"


def type_of(name: str) -> str:
    """The type or alias in a name."""
    return name.partition(VERSION_SIGN)[0]


def pin_of(name: str) -> str | None:
    """The version in a name, or its beginning; None if the name leaves it open."""
    _, sign, pin = name.partition(VERSION_SIGN)
    return pin if sign else None


def pinned(action_type: str, pin: str | None) -> str:
    """The name of a type with a version; with None that of the type alone."""
    return action_type if pin is None else f"{action_type}{VERSION_SIGN}{pin}"
