"""Which failures a policy speaks of: the codes of errors, and patterns over them."""

from __future__ import annotations

import re
from collections.abc import Collection

#: A status of HTTP of which only the class is said, as in ``http_5xx``.
CLASS_OF_STATUS = re.compile(r"http_([1-5])xx", re.ASCII)
STATUS = re.compile(r"http_([1-5])\d\d", re.ASCII)
#: What every ``http_…`` was called before its status was part of it.
ANY_STATUS = "http_error"
ANY_CHARACTERS = "*"


def is_among(error_code: str | None, patterns: Collection[str]) -> bool:
    """Whether one of these *patterns* speaks of an error.

    A pattern is a code, or one with ``*`` for any characters (``quota_*``, ``*``), or a class of
    statuses (``http_5xx``; ``http_error`` is all of them). Capitals are other letters.
    """
    code = error_code or ""
    return any(_speaks_of(pattern, code) for pattern in patterns)


def _speaks_of(pattern: str, code: str) -> bool:
    if pattern == code:
        return True
    if ANY_CHARACTERS in pattern:
        return _fits(pattern, code)
    status = STATUS.fullmatch(code)
    if status is None:
        return False
    wanted = CLASS_OF_STATUS.fullmatch(pattern)
    return pattern == ANY_STATUS or (wanted is not None and wanted[1] == status[1])


def _fits(pattern: str, code: str) -> bool:
    """Whether the parts between the stars stand in the code, in their order: each at once."""
    first, *between, last = pattern.split(ANY_CHARACTERS)
    if len(code) < len(first) + len(last) or not code.startswith(first):
        return False
    place, end = len(first), len(code) - len(last)
    for part in between:
        found = code.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return code.endswith(last)
