"""The SQL of stored actions: their rows, by owner and name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, literal

from pipeline_engine.domain.identity import new_id
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.stored_actions import StoredAction

KEPT_VERSIONS = 100  #: of each action, the newest ones; pipelines keep those that they use

_FOUND = "a.type, a.user_id, v.version, v.definition, v.actions"
_SEEN = "a.deleted_at IS NULL AND coalesce(a.user_id, '') = ANY(%(owners)s)"
#: An owner's own go before those of the system.
_OWN_FIRST = "ORDER BY a.type, coalesce(a.user_id, '') DESC"


class StoredVersion(NamedTuple):
    """One version of a stored action, as a check reads it."""

    type: str
    owner: str | None
    version: int
    definition: dict[str, Any]
    actions: dict[str, Any]  #: what was recorded of the actions that it uses


def in_store_of(owner: str | None) -> ColumnElement[bool]:
    """The condition on rows of ``StoredAction`` that are *owner*'s; null is the system."""
    return func.coalesce(StoredAction.user_id, "") == literal(owner or "")


def marks(connection: Connection, owner: str | None) -> list[tuple[str, int]]:
    """The stored actions that definitions of *owner* may use, each with its lock version."""
    rows = driver.fetch_prepared(
        connection,
        f"SELECT a.id::text, a.lock_version FROM stored_actions a WHERE {_SEEN} ORDER BY a.id",
        {"owners": _owners(owner)},
    )
    return [(str(row[0]), int(row[1])) for row in rows]


def names(connection: Connection, owner: str | None) -> list[str]:
    """All names that mean a stored action in definitions of *owner*."""
    rows = driver.fetch(
        connection,
        f"SELECT DISTINCT a.type FROM stored_actions a WHERE {_SEEN} ORDER BY a.type",
        {"owners": _owners(owner)},
    )
    return [str(row[0]) for row in rows]


def versions(connection: Connection, owner: str | None, name: str) -> list[int]:
    """The kept versions of what *name* means to *owner*, the newest first."""
    rows = driver.fetch(
        connection,
        "SELECT v.version FROM stored_action_versions v WHERE v.action_id = ("
        f" SELECT a.id FROM stored_actions a WHERE a.type = %(name)s AND {_SEEN}"
        f" {_OWN_FIRST} LIMIT 1) ORDER BY v.version DESC",
        {"name": name, "owners": _owners(owner)},
    )
    return [int(row[0]) for row in rows]


def find(
    connection: Connection, owner: str | None, name: str, version: int | None
) -> StoredVersion | None:
    """A version of what *name* means to *owner*; None asks for the newest."""
    rows = driver.fetch(
        connection,
        f"SELECT {_FOUND} FROM stored_actions a JOIN stored_action_versions v"
        " ON v.action_id = a.id AND v.version = coalesce(%(version)s::int, a.version)"
        " WHERE a.id = ("
        f" SELECT a.id FROM stored_actions a WHERE a.type = %(name)s AND {_SEEN}"
        f" {_OWN_FIRST} LIMIT 1)",
        {"name": name, "version": version, "owners": _owners(owner)},
    )
    return StoredVersion(*rows[0]) if rows else None


def insert_new(connection: Connection, owner: str | None, name: str, *, by: str) -> bool:
    """Make an action without a version; False if the owner has one of this name.

    One that was deleted comes back, and goes on counting.
    """
    rows = driver.fetch(
        connection,
        "INSERT INTO stored_actions AS a"
        " (id, user_id, type, version, lock_version, created_by, updated_by)"
        " VALUES (%(id)s, %(owner)s, %(name)s, 0, 0, %(by)s, %(by)s)"
        " ON CONFLICT (coalesce(user_id, ''), type) DO UPDATE"
        " SET deleted_at = NULL, created_by = %(by)s, created_at = now()"
        " WHERE a.deleted_at IS NOT NULL RETURNING id",
        {"id": str(new_id()), "owner": owner, "name": name, "by": by},
    )
    return bool(rows)


def forget_versions(connection: Connection, action_id: UUID, *, up_to: int) -> None:
    """Delete versions; pipelines that use one have kept it."""
    driver.run(
        connection,
        "DELETE FROM stored_action_versions WHERE action_id = %(id)s AND version <= %(up_to)s",
        {"id": str(action_id), "up_to": up_to},
    )


def _owners(owner: str | None) -> Collection[str]:
    return ["", owner or ""]
