"""What a client may say in one request, and where it is told that it may not."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from pipeline_engine.errors import InvalidGuardrailStep
from pipeline_engine.guardrails.rules.requests import StepRequest

ID = "01a21eb6-11c5-7e8b-a6b4-2f4b0a8e6a55"
BEGIN = {"workflow_total_steps": 12, "step_number": 1}
GO_ON = {"workflow_id": ID, "step_number": 3}


def problems(body: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidGuardrailStep) as refused:
        StepRequest.of(body)
    return [(one.pointer, one.code) for one in refused.value.facts["problems"]]


def test_tags_are_texts_or_objects_and_a_description_may_be_empty() -> None:
    fields = {"tags": ["a", {"name": "b", "color": "#fff"}], "description": ""}

    assert StepRequest.of({**GO_ON, **fields}).fields == fields


def test_null_says_nothing_and_each_field_is_kept() -> None:
    request = StepRequest.of(
        {**GO_ON, "project_id": "p", "cluster_id": None, "is_standalone": False}
    )

    assert request.workflow_id == UUID(ID)
    assert request.fields == {"project_id": "p", "is_standalone": False}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({**BEGIN, "workflow_id": ID, "project_id": "p"}, ("/workflow_id", "one_of")),
        ({"step_number": 1}, ("/workflow_id", "one_of")),
        ({**BEGIN, "workflow_total_steps": 11}, ("/workflow_total_steps", "out_of_range")),
        ({**BEGIN, "step_number": 0}, ("/step_number", "out_of_range")),
        ({**BEGIN, "step_number": 13}, ("/step_number", "out_of_range")),
        ({**BEGIN, "step_number": True}, ("/step_number", "out_of_range")),
        ({"workflow_total_steps": 12}, ("/step_number", "out_of_range")),
        ({**BEGIN, "version": 1}, ("/version", "one_of")),
        ({**GO_ON, "workflow_id": "x", "project_id": "p"}, ("/workflow_id", "invalid_type")),
        (GO_ON, ("/step_number", "required")),
        ({**GO_ON, "step_number": 12}, ("/step_number", "required")),
        ({**GO_ON, "trigger_workflow": True}, ("/trigger_workflow", "not_at_this_step")),
        ({**GO_ON, "is_standalone": True, "endpoint_ids": ["e"]}, ("/endpoint_ids", "one_of")),
        ({**GO_ON, "endpoint_ids": "e"}, ("/endpoint_ids", "invalid_type")),
        ({**GO_ON, "endpoint_ids": ["e"] * 51}, ("/endpoint_ids", "too_many")),
        ({**GO_ON, "project_id": " "}, ("/project_id", "invalid_type")),
        ({**GO_ON, "hardware_mode": "both"}, ("/hardware_mode", "unknown_value")),
        ({**GO_ON, "deploy_config": []}, ("/deploy_config", "invalid_type")),
        ({**GO_ON, "severity_threshold": 1.5}, ("/severity_threshold", "out_of_range")),
        ({**GO_ON, "probe_selections": []}, ("/probe_selections", "invalid_type")),
        ({**GO_ON, "probe_selections": [{}]}, ("/probe_selections/0/id", "required")),
        (
            {**GO_ON, "probe_selections": [{"id": "a"}, {"id": "a"}]},
            ("/probe_selections/1/id", "duplicate"),
        ),
        (
            {**GO_ON, "probe_selections": [{"id": "a", "rules": [{"id": 1}]}]},
            ("/probe_selections/0/rules/0/id", "required"),
        ),
        ({**GO_ON, "description": 1}, ("/description", "invalid_type")),
        ({**GO_ON, "tags": [1]}, ("/tags", "invalid_type")),
        ({**GO_ON, "tags": ["t"] * 101}, ("/tags", "too_many")),
        ({**GO_ON, "colour": "red"}, ("/colour", "unknown_field")),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(
    body: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert problems(body) == [expected]


@pytest.mark.parametrize("step", [4, 8])
def test_what_the_engine_finds_out_may_be_asked_for_without_a_word(step: int) -> None:
    assert StepRequest.of({**GO_ON, "step_number": step}).fields == {}
