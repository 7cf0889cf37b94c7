"""What a schedule, a webhook or an event trigger gives to the executions that it starts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice

from pipeline_engine.domain.definitions import JSON, PipelineDefinition, merge_params
from pipeline_engine.domain.issues import Issue, dotted, join
from pipeline_engine.domain.masking import MASK

#: The param that says what has started an execution; every definition may name it.
TRIGGER = "_trigger"

MOST_UNKNOWN = 20  #: names that are told; who has more of them has sent another document
COMPARED_CHARACTERS = 100


def problems_of_params(
    definition: PipelineDefinition, given: Mapping[str, JSON], supplied: Collection[str] = ()
) -> list[Issue]:
    """What is wrong with *given*, to be found when it is saved and not at three in the morning.

    *supplied* are the names that the trigger itself gives a value when it starts something: they
    may be missing in *given*. Unlike a client, which may send more than is declared, an order that
    gives a parameter that nobody has declared is refused: it is a slip of the pen.
    """
    declared = {parameter.name for parameter in definition.parameters}
    unknown = [name for name in given if name not in declared]
    _, issues = merge_params(definition, given)
    given_later = {join("/params", name) for name in supplied}
    missing = [
        issue for issue in issues if issue.code != "required" or issue.pointer not in given_later
    ]
    return [*_unknown(unknown, declared), *missing]


def _unknown(names: Collection[str], declared: Collection[str]) -> Iterator[Issue]:
    for name in islice(names, MOST_UNKNOWN):
        pointer = join("/params", name)
        near = get_close_matches(name[:COMPARED_CHARACTERS], declared, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else "Declare it in the pipeline's parameters."
        message = f"{dotted(pointer)}: Unknown parameter"
        yield Issue(pointer, "unknown_parameter", message, hint)


def masked(value: JSON, pointer: str = "/params") -> Iterator[Issue]:
    """Where *value* holds the mask that is shown for a secret: it would be saved in its place."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from masked(member, join(pointer, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from masked(member, join(pointer, index))
    elif isinstance(value, str) and MASK in value:
        message = f"{dotted(pointer)}: The mask of a secret, and not the secret"
        yield Issue(pointer, "masked", message, "Send the secret itself.")
