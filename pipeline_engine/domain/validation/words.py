"""What a broken rule is called, in messages that clients of the reference service know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline_engine.domain.validation.check import Broken
from pipeline_engine.domain.validation.formats import FORMATS, Format
from pipeline_engine.domain.validation.rules import NestedRules, ValidationRules
from pipeline_engine.domain.validation.types import fits_type

MAX_SHOWN_CHOICES = 10
MAX_SHOWN_CHARACTERS = 80  # of a pattern, or of one choice


def in_words(broken: Broken, *, is_secret: bool = False) -> str:
    """The message for whoever gives a value; of a secret it does not even tell the choices."""
    if is_secret and broken.code == "not_an_option":
        return "Input should be one of the values that its parameter lists"
    return _FOR_VALUES[broken.code](broken)


def must(broken: Broken) -> str:
    """The message for whoever writes a step: what the param has to be."""
    return _FOR_STEPS[broken.code](broken)


def hint_of(rules: ValidationRules, code: str) -> str | None:
    """What would be right, where the message does not say it."""
    if code == "format_mismatch" and rules.format is not None:
        _, example = FORMATS[Format(rules.format)]
        return f"Such as {example}."
    return None


def number(limit: float | None) -> str:
    """A limit as its author may have written it."""
    return f"{limit:.15g}"


def _plain(limit: float | None) -> str:
    assert limit is not None
    return f"{limit:g}" if limit < 1e6 else f"{limit:.0f}"


def _unit(broken: Broken) -> str:
    return "items" if broken.is_list else "chars"


def _what(broken: Broken) -> str:
    return "List" if broken.is_list else "String"


def _count(limit: int | None, broken: Broken) -> str:
    noun = "item" if broken.is_list else "character"
    return f"{limit} {noun}" if limit == 1 else f"{limit} {noun}s"


def _choices(allowed: Sequence[Any]) -> str:
    shown = [_short(repr(choice)) for choice in allowed[:MAX_SHOWN_CHOICES]]
    if len(allowed) > MAX_SHOWN_CHOICES:
        return f"one of {', '.join(shown)} and {len(allowed) - MAX_SHOWN_CHOICES} others"
    return " or ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def _short(text: str | None) -> str:
    written = text or ""
    return written if len(written) <= MAX_SHOWN_CHARACTERS else f"{written[:77]}..."


def _type(broken: Broken) -> str:
    assert isinstance(broken.rules, NestedRules)
    _, words = fits_type(broken.rules.type, None)
    return f"valid {words}"


def _such_as(broken: Broken) -> str:
    _, example = FORMATS[Format(broken.rules.format or "")]
    return f"must be a valid {broken.rules.format}, such as {example}"


_FOR_VALUES: Mapping[str, Callable[[Broken], str]] = {
    "required": lambda _: "Field required",
    "wrong_type": lambda one: f"Input should be a {_type(one)}",
    "not_an_option": lambda one: f"Input should be {_choices(one.rules.enum or ())}",
    "too_small": lambda one: f"Input should be greater than or equal to {number(one.rules.min)}",
    "too_large": lambda one: f"Input should be less than or equal to {number(one.rules.max)}",
    "too_short": lambda one: (
        f"{_what(one)} should have at least {_count(one.rules.min_length, one)}"
    ),
    "too_long": lambda one: f"{_what(one)} should have at most {_count(one.rules.max_length, one)}",
    "format_mismatch": lambda one: f"Input should be a valid {one.rules.format}",
    "pattern_mismatch": lambda one: f"String should match pattern '{_short(one.rules.pattern)}'",
    "too_large_to_check": lambda _: "Input is too large to be checked against its limits",
}
_FOR_STEPS: Mapping[str, Callable[[Broken], str]] = {
    "required": lambda _: "is required",
    "wrong_type": lambda one: f"must be a {_type(one)}",
    "not_an_option": lambda one: f"must be one of {', '.join(map(str, one.rules.enum or ()))}",
    "too_small": lambda one: f"must be >= {_plain(one.rules.min)}",
    "too_large": lambda one: f"must be <= {_plain(one.rules.max)}",
    "too_short": lambda one: f"must be at least {one.rules.min_length} {_unit(one)}",
    "too_long": lambda one: f"must be at most {one.rules.max_length} {_unit(one)}",
    "format_mismatch": _such_as,
    "pattern_mismatch": lambda one: one.rules.pattern_message or f"must match {one.rules.pattern}",
    "too_large_to_check": lambda _: "is too large to be checked",
}
