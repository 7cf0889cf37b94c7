"""The SQL of the store of secrets: keep a value once, forget the oldest ones."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, literal

from pipeline_engine.domain.identity import new_id
from pipeline_engine.domain.secret_store import KEPT_VERSIONS
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.secrets import Secret


def in_store_of(owner: str | None) -> ColumnElement[bool]:
    """The condition on rows of ``Secret`` that are *owner*'s; null is the system."""
    return func.coalesce(Secret.user_id, "") == literal(owner or "")


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
