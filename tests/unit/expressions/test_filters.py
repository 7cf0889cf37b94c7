"""Filters and tests, one line each."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline_engine.domain.expressions import (
    FILTER_NAMES,
    TEST_NAMES,
    ExpressionError,
    parse_template,
)

PARAMS: dict[str, Any] = {
    "s": " Hello World ",
    "n": 1234567.891,
    "l": [3, 1, 2, 1],
    "words": ["b", "A", "c"],
    "nested": [[1, [2]], 3],
    "d": {"b": 2, "a": 1},
    "rows": [
        {"id": "x", "state": "done", "n": 2, "in": {"k": [5]}},
        {"id": "y", "state": "open", "n": 1},
        {"id": "z", "state": "done", "n": 3},
    ],
    "none": None,
}

FILTERS: list[tuple[str, str, Any]] = [
    ("abs", "-5 | abs", 5),  # a sign binds closer than a filter, as in Jinja
    ("b64decode", "'w6Q=' | b64decode", "ä"),
    ("b64encode", "'ä' | b64encode", "w6Q="),
    ("batch", "params.l | batch(3)", [[3, 1, 2], [1]]),
    ("bool", "'off' | bool", False),
    ("bool", "'yes' | bool", True),
    ("bool", "params.l | bool", True),
    ("capitalize", "'aB' | capitalize", "Ab"),
    ("combine", "params.d | combine({'b': 3})", {"b": 3, "a": 1}),
    ("contains", "params.words | contains('b')", True),
    ("count", "params.l | count", 4),
    ("d", "params.q | d('x')", "x"),
    ("default", "params.q | default(default_value=[1])", [1]),
    ("dictsort", "params.d | dictsort", [["a", 1], ["b", 2]]),
    ("endswith", "'abc' | endswith('bc')", True),
    ("first", "params.l | first", 3),
    ("first", "params.q | first", ""),
    ("flatten", "params.nested | flatten", [1, [2], 3]),
    ("flatten", "params.nested | flatten(2)", [1, 2, 3]),
    ("float", "'2.5' | float", 2.5),
    ("float", "'nan' | float(1.0)", 1.0),
    ("format_number", "params.n | format_number(2)", "1,234,567.89"),
    ("format_number", "1234 | format_number(thousands=' ')", "1 234"),
    ("fromjson", "'{\"a\": [1, null]}' | fromjson", {"a": [1, None]}),
    ("int", "'42' | int", 42),
    ("int", "'3.9' | int", 3),
    ("int", "'x' | int(7)", 7),
    ("int", "params.q | int", 0),
    ("int", "'99999999999999999999' | int(-1)", -1),
    ("items", "params.d | items", [["b", 2], ["a", 1]]),
    ("join", "params.l | join(', ')", "3, 1, 2, 1"),
    ("keys", "params.d | keys", ["b", "a"]),
    ("last", "params.l | last", 1),
    ("length", "params.s | length", 13),
    ("length", "params.q | length", 0),
    ("list", "'ab' | list", ["a", "b"]),
    ("lower", "'AB' | lower", "ab"),
    ("map", "params.rows | map('id')", ["x", "y", "z"]),
    ("map", "params.rows | map(attribute='in.k.0')", [5, None, None]),
    ("max", "params.l | max", 3),
    ("max", "(params.rows | max('n')).id", "z"),
    ("min", "params.words | min", "A"),
    ("min", "[] | min", ""),
    ("reject", "[0, 1, none] | reject", [0, None]),
    ("rejectattr", "params.rows | rejectattr('state', 'done') | map('id')", ["y"]),
    ("replace", "'a-b-c' | replace('-', '+')", "a+b+c"),
    ("replace", "'a-b-c' | replace('-', '', 1)", "ab-c"),
    ("reverse", "'abc' | reverse", "cba"),
    ("reverse", "params.l | reverse", [1, 2, 1, 3]),
    ("round", "2.567 | round(1)", 2.6),
    ("round", "2.1 | round(method='ceil')", 3.0),
    ("round", "2.19 | round(1, 'floor')", 2.1),
    ("select", "[0, 1, none] | select", [1]),
    ("select", "params.l | select('gt', 1)", [3, 2]),
    ("selectattr", "params.rows | selectattr('state', 'done') | map('id')", ["x", "z"]),
    ("selectattr", "params.rows | selectattr('n', 'ge', 2) | map('id')", ["x", "z"]),
    ("selectattr", "params.rows | selectattr('in') | map('id')", ["x"]),
    (
        "sha256",
        "'' | sha256",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    ("sort", "params.words | sort", ["A", "b", "c"]),
    ("sort", "params.l | sort(reverse=true)", [3, 2, 1, 1]),
    ("sort", "params.rows | sort(attribute='n') | map('id')", ["y", "x", "z"]),
    ("split", "'a,b' | split(',')", ["a", "b"]),
    ("split", "' a  b ' | split", ["a", "b"]),
    ("startswith", "'abc' | startswith('ab')", True),
    ("string", "params.l | string", "[3, 1, 2, 1]"),
    ("sum", "params.l | sum", 7),
    ("sum", "params.rows | sum('n', 10)", 16),
    ("title", "'two words' | title", "Two Words"),
    ("tojson", "params.d | tojson", '{"a": 1, "b": 2}'),
    ("tojson", "params.q | tojson", "null"),
    ("tojson", "[1] | tojson(indent=1)", "[\n 1\n]"),
    ("trim", "params.s | trim", "Hello World"),
    ("trim", "'xxaxx' | trim('x')", "a"),
    ("truncate", "'abcdefgh' | truncate(6)", "abc..."),
    ("unique", "[1, 1.0, [1], [1], {'a': 1}, {'a': 1}] | unique", [1, [1], {"a": 1}]),
    ("unique", "[{'a': 1}, {}, {'a': none}] | unique('a')", [{"a": 1}, {}]),
    ("upper", "'ab' | upper", "AB"),
    ("upper", "params.none | upper", ""),
    ("urlencode", "'a b/ä' | urlencode", "a%20b/%C3%A4"),
    ("urlencode", "{'q': 'a b', 'n': 1} | urlencode", "q=a+b&n=1"),
    ("values", "params.d | values", [2, 1]),
]

TESTS: list[tuple[str, str]] = [
    ("boolean", "true is boolean"),
    ("contains", "'abc' is contains('b')"),
    ("defined", "params.none is defined"),
    ("divisibleby", "9 is divisibleby 3"),
    ("endswith", "'abc' is endswith('c')"),
    ("eq", "1 is eq 1.0"),
    ("equalto", "[1, {'a': 2}] is equalto([1, {'a': 2}])"),
    ("even", "4 is even"),
    ("false", "false is false"),
    ("float", "1.5 is float"),
    ("ge", "2 is ge 2"),
    ("greaterthan", "2 is greaterthan 1"),
    ("gt", "'b' is gt 'a'"),
    ("in", "1 is in([1, 2])"),
    ("integer", "1 is integer"),
    ("iterable", "'a' is iterable"),
    ("le", "1 is le 1"),
    ("lessthan", "1 is lessthan 2"),
    ("lower", "'a' is lower"),
    ("lt", "1 is lt 2"),
    ("mapping", "params.d is mapping"),
    ("ne", "params.q is ne 1"),
    ("none", "params.none is none"),
    ("number", "1 is number and true is not number"),
    ("odd", "3 is odd"),
    ("sameas", "none is sameas none"),
    ("sequence", "[] is sequence"),
    ("startswith", "'abc' is startswith('a')"),
    ("string", "'a' is string"),
    ("true", "true is true and 1 is not true"),
    ("undefined", "params.q is undefined"),
    ("upper", "'A' is upper"),
    ("==", "[{'n': 1}] | selectattr('n', '==', 1) | length == 1"),
    ("!=", "[{'n': 1}] | selectattr('n', '!=', 2) | length == 1"),
    ("<", "[{'n': 1}] | selectattr('n', '<', 2) | length == 1"),
    ("<=", "[{'n': 1}] | selectattr('n', '<=', 1) | length == 1"),
    (">", "[{'n': 1}] | selectattr('n', '>', 0) | length == 1"),
    (">=", "[{'n': 1}] | selectattr('n', '>=', 1) | length == 1"),
]


def render(expression: str) -> Any:
    return parse_template(f"{{{{ {expression} }}}}").render({"params": PARAMS})


@pytest.mark.parametrize(("name", "expression", "value"), FILTERS)
def test_a_filter_gives_what_its_name_says(name, expression, value):
    rendered = render(expression)

    assert rendered == value
    assert type(rendered) is type(value)


@pytest.mark.parametrize(("name", "expression"), TESTS)
def test_a_test_holds_where_its_name_says(name, expression):
    assert render(expression) is True


def test_every_filter_and_test_has_its_example_here():
    assert {name for name, *_ in FILTERS} == FILTER_NAMES
    assert {name for name, _ in TESTS} == TEST_NAMES


@pytest.mark.parametrize(
    "expression",
    [
        "params.l | upper",
        "5 | map('x')",
        "[1, 'a'] | sort",
        "[{}] | sort",
        "['a'] | sum",
        "['a'] | map('upper')",
        "'a' | abs",
        "5 | length",
        "5 | keys",
        '\'{"a": 1, "a": 2}\' | fromjson',
        "'[NaN]' | fromjson",
        "'***' | b64decode",
        "1 | round(99)",
        "1 | round(0, 'sideways')",
        "'a' | truncate(-1)",
        "[1] | batch(0)",
        "[1] | flatten(1000)",
        "[1] | select('nonsense')",
        "[1] | select('gt')",
        "params.rows | selectattr('n', 'even', 2)",
        "'\\ud800' | sha256",
        "5 in 6",
        "1 is startswith('a')",
        "1 is divisibleby 0",
    ],
)
def test_a_filter_refuses_what_it_cannot_work_with(expression):
    with pytest.raises(ExpressionError):
        render(expression)


def test_filters_leave_their_subject_as_it_was_because_other_steps_read_it_too():
    before = repr(PARAMS)

    for _, expression, _ in FILTERS:
        render(expression)

    assert repr(PARAMS) == before


@pytest.mark.parametrize("name", ["int", "float"])
def test_a_number_with_hundreds_of_digits_is_none(name):
    for digits in ("1" * 310, "1" * 399, "-" + "9" * 350, "1e309"):
        value = parse_template(f"{{{{ params.x | {name}(7) }}}}").render({"params": {"x": digits}})

        assert value == 7
