from __future__ import annotations

import time
from dataclasses import replace

import pytest

from pipeline_engine.sdk import (
    ActionMeta,
    ConditionalVisibility,
    NestedRules,
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
            "servers",
            "Servers",
            ParamType.JSON,
            validation=ValidationRules(
                max_length=2,
                items=NestedRules(
                    type="object",
                    properties={
                        "host": NestedRules(format="hostname"),
                        "port": NestedRules(type="integer", min=1, required=False),
                        "zone": NestedRules(enum=["a", "b"], required=False),
                    },
                ),
            ),
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
        ({"number": float("nan")}, ["number: must be >= 0.5", "number: must be <= 10"]),
        ({"number": "11"}, ["number: must be a number"]),
        ({"number": True}, ["number: must be a number"]),
        ({"text": ["ab"]}, ["text: must be a text"]),
        ({"checks": "a"}, ["checks: must be a list"]),
        ({"number": "", "text": "", "mode": ""}, []),
        ({"colour": ["hidden"]}, []),
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
        ({"servers": [{"host": "a", "port": 1}]}, []),
        (
            {"servers": [{}, {}, {}]},
            [
                "servers: must be at most 2 items",
                "servers.0.host: is required",
                "servers.1.host: is required",
                "servers.2.host: is required",
            ],
        ),
        (
            {"servers": [{"host": "-", "port": "1", "zone": "c"}]},
            [
                "servers.0.host: must be a valid hostname, such as example.org",
                "servers.0.port: must be a valid integer",
                "servers.0.zone: must be one of a, b",
            ],
        ),
        ({"servers": [{"host": "{{ params.h }}", "port": "{{ params.p }}"}]}, []),
    ],
)
def test_each_rule_has_its_message(params, messages):
    assert check_params(META, {"needed": None} | params) == messages


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"number": "{{ 99"}, "wrong_type"),
        ({"text": "{{ x }}"}, "too_long"),
        ({"mode": "{{ x }}"}, "not_an_option"),
        ({"checks": ["{{ x }}"]}, "not_an_option"),
        ({"servers": [{"host": "{{ x }}"}]}, "format_mismatch"),
    ],
)
def test_a_brace_that_is_left_after_rendering_hides_nothing(params, code):
    found = param_problems(META, {"needed": None, "colour": "red"} | params, rendered=True)

    assert code in [problem.code for problem in found]


def test_what_the_action_renders_itself_is_still_a_template():
    meta = replace(META, unrendered_params={"text"})

    assert check_params(meta, {"needed": 1, "text": "{{ x }}"}, rendered=True) == []


def test_null_counts_as_given_and_absence_does_not():
    assert check_params(META, {"needed": None}) == []
    assert check_params(META, {}) == ["Missing required parameter: needed"]


def test_problems_name_the_very_place_inside_of_a_param():
    [problem] = param_problems(META, {"needed": 1, "servers": [{"host": "a", "port": 0}]})

    assert (problem.param, problem.path, problem.code) == ("servers", (0, "port"), "too_small")


def test_a_catastrophic_pattern_is_harmless():
    text = ParamDefinition("text", "T", validation=ValidationRules(pattern="(a+)+$"))
    began = time.thread_time()

    found = check_params(replace(META, params=[text]), {"text": "a" * 50_000 + "!"})

    assert found == ["text: must match (a+)+$"]
    assert time.thread_time() - began < 1


def test_problems_name_their_param_and_a_stable_code():
    [problem] = param_problems(META, {"needed": 1, "number": 99})

    assert (problem.param, problem.code) == ("number", "too_large")
