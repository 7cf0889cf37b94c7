"""The params of an execution."""

from __future__ import annotations

import pytest

from pipeline_engine.domain.definitions import (
    ParameterDefinition,
    PipelineDefinition,
    merge_params,
)
from pipeline_engine.domain.issues import Issue


def pipeline(*parameters: ParameterDefinition) -> PipelineDefinition:
    return PipelineDefinition(name="x", parameters=parameters)


def test_a_default_takes_the_place_of_what_was_not_given():
    city = ParameterDefinition("city", default="Bonn", has_default=True)

    assert merge_params(pipeline(city), {}) == ({"city": "Bonn"}, [])
    assert merge_params(pipeline(city), {"city": None}) == ({"city": "Bonn"}, [])
    assert merge_params(pipeline(city), {"city": ""}) == ({"city": ""}, [])


def test_params_that_nobody_declared_are_kept():
    assert merge_params(pipeline(), {"user_id": "u", "more": [1]}) == (
        {"user_id": "u", "more": [1]},
        [],
    )


def test_a_required_param_has_to_be_given():
    """[!] 3.2: required params were not enforced when an execution started."""
    expected = [Issue("/params/a~1b", "required", "params.a/b: Field required")]

    assert merge_params(pipeline(ParameterDefinition("a/b")), {})[1] == expected
    assert merge_params(pipeline(ParameterDefinition("a/b")), {"a/b": None})[1] == expected


def test_an_optional_param_may_stay_absent_or_null():
    optional = ParameterDefinition("p", required=False)

    assert merge_params(pipeline(optional), {}) == ({}, [])
    assert merge_params(pipeline(optional), {"p": None}) == ({"p": None}, [])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", "x"),
        ("integer", 7),
        ("integer", 2**62),
        ("float", 1.5),
        ("float", 1),
        ("boolean", False),
        ("array", []),
        ("object", {}),
        ("json", [None]),
        ("cluster_ref", "c-1"),
        ("secret", "s3cret"),
        ("a word that is no type", 1.5),
    ],
)
def test_a_value_of_the_declared_type_is_taken_as_it_is(kind, value):
    assert merge_params(pipeline(ParameterDefinition("p", kind)), {"p": value}) == (
        {"p": value},
        [],
    )


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("string", 7, "string"),
        ("integer", "7", "integer"),
        ("integer", True, "integer"),
        ("integer", 1.5, "integer"),
        ("integer", 2.0**63, "integer"),
        ("integer", -1e308, "integer"),
        ("float", True, "number"),
        ("float", "1.5", "number"),
        ("boolean", 1, "boolean"),
        ("boolean", "true", "boolean"),
        ("array", "a,b", "list"),
        ("array", {}, "list"),
        ("object", [], "dictionary"),
        ("model_ref", 7, "string"),
        ("secret", ["s3cret"], "string"),
    ],
)
def test_a_value_of_another_type_is_an_issue(kind, value, words):
    """[!] 3.2: types were not enforced."""
    _, issues = merge_params(pipeline(ParameterDefinition("p", kind)), {"p": value})

    assert issues == [
        Issue("/params/p", "wrong_type", f"params.p: Input should be a valid {words}")
    ]


@pytest.mark.parametrize("given", [{"n": 3.0}, {}])
def test_a_whole_float_becomes_the_integer_that_it_means(given):
    three = ParameterDefinition("n", "integer", default=3.0, has_default=True)
    merged, issues = merge_params(pipeline(three), given)

    assert (merged, issues) == ({"n": 3}, [])
    assert isinstance(merged["n"], int)


def test_every_issue_is_reported_and_no_value_is_shown():
    two = pipeline(ParameterDefinition("a"), ParameterDefinition("b", "integer"))

    _, issues = merge_params(two, {"b": "s3cret"})

    assert [issue.code for issue in issues] == ["required", "wrong_type"]
    assert "s3cret" not in str(issues)


def test_what_the_caller_gave_is_not_changed():
    given = {"n": None}

    merge_params(pipeline(ParameterDefinition("n", default=1, has_default=True)), given)

    assert given == {"n": None}
