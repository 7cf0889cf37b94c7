"""Every action that can be used, by type or alias, and the broken ones with their reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from importlib import metadata
from types import MappingProxyType

import structlog

from pipeline_engine.domain.action_names import pin_of, pinned, type_of
from pipeline_engine.errors import FOREIGN_ERRORS, ActionNotFound, UnknownAction
from pipeline_engine.isolation.between.loading import reason_of
from pipeline_engine.isolation.terms import Terms
from pipeline_engine.registry.discovery import (
    NO_STRANGERS,
    Strangers,
    distribution_of,
    in_order,
    installed,
    loaded,
    strangers,
)
from pipeline_engine.registry.registered import BrokenAction, InvalidPlugin, RegisteredAction
from pipeline_engine.registry.versions import Versions, side_by_side
from pipeline_engine.sdk import ActionMeta, BaseActionExecutor

log = structlog.get_logger(__name__)
NO_VERSIONS = Versions([])


class Registry:
    """Finds actions by type or alias, both of which may name a version: ``greet@2``."""

    def __init__(
        self, actions: Iterable[RegisteredAction] = (), broken: Iterable[BrokenAction] = ()
    ) -> None:
        self._versions: dict[str, Versions] = {}
        self._aliases: dict[str, str] = {}
        self.changes = 0  #: for whoever keeps what he has made of it
        self._broken: dict[str, BrokenAction] = {entry.name: entry for entry in broken}
        for action in actions:
            self._add(action)

    @classmethod
    def discover(
        cls,
        entry_points: Iterable[metadata.EntryPoint] | None = None,
        *,
        terms: Terms | None = None,
    ) -> Registry:
        """Load every installed action; one that is broken is kept with its reason.

        *terms* say whom to trust: the actions of others run in processes of their own.
        """
        terms = terms or Terms()
        found = in_order(installed() if entry_points is None else entry_points, terms)
        asked, registry = strangers(found, terms), cls()
        for entry_point in found:
            registry._register(entry_point, asked)
        for broken in registry._broken.values():
            log.warning(
                "action_broken",
                action=broken.name,
                distribution=broken.distribution,
                reason=broken.reason,
            )
        return registry

    @property
    def broken(self) -> Mapping[str, BrokenAction]:
        """The entry points that cannot be used, by name."""
        return MappingProxyType(self._broken)

    def get(self, name: str) -> RegisteredAction:
        """Return the action that *name* means; raises ``ActionNotFound``."""
        action = self._find(name)
        if action is None:
            message = f"Action '{name}' not found{self._because(name)}"
            raise ActionNotFound(message, type=name)
        return action

    def usable(self, name: str) -> RegisteredAction:
        """The same for somebody who is about to run it; raises ``UnknownAction``."""
        action = self._find(name)
        if action is None:
            message = f"Unknown action type: {name}{self._because(name)}"
            raise UnknownAction(message, type=name)
        return action

    def meta(self, name: str) -> ActionMeta:
        """Return the metadata of what *name* means; raises ``ActionNotFound``."""
        return self.get(name).meta

    def executor(self, name: str) -> BaseActionExecutor:
        """Return the executor of what *name* means; raises ``UnknownAction``."""
        return self.usable(name).executor

    def versions(self, name: str) -> Versions:
        """All installed versions of the type in *name*; none if it is not installed."""
        return self._versions.get(self._type_of(name), NO_VERSIONS)

    def name_of(self, name: str) -> str:
        """*name* with the type instead of an alias."""
        return pinned(self._type_of(name), pin_of(name))

    @cached_property
    def demanding(self) -> frozenset[str]:
        """The types, and aliases of them, that ask for a right in some version; most do not."""
        asking = {a.meta.type for a in self if a.meta.required_permissions}
        return frozenset(asking.union(n for n, kind in self._aliases.items() if kind in asking))

    def types(self) -> list[str]:
        """Return every type, sorted; aliases are not among them."""
        return sorted(self._versions)

    def by_category(self) -> dict[str, list[ActionMeta]]:
        """Return the metadata that each type alone means by category, both sorted."""
        metas = [self.meta(name) for name in self.types()]
        categories = sorted({meta.category for meta in metas})
        return {name: [meta for meta in metas if meta.category == name] for name in categories}

    def __contains__(self, action_type: object) -> bool:
        return isinstance(action_type, str) and self._find(action_type) is not None

    def __iter__(self) -> Iterator[RegisteredAction]:
        """Every version of every type."""
        return (action for name in self.types() for action in self._versions[name])

    def __len__(self) -> int:
        return sum(map(len, self._versions.values()))

    def _find(self, name: str) -> RegisteredAction | None:
        found = self.versions(name)
        return found.get(pin_of(name)) if found else None

    def _type_of(self, name: str) -> str:
        word = type_of(name)
        return self._aliases.get(word, word)

    def _because(self, name: str) -> str:
        if broken := self._broken.get(name):
            return f": {broken.reason}"
        found = self.versions(name)
        return f": there are the versions {', '.join(found.texts)}" if found else ""

    def _register(self, entry_point: metadata.EntryPoint, asked: Strangers = NO_STRANGERS) -> None:
        distribution = distribution_of(entry_point)
        try:
            self._add(loaded(entry_point, asked))
        except FOREIGN_ERRORS as error:  # foreign code: whatever it raises is its reason
            reason = reason_of(error)
            self._broken[entry_point.name] = BrokenAction(entry_point.name, distribution, reason)

    def _add(self, action: RegisteredAction) -> None:
        """Take an action; what a package has named, only this package may add versions to."""
        meta = action.meta
        for name in (meta.type, *meta.aliases):
            for other in self.versions(name):
                if not side_by_side(action, other):
                    message = f"'{meta.type}' is provided by {other.distribution} already"
                    raise InvalidPlugin(message)
        self._versions[meta.type] = self.versions(meta.type).joined_by(action)
        self._aliases.update(dict.fromkeys(meta.aliases, meta.type))
        self.changes += 1
