"""Step ids, depends_on and circles."""

from __future__ import annotations

import pytest
from unit.definitions.documents import a_document, a_step, checked, errors, messages


def test_a_scalar_depends_on_is_a_list_of_one():
    assert checked(a_document(a_step("a"), a_step("b", depends_on="a"))).valid


def test_two_steps_cannot_have_the_same_id():
    report = checked(a_document(a_step("a"), a_step("a")))

    assert [(i.pointer, i.code) for i in report.errors] == [("/steps/1/id", "duplicate_step_id")]
    assert report.errors[0].message == "steps: Duplicate step ID 'a'"


def test_a_handler_cannot_have_the_id_of_a_step():
    assert errors(a_document(a_step("a"), settings={"finally": [a_step("a")]})) == [
        ("/settings/finally/0/id", "duplicate_step_id")
    ]


def test_a_step_cannot_wait_for_itself():
    report = checked(a_document(a_step("a", depends_on=["a"])))

    assert [issue.message for issue in report.errors] == ["steps.a: Self-dependency not allowed"]
    assert not report.has_cycles


def test_an_unknown_dependency_gets_the_name_that_was_probably_meant():
    report = checked(a_document(a_step("fetch"), a_step("b", depends_on=["fecth"])))

    assert report.errors[0].message == "steps.b.depends_on: Unknown step 'fecth'"
    assert report.errors[0].pointer == "/steps/1/depends_on/0"
    assert report.errors[0].hint == "Did you mean 'fetch'?"


def test_a_step_cannot_wait_for_a_handler():
    document = a_document(a_step("a", depends_on=["h"]), settings={"finally": [a_step("h")]})

    assert errors(document) == [("/steps/0/depends_on/0", "unknown_step")]


def test_a_circle_is_named_step_by_step_in_the_direction_of_the_data():
    document = a_document(
        a_step("start"),
        a_step("a", depends_on=["c", "start"]),
        a_step("b", depends_on=["a"]),
        a_step("c", depends_on=["b"]),
        a_step("end", depends_on=["c"]),
    )

    report = checked(document)

    assert report.has_cycles
    assert [issue.message for issue in report.errors] == [
        "Cyclic dependency detected: a -> b -> c -> a"
    ]


def test_a_circle_does_not_hide_other_errors():
    document = a_document(
        a_step("a", depends_on=["b"], params={"message": "{{ params.x }}"}),
        a_step("b", depends_on=["a"], action="lag"),
    )

    assert [code for _, code in errors(document)] == [
        "cyclic_dependency",
        "unknown_action",
        "unknown_parameter",
    ]


def test_a_circle_of_2000_steps_is_one_readable_error():
    ring = [a_step(f"s{n}", depends_on=[f"s{(n - 1) % 2000}"]) for n in range(2000)]

    (message,) = messages(a_document(*ring))

    assert message.startswith("Cyclic dependency detected: s0 -> s1 -> s2 ->")
    assert message.endswith("… -> s0")


def test_what_a_caught_failure_leads_to_waits_for_the_step_that_fails():
    catch = [{"errors": "*", "next": ["b", "h"]}, {"errors": "x", "next": "c"}]
    eager = a_step("c", depends_on=["a", "b"], trigger_rule="one_success")

    document = a_document(
        a_step("a", catch=catch), a_step("b"), eager, settings={"finally": [a_step("h")]}
    )

    assert errors(document) == [
        ("/steps/0/catch/0/next/0", "branch_target_not_dependent"),
        ("/steps/0/catch/0/next/1", "unknown_step"),
        ("/steps/0/catch/1/next", "next_is_eager"),
    ]


@pytest.mark.parametrize("rule", ["all_failed", "ALL_FAILED"])
def test_what_a_caught_failure_leads_to_must_not_ask_for_failures_only(rule):
    document = a_document(
        a_step("a", catch=[{"errors": "*", "next": ["b"]}]),
        a_step("b", depends_on="a", trigger_rule=rule),
    )

    assert errors(document) == [("/steps/0/catch/0/next/0", "next_never_runs")]
