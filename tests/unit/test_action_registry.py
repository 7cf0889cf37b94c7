"""``action_registry``, as the guide for authors of the reference has it."""

from __future__ import annotations

import pytest

from pipeline_engine.isolation.terms import TRUSTING
from pipeline_engine.registry import (
    ActionRegistry,
    InvalidPlugin,
    Registry,
    action_registry,
)
from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    register_action,
)

GREET = ActionMeta(type="greet", name="Greet", category="Acme", description="Greets.")


class Quiet(BaseActionExecutor):
    def execute(self, context: ActionContext) -> ActionResult:
        return ActionResult(success=True)


def test_the_check_of_a_registration_from_the_guide_holds() -> None:
    action_registry.discover_actions()
    action_registry.discover_actions()

    assert action_registry.has("log")
    assert action_registry.has("model_add")
    meta = action_registry.get_meta("log")
    assert meta is not None
    assert (meta.type, meta.category) == ("log", "Control Flow")
    assert hasattr(action_registry.get_executor("log"), "execute")
    with pytest.raises(KeyError, match="Unknown action type: nonexistent"):
        action_registry.get_executor("nonexistent")


def test_it_knows_what_a_registry_of_the_engine_knows_without_being_told_to_look() -> None:
    fresh, engine = ActionRegistry(), Registry.discover(terms=TRUSTING)

    assert fresh.list_actions() == engine.types()
    assert fresh.get_all_meta() == [engine.meta(name) for name in engine.types()]
    assert fresh.get_by_category() == engine.by_category()
    assert fresh.get_meta("nonexistent") is None
    assert fresh.get_executor("log") is fresh.get_executor("log@1")


@pytest.mark.parametrize("is_discovered", [True, False])
def test_an_action_can_be_registered_by_hand_before_and_after_the_others_are_found(
    is_discovered: bool,
) -> None:
    fresh = ActionRegistry()
    if is_discovered:
        fresh.discover_actions()

    @fresh.register
    @register_action(GREET)
    class Greet(Quiet):
        pass

    assert fresh.get_meta("greet") is GREET
    assert isinstance(fresh.get_executor("greet"), Greet)
    assert fresh.has("log")
    assert not Registry.discover().types().count("greet")


def test_what_a_package_declares_can_be_registered_by_hand_as_well() -> None:
    fresh, declared = ActionRegistry(), Registry.discover().get("log")

    fresh.register(declared.executor_class)

    assert fresh.list_actions() == Registry.discover().types()


def test_nothing_takes_the_name_of_an_installed_action() -> None:
    fresh = ActionRegistry()
    fresh.discover_actions()

    @register_action(ActionMeta("log", "Log", "Acme", "Logs."))
    class Log(Quiet):
        pass

    with pytest.raises(InvalidPlugin, match="'log' is provided by pipeline-engine already"):
        fresh.register(Log)

    assert not isinstance(fresh.get_executor("log"), Log)


def test_a_class_without_metadata_is_no_action() -> None:
    class Bare(Quiet):
        pass

    with pytest.raises(InvalidPlugin, match="Action Bare missing 'meta' attribute"):
        ActionRegistry().register(Bare)
