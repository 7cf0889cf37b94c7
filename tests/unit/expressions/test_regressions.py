"""The faults of the reference service, named as its description names them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pipeline_engine.domain import expressions
from pipeline_engine.domain.expressions import parse_condition, parse_template

SCOPE = {"params": {"ns": "007", "d": {"b": 2, "items": 1}, "flag": True, "p": 3, "l": "[1, 2]"}}


def test_regression_ssti_because_templates_were_compiled_and_run_as_python():
    template = parse_template("{{ cycler.__init__.__globals__.os }}")

    assert template.render(SCOPE) == ""


def test_regression_trim_007_because_rendered_text_was_read_again_as_a_number():
    assert parse_template("{{ params.ns | trim }}").render(SCOPE) == "007"
    assert parse_template("{{ params.l | trim }}").render(SCOPE) == "[1, 2]"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ params.d | tojson }}", '{"b": 2, "items": 1}'),
        ("{{ params.d | items }}", [["b", 2], ["items", 1]]),
        ("{{ params.d | keys | join(',') }}", "b,items"),
        ("{{ params.d.items }}", 1),
    ],
)
def test_regression_dict_filters_broken_because_keys_hid_the_methods_they_needed(text, value):
    assert parse_template(text).render(SCOPE) == value


def test_regression_boolean_branch_never_matched_because_it_was_rendered_before_it_was_judged():
    assert parse_condition("{{ params.flag }}").evaluate(SCOPE) is True


def test_regression_legacy_condition_always_true_because_the_text_false_is_truthy():
    assert parse_condition("{{ params.p > 5 }}").evaluate(SCOPE) is False


def test_the_language_never_compiles_or_runs_code_because_that_is_where_sandboxes_break():
    trees = [
        ast.parse(path.read_text(encoding="utf-8"))
        for path in Path(str(expressions.__file__)).parent.rglob("*.py")
    ]
    calls = [n.func for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Call)]
    names = {call.id for call in calls if isinstance(call, ast.Name)}
    methods = {call.attr for call in calls if isinstance(call, ast.Attribute)}

    assert names
    assert not names & {"eval", "exec", "compile", "getattr", "__import__"}
    assert not methods & {"from_string", "compile_expression", "format", "format_map", "generate"}
