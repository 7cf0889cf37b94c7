"""Which statuses an author means: ``404``, ``"2xx"``, ``"200-204"``, or a list of these."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline_engine.sdk import InvalidActionParams

EXPECTED = "2xx"
RETRIED = (408, 429, "500-999")

FORMS = re.compile(r"([1-9])xx|([1-9]\d\d)(?:\s*-\s*([1-9]\d\d))?", re.IGNORECASE)


@dataclass(frozen=True)
class Statuses:
    """Ranges of statuses, both ends included."""

    ranges: tuple[tuple[int, int], ...]

    def __contains__(self, status: object) -> bool:
        return any(first <= status <= last for first, last in self.ranges)  # type: ignore[operator]


def read_statuses(given: Any, name: str) -> Statuses:
    """Return the statuses that *given* means. Raises ``InvalidActionParams`` with *name* in it."""
    return Statuses(tuple(_ranges(given, name)))


def read_expected(given: Any) -> Statuses:
    """Return the statuses of a success, of which there has to be one."""
    statuses = read_statuses(given, "expected_status")
    if not statuses.ranges:
        raise InvalidActionParams("expected_status: with an empty list no answer is a success")
    return statuses


def _ranges(given: Any, name: str) -> Iterator[tuple[int, int]]:
    if isinstance(given, list | tuple):
        for one in given:
            yield from _ranges(one, name)
        return
    found = None if isinstance(given, bool) else FORMS.fullmatch(_text(given))
    if found is None:
        raise InvalidActionParams(
            f"{name}: {given!r} is no status: write 404, '2xx', '200-204', or a list of these"
        )
    kind, first, last = found.groups()
    if kind:
        yield int(kind) * 100, int(kind) * 100 + 99
        return
    if int(last or first) < int(first):
        raise InvalidActionParams(f"{name}: {given!r} ends before it begins")
    yield int(first), int(last or first)


def _text(given: Any) -> str:
    whole = isinstance(given, float) and given.is_integer()
    return str(int(given) if whole else given).strip()
