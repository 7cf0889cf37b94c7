"""What a step tells subscriptions is checked before it is stored."""

from __future__ import annotations

from typing import Any

import pytest
from unit.definitions.documents import a_document, a_step, checked, errors

from pipeline_engine.domain.definitions import NotifyOn, notifies, parse

PARAMETERS = [{"name": "token", "type": "secret"}]


def telling(message: str = "hello", **fields: Any) -> dict[str, Any]:
    """A definition of a and b, which waits for a and tells of itself."""
    notice = {"on": "failed", "subscription": "on-call", "message": message, **fields}
    steps = a_step("a"), a_step("b", depends_on=["a"], notify=notice), a_step("c")
    return a_document(*steps, parameters=PARAMETERS)


def test_one_or_several_are_read_in_any_case():
    document = telling(on=["Failed", "PARKED"], title="t")
    (notice,) = parse(document).step("b").notify

    assert checked(document).valid
    assert (notice.on, notice.title) == ({NotifyOn.FAILED, NotifyOn.PARKED}, "t")


def test_a_word_that_does_not_happen_is_refused_with_the_one_that_is_meant():
    (issue,) = checked(telling(on=["compl"])).errors

    assert (issue.pointer, issue.code) == ("/steps/1/notify/on/0", "unknown_word")
    assert issue.hint == "Did you mean 'completed'?"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{{ steps.c.outputs.x }}", "not_an_ancestor"),
        ("{{ step.reason }}", "unknown_step_field"),
        ("{{ execution.status }}", "unknown_execution_field"),
        ("{{ params.token }}", "secret_misused"),
        ("{{ secrets.token }}", "secret_misused"),
        ("{{ item }}", "unknown_root"),
        ("{{ step. }}", "template_syntax"),
    ],
)
def test_templates_see_the_step_and_what_it_sees_but_no_secrets(message, code):
    assert errors(telling(message)) == [("/steps/1/notify/message", code)]


def test_the_step_sees_itself_and_what_is_before_it():
    message = "{{ step.name }} {{ steps.b.outputs.x }} {{ steps.a.status }} {{ execution.id }}"

    assert checked(telling(message)).valid


def test_who_is_told_cannot_depend_on_data():
    code = ("/steps/1/notify/subscription", "no_template")

    assert errors(telling(subscription="{{ params.token }}")) == [code]


def test_a_definition_knows_whether_anything_in_it_tells():
    handler = {"id": "h", "name": "H", "action": "log", "notify": {}}
    inner = {"id": "block", "name": "B", "steps": [a_step("in", notify=[{}])]}

    assert [
        notifies(document)
        for document in (
            telling(),
            a_document(a_step("a"), settings={"finally": [handler]}),
            a_document(inner),
            a_document(a_step("a", notify=[])),
        )
    ] == [True, False, True, False]
