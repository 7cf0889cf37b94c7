"""The params of an execution: what the caller gave, the defaults, and whether it all fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from pipeline_engine.domain.definitions.model import (
    JSON,
    ParameterDefinition,
    PipelineDefinition,
)
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.issues import Issue, dotted, join
from pipeline_engine.domain.validation.check import broken
from pipeline_engine.domain.validation.types import fits_type, is_integer
from pipeline_engine.domain.validation.words import hint_of, in_words

MISSING = object()
MOST_ISSUES = 100  #: of one parameter; a list may have thousands of wrong items


def merge_params(
    definition: PipelineDefinition, given: Mapping[str, JSON]
) -> tuple[dict[str, JSON], list[Issue]]:
    """The params of an execution, and everything that is wrong with them.

    ``null`` counts as not given for a declared parameter: its default takes the place, and a
    required one is missing. Undeclared params are kept. No message holds a value.
    """
    merged = dict(given)
    issues: list[Issue] = []
    fuel = Fuel()
    for parameter in definition.parameters:
        value = _value(parameter, given)
        if value is not MISSING:
            merged[parameter.name] = value
        issues.extend(islice(_issues(parameter, value, fuel), MOST_ISSUES))
    return merged, issues


def _value(parameter: ParameterDefinition, given: Mapping[str, JSON]) -> JSON:
    value = given.get(parameter.name, MISSING)
    if parameter.has_default and (value is MISSING or value is None):
        value = parameter.default
    if parameter.type == "integer" and isinstance(value, float) and is_integer(value):
        return int(value)
    return value


def _issues(parameter: ParameterDefinition, value: JSON, fuel: Fuel) -> Iterator[Issue]:
    pointer = join("/params", parameter.name)
    if value is MISSING or value is None:
        if parameter.required:
            yield Issue(pointer, "required", f"{dotted(pointer)}: Field required")
        return
    fits, words = fits_type(parameter.type, value)
    if not fits:
        yield Issue(pointer, "wrong_type", f"{dotted(pointer)}: Input should be a valid {words}")
    elif parameter.rules is not None:
        for one in broken(parameter.rules, value, fuel):
            place = join(pointer, *one.path)
            message = f"{dotted(place)}: {in_words(one, is_secret=parameter.is_secret)}"
            yield Issue(place, one.code, message, hint_of(one.rules, one.code))
