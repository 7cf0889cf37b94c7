from __future__ import annotations

import pytest
from pipeline_engine_actions.builtin.aggregate import Aggregate
from support.contexts import a_context

CASES = [
    ("list", [1, "a"], [1, "a"]),
    ("sum", [1, 2.5], 3.5),
    ("sum", [], 0),
    ("sum", [1, "2"], 0),
    ("join", [1, "a"], "1, a"),
    ("merge", [{"a": 1, "b": 1}, 7, {"b": 2}], {"a": 1, "b": 2}),
    ("first", [1, 2], 1),
    ("first", [], None),
    ("last", [1, 2], 2),
    ("last", [], None),
    ("min", [2, 1], 1),
    ("min", ["a", 1], None),
    ("max", [2, 1], 2),
    ("max", [], None),
    ("average", [1, 2], 1.5),
    ("average", [], None),
    ("count", [1, 2, 3], 3),
    ("flatten", [[1], 2, [[3]]], [1, 2, [3]]),
    ("unknown", [1], [1]),
]


@pytest.mark.parametrize(("operation", "inputs", "expected"), CASES)
def test_each_operation_does_what_the_reference_service_did(operation, inputs, expected):
    result = Aggregate().execute(a_context({"inputs": inputs, "operation": operation}))

    assert result.outputs == {"result": expected, "count": len(inputs), "operation": operation}


def test_the_separator_of_a_join_can_be_chosen():
    params = {"inputs": ["a", "b"], "operation": "join", "separator": "-"}

    assert Aggregate().execute(a_context(params)).outputs["result"] == "a-b"


def test_a_single_value_is_a_list_of_one_that_counts_as_none():
    result = Aggregate().execute(a_context({"inputs": 5, "operation": "sum"}))

    assert result.outputs == {"result": 5, "count": 0, "operation": "sum"}


def test_validation_names_what_is_wrong_and_believes_templates():
    aggregate = Aggregate()

    assert aggregate.validate_params({"inputs": 5, "operation": "x"}) == [
        "inputs must be a list",
        "Invalid operation: x",
    ]
    assert (
        aggregate.validate_params({"inputs": "{{ params.l }}", "operation": "{{ params.o }}"}) == []
    )
