"""Names and values as URLs and forms carry them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus, urlencode

import orjson

from pipeline_engine.sdk import InvalidActionParams


def pairs_of(given: Any, name: str) -> list[tuple[str, str]]:
    """Return each value with its name; a list gives several, null gives none.

    Raises ``InvalidActionParams`` for what has no form of its own there.
    """
    if not isinstance(given, Mapping):
        raise InvalidActionParams(f"{name} must be an object")
    return list(_pairs(given, name))


def _pairs(given: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    for key, value in given.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, list | Mapping):
                raise InvalidActionParams(f"{name}.{key} must be a text, a number, or a list")
            if one is not None:
                yield key, one if isinstance(one, str) else orjson.dumps(one).decode()


def encoded(pairs: list[tuple[str, str]]) -> str:
    """Return *pairs* percent-encoded. Raises ``InvalidActionParams``."""
    try:
        return urlencode(pairs)
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise InvalidActionParams(f"what the query holds cannot be sent: {error.reason}") from error


def with_query(url: str, pairs: list[tuple[str, str]]) -> str:
    """Return *url* with *pairs* in its query, in place of those there of the same names.

    The rest stays as it was written, so that the guard sees what the author wrote.
    """
    if not pairs:
        return url
    names = {name for name, _ in pairs}
    rest, hash_, fragment = url.partition("#")
    address, _, query = rest.partition("?")
    kept = [part for part in query.split("&") if part and _name(part) not in names]
    return f"{address}?{'&'.join([*kept, encoded(pairs)])}{hash_}{fragment}"


def names_in(url: str) -> set[str]:
    """Return the names in the query of *url*."""
    query = url.partition("#")[0].partition("?")[2]
    return {_name(part) for part in query.split("&") if part}


def _name(part: str) -> str:
    return unquote_plus(part.partition("=")[0])
