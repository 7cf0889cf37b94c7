"""Whatever the text and the values are: a value or an ``ExpressionError``, and nothing else."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.expressions import (
    FILTER_NAMES,
    TEST_NAMES,
    ExpressionError,
    compile_value,
    parse_condition,
    parse_template,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
TOKENS = st.sampled_from(
    [
        *"+-*/%~|.,:()[]{}<>",
        *("==", "!=", "<=", ">=", "//", "**", "and", "or", "not", "in", "is", "if", "else"),
        *("{{", "}}", "{%", "%}", "{#", "#}", "{% raw %}", "{% endraw %}", "{{-", "-}}"),
        *("params", "steps", "steps.a-b", "a", "x", "true", "none", "1", "0", "2.5", "'s'", '"'),
        *("params.a", "params['a']", "params.b[0]", "for", "set", "block", "import", " "),
        *sorted(FILTER_NAMES | TEST_NAMES),
    ]
)
SOUP = st.lists(TOKENS, max_size=25).map(" ".join)
TEMPLATES = st.one_of(
    st.text(max_size=60),
    SOUP,
    SOUP.map(lambda inner: f"{{{{ {inner} }}}}"),
    st.text(max_size=30).map(lambda inner: f"{{{{{inner}}}}}"),
)
OPERANDS = st.sampled_from(
    ["params.a", "params.b", "params.a.x", "1", "-1", "2.5", "'s'", "none", "[1, 'a']", "nobody"]
)
APPLICATIONS = st.builds(
    "{{{{ {} | {}({}) }}}}".format,
    OPERANDS,
    st.sampled_from(sorted(FILTER_NAMES)),
    st.lists(OPERANDS, max_size=3).map(", ".join),
)
SCOPES = st.fixed_dictionaries({"params": st.dictionaries(st.sampled_from("ab"), JSON)})


def rendered(text: str, scope: dict[str, Any]) -> Any:
    """The value, or None where the language refused."""
    try:
        return parse_template(text).render(scope)
    except ExpressionError:
        return None


@settings(deadline=None, max_examples=250)
@given(text=TEMPLATES, scope=SCOPES)
def test_any_text_renders_or_is_refused(text, scope):
    value = rendered(text, scope)

    assert value is None or isinstance(value, str | int | float | list | dict)


@settings(deadline=None, max_examples=250)
@given(text=APPLICATIONS, scope=SCOPES)
def test_any_filter_takes_any_values_or_refuses_them(text, scope):
    value = rendered(text, scope)

    assert value is None or isinstance(value, str | int | float | list | dict)


@settings(deadline=None, max_examples=150)
@given(text=st.one_of(TEMPLATES, APPLICATIONS, SOUP), scope=SCOPES)
def test_any_condition_is_true_or_false_or_refused(text, scope):
    try:
        verdict = parse_condition(text).evaluate(scope)
    except ExpressionError:
        return

    assert verdict in (True, False)


@settings(deadline=None, max_examples=100)
@given(value=JSON, scope=SCOPES)
def test_any_value_compiles_and_one_without_braces_renders_to_itself(value, scope):
    compiled = compile_value(value)

    if compiled.is_constant and "{%" not in repr(value):
        assert compiled.render(scope) == value
    else:
        assert compiled.problems or compiled.references or "{" in repr(value)


@settings(deadline=None, max_examples=100)
@given(scope=SCOPES)
def test_a_native_reference_yields_the_very_value_so_nothing_is_read_twice(scope):
    value = parse_template("{{ params.a }}").render(scope)

    assert value is scope["params"]["a"] if "a" in scope["params"] else value == ""


@settings(deadline=None, max_examples=100)
@given(value=JSON)
def test_tojson_and_fromjson_undo_each_other(value):
    scope = {"params": {"v": json_guard.check(value)}} if _acceptable(value) else None

    if scope is not None:
        assert rendered("{{ params.v | tojson | fromjson }}", scope) == value


def _acceptable(value: Any) -> bool:
    try:
        json_guard.check(value)
    except json_guard.JsonRejected:
        return False
    return True
