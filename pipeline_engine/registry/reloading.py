"""A registry that takes over what authors save, for ``up --reload``."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from threading import Lock
from typing import cast

from pipeline_engine.domain.action_names import type_of
from pipeline_engine.errors import UnknownAction
from pipeline_engine.isolation.between.places import reason_in
from pipeline_engine.isolation.terms import Terms
from pipeline_engine.registry.discovery import in_order, installed
from pipeline_engine.registry.registered import BrokenAction, InvalidPlugin, RegisteredAction
from pipeline_engine.registry.registry import Registry
from pipeline_engine.registry.sources import Package, packages_of

#: Seconds between two looks at the files, at least.
INTERVAL_SECONDS = 0.02
#: Changes that nobody has asked for yet.
KEPT_NEWS = 100
STAYS = "; the one that was loaded before stays in use"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a package whose files were saved."""

    package: str
    live: Sequence[str]  #: types that run as they are written now
    broken: Mapping[str, str] = field(default_factory=dict)  #: reasons, by entry point


class ReloadingRegistry(Registry):
    """Looks at the files of packages that are being written, and swaps their actions.

    What cannot be loaded is broken, and the action that was loaded before stays beside it.
    Whoever keeps what it has looked up compares ``changes`` first.
    """

    _packages: Sequence[Package] = ()
    _terms: Terms
    _next_look: float = 0.0
    _looking: Lock
    _news: deque[Change]

    @classmethod
    def discover(
        cls,
        entry_points: Iterable[metadata.EntryPoint] | None = None,
        *,
        terms: Terms | None = None,
    ) -> ReloadingRegistry:
        """Load every installed action, and watch the files of those that can be edited."""
        found = list(installed() if entry_points is None else entry_points)
        packages = packages_of(found)  # before they are loaded: what is saved meanwhile is news
        # Who writes a package here trusts it; and a child would import a broken file anew.
        terms = (terms or Terms()).trusting(package.name for package in packages)
        registry = cast(ReloadingRegistry, super().discover(found, terms=terms))
        registry._packages, registry._terms = packages, terms
        registry._looking = Lock()
        registry._news = deque(maxlen=KEPT_NEWS)
        return registry

    def look(self, *, now: float | None = None) -> int:
        """Take over what was saved, unless that was asked a moment ago; returns ``changes``.

        *now* is a moment of ``time.monotonic()``.
        """
        now = time.monotonic() if now is None else now
        if now < self._next_look:
            return self.changes
        with self._looking:
            if now >= self._next_look:
                for package in self._packages:
                    if package.has_changed():
                        self._news.append(self._take_over(package))
                        self.changes += 1
                self._next_look = now + INTERVAL_SECONDS
        return self.changes

    def news(self) -> list[Change]:
        """What became of saved files, since this was asked last."""
        found = []
        while self._news:
            found.append(self._news.popleft())
        return found

    def _take_over(self, package: Package) -> Change:
        old_modules = package.forget()
        fresh = Registry()
        for entry_point in in_order(package.entry_points, self._terms):
            fresh._register(entry_point)
        for name, module in old_modules.items():  # what old actions may still import
            sys.modules.setdefault(name, module)
        return self._swap(package, fresh)

    def _swap(self, package: Package, fresh: Registry) -> Change:
        """Know the fresh actions instead of the old ones; those that have no successor stay."""
        others = [action for action in self if action.distribution != package.name]
        known = {n: b for n, b in self._broken.items() if b.distribution != package.name}
        swapped, broken = Registry(others), dict(fresh.broken)
        live = []
        for action in fresh:
            if reason := _unfit(action, swapped):
                broken[action.meta.type] = BrokenAction(action.meta.type, package.name, reason)
            else:
                live.append(action.meta.type)
        for action in self:
            if action.distribution == package.name and _stays(action, broken, swapped):
                swapped._add(action)
        reasons = {n: one.reason + (STAYS if n in swapped else "") for n, one in broken.items()}
        swapped._broken = known | {n: BrokenAction(n, package.name, reasons[n]) for n in reasons}
        # In one move: others look things up meanwhile. What was made of the old ones goes.
        own = {name: value for name, value in vars(self).items() if name in _OWN}
        self.__dict__ = {**vars(swapped), **own}
        return Change(package.name, live, reasons)


_OWN = frozenset({"changes", "_packages", "_terms", "_next_look", "_looking", "_news"})


def _unfit(action: RegisteredAction, registry: Registry) -> str | None:
    """Add an action that can be made; returns why not."""
    try:
        _ = action.executor
        registry._add(action)
    except InvalidPlugin as error:
        return str(error)
    except UnknownAction as error:
        because = error.__cause__
        return reason_in(because) if isinstance(because, Exception) else str(error)
    return None


def _stays(
    action: RegisteredAction, broken: Mapping[str, BrokenAction], registry: Registry
) -> bool:
    """Whether an old action has nothing in its place because that is broken."""
    names = {action.meta.type, *action.meta.aliases}
    is_broken = any(type_of(name) in names for name in broken)
    return is_broken and action.meta.version not in registry.versions(action.meta.type).texts
