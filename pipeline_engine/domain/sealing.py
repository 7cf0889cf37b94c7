"""Values that quote secrets: what of them may be stored, and how the rest is put back.

Marks inside the texts themselves would not do: whoever can choose a text could write one, and be
given the secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pipeline_engine.domain.masking import MASK, maskable, masked

JSON: TypeAlias = Any
#: ``{"at": path, "text": [words, name of a secret, words, …, words]}``
Gap: TypeAlias = dict[str, JSON]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A value with its secrets masked, and the texts from which they were taken."""

    value: JSON
    gaps: list[Gap]


def seal(value: JSON, secrets: Mapping[str, str]) -> Sealed:
    """*value* without the secrets that it quotes; those in keys are lost."""
    texts = maskable(secrets.values())
    if not texts:
        return Sealed(value, [])
    quoted = re.compile("(" + "|".join(re.escape(text) for text in texts) + ")")
    names = {text: name for name, text in secrets.items()}
    gaps = [
        {"at": path, "text": [names[part] if n % 2 else part for n, part in enumerate(parts)]}
        for path, parts in _quotations(value, quoted, [])
    ]
    return Sealed(masked(value, texts), gaps)


def unseal(sealed: Sealed, secrets: Mapping[str, str]) -> JSON:
    """The value as it was; a secret that is not there any more stays masked."""
    root = [_copied(sealed.value)]
    for gap in sealed.gaps:
        inside: JSON = root
        path: list[str | int] = [0, *gap["at"]]
        for step in path[:-1]:
            inside = inside[step]
        parts = enumerate(gap["text"])
        inside[path[-1]] = "".join(secrets.get(part, MASK) if n % 2 else part for n, part in parts)
    return root[0]


def _quotations(
    value: JSON, quoted: re.Pattern[str], path: list[str | int]
) -> Iterator[tuple[list[str | int], list[str]]]:
    """Where texts quote secrets, and these texts in parts: every second part is a secret."""
    if isinstance(value, str):
        parts = quoted.split(value)
        if len(parts) > 1:
            yield path, parts
    elif isinstance(value, Mapping):
        for key, member in value.items():
            if not quoted.search(key):
                yield from _quotations(member, quoted, [*path, key])
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _quotations(member, quoted, [*path, index])


def _copied(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {key: _copied(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_copied(member) for member in value]
    return value
