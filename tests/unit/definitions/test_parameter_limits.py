"""Limits of parameters: what a value breaks, and what is wrong with limits themselves."""

from __future__ import annotations

import time
from typing import Any

import pytest
from unit.definitions.documents import a_document, checked, errors, warnings

from pipeline_engine.domain.definitions import merge_params, parse
from pipeline_engine.domain.expressions import Fuel
from pipeline_engine.domain.issues import Issue
from pipeline_engine.domain.validation.check import broken
from pipeline_engine.domain.validation.read import KEYWORDS
from pipeline_engine.domain.validation.rules import ValidationRules

SERVER = {
    "type": "object",
    "properties": {
        "host": {"format": "hostname"},
        "port": {"type": "integer", "minimum": 1, "maximum": 65535, "required": False},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "required": False},
    },
}


def issues(value: Any, /, **parameter: Any) -> list[Issue]:
    """What is wrong with a value for a parameter ``p``."""
    definition = parse(a_document(parameters=[{"name": "p", **parameter}]))
    return merge_params(definition, {"p": value})[1]


def found(value: Any, /, **parameter: Any) -> list[tuple[str, str]]:
    return [(issue.pointer, issue.code) for issue in issues(value, **parameter)]


@pytest.mark.parametrize(
    ("value", "parameter"),
    [
        ("eu", {"enum": ["eu", "us"]}),
        (1.0, {"type": "integer", "enum": [1]}),
        ({"a": [1]}, {"type": "json", "enum": [{"a": [1]}]}),
        (1, {"type": "integer", "minimum": 1, "maximum": 1}),
        (0.5, {"type": "float", "minimum": 0.5}),
        ("äö", {"min_length": 2, "max_length": 2}),
        ([1, 2], {"type": "array", "max_length": 2}),
        ("abc", {"pattern": "[a-c]+"}),
        ("2026-01-31", {"format": "DATE"}),
        ([], {"type": "array", "items": {"type": "integer"}}),
        ({"host": "a", "more": 1}, SERVER),
        ({"host": "a", "port": None}, SERVER),
        ("anything", {"minimum": 5}),
    ],
)
def test_a_value_within_the_limits_is_taken(value, parameter):
    assert issues(value, **parameter) == []


@pytest.mark.parametrize(
    ("value", "parameter", "pointer", "code"),
    [
        ("ap", {"enum": ["eu", "us"]}, "/params/p", "not_an_option"),
        (True, {"type": "json", "enum": [1]}, "/params/p", "not_an_option"),
        (0, {"type": "integer", "minimum": 1}, "/params/p", "too_small"),
        (1.1, {"type": "float", "maximum": 1}, "/params/p", "too_large"),
        ("", {"min_length": 1}, "/params/p", "too_short"),
        ("abc", {"type": "cluster_ref", "max_length": 2}, "/params/p", "too_long"),
        ([1], {"type": "array", "min_length": 2}, "/params/p", "too_short"),
        ("abcd", {"pattern": "[a-c]+"}, "/params/p", "pattern_mismatch"),
        ("today", {"format": "date"}, "/params/p", "format_mismatch"),
        ([1, "2"], {"type": "array", "items": {"type": "integer"}}, "/params/p/1", "wrong_type"),
        ([None], {"type": "array", "items": {}}, "/params/p/0", "wrong_type"),
        ({}, SERVER, "/params/p/host", "required"),
        ({"host": "-"}, SERVER, "/params/p/host", "format_mismatch"),
        ({"host": "a", "port": 0}, SERVER, "/params/p/port", "too_small"),
        ({"host": "a", "tags": ["a", "c"]}, SERVER, "/params/p/tags/1", "not_an_option"),
        (
            [{"a/b": {"~": 1}}],
            {"type": "array", "items": {"type": "object", "properties": {
                "a/b": {"type": "object", "properties": {"~": {}}}}}},
            "/params/p/0/a~1b/~0",
            "wrong_type",
        ),
    ],
)  # fmt: skip
def test_a_value_beyond_them_is_an_issue_at_its_very_place(value, parameter, pointer, code):
    assert found(value, **parameter) == [(pointer, code)]


def test_every_broken_limit_is_told_at_once():
    value = {"host": 5, "port": 70000, "tags": ["a", "c", "d"]}

    assert found(value, **SERVER) == [
        ("/params/p/host", "wrong_type"),
        ("/params/p/port", "too_large"),
        ("/params/p/tags/1", "not_an_option"),
        ("/params/p/tags/2", "not_an_option"),
    ]


