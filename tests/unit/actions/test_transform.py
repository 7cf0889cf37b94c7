from __future__ import annotations

import pytest
from pipeline_engine_actions.builtin.transform import META, Transform
from support.contexts import a_context

from pipeline_engine.sdk import check_params

CASES = [
    ("passthrough", {"a": 1}, {"a": 1}),
    ("uppercase", "abc", "ABC"),
    ("uppercase", {"a": "x", "n": 1}, {"a": "X", "n": 1}),
    ("lowercase", "ABC", "abc"),
    ("lowercase", 7, 7),
    ("keys", {"a": 1}, ["a"]),
    ("keys", "a", []),
    ("values", {"a": 1}, [1]),
    ("values", [1], []),
    ("count", [1, 2], 2),
    ("count", "abc", 3),
    ("count", 7, 0),
    ("count", None, 0),
    ("flatten", [[1], 2, [[3]]], [1, 2, [3]]),
    ("flatten", "x", "x"),
    ("unique", [2, 1, 2, {"a": 1}, {"a": 1}], [2, 1, {"a": 1}]),
    ("unique", [1, True, 1.0], [1, True, 1.0]),
    ("sort", [3, 1, 2], [1, 2, 3]),
    ("sort", ["b", 1, "a"], [1, "a", "b"]),
    ("reverse", [1, 2], [2, 1]),
    ("reverse", "ab", "ba"),
    ("reverse", {"a": 1}, {"a": 1}),
]


@pytest.mark.parametrize(("operation", "value", "expected"), CASES)
def test_each_operation_does_what_the_reference_service_did(operation, value, expected):
    result = Transform().execute(a_context({"input": value, "operation": operation}))

    # Compared as texts, because in Python 1 == True == 1.0.
    assert (result.success, repr(result.outputs["result"])) == (True, repr(expected))


def test_the_types_are_named_as_in_python():
    result = Transform().execute(a_context({"input": {"a": 1}, "operation": "keys"}))

    assert (result.outputs["input_type"], result.outputs["output_type"]) == ("dict", "list")


def test_an_unknown_operation_in_a_definition_is_seen_before_anything_runs():
    problems = check_params(META, {"input": 1, "operation": "explode"})

    assert len(problems) == 1
    assert "operation: must be one of passthrough" in problems[0]


def test_an_unknown_operation_from_a_template_fails_instead_of_passing_the_input_through():
    result = Transform().execute(a_context({"input": 1, "operation": "explode"}))

    assert (result.success, result.error_code) == (False, "invalid_params")
    assert set(result.outputs) == {output.name for output in META.outputs}
