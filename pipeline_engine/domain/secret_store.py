"""What may be kept in the store of secrets, and which of it a definition speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from pipeline_engine.domain.definitions import HANDLER_LISTS
from pipeline_engine.domain.issues import Issue
from pipeline_engine.domain.masking import MASK, SHORTEST_SECRET

#: What ``{{ secrets.name }}`` can say.
NAME = re.compile(r"[a-z][a-z0-9_]{0,99}", re.ASCII)
NAME_RULE = "A name is a small letter and up to 99 small letters, digits and underscores."
LARGEST_SECRET = 65_536  #: bytes in UTF-8; keys, certificates and service accounts have a few KB
KEPT_VERSIONS = 10  #: of each secret, the newest ones
MOST_SECRETS = 1000  #: of one owner

_WORD = "secrets"
# Wherever the word stands: what is found too much hides nothing that anybody would miss.
_NAMED = re.compile(
    rf"""\b{_WORD}[\s)]*(?:
        \.\s*(?P<dotted>\w+)
      | \[\s*(?P<quote>["'])(?P<quoted>[\w-]+)(?P=quote)\s*\]
      | (?P<computed>\[)
    )""",
    re.VERBOSE,
)
_PROSE = frozenset({"id", "name", "description"})  #: fields that hold no template
#: What leads from a definition to others that have such fields; params may be called the same.
_PARTS = frozenset({"steps", "parameters", "settings", *HANDLER_LISTS})


def problems_of_value(value: str) -> Iterator[Issue]:
    """Why a text cannot be kept as a secret; no message says anything of it."""
    if MASK in value:
        yield _problem(
            "is_the_mask",
            "This is what is shown in the place of a secret, not a secret",
            "Leave the value out to keep the one that is stored.",
        )
    if len(value.strip()) < SHORTEST_SECRET:
        yield _problem(
            "too_short",
            f"A secret has at least {SHORTEST_SECRET} characters",
            "A shorter one stands in texts by chance, so nobody could hide it.",
        )
    if len(value.encode()) > LARGEST_SECRET:
        yield _problem("too_long", f"A secret has at most {LARGEST_SECRET} bytes in UTF-8")


def _problem(code: str, message: str, hint: str | None = None) -> Issue:
    return Issue("/value", code, message, hint)


@dataclass(frozen=True, slots=True)
class Named:
    """The secrets that a definition speaks of."""

    names: frozenset[str] = frozenset()
    any_other: bool = False  #: some of the names are known only at run time

    def __bool__(self) -> bool:
        return bool(self.names) or self.any_other


NOTHING_NAMED = Named()


def named_in(document: Mapping[str, Any], *more: Mapping[str, Any]) -> Named:
    """The names behind ``secrets`` in the steps and handlers of a definition.

    *more* are those of the stored actions that it uses.
    """
    documents = [one for one in (document, *more) if _WORD.encode() in orjson.dumps(one)]
    if not documents:  # as nearly always
        return NOTHING_NAMED
    texts = (text for one in documents for text in _texts(one))
    found = [one for text in texts for one in _NAMED.finditer(text)]
    names = (one["dotted"] or one["quoted"] for one in found)
    return Named(frozenset(filter(None, names)), any(one["computed"] for one in found))


def _texts(value: Any, *, is_part: bool = True) -> Iterator[str]:
    """The texts that may be templates; a *part* is a definition, a step, or a list of those."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, member in value.items():
            if not (is_part and key in _PROSE and isinstance(member, str)):
                yield key
                yield from _texts(member, is_part=is_part and key in _PARTS)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member, is_part=is_part)
