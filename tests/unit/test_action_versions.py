"""Versions of one action, side by side: which of them a name means."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
from support.factories import an_action

from pipeline_engine.errors import ActionNotFound, UnknownAction
from pipeline_engine.registry import (
    ChosenActions,
    InvalidPlugin,
    RegisteredAction,
    Registry,
)
from pipeline_engine.sdk import ActionContext, ActionResult


def quiet(context: ActionContext) -> ActionResult:
    return ActionResult(success=True)


def greet(version: str, **meta: Any) -> RegisteredAction:
    return an_action("greet", quiet, version=version, **meta)


def greets(*versions: str) -> Registry:
    return Registry(greet(version) for version in versions)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("greet", "10.0.0"),
        ("greet@2", "2.10.1"),
        ("greet@2.9", "2.9.4"),
        ("greet@2.9.3", "2.9.3"),
        ("greet@1", "1"),
        ("greet@1.0", "1"),
        ("greet@11.0.0rc1", "11.0.0rc1"),
        ("greet@11", "11.0.0rc1"),
    ],
)
def test_a_name_means_the_newest_version_that_it_leaves_open(name, version):
    registry = greets("2.9.3", "1", "10.0.0", "2.10.1", "2.9.4", "11.0.0rc1")

    assert registry.meta(name).version == version


def test_numbers_are_compared_as_numbers():
    assert greets("1.9.0", "1.10.0").meta("greet").version == "1.10.0"


@pytest.mark.parametrize(
    "name", ["greet@3", "greet@2.1.1", "greet@latest", "greet@", f"greet@{'1' * 5000}"]
)
def test_a_version_that_is_not_installed_is_refused_with_those_that_are(name):
    registry = greets("1.0.0", "2.1.0")

    assert name not in registry
    with pytest.raises(ActionNotFound, match=r"there are the versions 2\.1\.0, 1\.0\.0"):
        registry.get(name)


def test_a_deprecated_version_is_taken_only_where_it_is_named():
    registry = Registry([greet("1.0.0"), greet("2.0.0", deprecated=True)])

    assert registry.meta("greet").version == "1.0.0"
    assert registry.meta("greet@2").version == "2.0.0"


def test_what_is_deprecated_altogether_can_still_be_used():
    assert Registry([greet("1.0.0", deprecated=True)]).meta("greet").version == "1.0.0"


def test_each_process_says_once_that_it_runs_what_is_deprecated():
    registry = Registry([greet("1.0.0", deprecated=True, replaced_by="hello")])

    with structlog.testing.capture_logs() as lines:
        registry.executor("greet")
        registry.executor("greet")

    assert [(line["event"], line["action"], line["replaced_by"]) for line in lines] == [
        ("action_deprecated", "greet", "hello")
    ]


def test_an_alias_can_name_a_version_too():
    registry = Registry([greet("1.0.0", aliases=["hello"]), greet("2.0.0", aliases=["hello"])])

    assert registry.meta("hello@1").version == "1.0.0"
    assert registry.name_of("hello@1") == "greet@1"


def test_one_action_is_listed_once_and_all_of_its_versions_are_there():
    registry = greets("1.0.0", "2.0.0")

    assert registry.types() == ["greet"]
    assert [action.meta.version for action in registry] == ["2.0.0", "1.0.0"]
    assert [m.version for m in registry.by_category()["Tests"]] == ["2.0.0"]


@pytest.mark.parametrize("version", ["1.0.0", "1.0"])
def test_the_same_version_cannot_be_installed_twice(version):
    with pytest.raises(InvalidPlugin, match="'greet' is provided by tests already"):
        Registry([greet("1.0.0"), greet(version)])


def test_no_other_package_can_add_a_version_that_everybody_would_take():
    stranger = greet("9.0.0")
    stranger = RegisteredAction(stranger.meta, stranger.executor_class, "stranger", "1")

    with pytest.raises(InvalidPlugin, match="'greet' is provided by tests already"):
        Registry([greet("1.0.0"), stranger])


def test_a_version_that_cannot_be_compared_is_refused():
    with pytest.raises(InvalidPlugin, match=r"the version 'newest' is not of the form 1\.2\.0"):
        greets("newest")


def test_what_was_recorded_is_kept_though_a_newer_version_is_installed():
    actions = ChosenActions(greets("1.0.0", "1.1.0", "2.0.0"), {"greet": "1.0.0"})

    assert actions.get("greet").meta.version == "1.0.0"


@pytest.mark.parametrize(
    ("name", "version"), [("greet", "1.2.0"), ("greet@1", "1.2.0"), ("greet@1.1", "1.1.7")]
)
def test_a_version_that_is_gone_is_replaced_within_what_its_name_allows(name, version):
    actions = ChosenActions(greets("1.1.7", "1.2.0", "2.0.0"), {name: "1.1.3"})

    assert actions.get(name).meta.version == version


@pytest.mark.parametrize("name", ["greet", "greet@1", "greet@1.1.3"])
def test_no_version_takes_the_place_of_one_with_another_first_number(name):
    actions = ChosenActions(greets("2.0.0"), {name: "1.1.3"})

    with pytest.raises(UnknownAction, match=r"version 1\.1\.3, which it was saved with.* 2\.0\.0"):
        actions.get(name)


def test_a_release_is_not_replaced_by_a_candidate_that_nobody_has_asked_for():
    chosen = {"greet": "2.1.0", "greet@2": "2.1.0"}

    beside = ChosenActions(greets("2.1.1", "2.2.0rc1"), chosen)
    alone = ChosenActions(greets("2.2.0rc1"), chosen)

    assert [beside.get(name).meta.version for name in chosen] == ["2.1.1", "2.1.1"]
    assert alone.get("greet").meta.version == "2.2.0rc1"


def test_versions_that_are_counted_anew_are_others():
    later = ChosenActions(greets("1!2.0"), {"greet": "2.1.0"})

    with pytest.raises(UnknownAction, match="save it again"):
        later.get("greet")
