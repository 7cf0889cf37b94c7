"""docs/reference/definition.md names everything that the check knows."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline_engine.domain import checks, definitions, validation
from pipeline_engine.domain.checks import parameters, scopes, structure
from pipeline_engine.domain.expressions import ExpressionError
from pipeline_engine.domain.validation import formats, types

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/definition.md").read_text(encoding="utf-8")
WORDS = set(
    re.findall(r"ipv[46]|[$]?[a-z_]+(?:-[a-z]+)*", " ".join(re.findall(r"`([^`\n]+)`", PAGE)))
)
REPORTERS = {"error", "field_error", "warning", "_note"}


def codes_of_the_check() -> Iterator[str]:
    """Every code that is written down in a call which notes an issue."""
    for path in Path(checks.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in REPORTERS:
                yield from (
                    argument.value
                    for argument in node.args[1:3]
                    if isinstance(argument, ast.Constant)
                    and isinstance(argument.value, str)
                    and re.fullmatch("[a-z_]+", argument.value)
                )


def codes_of_limits() -> Iterator[str]:
    """Every code of a value that breaks its limits, and of limits that make no sense."""
    for path in Path(validation.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in {"Broken", "Fault"}:
                yield from (
                    argument.value
                    for argument in node.args[:2]
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
                )


def codes_of_expressions() -> Iterator[str]:
    waiting: list[type[ExpressionError]] = [ExpressionError]
    while waiting:
        kind = waiting.pop()
        yield kind.code
        waiting.extend(kind.__subclasses__())


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def test_the_search_for_codes_finds_them():
    assert {"required", "unknown_root", "unknown_action", "too_deep"} <= set(codes_of_the_check())


@pytest.mark.parametrize(
    "code", sorted({*codes_of_the_check(), *codes_of_expressions(), *codes_of_limits()})
)
def test_every_code_is_documented(code):
    assert code in WORDS


@pytest.mark.parametrize(
    "field", sorted({*structure.ROOT, *structure.HANDLER_FIELDS, *parameters.LIMITS})
)
def test_every_field_is_documented(field):
    assert field in WORDS


@pytest.mark.parametrize(
    "word",
    [
        *types.PARAMETER_TYPES,
        *formats.Format,
        *definitions.OnFailure,
        *definitions.TriggerRule,
        *definitions.HandlerWhen,
        *definitions.NotifyOn,
    ],
)
def test_every_choice_is_documented(word):
    assert word in WORDS


@pytest.mark.parametrize("field", [*definitions.Notice.__slots__, *sorted(scopes.OWN_PARTS)])
def test_every_field_of_a_notice_is_documented(field):
    assert field in WORDS


@pytest.mark.parametrize("field", definitions.RetryConfig.__slots__)
def test_every_field_of_a_retry_is_documented(field):
    assert field in WORDS


def test_every_example_of_the_page_is_structurally_valid():
    examples = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert examples

    for example in examples:
        findings = checks.report.Findings(checks.Limits())
        structure.document_shape(named=False)(json.loads(example), "", findings)

        assert findings.report(2).valid
