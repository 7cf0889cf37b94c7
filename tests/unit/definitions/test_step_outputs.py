"""A reference to an output leads to one that the step leaves."""

from __future__ import annotations

from typing import Any

import pytest
from unit.definitions.documents import a_document

from pipeline_engine.domain.actions import ActionMeta, OutputDefinition
from pipeline_engine.domain.checks import CheckReport, check
from pipeline_engine.registry import Registry
from pipeline_engine.services.actions import Catalogue

REGISTRY = Registry.discover()
AT = "/steps/1/params/message"


def found(message: str, *, of: dict[str, Any], **fields: Any) -> CheckReport:
    """The verdict on a step that says *message* after the step ``a``."""
    first = {"id": "a", "name": "A", **of}
    says = {"id": "b", "name": "B", "action": "log", "depends_on": ["a"]}
    document = a_document(first, says | {"params": {"message": message}} | fields)
    return check(document, Catalogue(REGISTRY))


def codes(report: CheckReport) -> tuple[list[str], list[str]]:
    """Those of its errors, and those of its warnings."""
    return [one.code for one in report.errors], [one.code for one in report.warnings]


DELAY = {"action": "delay", "params": {"duration_seconds": 1}}
LOG = {"action": "log", "params": {"message": "x"}}
SET = {"action": "set_output", "params": {"outputs": {"url": "{{ execution.id }}"}}}
WRONG = (["unknown_output"], [])
WARNED = ([], ["unknown_output"])
RIGHT: tuple[list[str], list[str]] = ([], [])
CAUGHT = {**LOG, "catch": [{"errors": "*", "outputs": {"instead": 1}}]}
APPROVAL = {"action": "approval", "params": {}}
FETCH = {"action": "http_request", "params": {"url": "http://192.0.2.1"}}


@pytest.mark.parametrize(
    ("of", "output", "expected"),
    [
        (LOG, "message", RIGHT),
        (LOG, "massage", WRONG),
        (LOG, "message.deeper[0]", RIGHT),
        (SET, "url", RIGHT),
        (SET, "uri", WRONG),
        ({"action": "set_output", "params": {"outputs": "{{ params._trigger }}"}}, "x", WARNED),
        (CAUGHT, "instead", RIGHT),
        (CAUGHT, "inztead", WRONG),
        (LOG | {"for_each": [1, 2]}, "results", RIGHT),
        (LOG | {"for_each": [1, 2]}, "message", WRONG),
        (APPROVAL, "by", RIGHT),
        (APPROVAL, "ticket", WARNED),
        (FETCH, "status", WRONG),
    ],
)
def test_an_output_that_the_step_cannot_leave_is_an_error_and_one_it_may_leave_a_warning(
    of, output, expected
):
    assert codes(found(f"{{{{ steps.a.outputs.{output} }}}}", of=of)) == expected


def test_the_output_that_was_meant_is_named():
    [error] = found("{{ steps.a.outputs.massage }}", of=LOG).errors

    assert (error.pointer, error.hint) == (AT, "Did you mean 'message'?")


def test_with_no_name_close_to_it_all_outputs_are_named():
    [error] = found("{{ steps.a.outputs.zzz }}", of=LOG).errors

    assert error.hint == "It leaves level, logged, message."


@pytest.mark.parametrize(
    "message",
    [
        "{{ steps.a.outputs.nope | default('none') }}",
        "{{ steps.a.outputs.nope or 'none' }}",
        "{{ 'yes' if steps.a.outputs.nope is defined else 'no' }}",
        "{{ steps.a.outputs.nope ~ '' if steps.a.outputs.nope is defined }}",
        "{{ steps.a.outputs.nope is none }}",
        "{{ 'yes' if steps.a.outputs.nope else 'no' }}",
        "{{ not steps.a.outputs.nope }}",
        "{{ steps.a.outputs.nope and 'yes' }}",
        "{{ steps.a.outputs.nope if 'nope' in steps.a.outputs else 'none' }}",
    ],
)
def test_who_says_what_counts_without_the_output_is_warned_only(message):
    assert codes(found(message, of=LOG)) == WARNED


@pytest.mark.parametrize(
    "fields",
    [
        {"condition": "steps.a.outputs.nope == 1"},
        {"for_each": "{{ steps.a.outputs.nope }}"},
        {"compensate": {"action": "log", "params": {"message": "{{ steps.a.outputs.nope }}"}}},
        {"catch": [{"errors": "*", "outputs": {"x": "{{ steps.a.outputs.nope }}"}}]},
        {"notify": [{"on": "completed", "subscription": "s", "message": "{{ step.outputs.no }}"}]},
    ],
)
def test_outputs_are_looked_at_wherever_there_are_templates(fields):
    assert codes(found("x", of=LOG, **fields)) == WRONG


def test_a_notice_of_items_is_about_an_item():
    notice = {"on": "completed", "subscription": "s", "message": "{{ step.outputs.message }}"}

    assert found("x", of=LOG, for_each=[1], notify=[notice | {"per_item": True}]).valid


def test_an_error_has_a_code_and_a_message():
    assert found("{{ steps.a.error.code ~ steps.a.error.message }}", of=LOG).valid
    assert codes(found("{{ steps.a.error.type }}", of=LOG)) == (["unknown_step_field"], [])


def test_outputs_from_has_to_name_a_param():
    meta = ActionMeta("t", "T", "C", "D.", outputs_from="q", outputs=[OutputDefinition("a", "any")])

    assert meta.validate() == ["outputs_from names no param: q"]
