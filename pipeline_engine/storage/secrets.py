"""The SQL of the store of secrets: keep a value once, forget the oldest ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, literal

from pipeline_engine.domain.identity import new_id
from pipeline_engine.domain.secret_store import KEPT_VERSIONS
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.secrets import Secret

SYSTEM = ""  #: the owner of the system's store, where an owner is compared with others
Key: TypeAlias = tuple[UUID, int]  #: a secret and a version


class SealedValue(NamedTuple):
    """One version of a secret, as a worker reads it."""

    owner: str
    name: str
    current: int  #: the version that counts
    secret_id: UUID
    version: int
    sealed: str
    is_due: bool  #: its last use was noted more than a minute ago

    @property
    def is_current(self) -> bool:
        """Whether it is the version that counts."""
        return self.version == self.current

    @property
    def key(self) -> Key:
        """What names this version."""
        return self.secret_id, self.version


def in_store_of(owner: str | None) -> ColumnElement[bool]:
    """The condition on rows of ``Secret`` that are *owner*'s; null is the system."""
    return func.coalesce(Secret.user_id, SYSTEM) == literal(owner or SYSTEM)


def insert_new(
    connection: Connection, owner: str | None, name: str, *, description: str | None, by: str
) -> UUID | None:
    """Make a secret without a value; None if the owner has one of this name already."""
    rows = driver.fetch(
        connection,
        "INSERT INTO secrets"
        " (id, user_id, name, description, version, lock_version, created_by, updated_by)"
        " VALUES (%(id)s, %(owner)s, %(name)s, %(description)s, 1, 1, %(by)s, %(by)s)"
        " ON CONFLICT (coalesce(user_id, ''), name) DO NOTHING RETURNING id",
        {
            "id": str(new_id()),
            "owner": owner,
            "name": name,
            "description": description,
            "by": by,
        },
    )
    return UUID(str(rows[0][0])) if rows else None


def next_version(connection: Connection, secret_id: UUID) -> int:
    """The number of its next value; the row of the secret is locked already."""
    asked = {"id": str(secret_id)}
    counted = "SELECT coalesce(max(version), 0) + 1 FROM secret_versions WHERE secret_id = %(id)s"
    return int(driver.fetch(connection, counted, asked)[0][0])


def insert_version(
    connection: Connection, secret_id: UUID, version: int, *, sealed: str, by: str
) -> None:
    """Keep a sealed value, and forget those that are too old."""
    asked: dict[str, Any] = {"id": str(secret_id), "version": version, "sealed": sealed, "by": by}
    driver.run(
        connection,
        "INSERT INTO secret_versions (secret_id, version, sealed, created_by)"
        " VALUES (%(id)s, %(version)s, %(sealed)s, %(by)s)",
        asked,
    )
    driver.run(
        connection,
        "DELETE FROM secret_versions WHERE secret_id = %(id)s AND version <= %(oldest)s",
        asked | {"oldest": version - KEPT_VERSIONS},
    )


# ── What workers read ────────────────────────────────────────────────────────────────────

_VALUE = (
    "coalesce(s.user_id, ''), s.name, s.version, v.secret_id, v.version, v.sealed,"
    " v.last_used_at IS NULL OR v.last_used_at < now() - interval '1 minute'"
)
_VALUES = "JOIN secret_versions v ON v.secret_id = s.id"
_BY_NAME = (
    f"SELECT {_VALUE} FROM unnest(%(owners)s::text[], %(names)s::text[]) AS w (owner, name)"
    f" JOIN secrets s ON coalesce(s.user_id, '') = w.owner AND s.name = w.name {_VALUES}"
)
_ALL = f"SELECT {_VALUE} FROM secrets s {_VALUES} WHERE coalesce(s.user_id, '') = ANY(%(owners)s)"


def sealed_values(
    connection: Connection, wanted: Iterable[tuple[str, str]], whole: Iterable[str]
) -> list[SealedValue]:
    """All versions of these secrets, given by owner and name, and of *whole* stores.

    The system is the owner ``SYSTEM`` here.
    """
    stores, pairs = sorted(whole), [pair for pair in wanted if pair[0] not in whole]
    found: list[SealedValue] = []
    if pairs:
        owners, names = zip(*pairs, strict=True)
        asked = {"owners": list(owners), "names": list(names)}
        found += (SealedValue(*row) for row in driver.fetch_prepared(connection, _BY_NAME, asked))
    if stores:
        found += (SealedValue(*row) for row in driver.fetch(connection, _ALL, {"owners": stores}))
    return found


def note_use(connection: Connection, keys: Collection[Key]) -> None:
    """Say that these versions are used now; nobody waits for somebody else who says so."""
    ids, versions = zip(*sorted((str(one), version) for one, version in keys), strict=True)
    driver.run(
        connection,
        "UPDATE secret_versions v SET last_used_at = now() FROM ("
        " SELECT o.secret_id, o.version FROM secret_versions o"
        " JOIN unnest(%(ids)s::uuid[], %(versions)s::int[]) AS w (id, version)"
        " ON o.secret_id = w.id AND o.version = w.version FOR UPDATE OF o SKIP LOCKED"
        ") due WHERE v.secret_id = due.secret_id AND v.version = due.version",
        {"ids": list(ids), "versions": list(versions)},
    )
