"""Numbers that a loop is given; a form leaves an empty text where nobody has filled one in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.sdk import InvalidActionParams

#: Seconds that a step may be given, here as well as by its own ``timeout_seconds``.
LONGEST_SECONDS = 366 * 24 * 3600


def count(params: Mapping[str, Any], name: str) -> int:
    """Return a whole number that is not negative; 0 if it is not given.

    Raises ``InvalidActionParams``.
    """
    given = params.get(name)
    try:
        number = int(given or 0)
    except (TypeError, ValueError, OverflowError):
        raise InvalidActionParams(f"{name} must be a number") from None
    if isinstance(given, float) and number != given:
        raise InvalidActionParams(f"{name} must be a whole number, got {given:g}")
    return max(number, 0)


def seconds(params: Mapping[str, Any], name: str) -> float | None:
    """Return how long something may take; None if that is not given."""
    given = params.get(name)
    return None if given in (None, "") else float(given)
