"""The params of an execution: what the caller gave, the defaults, and whether it all fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pipeline_engine.domain.definitions.model import (
    JSON,
    ParameterDefinition,
    PipelineDefinition,
)
from pipeline_engine.domain.issues import Issue, dotted, join
from pipeline_engine.domain.json_guard import MAX_INTEGER, MIN_INTEGER


def is_text(value: JSON) -> bool:
    """A string."""
    return isinstance(value, str)


def is_whole(value: JSON) -> bool:
    """A whole number; 3.0 is one, true is none."""
    return is_number(value) and (isinstance(value, int) or value.is_integer())


def is_integer(value: JSON) -> bool:
    """A whole number of 64 bits."""
    return is_whole(value) and MIN_INTEGER <= value <= MAX_INTEGER


def is_number(value: JSON) -> bool:
    """Any number; true is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_boolean(value: JSON) -> bool:
    """True or false."""
    return isinstance(value, bool)


def is_array(value: JSON) -> bool:
    """A list."""
    return isinstance(value, list)


def is_object(value: JSON) -> bool:
    """A mapping."""
    return type(value) is dict or isinstance(value, Mapping)


def is_anything(_: JSON) -> bool:
    """Every value fits."""
    return True


Fits = Callable[[JSON], bool]
#: Types of parameters: test of a value, and the words of the message when it fails.
PARAMETER_TYPES: Mapping[str, tuple[Fits, str]] = {
    "string": (is_text, "string"),
    "integer": (is_integer, "integer"),
    "float": (is_number, "number"),
    "boolean": (is_boolean, "boolean"),
    "array": (is_array, "list"),
    "object": (is_object, "dictionary"),
    "json": (is_anything, "JSON value"),
    "secret": (is_text, "string"),
}
REFERENCE_SUFFIX = "_ref"
MISSING = object()


def fits_type(type_name: str, value: JSON) -> tuple[bool, str]:
    """Whether *value* fits the type, and what would: ``(False, "integer")``.

    ``cluster_ref`` and its kind are strings. A word that is no type fits everything: the check
    of the document warns about it, and documents of the reference service hold such words.
    """
    if type_name.endswith(REFERENCE_SUFFIX):
        return is_text(value), "string"
    fits, words = PARAMETER_TYPES.get(type_name, PARAMETER_TYPES["json"])
    return fits(value), words


def merge_params(
    definition: PipelineDefinition, given: Mapping[str, JSON]
) -> tuple[dict[str, JSON], list[Issue]]:
    """The params of an execution, and everything that is wrong with them.

    ``null`` counts as not given for a declared parameter: its default takes the place, and a
    required one is missing. Undeclared params are kept.
    """
    merged = dict(given)
    issues: list[Issue] = []
    for parameter in definition.parameters:
        value = _value(parameter, given)
        if value is not MISSING:
            merged[parameter.name] = value
        issues.extend(_issues(parameter, value))
    return merged, issues


def _value(parameter: ParameterDefinition, given: Mapping[str, JSON]) -> JSON:
    value = given.get(parameter.name, MISSING)
    if parameter.has_default and (value is MISSING or value is None):
        value = parameter.default
    if parameter.type == "integer" and isinstance(value, float) and is_integer(value):
        return int(value)
    return value


def _issues(parameter: ParameterDefinition, value: JSON) -> Iterator[Issue]:
    pointer = join("/params", parameter.name)
    if value is MISSING or value is None:
        if parameter.required:
            yield Issue(pointer, "required", f"{dotted(pointer)}: Field required")
        return
    fits, words = fits_type(parameter.type, value)
    if not fits:
        yield Issue(pointer, "wrong_type", f"{dotted(pointer)}: Input should be a valid {words}")
