"""What an order gives to the executions that it starts is checked when it is saved."""

from __future__ import annotations

from typing import Any

import pytest
from unit.definitions.documents import a_document, a_step, checked

from pipeline_engine.domain.definitions import PipelineDefinition, parse
from pipeline_engine.domain.masking import MASK
from pipeline_engine.domain.standing_orders import masked, problems_of_params


@pytest.fixture
def definition() -> PipelineDefinition:
    parameters = [
        {"name": "version", "type": "string", "required": True},
        {"name": "count", "type": "integer", "default": 1},
    ]
    return parse(a_document(a_step("a"), parameters=parameters))


@pytest.mark.parametrize(
    ("given", "supplied", "codes"),
    [
        ({"version": "1"}, (), []),
        ({}, (), ["required"]),
        ({}, ("version",), []),
        ({"version": "1", "cuont": 2}, (), ["unknown_parameter"]),
        ({"version": 7}, (), ["wrong_type"]),
        ({"version": 7}, ("version",), ["wrong_type"]),
    ],
)
def test_a_slip_in_the_params_is_found_before_anything_is_started(
    definition: PipelineDefinition, given: dict[str, Any], supplied: tuple[str, ...], codes: Any
) -> None:
    assert [one.code for one in problems_of_params(definition, given, supplied)] == codes


def test_an_unknown_parameter_is_told_with_the_one_that_was_meant(
    definition: PipelineDefinition,
) -> None:
    problem = problems_of_params(definition, {"version": "1", "cuont": 2})[0]

    assert (problem.pointer, problem.hint) == ("/params/cuont", "Did you mean 'count'?")


def test_every_definition_may_name_what_has_started_its_execution() -> None:
    said = "{{ params._trigger.type }}"

    assert checked(a_document(a_step("a", params={"message": said}))).valid


def test_a_mask_is_no_secret_wherever_it_stands() -> None:
    given = {"version": "1", "db": [{"url": f"postgresql://ann:{MASK}@db.example/x"}], "n": MASK}

    found = [(one.pointer, one.code) for one in masked(given)]

    assert found == [("/params/db/0/url", "masked"), ("/params/n", "masked")]
