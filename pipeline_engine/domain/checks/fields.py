"""Rules for single values, from which ``structure.py`` builds the shape of a document.

A rule notes what is wrong with a value and never raises. The messages are those that clients of
the reference service know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from pipeline_engine.domain.checks.report import Findings, shown
from pipeline_engine.domain.definitions import JSON
from pipeline_engine.domain.definitions.parameters import is_number, is_whole
from pipeline_engine.domain.issues import dotted, join

Rule: TypeAlias = Callable[[JSON, str, Findings], None]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object; ``null`` is the same as an absent one."""

    rule: Rule
    required: bool = False


def anything(_value: JSON, _pointer: str, _findings: Findings) -> None:
    """Every value is right."""


def boolean(value: JSON, pointer: str, findings: Findings) -> None:
    """True or false, no words."""
    if not isinstance(value, bool):
        findings.field_error(pointer, "wrong_type", "Input should be a valid boolean")


def mapping(value: JSON, pointer: str, findings: Findings) -> None:
    """An object with any content."""
    if not isinstance(value, Mapping):
        findings.field_error(pointer, "wrong_type", "Input should be a valid dictionary")


def text(minimum: int = 0, maximum: int | None = None) -> Rule:
    """A string of *minimum* to *maximum* characters."""

    def rule(value: JSON, pointer: str, findings: Findings) -> None:
        if not isinstance(value, str):
            findings.field_error(pointer, "wrong_type", "Input should be a valid string")
        elif len(value) < minimum:
            least = f"String should have at least {minimum} character{_plural(minimum)}"
            findings.field_error(pointer, "too_short", least)
        elif maximum is not None and len(value) > maximum:
            most = f"String should have at most {maximum} character{_plural(maximum)}"
            findings.field_error(pointer, "too_long", most)

    return rule


def integer(minimum: int, maximum: int) -> Rule:
    """A whole number from *minimum* to *maximum*."""

    def rule(value: JSON, pointer: str, findings: Findings) -> None:
        if not is_whole(value):
            findings.field_error(pointer, "wrong_type", "Input should be a valid integer")
        else:
            _in_range(value, minimum, maximum, pointer, findings)

    return rule


def number(minimum: float, maximum: float, *, above: bool = False) -> Rule:
    """A number from *minimum* (or, with *above*, beyond it) to *maximum*."""

    def rule(value: JSON, pointer: str, findings: Findings) -> None:
        if not is_number(value):
            findings.field_error(pointer, "wrong_type", "Input should be a valid number")
        elif above and value <= minimum:
            message = f"Input should be greater than {minimum:g}"
            findings.field_error(pointer, "out_of_range", message)
        else:
            _in_range(value, minimum, maximum, pointer, findings)

    return rule


def choice(words: type[StrEnum], noun: str, without: frozenset[str] = frozenset()) -> Rule:
    """One word of an enumeration, in any case."""
    allowed = [word.value for word in words if word.value not in without]

    def rule(value: JSON, pointer: str, findings: Findings) -> None:
        if not isinstance(value, str):
            findings.field_error(pointer, "wrong_type", "Input should be a valid string")
        elif value.lower() not in allowed:
            message = f"Value error, '{shown(value)}' is not a valid {noun}"
            hint = f"One of: {', '.join(allowed)}."
            findings.field_error(pointer, "unknown_word", message, hint)

    return rule


def list_of(rule_of_entry: Rule, message: str = "Input should be a valid list") -> Rule:
    """A list whose every entry follows a rule."""

    def rule(value: JSON, pointer: str, findings: Findings) -> None:
        if not isinstance(value, list):
            findings.field_error(pointer, "wrong_type", message)
            return
        for index, entry in enumerate(value):
            rule_of_entry(entry, f"{pointer}/{index}", findings)

    return rule


def map_of(rule_of_value: Rule) -> Rule:
    """An object whose every value follows a rule."""

    def rule(value: JSON, pointer: str, findings: Findings) -> None:
        mapping(value, pointer, findings)
        if isinstance(value, Mapping):
            for name, entry in value.items():
                rule_of_value(entry, join(pointer, name), findings)

    return rule


def record(
    fields: Mapping[str, Field], message: str = "Input should be a valid dictionary"
) -> Rule:
    """An object with known fields; the others are ignored, with a warning."""

    def rule(value: JSON, pointer: str, findings: Findings) -> None:
        if not isinstance(value, Mapping):
            findings.field_error(pointer, "wrong_type", message)
            return
        for name, field in fields.items():
            given = value.get(name)
            if given is not None:
                field.rule(given, f"{pointer}/{name}", findings)
            elif field.required:
                findings.field_error(f"{pointer}/{name}", "required", "Field required")
        for name in value:
            if name not in fields:
                _unknown_field(str(name), fields, pointer, findings)

    return rule


def _unknown_field(
    name: str, fields: Mapping[str, Field], pointer: str, findings: Findings
) -> None:
    place = join(pointer, name)
    message = f"{shown(dotted(place))}: Unknown field, it is ignored"
    findings.warning(place, "unknown_field", message, findings.did_you_mean(name, fields))


def _in_range(
    value: float, minimum: float, maximum: float, pointer: str, findings: Findings
) -> None:
    # Asked this way round, so that NaN is out of every range.
    if not value >= minimum:
        least = f"Input should be greater than or equal to {minimum:g}"
        findings.field_error(pointer, "out_of_range", least)
    elif not value <= maximum:
        most = f"Input should be less than or equal to {maximum:.10g}"
        findings.field_error(pointer, "out_of_range", most)


def _plural(count: int) -> str:
    return "" if count == 1 else "s"
