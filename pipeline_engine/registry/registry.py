"""Every action that can be used, by type or alias, and the broken ones with their reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib import metadata
from types import MappingProxyType

import structlog

from pipeline_engine.errors import ActionNotFound, UnknownAction
from pipeline_engine.registry.discovery import (
    distribution_of,
    installed,
    loaded,
    precedence,
    reason_of,
)
from pipeline_engine.registry.registered import BrokenAction, InvalidPlugin, RegisteredAction
from pipeline_engine.sdk import ActionMeta, BaseActionExecutor

log = structlog.get_logger(__name__)


class Registry:
    """Finds actions by type or alias."""

    def __init__(
        self, actions: Iterable[RegisteredAction] = (), broken: Iterable[BrokenAction] = ()
    ) -> None:
        self._actions: dict[str, RegisteredAction] = {}
        self._aliases: dict[str, str] = {}
        self._broken: dict[str, BrokenAction] = {entry.name: entry for entry in broken}
        for action in actions:
            self._add(action)

    @classmethod
    def discover(cls, entry_points: Iterable[metadata.EntryPoint] | None = None) -> Registry:
        """Load every installed action; one that is broken is kept with its reason."""
        found = installed() if entry_points is None else entry_points
        registry = cls()
        for entry_point in sorted(found, key=precedence):
            registry._register(entry_point)
        return registry

    @property
    def broken(self) -> Mapping[str, BrokenAction]:
        """The entry points that cannot be used, by name."""
        return MappingProxyType(self._broken)

    def get(self, action_type: str) -> RegisteredAction:
        """Return the action of this type or alias; raises ``ActionNotFound``."""
        action = self._find(action_type)
        if action is None:
            raise ActionNotFound(
                f"Action '{action_type}' not found{self._because(action_type)}", type=action_type
            )
        return action

    def meta(self, action_type: str) -> ActionMeta:
        """Return the metadata of this type or alias; raises ``ActionNotFound``."""
        return self.get(action_type).meta

    def executor(self, action_type: str) -> BaseActionExecutor:
        """Return the executor of this type or alias; raises ``UnknownAction``."""
        action = self._find(action_type)
        if action is None:
            raise UnknownAction(
                f"Unknown action type: {action_type}{self._because(action_type)}", type=action_type
            )
        return action.executor

    @cached_property
    def demanding(self) -> Mapping[str, Sequence[str]]:
        """The rights that actions ask for, by each of their names; most ask for none."""
        wanted = {a.meta.type: tuple(a.meta.required_permissions) for a in self}
        names = {**{name: name for name in wanted}, **self._aliases}
        return {name: wanted[kind] for name, kind in names.items() if wanted[kind]}

    def types(self) -> list[str]:
        """Return every type, sorted; aliases are not among them."""
        return sorted(self._actions)

    def by_category(self) -> dict[str, list[ActionMeta]]:
        """Return all metadata by category, both sorted."""
        metas = [self._actions[name].meta for name in self.types()]
        categories = sorted({meta.category for meta in metas})
        return {name: [meta for meta in metas if meta.category == name] for name in categories}

    def __contains__(self, action_type: object) -> bool:
        return isinstance(action_type, str) and self._find(action_type) is not None

    def __iter__(self) -> Iterator[RegisteredAction]:
        return (self._actions[name] for name in self.types())

    def __len__(self) -> int:
        return len(self._actions)

    def _find(self, name: str) -> RegisteredAction | None:
        return self._actions.get(self._aliases.get(name, name))

    def _because(self, name: str) -> str:
        broken = self._broken.get(name)
        return f": {broken.reason}" if broken else ""

    def _register(self, entry_point: metadata.EntryPoint) -> None:
        distribution = distribution_of(entry_point)
        try:
            self._add(loaded(entry_point))
        except Exception as error:  # noqa: BLE001 - foreign code: whatever it raises is its reason
            reason = reason_of(error)
            self._broken[entry_point.name] = BrokenAction(entry_point.name, distribution, reason)
            log.warning(
                "action_broken", action=entry_point.name, distribution=distribution, reason=reason
            )

    def _add(self, action: RegisteredAction) -> None:
        names = (action.meta.type, *action.meta.aliases)
        taken = next((found for name in names if (found := self._find(name))), None)
        if taken is not None:
            raise InvalidPlugin(f"'{action.meta.type}' is provided by {taken.distribution} already")
        self._actions[action.meta.type] = action
        self._aliases.update(dict.fromkeys(action.meta.aliases, action.meta.type))
