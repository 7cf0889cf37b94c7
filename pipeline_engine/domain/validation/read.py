"""The limits of a parameter, as a definition gives them.

What cannot be read counts for nothing: the check of a definition refuses it, but one that was
stored before these fields meant anything may hold whatever its author liked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline_engine.domain.expressions.errors import InvalidPattern
from pipeline_engine.domain.expressions.patterns import compiled
from pipeline_engine.domain.validation.formats import Format
from pipeline_engine.domain.validation.rules import NestedRules, ValidationRules
from pipeline_engine.domain.validation.types import is_number, is_whole


def rules_of(given: Mapping[str, Any]) -> ValidationRules | None:
    """The limits in a parameter; None if it has none."""
    limits = _limits(given)
    return ValidationRules(**limits) if limits else None


def nested_rules_of(given: Any) -> NestedRules | None:
    """The limits in ``items``, or in one of ``properties``; None if they cannot be read."""
    if not isinstance(given, Mapping):
        return None
    kind, required = given.get("type"), given.get("required")
    return NestedRules(
        type=kind if isinstance(kind, str) else "string",
        required=required if isinstance(required, bool) else True,
        **_limits(given),
    )


def _limits(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for keyword, (field, read) in KEYWORDS.items():
        value = given.get(keyword)
        limit = None if value is None else read(value)
        if limit is not None:
            found[field] = limit
    return found


def _number(value: Any) -> float | None:
    return value if is_number(value) else None


def _length(value: Any) -> int | None:
    return int(value) if is_whole(value) and value >= 0 else None


def _pattern(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        compiled(value)
    except InvalidPattern:
        return None
    return value


def _format(value: Any) -> str | None:
    word = value.lower() if isinstance(value, str) else None
    return word if word in set(Format) else None


def _enum(value: Any) -> list[Any] | None:
    return value if isinstance(value, list) and value else None


def _properties(value: Any) -> dict[str, NestedRules] | None:
    if not isinstance(value, Mapping):
        return None
    read = {str(name): nested_rules_of(rules) for name, rules in value.items()}
    return {name: rules for name, rules in read.items() if rules is not None}


#: The fields of a parameter that limit its value: the field of the rules, and how it is read.
KEYWORDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "enum": ("enum", _enum),
    "minimum": ("min", _number),
    "maximum": ("max", _number),
    "min_length": ("min_length", _length),
    "max_length": ("max_length", _length),
    "pattern": ("pattern", _pattern),
    "format": ("format", _format),
    "items": ("items", nested_rules_of),
    "properties": ("properties", _properties),
}
