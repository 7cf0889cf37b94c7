"""``action_registry``: the installed actions of this process, by the verbs that authors know.

It is for authors and their tests. The engine itself asks a ``Registry``, as this does, and takes
only what packages declare as entry points.
"""

from __future__ import annotations

from threading import RLock
from typing import TypeVar

from pipeline_engine.errors import UnknownAction
from pipeline_engine.isolation.terms import TRUSTING
from pipeline_engine.registry.discovery import made_by_hand
from pipeline_engine.registry.registered import RegisteredAction
from pipeline_engine.registry.registry import Registry
from pipeline_engine.sdk import ActionMeta, BaseActionExecutor

C = TypeVar("C", bound=type)


class ActionRegistry:
    """The installed actions, and those that this process has registered by hand."""

    def __init__(self) -> None:
        self._by_hand: list[RegisteredAction] = []
        self._found: Registry | None = None
        self._lock = RLock()  # a module that is being loaded may register its actions

    def discover_actions(self) -> None:
        """Load every installed action, once; any other verb does it, too."""
        self._registry()

    def register(self, action: C) -> C:
        """Add an action that no package declares; a decorator, below ``@register_action(META)``.

        It is known to this process only. Raises ``InvalidPlugin``.
        """
        made = made_by_hand(action)
        with self._lock:
            if self._found is not None:
                self._found = _with(self._found, [made])
            self._by_hand.append(made)
        return action

    def get_meta(self, action_type: str) -> ActionMeta | None:
        """What an action says about itself; None if there is none of this type or alias."""
        return self._registry().meta(action_type) if self.has(action_type) else None

    def get_executor(self, action_type: str) -> BaseActionExecutor:
        """The one executor of this process. Raises ``KeyError``, with the reason."""
        try:
            return self._registry().executor(action_type)
        except UnknownAction as error:
            raise KeyError(str(error)) from error

    def has(self, action_type: str) -> bool:
        """Whether there is an action of this type or alias, in the version that it may name."""
        return action_type in self._registry()

    def list_actions(self) -> list[str]:
        """Every type, sorted."""
        return self._registry().types()

    def get_all_meta(self) -> list[ActionMeta]:
        """What every action says about itself, by type."""
        found = self._registry()
        return [found.meta(action_type) for action_type in found.types()]

    def get_by_category(self) -> dict[str, list[ActionMeta]]:
        """The same by category."""
        return self._registry().by_category()

    def _registry(self) -> Registry:
        with self._lock:
            if self._found is None:
                self._found = self._discovered()
            return self._found

    def _discovered(self) -> Registry:
        found = Registry.discover(terms=TRUSTING)  # in the tests of an author
        # A module may register by hand what its package declares as well.
        known = {action.executor_class for action in found}
        return _with(found, [one for one in self._by_hand if one.executor_class not in known])


def _with(registry: Registry, actions: list[RegisteredAction]) -> Registry:
    return Registry([*registry, *actions], registry.broken.values())


action_registry = ActionRegistry()
