from __future__ import annotations

import pytest

from pipeline_engine.sdk import (
    ActionMeta,
    ConditionalVisibility,
    ParamDefinition,
    ParamType,
    SelectOption,
    ValidationRules,
    check_params,
    param_problems,
)

META = ActionMeta(
    type="t",
    name="T",
    category="C",
    description="D",
    params=[
        ParamDefinition("needed", "Needed", required=True),
        ParamDefinition(
            "number", "Number", ParamType.NUMBER, validation=ValidationRules(min=0.5, max=10)
        ),
        ParamDefinition(
            "text",
            "Text",
            validation=ValidationRules(min_length=2, max_length=4, pattern="[a-z]+"),
        ),
        ParamDefinition(
            "said",
            "Said",
            validation=ValidationRules(pattern="x", pattern_message="only x, please"),
        ),
        ParamDefinition(
            "mode",
            "Mode",
            ParamType.SELECT,
            default="plain",
            options=[SelectOption("plain", "Plain"), SelectOption("fancy", "Fancy")],
        ),
        ParamDefinition(
            "checks",
            "Checks",
            ParamType.MULTISELECT,
            options=[SelectOption("a", "A"), SelectOption("b", "B")],
        ),
        ParamDefinition(
            "colour",
            "Colour",
            required=True,
            show_when=ConditionalVisibility("mode", equals="fancy"),
        ),
    ],
)


@pytest.mark.parametrize(
    ("params", "messages"),
    [
        ({}, []),
        ({"number": 0.4}, ["number: must be >= 0.5"]),
        ({"number": 11}, ["number: must be <= 10"]),
        ({"number": "11"}, []),
        ({"number": True}, []),
        ({"text": "a"}, ["text: must be at least 2 chars"]),
        ({"text": "abcde"}, ["text: must be at most 4 chars"]),
        ({"text": "ab1"}, ["text: must match [a-z]+"]),
        ({"said": "y"}, ["said: only x, please"]),
        ({"mode": "other"}, ["mode: must be one of plain, fancy"]),
        ({"checks": ["a", "c"]}, ["checks: must be one of a, b"]),
        ({"checks": ["a", "b"]}, []),
        ({"mode": "fancy"}, ["Missing required parameter: colour"]),
        ({"mode": "{{ params.mode }}"}, ["Missing required parameter: colour"]),
        ({"mode": None, "number": None, "text": None}, []),
        ({"number": "{{ params.n }}", "text": "{{ params.t }}", "checks": ["{{ x }}"]}, []),
        ({"extra": 1}, []),
    ],
)
def test_each_rule_has_its_message(params, messages):
    assert check_params(META, {"needed": None} | params) == messages


def test_null_counts_as_given_and_absence_does_not():
    assert check_params(META, {"needed": None}) == []
    assert check_params(META, {}) == ["Missing required parameter: needed"]


def test_problems_name_their_param_and_a_stable_code():
    [problem] = param_problems(META, {"needed": 1, "number": 99})

    assert (problem.param, problem.code) == ("number", "too_large")
