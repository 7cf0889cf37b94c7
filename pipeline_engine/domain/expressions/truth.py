"""What counts as true when a condition has been evaluated."""

from __future__ import annotations

from typing import Any

_FALSE_TEXTS = frozenset({"", "false", "none", "[]", "{}", "()", "set()"})
_LONGEST_NUMBER = 400  # the longest float that Python writes has 327 characters


def evaluate_truth(value: Any) -> bool:
    """Whether an evaluated condition holds.

    A text is judged by what it says, because a condition of several templates renders to text:
    ``"False"``, ``"none"``, ``"0.0"`` and ``"[]"`` are false, any other text is true, ``"no"``
    included (spec 2.4).
    """
    if isinstance(value, str):
        return _text_is_true(value.strip().lower())
    return bool(value)


def _text_is_true(text: str) -> bool:
    if text in _FALSE_TEXTS:
        return False
    if len(text) > _LONGEST_NUMBER:
        return True
    try:
        return float(text) != 0
    except ValueError:
        return True
