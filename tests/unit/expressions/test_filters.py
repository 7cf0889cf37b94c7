"""Filters and tests, one line each."""

from __future__ import annotations

import time
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
    "at": "2026-01-31T10:00:00+00:00",
}

FILTERS: list[tuple[str, str, Any]] = [
    ("add_days", "params.at | add_days(-31)", "2025-12-31T10:00:00+00:00"),
    ("add_hours", "params.at | add_hours(14.5)", "2026-02-01T00:30:00+00:00"),
    ("add_minutes", "params.at | add_minutes(30)", "2026-01-31T10:30:00+00:00"),
    ("add_seconds", "params.at | add_seconds(0.25)", "2026-01-31T10:00:00.250000+00:00"),
    ("add_seconds", "params.q | add_seconds(1)", ""),
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
    ("dict", "params.d | items | dict", {"b": 2, "a": 1}),
    ("dict", "params.d | dict", {"b": 2, "a": 1}),
    ("dict", "params.rows | dict('id', 'n')", {"x": 2, "y": 1, "z": 3}),
    ("dict", "(params.rows | dict('state')).done.id", "z"),
    ("dict", "params.rows | dict('n', 'in.k')", {"2": [5], "1": None, "3": None}),
    ("dict", "params.q | dict", {}),
    ("dictsort", "params.d | dictsort", [["a", 1], ["b", 2]]),
    ("endswith", "'abc' | endswith('bc')", True),
    ("first", "params.l | first", 3),
    ("first", "params.q | first", ""),
    ("flatten", "params.nested | flatten", [1, [2], 3]),
    ("flatten", "params.nested | flatten(2)", [1, 2, 3]),
    ("float", "'2.5' | float", 2.5),
    ("float", "'nan' | float(1.0)", 1.0),
    ("format_date", "params.at | format_date('%d.%m.%Y %H:%M')", "31.01.2026 10:00"),
    ("format_date", "params.at | format_date('%A, 100%% %z', '-05:30')", "Saturday, 100% -0530"),
    ("format_date", "params.at | add_hours(14) | format_date('%F')", "2026-02-01"),
    ("format_number", "params.n | format_number(2)", "1,234,567.89"),
    ("format_number", "1234 | format_number(thousands=' ')", "1 234"),
    ("fromjson", "'{\"a\": [1, null]}' | fromjson", {"a": [1, None]}),
    (
        "groupby",
        "params.rows | groupby('state') | map('0')",
        ["done", "open"],
    ),
    ("groupby", "(params.rows | groupby('state') | dict).done | map('id')", ["x", "z"]),
    (
        "groupby",
        "[{'t': 2}, {}, {'t': 1.0}] | groupby('t', 1) | map('1')",
        [[{}, {"t": 1.0}], [{"t": 2}]],
    ),
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
    ("map_values", "{'a': {'n': 1}, 'b': {}} | map_values('n')", {"a": 1, "b": None}),
    ("max", "params.l | max", 3),
    ("max", "(params.rows | max('n')).id", "z"),
    ("min", "params.words | min", "A"),
    ("min", "[] | min", ""),
    ("product", "['a', 'b'] | product([1, 2])", [["a", 1], ["a", 2], ["b", 1], ["b", 2]]),
    ("product", "[1] | product([2], [3], ['x', 'y'])", [[1, 2, 3, "x"], [1, 2, 3, "y"]]),
    ("product", "[1, 2] | product([])", []),
    ("range", "3 | range", [0, 1, 2]),
    ("range", "0 | range", []),
    ("range", "2 | range(8, 3)", [2, 5]),
    ("range", "3 | range(0, -1)", [3, 2, 1]),
    ("range", "5 | range(1)", []),
    ("regex_match", r"'eu-west' | regex_match('[a-z]+-[a-z]+')", True),
    ("regex_match", r"'eu-west-1' | regex_match('[a-z]+-[a-z]+')", False),
    ("regex_replace", r"'a1b22' | regex_replace('[0-9]+', '#')", "a#b#"),
    ("regex_replace", r"'a1b22' | regex_replace('[0-9]', '', 2)", "ab2"),
    (
        "regex_replace",
        r"'Ada Lovelace' | regex_replace('(\\w+) (?P<last>\\w+)', '\\g<last>, \\1')",
        "Lovelace, Ada",
    ),
    ("regex_replace", r"'äö' | regex_replace('', '-')", "-ä-ö-"),
    ("regex_replace", r"'ab' | regex_replace('(x)?b', '[\\0\\1\\\\]')", "a[b\\]"),
    ("regex_search", r"'build 42 of 50' | regex_search('\d+\s')", "42 "),
    ("regex_search", r"'build 42 of 50' | regex_search('[0-9]+')", "42"),
    ("regex_search", r"'v1.20' | regex_search('v(\\d+)\\.(?P<minor>\\d+)', 'minor')", "20"),
    ("regex_search", r"'v1.20' | regex_search('v(\\d+)', 1)", "1"),
    ("regex_search", r"'none' | regex_search('[0-9]')", ""),
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
    ("seconds_since", "params.at | seconds_since('2026-01-31T09:00:00+01:00')", 7200),
    ("seconds_since", "params.at | seconds_since(params.at | add_seconds(0.5))", -0.5),
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
    (
        "to_datetime",
        "'2026-01-31T12:00:00.5+02:00' | to_datetime",
        "2026-01-31T10:00:00.500000+00:00",
    ),
    ("to_datetime", "'2026-01-31' | to_datetime", "2026-01-31T00:00:00+00:00"),
    ("to_datetime", "'2026-01-31T10:00Z' | to_datetime", "2026-01-31T10:00:00+00:00"),
    ("to_datetime", "1769853600 | to_datetime", "2026-01-31T10:00:00+00:00"),
    ("to_datetime", "params.q | to_datetime", ""),
    ("to_timestamp", "params.at | to_timestamp", 1769853600),
    ("to_timestamp", "'1970-01-01T00:00:00.5Z' | to_timestamp", 0.5),
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
    ("zip", "['a', 'b', 'c'] | zip([1, 2])", [["a", 1], ["b", 2]]),
    ("zip", "['a'] | zip([1], [true]) | first", ["a", 1, True]),
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
    ("regex_match", "['eu-1', 'us-1'] | select('regex_match', 'eu-.*') == ['eu-1']"),
    ("regex_search", "[{'n': 'eu-1'}] | selectattr('n', 'regex_search', '[0-9]$') | length == 1"),
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


@pytest.mark.parametrize(
    ("expression", "code", "hint"),
    [
        ("'tomorrow' | to_datetime", "wrong_operand", "Such as 2026-01-31,"),
        ("none | to_timestamp", "wrong_operand", "Such as 2026-01-31,"),
        ("true | to_datetime", "wrong_operand", "Such as 2026-01-31,"),
        ("1e300 | to_datetime", "wrong_operand", "Such as 2026-01-31,"),
        ("'0001-01-01T00:00+02:00' | to_datetime", "wrong_operand", "Such as 2026-01-31,"),
        ("params.at | add_days(10 * 1000000)", "number_out_of_range", None),
        ("params.at | add_days('1')", "wrong_operand", None),
        ("params.at | format_date('%s')", "wrong_arguments", "%a %A %b"),
        ("params.at | format_date('%Q%%')", "wrong_arguments", "%a %A %b"),
        ("params.at | format_date('%F', 'Europe/Berlin')", "wrong_arguments", "UTC, or such as"),
        ("params.at | format_date('%F', '+99:00')", "wrong_arguments", "UTC, or such as"),
        ("'0001-01-01' | format_date('%F', '-01:00')", "wrong_operand", None),
        ("1.5 | range", "wrong_operand", "`| int` makes one."),
        ("1 | range(5, 0)", "wrong_operand", None),
        ("5 | product([1])", "wrong_operand", None),
        ("[1] | zip(5)", "wrong_operand", None),
        ("params.rows | groupby('nobody')", "wrong_operand", "Give a default:"),
        ("[{'t': 1}, {'t': 'a'}] | groupby('t')", "wrong_operand", None),
        ("[1, 2] | dict", "wrong_operand", "Pairs such as those"),
        ("[[none, 1]] | dict", "wrong_operand", None),
        ("params.rows | dict('nobody')", "wrong_operand", None),
        ("'a' | regex_match('(')", "invalid_pattern", "RE2 reads it:"),
        ("'a' | regex_search('(?=a)')", "invalid_pattern", "RE2 reads it:"),
        (r"'a' | regex_search('\\ba\b')", "invalid_pattern", "JSON and templates read"),
        (r"'a' | regex_replace('(a)', '\1')", "invalid_pattern", "JSON and templates read"),
        (r"'a' | regex_replace('a', '\\q')", "wrong_operand", r"There are \0"),
        (r"'a' | regex_replace('a', '\\1')", "wrong_arguments", "It has 0 to 0."),
        ("'a' | regex_search('(?P<n>a)', 'm')", "wrong_arguments", "It has 0 to 1, 'n'."),
        ("5 is regex_match('5')", "wrong_operand", None),
    ],
)
def test_a_refusal_says_what_would_be_right(expression, code, hint):
    with pytest.raises(ExpressionError) as refused:
        render(expression)

    assert refused.value.code == code
    assert (refused.value.hint or "").startswith(hint or "")


@pytest.mark.parametrize(
    "expression",
    [
        "1000000000 | range",
        "-9223372036854775807 | range(9223372036854775807)",
        "params.long | product(params.long)",
        "params.long | product(params.long, params.long, params.long)",
        "params.text | regex_replace('a', 'b')",
        "params.text | regex_replace('', 'x')",
        "params.rows | dict('n') | length",
    ],
)
def test_what_would_be_too_much_is_refused_before_it_is_made(expression):
    """Hostile sizes: nothing is made of what cannot be paid."""
    params = {
        "long": list(range(50_000)),
        "text": "a" * 1_000_000,
        "rows": [{"n": n} for n in range(400_000)],
    }
    template = parse_template(f"{{{{ {expression} }}}}")
    began = time.thread_time()

    with pytest.raises(ExpressionError) as refused:
        template.render({"params": params})

    assert refused.value.code == "expression_fuel"
    assert time.thread_time() - began < 3


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "([a-z]+)*x", "(.*)*=.*"])
def test_an_expression_that_python_would_try_for_ever_takes_no_time(pattern):
    scope = {"params": {"text": "a" * 5000 + "!", "pattern": pattern}}
    began = time.thread_time()

    found = parse_template("{{ params.text | regex_match(params.pattern) }}").render(scope)

    assert found is False
    assert time.thread_time() - began < 1


def test_moments_in_utc_are_in_order_as_texts():
    moments = ["2026-01-31T10:00:00Z", "2026-01-31T12:00:00.5+02:00", "2026-01-31T05:00:01-05:00"]

    made = [parse_template(f"{{{{ '{one}' | to_datetime }}}}").render({}) for one in moments]

    assert made == sorted(made)


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
