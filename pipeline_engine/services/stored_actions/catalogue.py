"""The actions of one owner as the check of a definition asks for them: installed and stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from sqlalchemy import Connection

from pipeline_engine.domain.action_names import pin_of, pinned, type_of
from pipeline_engine.domain.action_params import holds_template
from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.checks.catalogue import ActionCatalogue, OwnCheck
from pipeline_engine.domain.recorded_actions import RecordedActions
from pipeline_engine.domain.stored_actions import Template, meta_of, parse, uses_of
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services.actions import Catalogue
from pipeline_engine.storage import stored_actions as storage
from pipeline_engine.storage.stored_actions import StoredVersion

Look = Callable[[], Connection]
A_COUNT = re.compile(r"[1-9][0-9]{0,7}")  #: how a version of a stored action is written


@dataclass(frozen=True, slots=True)
class _Known:
    """A stored action that was looked up."""

    row: StoredVersion
    meta: ActionMeta | None  #: None if what it builds on is gone
    missing: str = ""  #: what that is
    fans_out: bool = False


@dataclass(frozen=True)
class OwnersCatalogue:
    """Installed actions first: nothing that is stored takes their place.

    The database is asked for names only that no installed action has.
    """

    installed: ActionCatalogue
    connection: Look
    owner: str | None  #: of the definition; None is the system
    _known: dict[str, _Known | None] = field(default_factory=dict, repr=False)

    def find(self, action_type: str) -> ActionMeta | None:
        """The metadata of an action that can be used; None if there is none."""
        found = self.installed.find(action_type)
        if found is not None:
            return found
        known = self.stored(action_type)
        return known.meta if known else None

    def broken_reason(self, action_type: str) -> str | None:
        """Why one cannot be used."""
        reason = self.installed.broken_reason(action_type)
        if reason is not None or self.installed.find(action_type):
            return reason
        known = self.stored(action_type)
        return f"it builds on {known.missing}" if known and known.meta is None else None

    def fans_out(self, action_type: str) -> bool:
        """Whether it makes items of its own."""
        if self.installed.find(action_type):
            return self.installed.fans_out(action_type)
        known = self.stored(action_type)
        return known is not None and known.fans_out

    def own_check(self, action_type: str) -> OwnCheck | None:
        """How it checks its params itself; a template as the action does that it builds on."""
        if self.installed.find(action_type):
            return self.installed.own_check(action_type)
        known = self.stored(action_type)
        action = parse(known.row.definition) if known and known.meta else None
        if not isinstance(action, Template) or known is None:
            return None
        base = self._exact(action.base, known.row.actions)
        meta, check = self.installed.find(base), self.installed.own_check(base)
        if meta is None or check is None:
            return None

        def own_check(params: dict[str, Any]) -> list[str]:
            passed = {name: value for name, value in params.items() if meta.param(name)}
            whole = {**action.filled, **passed}
            return [] if holds_template(whole) else check(whole)

        return own_check

    def types(self) -> Sequence[str]:
        """All that a step may name."""
        return [*self.installed.types(), *storage.names(self.connection(), self.owner)]

    def versions(self, action_type: str) -> Sequence[str]:
        """All versions of it, newest first; empty if there is none."""
        found = self.installed.versions(action_type)
        if found:
            return found
        kept = storage.versions(self.connection(), self.owner, type_of(action_type))
        return [str(version) for version in kept]

    def choices(self, action_type: str) -> Sequence[str]:
        """Those among which a name without a version chooses: of a stored one the newest."""
        found = self.installed.choices(action_type)
        if found:
            return found
        known = self.stored(type_of(action_type))
        return [str(known.row.version)] if known else []

    def taking(self, versions: Mapping[str, str]) -> OwnersCatalogue:
        """These actions, with names without a version meaning the one that is given here."""
        return replace(self, installed=self.installed.taking(versions))

    def recorded(self, versions: Mapping[str, str]) -> dict[str, Any] | None:
        """What a revision keeps of the actions that it names; of a stored one all of it."""
        return {name: self._entry(name, version) for name, version in versions.items()} or None

    def _entry(self, name: str, version: str) -> dict[str, Any]:
        known = None if self.installed.find(name) else self.stored(name)
        if known is None:
            return {"version": version}
        about = {"definition": known.row.definition, "actions": known.row.actions}
        return {"version": version, **about}

    def stored(self, name: str) -> _Known | None:
        """The stored action that a name means, looked up once."""
        if name not in self._known:
            self._known[name] = self._look_up(name)
        return self._known[name]

    def _look_up(self, name: str) -> _Known | None:
        pin = pin_of(name)
        if pin is not None and not A_COUNT.fullmatch(pin):
            return None
        version = None if pin is None else int(pin)
        row = storage.find(self.connection(), self.owner, type_of(name), version)
        return None if row is None else self.known(row)

    def known(self, row: StoredVersion) -> _Known:
        """A row with what it is in the catalogue."""
        action = parse(row.definition)
        bases: dict[str, ActionMeta] = {}
        for name in uses_of(action, lambda name: self._base(name, row.actions)):
            meta = self._base(name, row.actions)
            if meta is None:
                return _Known(row, None, missing=f"'{name}', which is not installed")
            bases[name] = meta
        fans_out = not isinstance(action, Template) or self.installed.fans_out(
            self._exact(action.base, row.actions)
        )
        return _Known(row, meta_of(action, str(row.version), bases), fans_out=fans_out)

    def _base(self, name: str, recorded: RecordedActions) -> ActionMeta | None:
        entry = recorded.get(name) or {}
        if "definition" in entry:
            version, uses = int(entry["version"]), entry.get("actions") or {}
            return self.known(StoredVersion(name, None, version, entry["definition"], uses)).meta
        return self.installed.find(self._exact(name, recorded))

    def _exact(self, name: str, recorded: RecordedActions) -> str:
        """The installed action that a stored one means: as it was, or what has taken its place."""
        version = (recorded.get(name) or {}).get("version")
        if version is None:
            return name
        exact = pinned(type_of(name), version)
        if self.installed.find(exact):
            return exact
        return name if pin_of(name) else pinned(type_of(name), version.partition(".")[0])


def catalogue_of(runtime: Runtime, connection: Look, owner: str | None) -> OwnersCatalogue:
    """The actions that definitions of *owner* may use; None is the system."""
    return OwnersCatalogue(Catalogue(runtime.registry), connection, owner)


@contextmanager
def catalogue_read(runtime: Runtime, owner: str | None) -> Iterator[OwnersCatalogue]:
    """The same outside of a transaction: a connection is opened if a name asks for it."""
    with ExitStack() as opened:

        @cache
        def connection() -> Connection:
            return opened.enter_context(runtime.engine.connect())

        yield catalogue_of(runtime, connection, owner)
