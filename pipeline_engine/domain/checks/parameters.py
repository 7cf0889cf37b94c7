"""The shape of a parameter: its type, and the limits of its value."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping

from pipeline_engine.domain.checks.fields import (
    STRING,
    Field,
    Rule,
    Schema,
    anything,
    boolean,
    choice,
    integer,
    lets_through,
    list_of,
    map_of,
    record,
    text,
)
from pipeline_engine.domain.checks.limits import MAX_CHOICES, MAX_LENGTH
from pipeline_engine.domain.checks.report import Findings, shown
from pipeline_engine.domain.definitions import JSON
from pipeline_engine.domain.expressions import BudgetSpent, ExpressionError
from pipeline_engine.domain.expressions.limits import MAX_PATTERN_CHARACTERS
from pipeline_engine.domain.expressions.patterns import bought
from pipeline_engine.domain.issues import join
from pipeline_engine.domain.masking import MASK
from pipeline_engine.domain.validation.faults import Fault, faults, of_default
from pipeline_engine.domain.validation.formats import Format
from pipeline_engine.domain.validation.read import rules_of
from pipeline_engine.domain.validation.rules import ValidationRules
from pipeline_engine.domain.validation.types import PARAMETER_TYPES, is_number, is_type

NAME_START = re.compile(r"[^\W\d]|_")
NO_LIMITS = ValidationRules()


@lets_through(STRING | {"minLength": 1, "maxLength": 100, "pattern": f"^({NAME_START.pattern})"})
def parameter_name(value: JSON, pointer: str, findings: Findings) -> None:
    """1 to 100 characters, the first of which is a letter or an underscore."""
    text(1, 100)(value, pointer, findings)
    if isinstance(value, str) and value and not NAME_START.match(value):
        message = "Value error, Parameter name must start with a letter or underscore"
        findings.field_error(pointer, "invalid_parameter_name", message)


@lets_through({"type": "array", "minItems": 1, "maxItems": MAX_CHOICES})
def choices(value: JSON, pointer: str, findings: Findings) -> None:
    """The values that are accepted, at least one."""
    if not isinstance(value, list):
        findings.field_error(pointer, "wrong_type", "Input should be a valid list")
    elif not value:
        findings.field_error(pointer, "too_short", "List should have at least 1 item")
    elif len(value) > MAX_CHOICES:
        message = f"List should have at most {MAX_CHOICES} items"
        findings.field_error(pointer, "too_many_items", message)


@lets_through({"type": "number"})
def bound(value: JSON, pointer: str, findings: Findings) -> None:
    """Any number that is one."""
    if not is_number(value) or not math.isfinite(value):
        findings.field_error(pointer, "wrong_type", "Input should be a valid number")


@lets_through(STRING | {"format": "regex", "maxLength": MAX_PATTERN_CHARACTERS})
def pattern(value: JSON, pointer: str, findings: Findings) -> None:
    """A regular expression that RE2 takes."""
    if not isinstance(value, str):
        findings.field_error(pointer, "wrong_type", "Input should be a valid string")
        return
    try:
        bought(findings.fuel, value)
    except BudgetSpent:
        message = "There are too many patterns and values to be checked"
        findings.field_error(pointer, "too_large_to_check", message)
    except ExpressionError as error:
        findings.field_error(pointer, error.code, str(error), error.hint)


@lets_through({"$ref": "#/$defs/NestedParameter"})
def nested(value: JSON, pointer: str, findings: Findings) -> None:
    """What an item or a member has to be."""
    NESTED(value, pointer, findings)
    if isinstance(value, Mapping):
        _type_of(value, pointer, findings)


def parameter(value: JSON, pointer: str, findings: Findings) -> None:
    """One parameter, and whether its limits and its default go together."""
    PARAMETER(value, pointer, findings)
    if isinstance(value, Mapping):
        for fault in _faults(value, _type_of(value, pointer, findings), findings):
            place = join(pointer, *fault.path)
            findings.field_error(place, fault.code, fault.message, fault.hint)


def _faults(given: Mapping[str, JSON], kind: str, findings: Findings) -> Iterator[Fault]:
    rules, default = rules_of(given) or NO_LIMITS, given.get("default")
    yield from faults(rules, kind, findings.fuel)
    # That of a secret is sent back as it was shown.
    if default is not None and not (kind == "secret" and default == MASK):
        yield from of_default(rules, kind, default, findings.fuel)


def _type_of(given: Mapping[str, JSON], pointer: str, findings: Findings) -> str:
    kind = given.get("type")
    if not isinstance(kind, str):
        return "string"
    if not is_type(kind):
        message = f"Unknown parameter type '{shown(kind)}', any value will be accepted"
        hint = findings.did_you_mean(kind, PARAMETER_TYPES)
        findings.warning(f"{pointer}/type", "unknown_parameter_type", message, hint)
    return kind


def parameters(value: JSON, pointer: str, findings: Findings) -> None:
    """A list of parameters with different names."""
    list_of(Rule(parameter, PARAMETER.schema))(value, pointer, findings)
    if not isinstance(value, list):
        return
    names = [entry.get("name") for entry in value if isinstance(entry, Mapping)]
    for name, count in Counter(name for name in names if isinstance(name, str)).items():
        if count > 1:
            message = f"Duplicate parameter name '{shown(name)}'"
            findings.field_error(pointer, "duplicate_parameter", message)


LIMITS: Mapping[str, Field] = {
    "enum": Field(choices),
    "minimum": Field(bound),
    "maximum": Field(bound),
    "min_length": Field(integer(0, MAX_LENGTH)),
    "max_length": Field(integer(0, MAX_LENGTH)),
    "pattern": Field(pattern),
    "format": Field(choice(Format, "format")),
    "items": Field(nested),
    "properties": Field(map_of(nested)),
}
NESTED = record(
    {
        "type": Field(text()),
        "description": Field(text()),
        "required": Field(boolean),
        **LIMITS,
    },
    title="NestedParameter",
)
PARAMETER = record(
    {
        "name": Field(parameter_name, required=True),
        "type": Field(text()),
        "description": Field(text()),
        "required": Field(boolean),
        "default": Field(anything),
        **LIMITS,
    },
    title="ParameterDefinition",
)
PARAMETERS = Rule(parameters, list_of(PARAMETER).schema)
#: What the schema refers to because it holds itself.
DEFINITIONS: Mapping[str, Schema] = {"NestedParameter": NESTED.schema}
