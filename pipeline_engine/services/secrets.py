"""The store of secrets: set, list, restore and delete; nothing here gives a value back.

A caller sees and changes the store of one owner: the one for whom it acts. What is stored is read
by workers only, for the steps of that owner's definitions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.issues import Issue
from pipeline_engine.domain.sealing import place_of_secret
from pipeline_engine.domain.secret_store import (
    MOST_SECRETS,
    NAME,
    NAME_RULE,
    problems_of_value,
)
from pipeline_engine.errors import (
    AdministratorsOnly,
    InvalidSecret,
    SecretNotFound,
    SecretVersionNotFound,
    TooManySecrets,
    VersionMismatch,
)
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import audit_log
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.storage import secrets
from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineRevision
from pipeline_engine.storage.tables.secrets import Secret, SecretVersion
from pipeline_engine.storage.visibility import visible_to

MOST_USERS = 100  #: pipelines that are named for each secret, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretChange:
    """What is to be from now on; what is not given stays."""

    value: str | None = field(default=None, repr=False)
    description: str | None = None
    keeps_description: bool = True


@dataclass(frozen=True, slots=True)
class User:
    """A pipeline whose newest revision speaks of a secret."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """All that is told of a secret."""

    secret: Secret
    last_used_at: datetime | None
    used_by: Sequence[User]  #: the first by name
    used_by_count: int
    versions: Sequence[SecretVersion] = ()  #: the newest first; left out of lists


def put(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    name: str,
    change: SecretChange,
    *,
    versions: Collection[int] | None = None,
) -> tuple[StoredSecret, bool]:
    """Set a value, a description, or both; true if the secret is a new one.

    *versions* are the lock versions that may be changed; null is any. Raises ``InvalidSecret``,
    ``TooManySecrets``, ``VersionMismatch`` and ``AdministratorsOnly``.
    """
    _check_writer(caller, name)
    known = _locked(caller, session, name)
    problems = [*_problems(name, change, is_new=known is None)]
    if problems:
        raise InvalidSecret(f"{len(problems)} problem(s) with the secret.", problems=problems)
    if versions is not None:
        _check_version(known, versions)
    created = known is None and _insert(caller, session, runtime, name, change)
    if not created:
        # Null: somebody else was faster, and their value is the first one.
        secret = known or _locked(caller, session, name)
        assert secret is not None, "nobody deletes what has only just been inserted"
        _change(caller, session, runtime, secret, change)
    session.flush()
    return _recorded(caller, session, Act.SECRET_SET, get(caller, session, name)), created


def restore(
    caller: Caller,
    session: Session,
    name: str,
    version: int,
    *,
    versions: Collection[int] | None = None,
) -> StoredSecret:
    """Let an older value count again, without anybody reading it.

    Raises ``SecretNotFound``, ``SecretVersionNotFound``, ``VersionMismatch`` and
    ``AdministratorsOnly``.
    """
    secret = _to_be_changed(caller, session, name, versions)
    if session.get(SecretVersion, (secret.id, version)) is None:
        raise SecretVersionNotFound(f"'{name}' has no version {version} (any more).")
    _touch(caller, secret)
    secret.version = version
    session.flush()
    return _recorded(caller, session, Act.SECRET_RESTORE, get(caller, session, name))


def delete(
    caller: Caller, session: Session, name: str, *, versions: Collection[int] | None = None
) -> StoredSecret:
    """Delete a secret with all its values; returns what it was, and who still speaks of it.

    Raises ``SecretNotFound``, ``VersionMismatch`` and ``AdministratorsOnly``.
    """
    secret = _to_be_changed(caller, session, name, versions)
    told = _recorded(caller, session, Act.SECRET_DELETE, get(caller, session, name))
    session.delete(secret)
    session.flush()
    return told


def get(caller: Caller, session: Session, name: str) -> StoredSecret:
    """One secret with its versions; raises ``SecretNotFound``."""
    secret = _found(session, _named(caller, name), name)
    if secret is None:
        raise _not_found(name)
    versions = session.scalars(
        select(SecretVersion)
        .where(SecretVersion.secret_id == secret.id)
        .order_by(SecretVersion.version.desc())
        .execution_options(populate_existing=True)
    ).all()
    used = [one.last_used_at for one in versions if one.last_used_at is not None]
    users = _users(caller, session, [secret.name]).get(secret.name, [])
    return StoredSecret(secret, max(used, default=None), users[:MOST_USERS], len(users), versions)


def listed(caller: Caller, session: Session, *, page: Page) -> Listed[StoredSecret]:
    """The secrets of the owner for whom *caller* acts, by name: three queries, however many."""
    mine = _mine(caller)
    total = session.scalar(select(func.count()).select_from(Secret).where(mine)) or 0
    last_used = (
        select(func.max(SecretVersion.last_used_at))
        .where(SecretVersion.secret_id == Secret.id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Secret, last_used)
        .where(mine)
        .order_by(Secret.name)
        .limit(page.size)
        .offset(page.offset)
    ).all()
    users = _users(caller, session, [secret.name for secret, _ in rows])
    found = (
        StoredSecret(secret, at, by[:MOST_USERS], len(by))
        for secret, at in rows
        for by in [users.get(secret.name, [])]
    )
    return Listed([*found], total, page)


def names(caller: Caller, session: Session, runtime: Runtime) -> frozenset[str]:
    """What the definitions of the owner for whom *caller* acts may call a secret."""
    found = session.scalars(select(Secret.name).where(_mine(caller)).limit(MOST_SECRETS))
    settings = runtime.settings
    shared = settings.secrets if settings.lends_secrets_to(caller.user_id) else ()
    return frozenset((*found, *shared))


# ── Changes ──────────────────────────────────────────────────────────────────────────────


def _recorded(caller: Caller, session: Session, act: Act, stored: StoredSecret) -> StoredSecret:
    """*stored*, of which the audit log knows now what was done to it."""
    secret = stored.secret
    about = {"version": secret.version}
    audit_log.record(caller, session, act, secret.name, secret.user_id, **about)
    return stored


def _problems(name: str, change: SecretChange, *, is_new: bool) -> Sequence[Issue]:
    found: list[Issue] = []
    if not NAME.fullmatch(name):
        found.append(Issue("/name", "invalid_name", NAME_RULE))
    if change.value is not None:
        found += problems_of_value(change.value)
    elif is_new:
        found.append(Issue("/value", "required", "A new secret needs a value"))
    return found


def _insert(
    caller: Caller, session: Session, runtime: Runtime, name: str, change: SecretChange
) -> bool:
    kept = session.scalar(select(func.count()).select_from(Secret).where(_mine(caller))) or 0
    if kept >= MOST_SECRETS:
        raise TooManySecrets(f"The store has {MOST_SECRETS} secrets; delete one first.")
    secret_id = secrets.insert_new(
        session.connection(),
        caller.user_id,
        name,
        description=change.description,
        by=caller.principal,
    )
    if secret_id is not None:
        _keep(caller, session, runtime, secret_id, 1, change.value or "")
    return secret_id is not None


def _change(
    caller: Caller, session: Session, runtime: Runtime, secret: Secret, change: SecretChange
) -> None:
    _touch(caller, secret)
    if not change.keeps_description:
        secret.description = change.description
    if change.value is not None:
        # Not compared with what is stored: that would tell whoever guesses.
        secret.version = secrets.next_version(session.connection(), secret.id)
        _keep(caller, session, runtime, secret.id, secret.version, change.value)


def _keep(
    caller: Caller, session: Session, runtime: Runtime, secret_id: UUID, version: int, value: str
) -> None:
    sealed = runtime.sealer.encrypted(value, (), place_of_secret(secret_id, version))
    by = caller.principal
    secrets.insert_version(session.connection(), secret_id, version, sealed=sealed, by=by)


def _touch(caller: Caller, secret: Secret) -> None:
    secret.updated_by = caller.principal
    secret.updated_at = func.now()
    secret.lock_version += 1


def _check_writer(caller: Caller, name: str) -> None:
    if caller.only_pipelines is not None:  # the store is out of its sight, so nothing fits in
        raise _not_found(name)
    if caller.user_id is None and not caller.is_administrator:
        raise AdministratorsOnly("Only an administrator may change the secrets of the system.")


def _check_version(secret: Secret | None, versions: Collection[int]) -> None:
    found = None if secret is None else secret.lock_version
    if found not in versions:
        raise VersionMismatch("The secret was changed since it was read.", lock_version=found)


def _to_be_changed(
    caller: Caller, session: Session, name: str, versions: Collection[int] | None
) -> Secret:
    _check_writer(caller, name)
    secret = _locked(caller, session, name)
    if secret is None:
        raise _not_found(name)
    if versions is not None:
        _check_version(secret, versions)
    return secret


def _locked(caller: Caller, session: Session, name: str) -> Secret | None:
    return _found(session, _named(caller, name).with_for_update(), name)


# ── Reads ────────────────────────────────────────────────────────────────────────────────


def _found(session: Session, wanted: Select[Secret], name: str) -> Secret | None:
    if not NAME.fullmatch(name):  # none is called like that, and some texts cannot be asked for
        return None
    return session.scalar(wanted.execution_options(populate_existing=True))


def _named(caller: Caller, name: str) -> Select[Secret]:
    return select(Secret).where(_mine(caller), Secret.name == name)


def _mine(caller: Caller) -> ColumnElement[bool]:
    """One store of those that *caller* sees: names are unique in it only."""
    return and_(visible_to(Secret, caller), secrets.in_store_of(caller.user_id))


def _not_found(name: str) -> SecretNotFound:
    return SecretNotFound(f"Secret not found: {name}", name=name)


def _users(caller: Caller, session: Session, wanted: Collection[str]) -> Mapping[str, list[User]]:
    """The pipelines of the store's owner that speak of these, as far as *caller* sees them."""
    if not wanted:
        return {}
    rows = session.execute(
        select(Pipeline.id, Pipeline.name, PipelineRevision.secret_names)
        .join(
            PipelineRevision,
            (PipelineRevision.pipeline_id == Pipeline.id)
            & (PipelineRevision.revision == Pipeline.revision),
        )
        .where(
            visible_to(Pipeline, caller),
            _takes_from(caller.user_id),
            PipelineRevision.secret_names.overlap(list(wanted)),
        )
        .order_by(Pipeline.name, Pipeline.id)
    )
    found: dict[str, list[User]] = {name: [] for name in wanted}
    for pipeline_id, pipeline, speaks_of in rows:
        for name in found.keys() & set(speaks_of or ()):
            found[name].append(User(pipeline_id, pipeline))
    return found


def _takes_from(owner: str | None) -> ColumnElement[bool]:
    """Whether the ``secrets`` of a pipeline are those of *owner*."""
    if owner is None:
        return or_(Pipeline.user_id.is_(None), Pipeline.system_owned)
    return and_(Pipeline.user_id == owner, not_(Pipeline.system_owned))