@pytest.mark.parametrize(
    ("value", "parameter", "message"),
    [
        (0, {"type": "integer", "minimum": 1}, "Input should be greater than or equal to 1"),
        (2, {"type": "float", "maximum": 1.5}, "Input should be less than or equal to 1.5"),
        ("", {"min_length": 1}, "String should have at least 1 character"),
        ([], {"type": "array", "min_length": 2}, "List should have at least 2 items"),
        ("x", {"enum": ["a"]}, "Input should be 'a'"),
        ("x", {"enum": ["a", "b", "c"]}, "Input should be 'a', 'b' or 'c'"),
        ("x", {"pattern": "a+"}, "String should match pattern 'a+'"),
        ("x", {"format": "uuid"}, "Input should be a valid uuid"),
    ],
)
def test_the_message_says_what_would_be_right(value, parameter, message):
    [issue] = issues(value, **parameter)

    assert issue.message == f"params.p: {message}"


def test_the_hint_of_a_format_shows_one():
    [issue] = issues("x", format="date")

    assert issue.hint == "Such as 2026-01-31."


@pytest.mark.parametrize(
    "limit",
    [
        {"enum": ["the-right-secret"]},
        {"min_length": 50},
        {"max_length": 3},
        {"pattern": "x"},
        {"format": "uuid"},
        {"type": "array"},
    ],
)
def test_no_limit_of_a_secret_tells_its_value_or_what_it_may_be(limit):
    problems = issues("the-wrong-secret", **{"type": "secret"} | limit)

    assert problems
    assert "the-" not in str(problems)


def test_defaults_fill_in_before_the_limits_are_asked():
    assert found(None, default=5, type="integer", maximum=4) == [("/params/p", "too_large")]
    assert found(None, default=4, type="integer", maximum=4) == []


def test_of_thousands_of_wrong_items_a_hundred_are_told():
    assert len(issues(["x"] * 5000, type="array", items={"type": "integer"})) == 100


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "([a-zA-Z]+)*[0-9]"])
def test_a_pattern_that_python_would_try_for_ever_takes_no_time(pattern):
    began = time.thread_time()

    assert found("a" * 100_000 + "!", pattern=pattern) == [("/params/p", "pattern_mismatch")]

    assert time.thread_time() - began < 1


def test_a_value_that_is_too_large_to_be_checked_is_refused_and_holds_nobody_up():
    hard = {"type": "array", "items": {"pattern": "(x[ab]*a[ab]{500})?[ab]*"}}
    began = time.thread_time()

    assert found(["ab" * 500] * 1000, **hard) == [("/params/p", "too_large_to_check")]

    assert time.thread_time() - began < 5


@pytest.mark.parametrize("keyword", KEYWORDS)
@pytest.mark.parametrize(
    "junk", [7, -1, True, "x", "(", [], {}, [[]], {"x": 7}, {"items": "x"}, 1e308]
)
def test_what_was_stored_before_limits_meant_anything_breaks_nothing(keyword, junk):
    definition = parse(a_document(parameters=[{"name": "p", "type": "json", keyword: junk}]))

    for value in ("x", 7, [1], {"x": {"items": 1}}):
        merge_params(definition, {"p": value})


# ── The limits themselves ────────────────────────────────────────────────────────────────


def of_definition(**parameter: Any) -> list[tuple[str, str]]:
    faults = errors(a_document(parameters=[{"name": "p", **parameter}]))
    return [(pointer.removeprefix("/parameters/0"), code) for pointer, code in faults]


