"""Marks that stand in cases and in peers for what is known only while a check runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: In an event: the id on which the action has parked.
JOB_ID = "{job id}"
#: In an answer of a peer: an id that no answer had before.
NEW_ID = "{new id}"


def peer_url(name: str) -> str:
    """Return what stands in the params of a case for the address of the peer *name*."""
    return f"{{address of {name}}}"


def filled(value: Any, texts: Mapping[str, str]) -> Any:
    """Return a JSON value with every mark in its texts replaced."""
    if isinstance(value, Mapping):
        return {filled(key, texts): filled(member, texts) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [filled(member, texts) for member in value]
    if isinstance(value, str):
        for mark, text in texts.items():
            value = value.replace(mark, text)
    return value
