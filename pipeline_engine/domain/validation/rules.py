"""What can be said of a value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)  # without slots: keeps its choices
class ValidationRules:
    """Limits of a parameter's value; None is no limit, and one for other types does nothing."""

    #: Least number that is accepted.
    min: float | None = None
    #: Greatest number that is accepted.
    max: float | None = None
    #: Characters of a text, or items of a list, at least.
    min_length: int | None = None
    #: Characters of a text, or items of a list, at most.
    max_length: int | None = None
    #: Regular expression (RE2's) that the whole text has to match.
    pattern: str | None = None
    #: What an error says in place of the expression.
    pattern_message: str | None = None
    #: The values that are accepted.
    enum: Sequence[Any] | None = None
    #: What a text looks like, such as ``date`` or ``uuid``.
    format: str | None = None
    #: What each item of a list has to be.
    items: NestedRules | None = None
    #: What members of an object have to be; it may have others, too.
    properties: Mapping[str, NestedRules] | None = None

    def __post_init__(self) -> None:
        if self.enum is not None:
            object.__setattr__(self, "enum", tuple(self.enum))

    def accepts(self, value: Any) -> bool:
        """Whether *value* is one of ``enum``, or there is none."""
        return self.enum is None or _identity(value) in self._choices

    @cached_property
    def _choices(self) -> frozenset[Any]:
        return frozenset(map(_identity, self.enum or ()))


@dataclass(frozen=True)
class NestedRules(ValidationRules):
    """The same for a value inside of another one: an item of a list, a member of an object."""

    #: Its type, as a parameter of a pipeline names it.
    type: str = "string"
    #: Whether an object without this member is refused.
    required: bool = True


def _identity(value: Any) -> Any:
    """What is equal for the same JSON only: 1 is 1.0, and not true."""
    if isinstance(value, bool):
        return bool, value
    if value is None or isinstance(value, str | int | float):
        return value
    return dict, json.dumps(value, sort_keys=True, default=dict)
