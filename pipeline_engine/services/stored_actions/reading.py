"""Stored actions as people read them: those of one owner, and those of the system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.action_names import pin_of, type_of
from pipeline_engine.domain.actions import TYPE_PATTERN, ActionMeta
from pipeline_engine.domain.callers import Caller
from pipeline_engine.errors import FOREIGN_ERRORS, ActionNotFound
from pipeline_engine.registry import BrokenAction
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk import check_params
from pipeline_engine.services.actions import ICONS, OTHER_ICON, Category, Palette
from pipeline_engine.services.stored_actions.catalogue import catalogue_of
from pipeline_engine.storage import stored_actions as storage
from pipeline_engine.storage.stored_actions import StoredVersion, in_store_of
from pipeline_engine.storage.tables.stored_actions import StoredAction, StoredActionVersion
from pipeline_engine.storage.visibility import visible_to

STORED = "stored"  #: in the place of a package, where there is none


@dataclass(frozen=True, slots=True)
class ShownStored:
    """A version of a stored action with all that is told of it."""

    stored: StoredAction
    version: StoredActionVersion
    meta: ActionMeta
    versions: Sequence[str]  #: those that are kept, the newest first
    package: None = None
    package_version: None = None
    isolated: bool = False

    @property
    def definition(self) -> Mapping[str, Any]:
        """What its author wrote."""
        return self.version.definition


@dataclass(frozen=True, slots=True)
class OwnersActions:
    """What a palette has beside the installed actions."""

    usable: Sequence[ShownStored] = ()
    broken: Sequence[BrokenAction] = ()

    def beside(self, installed: Palette) -> Palette:
        """One palette of both."""
        its: dict[str, list[Any]] = {c.name: [*c.actions] for c in installed.categories}
        for action in self.usable:
            its.setdefault(action.meta.category, []).append(action)
        categories = [
            Category(name, ICONS.get(name, OTHER_ICON), sorted(its[name], key=_type))
            for name in sorted(its)
        ]
        return Palette(categories, [*installed.broken, *self.broken])


def marks_of(caller: Caller, session: Session) -> Sequence[tuple[str, int]]:
    """What changes when a palette of *caller* does: each stored action with its lock version.

    It is asked for each list of actions, so it is a plain statement; ``_seen`` says the same.
    """
    if caller.only_pipelines is not None:
        return ()
    return storage.marks(session.connection(), caller.user_id)


def shown_to(caller: Caller, session: Session, runtime: Runtime) -> OwnersActions:
    """What the definitions of the owner for whom *caller* acts may name, by name."""
    actions = catalogue_of(runtime, session.connection, caller.user_id)
    usable, broken = [], []
    for name, (action, versions) in _meant(caller, session, runtime).items():
        known = actions.known(_row(action, versions[0]))
        if known.meta is None:
            broken.append(BrokenAction(name, STORED, f"it builds on {known.missing}"))
        else:
            kept = [str(version.version) for version in versions]
            usable.append(ShownStored(action, versions[0], known.meta, kept))
    return OwnersActions(usable, broken)


def metas_of(caller: Caller, session: Session, runtime: Runtime) -> Sequence[ActionMeta]:
    """The same in all versions that can be used, of each name the newest first."""
    actions = catalogue_of(runtime, session.connection, caller.user_id)
    known = (
        actions.known(_row(action, version))
        for action, versions in _meant(caller, session, runtime).values()
        for version in versions
    )
    return [one.meta for one in known if one.meta is not None]


def _meant(
    caller: Caller, session: Session, runtime: Runtime
) -> Mapping[str, tuple[StoredAction, list[StoredActionVersion]]]:
    """The stored actions that names mean to *caller*, by name, with their versions."""
    rows = session.execute(
        select(StoredAction, StoredActionVersion)
        .join(StoredActionVersion, StoredActionVersion.action_id == StoredAction.id)
        .where(_seen(caller))
        .order_by(
            StoredAction.type,
            func.coalesce(StoredAction.user_id, ""),
            StoredActionVersion.version.desc(),
        )
    )
    # Of two with one name the owner's own is the later one, and counts.
    found: dict[str, tuple[StoredAction, list[StoredActionVersion]]] = {}
    for action, version in rows:
        if found.get(action.type, (None,))[0] is not action:
            found[action.type] = (action, [])
        found[action.type][1].append(version)
    return {name: its for name, its in found.items() if name not in runtime.registry}


def get(caller: Caller, session: Session, runtime: Runtime, name: str) -> ShownStored:
    """What *name* means, with or without a version; raises ``ActionNotFound``."""
    action, pin = meant(caller, session, name), pin_of(name)
    versions = _versions(session, action)
    wanted = str(action.version) if pin is None else pin
    version = next((one for one in versions if str(one.version) == wanted), None)
    if version is None:
        raise not_found(name)
    actions = catalogue_of(runtime, session.connection, caller.user_id)
    known = actions.known(_row(action, version))
    if known.meta is None:
        message = f"Action '{name}' not found: it builds on {known.missing}"
        raise ActionNotFound(message, type=name)
    return ShownStored(action, version, known.meta, [str(one.version) for one in versions])


def versions_of(caller: Caller, session: Session, name: str) -> Sequence[StoredActionVersion]:
    """All kept versions of a stored action, the newest first; raises ``ActionNotFound``."""
    return _versions(session, meant(caller, session, name))


def problems(
    caller: Caller, session: Session, runtime: Runtime, name: str, params: Mapping[str, Any]
) -> list[str]:
    """Why *params* do not fit a stored action; raises ``ActionNotFound``."""
    found = check_params(get(caller, session, runtime, name).meta, params)
    own = catalogue_of(runtime, session.connection, caller.user_id).own_check(name)
    if own is None:
        return found
    try:
        return [*found, *own(dict(params))]
    except FOREIGN_ERRORS as error:  # foreign code: whatever it raises is an answer
        return [*found, f"Validation error: {error}"]


def meant(caller: Caller, session: Session, name: str) -> StoredAction:
    """The stored action that a name means to *caller*; raises ``ActionNotFound``."""
    wanted = type_of(name)
    if not TYPE_PATTERN.fullmatch(wanted):  # some texts cannot even be asked for
        raise not_found(name)
    found = session.scalar(
        select(StoredAction)
        .where(_seen(caller), StoredAction.type == wanted)
        .order_by(func.coalesce(StoredAction.user_id, "").desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise not_found(name)
    return found


def not_found(name: str) -> ActionNotFound:
    """The same answer for what there is not, and for what belongs to another owner."""
    return ActionNotFound(f"Action '{name}' not found", type=name)


def _seen(caller: Caller) -> ColumnElement[bool]:
    """The stores that definitions of the owner for whom *caller* acts look into."""
    its = or_(in_store_of(caller.user_id), in_store_of(None))
    return visible_to(StoredAction, caller) & its & StoredAction.deleted_at.is_(None)


def _versions(session: Session, action: StoredAction) -> Sequence[StoredActionVersion]:
    return session.scalars(
        select(StoredActionVersion)
        .where(StoredActionVersion.action_id == action.id)
        .order_by(StoredActionVersion.version.desc())
    ).all()


def _row(action: StoredAction, version: StoredActionVersion) -> StoredVersion:
    return StoredVersion(
        action.type, action.user_id, version.version, version.definition, version.actions
    )


def _type(action: Any) -> str:
    return str(action.meta.type)