@pytest.mark.parametrize(
    ("parameter", "pointer", "code"),
    [
        ({"enum": "eu"}, "/enum", "wrong_type"),
        ({"enum": []}, "/enum", "too_short"),
        ({"enum": ["x"] * 1001}, "/enum", "too_many_items"),
        ({"enum": ["eu", 1]}, "/enum/1", "wrong_type"),
        ({"enum": ["eu", "united"], "max_length": 2}, "/enum/1", "too_long"),
        ({"type": "array", "enum": [[1]], "items": {}}, "/enum/0/0", "wrong_type"),
        ({"type": "integer", "minimum": "1"}, "/minimum", "wrong_type"),
        ({"type": "integer", "maximum": True}, "/maximum", "wrong_type"),
        ({"type": "integer", "minimum": 2, "maximum": 1}, "/maximum", "out_of_range"),
        ({"min_length": 2, "max_length": 1}, "/max_length", "out_of_range"),
        ({"min_length": -1}, "/min_length", "out_of_range"),
        ({"min_length": 1.5}, "/min_length", "wrong_type"),
        ({"pattern": 7}, "/pattern", "wrong_type"),
        ({"pattern": "("}, "/pattern", "invalid_pattern"),
        ({"pattern": r"(a)\1"}, "/pattern", "invalid_pattern"),
        ({"pattern": "(?=a)"}, "/pattern", "invalid_pattern"),
        ({"pattern": "a" * 1001}, "/pattern", "invalid_pattern"),
        ({"pattern": r"(\pL{500}){500}"}, "/pattern", "invalid_pattern"),
        ({"format": "datum"}, "/format", "unknown_word"),
        ({"minimum": 1}, "/minimum", "misplaced_limit"),
        ({"type": "boolean", "pattern": "x"}, "/pattern", "misplaced_limit"),
        ({"type": "object", "items": {}}, "/items", "misplaced_limit"),
        ({"type": "array", "properties": {}}, "/properties", "misplaced_limit"),
        ({"type": "model_ref", "maximum": 1}, "/maximum", "misplaced_limit"),
        ({"type": "array", "items": []}, "/items", "wrong_type"),
        ({"type": "array", "items": {"minimum": 1}}, "/items/minimum", "misplaced_limit"),
        ({"type": "array", "items": {"type": "secret"}}, "/items/type", "misplaced_limit"),
        ({"type": "object", "properties": {"a/b": {"pattern": "["}}},
         "/properties/a~1b/pattern", "invalid_pattern"),
        ({"type": "object", "properties": {"a": {"type": "integer", "enum": ["x"]}}},
         "/properties/a/enum/0", "wrong_type"),
        ({"default": "x", "enum": ["a"]}, "/default", "not_an_option"),
        ({"default": 7, "pattern": "x"}, "/default", "wrong_type"),
        ({"default": "wrong", "type": "secret", "format": "uuid"}, "/default", "format_mismatch"),
        ({"default": [{"host": "a"}, {}], "type": "array", "items": SERVER},
         "/default/1/host", "required"),
    ],
)  # fmt: skip
def test_a_fault_of_limits_is_an_error_at_its_place(parameter, pointer, code):
    assert of_definition(**parameter) == [(pointer, code)]


def test_limits_that_make_sense_are_no_error():
    good = [
        {"name": "a", "enum": ["eu", "us"], "default": "eu", "pattern": "[a-z]{2}"},
        {"name": "b", "type": "json", "minimum": 1, "min_length": 1, "items": {}, "pattern": "x"},
        {"name": "c", "type": "array", "items": SERVER, "default": [{"host": "a"}]},
        {"name": "d", "type": "secret", "pattern": "s.*", "default": "***REDACTED***"},
        {"name": "e", "enum": None, "items": None, "format": "date-time"},
    ]

    report = checked(a_document(parameters=good))

    assert (report.errors, report.warnings) == ((), ())


def test_a_refused_pattern_has_the_words_of_re2_and_a_hint():
    document = a_document(parameters=[{"name": "p", "pattern": "a(b"}])

    [issue] = checked(document).errors

    assert issue.message == ("parameters.0.pattern: This is no regular expression: missing ): a(b.")
    assert "RE2" in str(issue.hint)


def test_what_an_item_has_beside_its_limits_is_an_unknown_field():
    parameter = {"name": "p", "type": "array", "items": {"default": "x", "type": "txt"}}

    assert warnings(a_document(parameters=[parameter])) == [
        ("/parameters/0/items/default", "unknown_field"),
        ("/parameters/0/items/type", "unknown_parameter_type"),
    ]


def test_a_definition_full_of_patterns_and_values_holds_nobody_up():
    hard = "(x[ab]*a[ab]{400})?[ab]*"
    parameters = [
        {"name": f"p{n}", "pattern": f"{n}?{hard}", "enum": ["ab" * 500] * 20} for n in range(40)
    ] + [{"name": f"q{n}", "pattern": rf"\pL{{{n}}}" * 99} for n in range(100)]
    began = time.thread_time()

    codes = {code for _, code in errors(a_document(parameters=parameters))}

    assert "too_large_to_check" in codes
    assert time.thread_time() - began < 5


def test_infinite_and_absent_numbers_are_out_of_every_range():
    rules = ValidationRules(min=0, max=1)

    for value in (float("nan"), float("inf"), float("-inf")):
        assert list(broken(rules, value, Fuel()))
