"""The installed actions, for editors and checkers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from pipeline_engine.config import Settings
from pipeline_engine.domain.action_names import pinned
from pipeline_engine.domain.checks.catalogue import OwnCheck
from pipeline_engine.errors import FOREIGN_ERRORS
from pipeline_engine.registry import BrokenAction, RegisteredAction, Registry
from pipeline_engine.sdk import ActionMeta, BaseActionExecutor, check_params, run_maybe_async

OTHER_ICON = "box"
#: Icon of each category; the reference missed "Model Operations".
ICONS: Mapping[str, str] = MappingProxyType(
    {
        "Control Flow": "git-branch",
        "Model": "cpu",
        "Model Operations": "cpu",
        "Cluster": "server",
        "Cluster Operations": "server",
        "Deployment": "rocket",
        "Integration": "plug",
        "Simulation": "beaker",
        "Guardrail": "shield",
    }
)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The installed actions as the check of a definition asks for them."""

    registry: Registry
    chosen: Mapping[str, str] = field(default_factory=dict)  #: versions of names that say none

    def find(self, action_type: str) -> ActionMeta | None:
        """The metadata of a usable action; None if it is not installed, or broken."""
        action = self._find(action_type)
        return action.meta if action else None

    def broken_reason(self, action_type: str) -> str | None:
        """Why an installed action cannot be used."""
        broken = self.registry.broken.get(action_type)
        return broken.reason if broken else None

    def fans_out(self, action_type: str) -> bool:
        """Whether a usable action makes items of its own."""
        action = self._find(action_type)
        return action is not None and action.fans_out

    def own_check(self, action_type: str) -> OwnCheck | None:
        """How a usable action checks its params itself; None if it does not."""
        action = self._find(action_type)
        inherited = BaseActionExecutor.validate_params
        if action is None or action.executor_class.validate_params is inherited:
            return None
        return partial(_own_problems, action)

    def types(self) -> Sequence[str]:
        """The types of all usable actions."""
        return self.registry.types()

    def versions(self, action_type: str) -> Sequence[str]:
        """All usable versions of the action in a name, newest first; empty if there is none."""
        return self.registry.versions(action_type).texts

    def choices(self, action_type: str) -> Sequence[str]:
        """The versions among which a name that says none may choose, the best first."""
        return [one.meta.version for one in self.registry.versions(action_type).choices]

    def taking(self, versions: Mapping[str, str]) -> Catalogue:
        """These actions, with names that say no version meaning the one that is given here."""
        return replace(self, chosen=versions)

    def _find(self, name: str) -> RegisteredAction | None:
        exact = pinned(name, self.chosen.get(name))
        return self.registry.get(exact) if exact in self.registry else None


@dataclass(frozen=True, slots=True)
class ShownAction:
    """An action that can be used, as it is here."""

    meta: ActionMeta
    package: str
    package_version: str
    versions: Sequence[str]  #: all that are installed, newest first
    isolated: bool  #: it runs in a process of its own


@dataclass(frozen=True, slots=True)
class Category:
    """Some actions that belong together in a palette."""

    name: str
    icon: str
    actions: Sequence[Any]  #: ``ShownAction``, and stored ones, which look the same


@dataclass(frozen=True, slots=True)
class Palette:
    """Every action that can be used, and those that cannot with the reason."""

    categories: Sequence[Category]
    broken: Sequence[BrokenAction]

    @property
    def actions(self) -> list[Any]:
        """The usable actions by type."""
        found = (action for category in self.categories for action in category.actions)
        return sorted(found, key=lambda action: action.meta.type)

    @property
    def total(self) -> int:
        """How many actions can be used."""
        return sum(len(category.actions) for category in self.categories)


def palette(registry: Registry, settings: Settings) -> Palette:
    """What an editor offers, by category: of each action what its type alone means."""
    return Palette(
        categories=[
            Category(
                name,
                ICONS.get(name, OTHER_ICON),
                [get(registry, settings, meta.type) for meta in metas],
            )
            for name, metas in registry.by_category().items()
        ],
        broken=[registry.broken[name] for name in sorted(registry.broken)],
    )


def get(registry: Registry, settings: Settings, name: str) -> ShownAction:
    """One action by type or alias, with a version or without; raises ``ActionNotFound``."""
    action = registry.get(name)
    versions = registry.versions(name).texts
    meta = _here(action.meta, settings)
    return ShownAction(
        meta, action.distribution, action.distribution_version, versions, action.isolated
    )


def _here(meta: ActionMeta, settings: Settings) -> ActionMeta:
    """The metadata as it is true of this installation."""
    repeats = meta.may_repeat(settings.peers_with_idempotency)
    return meta if repeats == meta.idempotent else replace(meta, idempotent=repeats)


def problems(registry: Registry, action_type: str, params: Mapping[str, Any]) -> list[str]:
    """Why *params* do not fit an action: its metadata first, then what the action itself says.

    Raises ``ActionNotFound``.
    """
    action = registry.get(action_type)
    found = check_params(action.meta, params)
    try:
        return [*found, *_own_problems(action, dict(params))]
    except FOREIGN_ERRORS as error:  # foreign code: whatever it raises is an answer
        return [*found, f"Validation error: {error}"]


def _own_problems(action: RegisteredAction, params: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in run_maybe_async(action.executor.validate_params(params))]
