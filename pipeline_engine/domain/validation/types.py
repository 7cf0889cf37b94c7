"""Types of values, as parameters name them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from pipeline_engine.domain.json_guard import MAX_INTEGER, MIN_INTEGER


def is_text(value: Any) -> bool:
    """A string."""
    return isinstance(value, str)


def is_whole(value: Any) -> bool:
    """A whole number; 3.0 is one, true is none."""
    return is_number(value) and (isinstance(value, int) or value.is_integer())


def is_integer(value: Any) -> bool:
    """A whole number of 64 bits."""
    return is_whole(value) and MIN_INTEGER <= value <= MAX_INTEGER


def is_number(value: Any) -> bool:
    """Any number; true is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_boolean(value: Any) -> bool:
    """True or false."""
    return isinstance(value, bool)


def is_array(value: Any) -> bool:
    """A list."""
    return isinstance(value, list)


def is_object(value: Any) -> bool:
    """A mapping."""
    return type(value) is dict or isinstance(value, Mapping)


def is_anything(_: Any) -> bool:
    """Every value fits."""
    return True


Fits: TypeAlias = Callable[[Any], bool]
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


def is_type(type_name: str) -> bool:
    """Whether there is such a type."""
    return type_name in PARAMETER_TYPES or type_name.endswith(REFERENCE_SUFFIX)


def fits_type(type_name: str, value: Any) -> tuple[bool, str]:
    """Whether *value* fits the type, and what would: ``(False, "integer")``.

    ``cluster_ref`` and its kind are strings. A word that is no type fits everything: the check
    of the document warns about it, and documents of the reference service hold such words.
    """
    if type_name.endswith(REFERENCE_SUFFIX):
        return is_text(value), "string"
    fits, words = PARAMETER_TYPES.get(type_name, PARAMETER_TYPES["json"])
    return fits(value), words
