from __future__ import annotations

import pytest

from pipeline_engine.sdk import (
    ActionMeta,
    NestedRules,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    QueueName,
    SelectOption,
    ValidationRules,
)


def a_meta(**facts):
    given = {"type": "a_type", "name": "A", "category": "C", "description": "D"}
    return ActionMeta(**(given | facts))


def test_good_metadata_has_nothing_wrong_with_it():
    assert a_meta(params=[ParamDefinition("a", "A")]).validate() == []


@pytest.mark.parametrize("name", ["type", "name", "category", "description"])
def test_what_an_editor_shows_is_required(name):
    assert f"{name} is required" in a_meta(**{name: ""}).validate()


@pytest.mark.parametrize("action_type", ["has space", "dash-ed", ".dot", "dot.", "a..b", "ünï"])
def test_a_type_is_made_of_letters_digits_underscores_and_inner_dots(action_type):
    [problem] = a_meta(type=action_type).validate()

    assert problem.startswith("type must be alphanumeric with underscores and dots only")


def test_dotted_types_are_legal_because_the_guardrail_plan_uses_them():
    assert a_meta(type="guardrail.validate", aliases=["guardrail_validate"]).validate() == []


def test_every_problem_is_reported_at_once():
    meta = a_meta(
        params=[
            ParamDefinition("", "A"),
            ParamDefinition("b", ""),
            ParamDefinition("c", "C", ParamType.SELECT),
            ParamDefinition("d", "D"),
            ParamDefinition("d", "D"),
        ],
        outputs=[OutputDefinition("o", "any"), OutputDefinition("o", "any")],
        unrendered_params=frozenset({"nobody"}),
    )

    assert meta.validate() == [
        "param[0].name is required",
        "param[1].label is required",
        "param 'c' requires options for select",
        "duplicate param name: d",
        "unrendered_params names no param: nobody",
        "duplicate output name: o",
    ]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (ValidationRules(pattern="("), "(a.pattern): This is no regular expression: missing"),
        (ValidationRules(pattern="(?=x)"), "(a.pattern): This is no regular expression"),
        (ValidationRules(pattern=7), "(a.pattern): This is no regular expression"),
        (ValidationRules(format="datum"), "(a.format): 'datum' is none of date, date-time"),
        (ValidationRules(min=2, max=1), "(a.maximum): Input should be greater than or equal to 2"),
        (ValidationRules(items=NestedRules(type="txt")), "(a.items.type): 'txt' is no type"),
        (ValidationRules(items=NestedRules(pattern="[")), "(a.items.pattern): This is no"),
        (
            ValidationRules(properties={"p": NestedRules(type="integer", enum=["x"])}),
            "(a.properties.p.enum.0): Input should be a valid integer",
        ),
    ],
)
def test_limits_that_cannot_be_kept_are_problems_with_their_reason(rules, words):
    [problem] = a_meta(params=[ParamDefinition("a", "A", validation=rules)]).validate()

    assert problem.startswith(f"the limits of param 'a' cannot be kept {words}")


def test_a_limit_of_a_type_that_it_does_not_limit_is_left_alone_as_it_always_was():
    odd = ValidationRules(min=1, pattern="x", min_length=1)

    assert a_meta(params=[ParamDefinition("a", "A", validation=odd)]).validate() == []


def test_lists_of_authors_become_tuples_so_that_metadata_cannot_change():
    meta = a_meta(params=[ParamDefinition("a", "A", options=[SelectOption(1, "One")])])

    assert isinstance(meta.params, tuple)
    assert isinstance(meta.params[0].options, tuple)


@pytest.mark.parametrize(
    ("facts", "queue"),
    [
        ({}, QueueName.IO),
        ({"cheap": True}, QueueName.FAST),
        ({"cheap": True, "queue": QueueName.CPU}, QueueName.CPU),
    ],
)
def test_the_queue_follows_from_what_an_action_costs_unless_it_says(facts, queue):
    assert a_meta(**facts).runs_on is queue
