"""Actions exist, and params fit what they declare."""

from __future__ import annotations

from typing import Any

import pytest
from unit.definitions.documents import a_document, a_step, checked, errors, messages


def fetch(**params: Any) -> dict[str, Any]:
    return a_document(a_step(action="fetch", params={"url": "http://a", **params}))


def test_an_unknown_action_is_an_error_because_it_used_to_be_mocked_at_run_time():
    """[!] 1.4 and 3.5: it was a warning, and the step a success without any work."""
    report = checked(a_document(a_step(action="fetsh")))

    assert not report.valid
    assert report.errors[0].message == "Action 'fetsh' is not registered"
    assert report.errors[0].hint == "Did you mean 'fetch'?"


def test_a_broken_action_is_refused_with_the_reason_of_its_plug_in():
    report = checked(a_document(a_step(action="deploy")))

    assert report.errors[0].code == "broken_action"
    assert "No module named 'kubernetes'" in report.errors[0].message


@pytest.mark.parametrize("loop", [[1, 2], "{{ params.list }}", {"items": [1]}])
def test_an_action_that_makes_items_cannot_have_for_each_because_an_item_cannot_become_others(loop):
    step = a_step(action="spread", for_each=loop)

    report = checked(a_document(step, parameters=[{"name": "list", "type": "array"}]))

    assert [(e.pointer, e.code) for e in report.errors] == [("/steps/0/for_each", "nested_fan_out")]
    assert "block" in (report.errors[0].hint or "")


def test_an_action_that_makes_items_may_undo_a_step_with_for_each():
    step = a_step(for_each=[1], compensate={"action": "spread"})

    assert checked(a_document(a_step("b", action="spread"), step)).valid


@pytest.mark.parametrize("url", [{}, {"url": None}, {"url": ""}])
def test_a_required_param_is_neither_missing_nor_empty(url):
    report = checked(a_document(a_step(action="fetch", params=url)))

    assert report.errors[0].pointer == "/steps/0/params/url"
    assert report.errors[0].code == "missing_param"
    assert report.errors[0].message == "Step 'a': Required parameter 'url' is missing or empty"


def test_a_declared_default_satisfies_a_required_param():
    """[!] 1.4: it did not."""
    assert checked(fetch()).valid


def test_a_param_that_show_when_hides_is_not_required():
    """[!] 1.4: show_when was ignored."""
    assert checked(fetch(follow=False)).valid
    assert errors(fetch(follow=True)) == [("/steps/0/params/hops", "missing_param")]


def test_a_param_is_not_required_while_a_template_decides_whether_it_is_shown():
    assert checked(fetch(follow="{{ 1 > 0 }}")).valid


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"timeout": 0}, "Parameter 'timeout' value 0 is less than minimum 1"),
        ({"timeout": 301}, "Parameter 'timeout' value 301 exceeds maximum 300"),
        ({"tag": "a"}, "Parameter 'tag' length 1 is less than minimum 2"),
        ({"url": "h" * 21}, "Parameter 'url' length 21 exceeds maximum 20"),
        ({"tag": "AB"}, "Parameter 'tag' must be lower case"),
        ({"timeout": "5"}, "Parameter 'timeout' must be a number"),
        ({"timeout": True}, "Parameter 'timeout' must be a number"),
        ({"follow": "yes"}, "Parameter 'follow' must be true or false"),
        ({"url": ["http://a"]}, "Parameter 'url' must be a text"),
    ],
)
def test_a_value_that_does_not_fit_says_why_in_the_words_that_clients_know(params, message):
    assert messages(fetch(**params)) == [f"Step 'a': {message}"]


def test_a_choice_is_one_of_the_options():
    """[!] 1.4: options and patterns were checked only by POST /actions/validate."""
    document = a_document(a_step(params={"level": "loud"}))

    assert errors(document) == [("/steps/0/params/level", "not_an_option")]


@pytest.mark.parametrize("name", ["timeout", "tag", "url", "follow"])
def test_a_templated_value_is_checked_when_it_is_known(name):
    assert checked(fetch(**{name: "{{ execution.id }}"})).valid


def test_an_unknown_param_is_a_warning_because_actions_may_read_more_than_they_declare():
    report = checked(fetch(timeuot=5))

    assert report.valid
    assert report.warnings[0].code == "unknown_param"
    assert report.warnings[0].hint == "Did you mean 'timeout'?"


def test_handlers_and_compensations_are_checked_like_steps():
    document = a_document(
        a_step("a", compensate={"action": "fetch"}),
        settings={"finally": [a_step("h", action="lag")]},
    )

    assert errors(document) == [
        ("/steps/0/compensate/params/url", "missing_param"),
        ("/settings/finally/0/action", "unknown_action"),
    ]


def conditional(*branches: Any) -> dict[str, Any]:
    return a_step("choose", action="conditional", params={"branches": list(branches)})


def test_a_branch_leads_to_a_step_that_waits_for_the_decision():
    document = a_document(
        conditional({"id": "yes", "target_step": "b"}), a_step("b", depends_on=["choose"])
    )

    assert checked(document).valid


def test_a_branch_target_that_does_not_wait_would_run_before_it_is_skipped():
    document = a_document(conditional({"id": "yes", "target_step": "b"}), a_step("b"))

    report = checked(document)

    assert [(i.pointer, i.code) for i in report.errors] == [
        ("/steps/0/params/branches/0/target_step", "branch_target_not_dependent")
    ]
    assert report.errors[0].hint == "Add 'choose' to depends_on of 'b'."


def test_only_a_direct_dependency_makes_a_branch_target():
    document = a_document(
        conditional({"id": "yes", "target_step": "c"}),
        a_step("b", depends_on=["choose"]),
        a_step("c", depends_on=["b"]),
    )

    assert [code for _, code in errors(document)] == ["branch_target_not_dependent"]


def test_a_branch_target_exists():
    assert errors(a_document(conditional({"id": "yes", "target_step": "b"}))) == [
        ("/steps/0/params/branches/0/target_step", "unknown_step")
    ]


def test_a_branch_is_an_object_with_an_id():
    assert messages(a_document(conditional("yes", {"condition": "true"}))) == [
        "Step 'choose': Branch 0 must be a dictionary",
        "Step 'choose': Branch 1 missing 'id' field",
    ]
