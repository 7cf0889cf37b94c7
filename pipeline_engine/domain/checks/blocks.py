"""Blocks, steps that hold others: what goes with them, what repeats them, how many they make."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline_engine.domain.checks.fields import (
    Field,
    Rule,
    anything,
    integer,
    lets_through,
    list_of,
    mapping,
    number,
    or_template,
    record,
    text,
)
from pipeline_engine.domain.checks.limits import MAX_NESTED_BLOCKS, MAX_SECONDS
from pipeline_engine.domain.checks.nodes import Node
from pipeline_engine.domain.checks.outline import Outline
from pipeline_engine.domain.checks.report import Findings
from pipeline_engine.domain.definitions import JSON

MAX_ROUNDS = 10_000
MAX_DELAY_SECONDS = 86_400
#: What a step cannot have beside ``steps``, and what to do about it.
NOT_IN_BLOCK: Mapping[str, str] = {
    "action": "Leave it out, or make it one of the steps.",
    "params": "The steps see what the block sees; give each the params of its action.",
    "idempotent": "Say it of the steps that it is true of.",
    "queue": "Say it of the steps that it is true of.",
    "tags": "Say it of the steps that it is true of.",
}
NAMES: Rule = list_of(text())


@lets_through({"anyOf": [NAMES.schema, mapping.schema]})
def outputs(value: JSON, pointer: str, findings: Findings) -> None:
    """Names of what an action leaves; what a block leaves is checked with the whole step."""
    if not isinstance(value, Mapping):
        NAMES(value, pointer, findings)


def loop(value: JSON, pointer: str, findings: Findings) -> None:
    """What repeats a block; one of two fields says when it has done so often enough."""
    LOOP(value, pointer, findings)
    if not isinstance(value, Mapping):
        return
    given = [name for name in ("condition", "until") if value.get(name) not in (None, "")]
    if not given:
        message = "Either 'condition' or 'until' is required"
        findings.field_error(pointer, "required", message, "What else should end the loop?")
    elif len(given) == 2:
        message = "There cannot be both 'condition' and 'until'"
        hint = "condition is asked before each round, until after it."
        findings.field_error(pointer, "not_together", message, hint)


def check_work(given: Mapping[str, JSON], pointer: str, findings: Findings) -> None:
    """A step has an action or steps, and what goes with that."""
    if given.get("steps") is not None:
        _check_block(given, pointer, findings)
        return
    if given.get("action") is None:
        findings.field_error(f"{pointer}/action", "required", "Field required")
    if isinstance(given.get("outputs"), Mapping):
        hint = "An action decides itself what it leaves; only a step with 'steps' says it here."
        message = "Input should be a valid list"
        findings.field_error(f"{pointer}/outputs", "wrong_type", message, hint)
    if given.get("while") is not None:
        hint = "To repeat one action there is the action 'while'."
        message = "Only a step with 'steps' can have this field"
        findings.field_error(f"{pointer}/while", "needs_steps", message, hint)


def _check_block(given: Mapping[str, JSON], pointer: str, findings: Findings) -> None:
    for name, hint in NOT_IN_BLOCK.items():
        if given.get(name) is not None:
            message = "A step with 'steps' does not have this field"
            findings.field_error(f"{pointer}/{name}", "not_in_block", message, hint)
    if isinstance(given.get("outputs"), list):
        hint = 'Templates by name, such as {"total": "{{ steps.add.outputs.total }}"}.'
        message = "Input should be a valid dictionary"
        findings.field_error(f"{pointer}/outputs", "wrong_type", message, hint)
    if given.get("while") is not None and given.get("for_each") is not None:
        message = "There cannot be both 'while' and 'for_each'"
        hint = "Nest one in the other: a step with one of them in the steps of the other."
        findings.field_error(f"{pointer}/while", "not_together", message, hint)


def check_blocks(outline: Outline, findings: Findings) -> None:
    """Note blocks too deep inside of others, and lists that make too many steps of one."""
    for node in outline.steps:
        if node.is_block and len(node.enclosing) == MAX_NESTED_BLOCKS:
            message = f"More than {MAX_NESTED_BLOCKS} blocks are inside of each other"
            hint = "Run a pipeline of its own for what is in there: run_pipeline."
            findings.field_error(f"{node.pointer}/steps", "blocks_too_deep", message, hint)
    made = _steps_made(outline)
    most = findings.limits.max_items
    for node in outline.steps:
        pointer, count = _written_list(node)
        if node.is_block and 1 < count <= most < made[node.pointer]:
            message = f"This list makes {made[node.pointer]} steps of those in the block"
            message += f"; at most {most} are possible"
            findings.field_error(pointer, "too_many_items", message)


def _steps_made(outline: Outline) -> Mapping[str, int]:
    """How many steps the lists in the document make of each, by its pointer."""
    inside: dict[str, int] = {}
    made: dict[str, int] = {}
    for node in reversed(outline.steps):  # what is in a block comes before it
        _, count = _written_list(node)
        made[node.pointer] = count * inside.get(node.pointer, 1)
        if node.enclosing:
            around = node.enclosing[-1].pointer
            inside[around] = inside.get(around, 0) + made[node.pointer]
    return made


def _written_list(node: Node) -> tuple[str, int]:
    """Where the items of a step stand, and how many they are; 1 if that is not written there."""
    given, pointer = node.body.get("for_each"), f"{node.pointer}/for_each"
    if isinstance(given, Mapping):
        given, pointer = given.get("items"), f"{pointer}/items"
    return pointer, len(given) if isinstance(given, list) else 1


SECONDS = or_template(integer(1, MAX_SECONDS))
CARRY = record({"start": Field(anything), "next": Field(anything, required=True)}, title="Carry")
LOOP = record(
    {
        "condition": Field(text()),
        "until": Field(text()),
        "carry": Field(CARRY),
        "collect": Field(anything),
        "max_iterations": Field(or_template(integer(1, MAX_ROUNDS))),
        "delay_seconds": Field(or_template(number(0, MAX_DELAY_SECONDS))),
        "tolerated_failures": Field(or_template(integer(0, MAX_ROUNDS))),
        "timeout_seconds": Field(SECONDS),
        "iteration_timeout_seconds": Field(SECONDS),
    },
    title="While",
    example='{"until": "{{ result.done }}"}',
)
