"""Conditions: the table of the reference service, with our deviations named."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline_engine.domain.expressions import ExpressionError, evaluate_truth, parse_condition

SCOPE = {
    "params": {
        "i": 3,
        "zero": 0,
        "t": True,
        "f": False,
        "env": "prod",
        "no": "no",
        "text_false": "False",
        "text_zero": "0.0",
        "blank": "  ",
        "none": None,
        "empty": [],
        "l": [1, 2],
        "d": {},
    },
    "steps": {"a": {"outputs": {"x": 1}}},
}


def holds(text: str | None) -> bool:
    return parse_condition(text).evaluate(SCOPE)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "  \n",
        "true",
        "TRUE",
        "1",
        "yes",
        "Yes",
        "{{ params.t }}",
        "{{ params.i == 3 }}",
        "{{ params.i > 1 and params.env == 'prod' }}",
        "{{ params.env in ['prod', 'stage'] }}",
        "{{ params.env not in ('dev',) }}",
        "{{ params.q is not defined }}",
        "{{ params.none is none }}",
        "{{ params.i }}",
        "{{ params.l }}",
        "{{ params.no }}",
        "a{{ params.f }}",
        "{{ params.i % 2 == 1 }}",
        "{{ 1 < params.i <= 3 }}",
        "{{ params.l | length == 2 }}",
        "{{ params.q != 1 }}",
        "{{ steps.a.outputs.x == 1 }}",
        "{{ params.zero }}{{ params.i }}",
    ],
)
def test_these_conditions_are_true(text):
    assert holds(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "false",
        "False",
        "0",
        "no",
        "NO",
        "{{ params.f }}",
        "{{ params.i == 4 }}",
        "{{ params.zero }}",
        "{{ params.text_false }}",
        "{{ params.text_zero }}",
        "{{ params.blank }}",
        "{{ params.none }}",
        "{{ params.empty }}",
        "{{ params.d }}",
        "{{ params.q }}",
        "{{ params.q.w.e }}",
        "{{ params.q > 1 }}",
        "{{ params.q + 1 > 1 }}",
        "{{ params.q == 1 }}",
        "{{ 'x' in params.q }}",
        "{{ not params.t }}",
        "{% raw %}none{% endraw %}{{ params.q }}",
        "{{ params.zero }}{{ params.zero }}",
    ],
)
def test_these_conditions_are_false(text):
    assert holds(text) is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("steps.a.outputs.x == 1", True),
        ("steps.a.outputs.x == 2", False),
        ("params.i > 50", False),
        ("-params.i < 0", True),
        ("not params.t", False),
        ("random", False),
        ("params.env", True),
        ("{'a': {'b': 1}}.a.b == 1", True),
        ("none", False),
    ],
)
def test_regression_condition_always_true_because_text_without_braces_was_never_evaluated(
    text, expected
):
    assert holds(text) is expected


@pytest.mark.parametrize(
    "text",
    ["{{ params.env }} == 'dev'", "{{ params.f }} and {{ params.t }}", "not {{ params.t }}"],
)
def test_regression_condition_always_true_because_its_comparison_stood_outside_the_braces(text):
    with pytest.raises(ExpressionError) as caught:
        parse_condition(text)

    assert caught.value.code == "text_outside_braces"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{{ params.i", "unbalanced_braces"),
        ("params.i }}", "unbalanced_braces"),
        ("params.i }} or {{ params.i", "template_syntax"),
        ("this is not an expression", "unknown_test"),
        ("two words", "template_syntax"),
        ("params.i >", "template_syntax"),
        ("{% if params.i %}", "template_syntax"),
        ("x" * 5000, "expression_too_long"),
    ],
)
def test_a_condition_that_cannot_be_parsed_is_an_error_and_not_true(text, code):
    with pytest.raises(ExpressionError) as caught:
        parse_condition(text)

    assert caught.value.code == code


def test_values_that_cannot_be_compared_are_an_error_when_the_condition_is_evaluated():
    condition = parse_condition("params.env > 3")

    with pytest.raises(ExpressionError, match="no order between a text and a number"):
        condition.evaluate(SCOPE)


@pytest.mark.parametrize("value", [True, 1, -0.5, "no", "aFalse", "[1, 2]", [0], {"a": None}])
def test_these_values_are_true(value: Any):
    assert evaluate_truth(value) is True


@pytest.mark.parametrize(
    "value",
    [False, 0, 0.0, None, "", " ", "None", "false", "0", "0.0", "[]", "{}", "()", "set()", [], {}],
)
def test_these_values_are_false(value: Any):
    assert evaluate_truth(value) is False
