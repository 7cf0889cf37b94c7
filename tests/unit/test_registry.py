from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from pipeline_engine.errors import ActionNotFound, UnknownAction
from pipeline_engine.registry import OWN_DISTRIBUTION, TRUSTING, RegisteredAction, Registry
from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
)

PLUGINS = Path(__file__).parents[1] / "plugins"
ENTRY_POINTS = """\
[pipeline_engine.actions]
acme_working = acme_pipeline_actions.shapes:Plain
acme_unloadable = acme_pipeline_actions.unloadable:Unloadable
acme_misdescribed = acme_pipeline_actions.misdescribed:Misdescribed
acme_without_meta = acme_pipeline_actions.shapes:WithoutMeta
acme_without_executor = acme_pipeline_actions.shapes:WithoutExecutor
acme_stranger = acme_pipeline_actions.shapes:Stranger
acme_missing = acme_pipeline_actions.shapes:Missing
acme_other_name = acme_pipeline_actions.shapes:Renamed
acme_aliased = acme_pipeline_actions.shapes:Aliased
log = acme_pipeline_actions.shapes:Log
"""

UNLOADABLE = (
    "acme_pipeline_actions/unloadable.py:3: ModuleNotFoundError: "
    "No module named 'acme_package_that_does_not_exist'"
)


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A stranger's distribution, installed the way pip leaves one behind."""
    installed = tmp_path / "acme_pipeline_actions-2.1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: acme-pipeline-actions\nVersion: 2.1\n"
    )
    (installed / "entry_points.txt").write_text(ENTRY_POINTS)
    # In front, so that finding our own action first is no accident of the order.
    monkeypatch.syspath_prepend(str(PLUGINS))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in [name for name in sys.modules if name.startswith("acme_pipeline_actions")]:
        del sys.modules[name]


def an_action(executor: type[BaseActionExecutor], action_type: str = "mine") -> RegisteredAction:
    meta = ActionMeta(type=action_type, name="Mine", category="Mine", description="Mine.")
    return RegisteredAction(meta, executor, "mine", "1")


class Quiet(BaseActionExecutor):
    def execute(self, context: ActionContext) -> ActionResult:
        return ActionResult(success=True)


def test_the_built_in_actions_come_through_the_same_door_and_none_is_broken():
    registry = Registry.discover(terms=TRUSTING)

    assert {"log", "while", "http_request", "guardrail_parallel_simulate"} <= set(registry.types())
    assert registry.get("log").distribution == OWN_DISTRIBUTION
    assert dict(registry.broken) == {}


@pytest.mark.usefixtures("acme")
def test_a_strangers_action_is_found_with_its_distribution_and_version():
    action = Registry.discover(terms=TRUSTING).get("acme_working")

    assert (action.distribution, action.distribution_version) == ("acme-pipeline-actions", "2.1")


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("acme_unloadable", UNLOADABLE),
        (
            "acme_misdescribed",
            (
                "Invalid action metadata for acme_misdescribed: name is required; "
                "param 'mode' requires options for select"
            ),
        ),
        ("acme_without_meta", "Action acme_without_meta missing 'meta' attribute"),
        (
            "acme_without_executor",
            "Action acme_without_executor missing 'executor_class' attribute",
        ),
        ("acme_stranger", "the executor of acme_stranger is no BaseActionExecutor"),
        (
            "acme_missing",
            "AttributeError: module 'acme_pipeline_actions.shapes' has no attribute 'Missing'",
        ),
        ("acme_other_name", "the entry point is named 'acme_other_name', not 'acme_renamed'"),
        ("log", "'log' is provided by pipeline-engine already"),
    ],
)
def test_a_broken_action_is_kept_with_its_reason_and_stops_nobody_else(name, reason):
    registry = Registry.discover(terms=TRUSTING)

    assert registry.broken[name].reason == reason
    assert registry.broken[name].distribution == "acme-pipeline-actions"
    assert "acme_working" in registry


@pytest.mark.usefixtures("acme")
def test_no_package_can_put_itself_in_the_place_of_a_built_in_action():
    assert Registry.discover(terms=TRUSTING).get("log").distribution == OWN_DISTRIBUTION


@pytest.mark.usefixtures("acme")
def test_a_broken_action_is_refused_with_its_reason():
    registry = Registry.discover(terms=TRUSTING)

    with pytest.raises(ActionNotFound, match=f"Action 'acme_unloadable' not found: {UNLOADABLE}"):
        registry.meta("acme_unloadable")
    with pytest.raises(UnknownAction, match=f"acme_unloadable: {UNLOADABLE}"):
        registry.executor("acme_unloadable")


@pytest.mark.usefixtures("acme")
def test_an_alias_finds_the_action_and_is_not_listed_as_another():
    registry = Registry.discover(terms=TRUSTING)

    assert registry.get("acme_aliased") is registry.get("acme.aliased")
    assert "acme_aliased" not in registry.types()


def test_the_dotted_types_of_the_guardrail_plan_are_understood():
    registry = Registry.discover(terms=TRUSTING)

    for name in registry.types():
        if name.startswith("guardrail_"):
            dotted = name.replace("_", ".", 1)
            assert registry.meta(dotted).type == name


@pytest.mark.parametrize("name", ["nobody", ""])
def test_an_action_that_is_not_installed_is_named(name):
    registry = Registry()

    assert name not in registry
    with pytest.raises(ActionNotFound, match=f"Action '{name}' not found"):
        registry.get(name)
    with pytest.raises(UnknownAction, match=f"Unknown action type: {name}"):
        registry.executor(name)


def test_an_executor_is_made_once_even_when_several_threads_want_it_first():
    made = []
    everybody = Barrier(8)

    class Counted(Quiet):
        def __init__(self) -> None:
            made.append(self)

    registry = Registry([an_action(Counted)])

    def wanted(_: int) -> BaseActionExecutor:
        everybody.wait(timeout=10)
        return registry.executor("mine")

    with ThreadPoolExecutor(8) as threads:
        executors = set(threads.map(wanted, range(8)))

    assert (len(made), len(executors)) == (1, 1)


def test_no_executor_is_made_before_it_is_wanted():
    class Costly(Quiet):
        def __init__(self) -> None:
            raise AssertionError("made too early")

    registry = Registry([an_action(Costly)])

    assert registry.meta("mine").name == "Mine"


def test_categories_and_their_actions_are_sorted():
    registry = Registry([an_action(Quiet, "b"), an_action(Quiet, "a")])

    assert {k: [m.type for m in v] for k, v in registry.by_category().items()} == {
        "Mine": ["a", "b"]
    }
    assert [action.meta.type for action in registry] == ["a", "b"]
    assert len(registry) == 2
