"""Stored actions are made, replaced and deleted; what pipelines have recorded stays theirs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.issues import Issue
from pipeline_engine.domain.stored_actions import check, parse, uses_of
from pipeline_engine.errors import (
    ActionExists,
    AdministratorsOnly,
    InvalidAction,
    TooManyStoredActions,
    VersionMismatch,
)
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import audit_log
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.definition_limits import limits_of
from pipeline_engine.services.stored_actions.catalogue import catalogue_of
from pipeline_engine.services.stored_actions.reading import ShownStored, get, meant, not_found
from pipeline_engine.storage import quotas
from pipeline_engine.storage import stored_actions as storage
from pipeline_engine.storage.stored_actions import in_store_of
from pipeline_engine.storage.tables.stored_actions import StoredAction, StoredActionVersion
from pipeline_engine.storage.visibility import visible_to


def create(
    caller: Caller, session: Session, runtime: Runtime, definition: Mapping[str, Any]
) -> ShownStored:
    """Store a new action.

    Raises ``InvalidAction``, ``ActionExists``, ``TooManyStoredActions`` and
    ``AdministratorsOnly``.
    """
    _check_writer(caller)
    recorded = _checked(caller, session, runtime, definition)
    name = str(definition["type"])
    by = caller.principal
    if not storage.insert_new(session.connection(), caller.user_id, name, by=by):
        raise ActionExists(f"There is an action '{name}' already; replace it.", type=name)
    _check_quota(caller, session, runtime)
    action = _locked(caller, session, name, caller.user_id)
    _add_version(caller, session, action, definition, recorded)
    return _recorded(caller, session, runtime, Act.ACTION_CREATE, name)


def replace(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    name: str,
    definition: Mapping[str, Any],
    *,
    versions: Collection[int] | None,
) -> ShownStored:
    """Add a version, if the action still is one of these lock versions; None is any.

    Raises ``ActionNotFound``, ``VersionMismatch``, ``InvalidAction`` and ``AdministratorsOnly``.
    """
    action = _to_be_changed(caller, session, name, versions)
    definition = {"type": name, **definition}
    recorded = _checked(caller, session, runtime, definition, called=name)
    _add_version(caller, session, action, definition, recorded)
    return _recorded(caller, session, runtime, Act.ACTION_REPLACE, name)


def delete(
    caller: Caller, session: Session, name: str, *, versions: Collection[int] | None = None
) -> None:
    """Delete an action with all its versions; pipelines that use one keep what they have.

    Raises ``ActionNotFound``, ``VersionMismatch`` and ``AdministratorsOnly``.
    """
    action = _to_be_changed(caller, session, name, versions)
    about = {"version": action.version}
    audit_log.record(caller, session, Act.ACTION_DELETE, name, action.user_id, **about)
    storage.forget_versions(session.connection(), action.id, up_to=action.version)
    action.deleted_at = func.now()
    _touch(caller, action)
    session.flush()


def _checked(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    definition: Mapping[str, Any],
    *,
    called: str | None = None,
) -> dict[str, Any]:
    """What is to be recorded of the actions that it uses. Raises ``InvalidAction``."""
    stored = catalogue_of(runtime, session.connection, caller.user_id)
    problems = [
        *check(
            definition,
            stored.installed,
            stored,
            of_system=caller.user_id is None,
            limits=limits_of(runtime.settings),
        )
    ]
    if called is not None and definition["type"] != called:
        words = f"This is the action '{called}'; a stored one keeps its type"
        problems.append(Issue("/type", "other_type", words))
    if problems:
        raise InvalidAction(f"{len(problems)} problem(s) with the action.", problems=problems)
    metas = ((name, stored.find(name)) for name in uses_of(parse(definition), stored.find))
    return stored.recorded({name: meta.version for name, meta in metas if meta}) or {}


def _add_version(
    caller: Caller,
    session: Session,
    action: StoredAction,
    definition: Mapping[str, Any],
    recorded: dict[str, Any],
) -> None:
    _touch(caller, action)
    action.version += 1
    session.add(
        StoredActionVersion(
            action_id=action.id,
            version=action.version,
            definition=dict(definition),
            actions=recorded,
            created_by=caller.principal,
        )
    )
    session.flush()
    oldest = action.version - storage.KEPT_VERSIONS
    storage.forget_versions(session.connection(), action.id, up_to=oldest)


def _touch(caller: Caller, action: StoredAction) -> None:
    action.updated_by = caller.principal
    action.updated_at = func.now()
    action.lock_version += 1


def _recorded(
    caller: Caller, session: Session, runtime: Runtime, act: Act, name: str
) -> ShownStored:
    """The action, of which the audit log knows now what was done to it."""
    session.expire_all()
    shown = get(caller, session, runtime, name)
    about = {"version": shown.version.version}
    audit_log.record(caller, session, act, name, shown.stored.user_id, **about)
    return shown


def _check_writer(caller: Caller) -> None:
    if caller.user_id is None and not caller.is_administrator:
        raise AdministratorsOnly("Only an administrator may change the actions of the system.")


def _check_quota(caller: Caller, session: Session, runtime: Runtime) -> None:
    most = runtime.settings.quota("stored_actions", caller.user_id)
    if most is None:
        return
    connection = session.connection()
    quotas.lock(connection, caller.user_id, quotas.STORED_ACTIONS)
    used = quotas.stored_actions(connection, caller.user_id)
    if used > most:
        raise TooManyStoredActions(
            f"{caller.user_id or 'The system'} would have {used} stored actions, and may have"
            f" {most}; delete one first",
            quota="stored_actions",
            limit=most,
            used=used,
        )


def _to_be_changed(
    caller: Caller, session: Session, name: str, versions: Collection[int] | None
) -> StoredAction:
    action = meant(caller, session, name)
    if action.type != name:  # a version of it is never changed
        raise not_found(name)
    if action.user_id is None and not caller.is_administrator:
        raise AdministratorsOnly("Only an administrator may change the actions of the system.")
    action = _locked(caller, session, name, action.user_id)
    if versions is not None and action.lock_version not in versions:
        raise VersionMismatch(
            "The action was changed since it was read.", lock_version=action.lock_version
        )
    return action


def _locked(caller: Caller, session: Session, name: str, owner: str | None) -> StoredAction:
    found: StoredAction | None = session.scalar(
        select(StoredAction)
        .where(
            visible_to(StoredAction, caller),
            in_store_of(owner),
            StoredAction.type == name,
            StoredAction.deleted_at.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise not_found(name)
    return found
