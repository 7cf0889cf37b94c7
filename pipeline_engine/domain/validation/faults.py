"""What is wrong with rules themselves: limits that no value can keep, or that limit nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pipeline_engine.domain.expressions.errors import InvalidPattern
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.expressions.patterns import compiled
from pipeline_engine.domain.validation.check import Path, broken
from pipeline_engine.domain.validation.formats import Format
from pipeline_engine.domain.validation.read import KEYWORDS
from pipeline_engine.domain.validation.rules import NestedRules, ValidationRules
from pipeline_engine.domain.validation.types import REFERENCE_SUFFIX, fits_type, is_type
from pipeline_engine.domain.validation.words import hint_of, in_words, number

_TEXTS = frozenset({"string", "secret"})
#: Types that a limit is for, by the field of the rules; ``enum`` is for all.
LIMITED: Mapping[str, frozenset[str]] = {
    "min": frozenset({"integer", "float"}),
    "max": frozenset({"integer", "float"}),
    "min_length": _TEXTS | {"array"},
    "max_length": _TEXTS | {"array"},
    "pattern": _TEXTS,
    "format": _TEXTS,
    "items": frozenset({"array"}),
    "properties": frozenset({"object"}),
}
#: The fields of the rules as a definition names them.
NAMES: Mapping[str, str] = {field: keyword for keyword, (field, _) in KEYWORDS.items()}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with rules."""

    path: Path  #: where it is, by the names of a definition
    code: str
    message: str
    hint: str | None = None

    def below(self, *path: str | int) -> Fault:
        """The same inside of other rules."""
        return replace(self, path=(*path, *self.path))


def faults(rules: ValidationRules, type_name: str | None, fuel: Fuel) -> Iterator[Fault]:
    """What is wrong with the rules of a value of this type; None asks no type."""
    if type_name is not None:
        yield from _out_of_place(rules, type_name)
    yield from _contradictions(rules)
    yield from _choices(rules, type_name, fuel)
    for path, inner in _inside(rules):
        yield from (fault.below(*path) for fault in _nested(inner, fuel))


def malformed(rules: ValidationRules) -> Iterator[Fault]:
    """What a definition cannot say, as its fields are read one by one, but a program can."""
    try:
        compiled(rules.pattern or "")
    except InvalidPattern as error:
        yield Fault(("pattern",), InvalidPattern.code, str(error), error.hint)
    except TypeError:
        yield Fault(("pattern",), InvalidPattern.code, "This is no regular expression: no text")
    if rules.format is not None and rules.format not in set(Format):
        words = ", ".join(Format)
        yield Fault(("format",), "unknown_word", f"'{rules.format}' is none of {words}")
    for path, inner in _inside(rules):
        if not is_type(inner.type):
            yield Fault((*path, "type"), "unknown_word", f"'{inner.type}' is no type")
        yield from (fault.below(*path) for fault in malformed(inner))


def _nested(rules: NestedRules, fuel: Fuel) -> Iterator[Fault]:
    if rules.type == "secret":
        message = "Only a parameter as a whole can be a secret"
        yield Fault(("type",), "misplaced_limit", message, 'Set "type": "secret" there.')
    yield from faults(rules, rules.type, fuel)


def _out_of_place(rules: ValidationRules, type_name: str) -> Iterator[Fault]:
    kind = "string" if type_name.endswith(REFERENCE_SUFFIX) else type_name
    if kind == "json" or not is_type(kind):  # any value, and so any limit
        return
    for field, fitting in LIMITED.items():
        if getattr(rules, field) is not None and kind not in fitting:
            message = f"'{NAMES[field]}' limits nothing of the type '{type_name}'"
            words = " or ".join(f'"{word}"' for word in sorted(fitting - {"secret"}))
            yield Fault((NAMES[field],), "misplaced_limit", message, f'Set "type": {words}.')


def _contradictions(rules: ValidationRules) -> Iterator[Fault]:
    for least, most in (("min", "max"), ("min_length", "max_length")):
        low, high = getattr(rules, least), getattr(rules, most)
        if low is not None and high is not None and low > high:
            message = (
                f"Input should be greater than or equal to {number(low)}, the '{NAMES[least]}'"
            )
            yield Fault((NAMES[most],), "out_of_range", message)


def _choices(rules: ValidationRules, type_name: str | None, fuel: Fuel) -> Iterator[Fault]:
    others = replace(rules, enum=None)
    for index, choice in enumerate(rules.enum or ()):
        for one in _of_value(others, type_name, choice, fuel):
            yield one.below("enum", index)


def of_default(
    rules: ValidationRules, type_name: str, default: object, fuel: Fuel
) -> Iterator[Fault]:
    """Why a parameter cannot have this default."""
    for fault in _of_value(rules, type_name, default, fuel):
        yield fault.below("default")


def _of_value(
    rules: ValidationRules,
    type_name: str | None,
    value: object,
    fuel: Fuel,
) -> Iterator[Fault]:
    fits, words = fits_type(type_name or "json", value)
    if not fits:
        yield Fault((), "wrong_type", f"Input should be a valid {words}")
        return
    for one in broken(rules, value, fuel):
        words = in_words(one, is_secret=type_name == "secret")
        yield Fault(one.path, one.code, words, hint_of(one.rules, one.code))


def _inside(rules: ValidationRules) -> Iterator[tuple[Path, NestedRules]]:
    if rules.items is not None:
        yield ("items",), rules.items
    for name, inner in (rules.properties or {}).items():
        yield ("properties", name), inner
