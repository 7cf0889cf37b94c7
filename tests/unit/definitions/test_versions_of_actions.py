"""A definition gets a version of each action that it names, and is told what to think of it."""

from __future__ import annotations

from typing import Any

from support.factories import a_document, a_step, an_action

from pipeline_engine.domain.checks import CheckReport, check
from pipeline_engine.registry import RegisteredAction, Registry
from pipeline_engine.sdk import ActionContext, ActionResult, ParamDefinition, ParamType
from pipeline_engine.services.actions import Catalogue

LOOPS = [action for action in Registry.discover() if action.meta.type == "for_each"]
WHOM = ParamDefinition("whom", "Whom", ParamType.STRING, required=True)
TIMES = ParamDefinition("times", "Times", ParamType.NUMBER, required=True)


def quiet(context: ActionContext) -> ActionResult:
    return ActionResult(success=True)


def greet(version: str, *params: ParamDefinition, **meta: Any) -> RegisteredAction:
    return an_action("greet", quiet, params=params, version=version, **meta)


def checked(*steps: dict[str, Any], actions: list[RegisteredAction]) -> CheckReport:
    return check(a_document(*steps), Catalogue(Registry([*LOOPS, *actions])))


def said(report: CheckReport) -> list[tuple[str, str, str | None]]:
    found = [*report.errors, *report.warnings]
    return [(issue.pointer, issue.code, issue.hint) for issue in found]


def test_a_name_alone_takes_the_newest_version_and_a_pinned_one_its_own():
    report = checked(
        a_step("a", action="greet", params={}),
        a_step("b", action="greet@1", params={}),
        actions=[greet("1.3.0"), greet("2.0.0"), greet("2.1.0")],
    )

    assert report.versions == {"greet": "2.1.0", "greet@1": "1.3.0"}
    assert said(report) == []


def test_every_place_that_names_an_action_may_name_a_version():
    loop = {"items": [1], "action": "greet@1", "action_params": {}}
    report = checked(
        a_step("a", action="for_each", params=loop, compensate={"action": "greet@2"}),
        actions=[greet("1.0.0"), greet("2.0.0")],
    )

    assert report.versions == {"for_each": "1.0.0", "greet@1": "1.0.0", "greet@2": "2.0.0"}


def test_an_alias_is_recorded_by_its_type_as_rows_name_it():
    report = checked(
        a_step("a", action="hello@1", params={}), actions=[greet("1.0.0", aliases=["hello"])]
    )

    assert report.versions == {"greet@1": "1.0.0"}


def test_an_older_version_is_taken_if_only_that_takes_the_params_and_the_author_is_told():
    report = checked(
        a_step("a", action="greet", params={"whom": "you"}),
        actions=[greet("1.0.0", WHOM), greet("2.0.0", WHOM, TIMES)],
    )

    assert report.versions == {"greet": "1.0.0"}
    hint = "Name the version to keep it: 'greet@1.0.0'."
    assert said(report) == [("/steps/0/action", "older_version_taken", hint)]
    assert "2.0.0 does not take" in report.warnings[0].message
    assert "'times' is missing" in report.warnings[0].message


def test_all_steps_that_name_an_action_alike_get_the_same_version():
    report = checked(
        a_step("a", action="greet", params={"whom": "you", "times": 2}),
        a_step("b", action="greet", params={"whom": "you"}),
        actions=[greet("1.0.0", WHOM), greet("2.0.0", WHOM, TIMES)],
    )

    assert report.versions == {"greet": "1.0.0"}


def test_params_that_no_version_takes_are_the_errors_of_the_newest():
    report = checked(
        a_step("a", action="greet", params={}),
        actions=[greet("1.0.0", WHOM), greet("2.0.0", WHOM, TIMES)],
    )

    assert [pointer for pointer, _, _ in said(report)] == [
        "/steps/0/params/whom",
        "/steps/0/params/times",
    ]


def test_an_unknown_version_is_an_error_with_those_that_exist():
    report = checked(
        a_step("a", action="greet@3", params={}), actions=[greet("1.0.0"), greet("2.0.0")]
    )

    assert said(report) == [
        ("/steps/0/action", "unknown_action_version", "Installed: 2.0.0, 1.0.0.")
    ]


def test_who_uses_what_is_deprecated_is_told_what_takes_its_place():
    report = checked(
        a_step("a", action="greet@1", params={}),
        actions=[
            greet("1.0.0", deprecated=True, replaced_by="greet@2", deprecation_message="rude"),
            greet("2.0.0"),
        ],
    )

    assert said(report) == [
        ("/steps/0/action", "deprecated_action", "Use 'greet@2' instead."),
    ]
    assert report.warnings[0].message == "Action 'greet@1' 1.0.0 is deprecated: rude"
