"""Secrets taken out of what is about to be stored or shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MASK = "***REDACTED***"
SHORTEST_SECRET = 6  #: characters; a shorter one occurs in texts by chance


def maskable(secrets: Iterable[object]) -> tuple[str, ...]:
    """Those that can be told from ordinary words, in the order in which to mask them."""
    found = {s for s in secrets if isinstance(s, str) and len(s) >= SHORTEST_SECRET}
    # One secret may be the beginning of another.
    return tuple(sorted(found, key=len, reverse=True))


def masked(value: Any, secrets: tuple[str, ...]) -> Any:
    """*value* with each of the *secrets* masked; the same value if there are none."""
    if not secrets:
        return value
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
        return value
    if isinstance(value, Mapping):
        return {masked(key, secrets): masked(member, secrets) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [masked(member, secrets) for member in value]
    return value
