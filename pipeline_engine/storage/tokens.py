"""Tokens that come along with requests: looked up by id, and marked as used."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from pipeline_engine.storage.postgres import driver


class KnownToken(NamedTuple):
    """What has to be known of a token to let somebody in."""

    id: str
    secret_hash: str
    user_id: str | None
    rights: list[str]
    pipelines: list[str] | None
    expires_at: datetime | None
    is_live: bool  #: neither revoked nor expired
    is_revoked: bool
    is_unmarked: bool  #: its last use that was marked is a minute ago


FIND = """
SELECT id, secret_hash, user_id, rights, pipelines, expires_at,
    revoked_at IS NULL AND coalesce(expires_at > now(), true), revoked_at IS NOT NULL,
    coalesce(last_used_at < now() - interval '1 minute', true)
FROM tokens WHERE id = %(id)s
"""
MARK = """
UPDATE tokens SET last_used_at = now()
WHERE id = %(id)s AND coalesce(last_used_at < now() - interval '1 minute', true)
"""


LIVE = """
SELECT count(*) FROM tokens
WHERE coalesce(user_id, '') = coalesce(%(owner)s, '') AND revoked_at IS NULL
    AND coalesce(expires_at > now(), true)
"""
ENDLESS = """
SELECT name FROM tokens WHERE expires_at IS NULL AND revoked_at IS NULL
ORDER BY created_at LIMIT %(most)s
"""


def names_of_endless(connection: Connection, *, most: int) -> list[str]:
    """The names of tokens that are good for ever, the oldest first."""
    return [row[0] for row in driver.fetch(connection, ENDLESS, {"most": most})]


def live(connection: Connection, owner: str | None) -> int:
    """How many tokens of an owner let in; null is the system."""
    return int(driver.fetch(connection, LIVE, {"owner": owner})[0][0])


def find(connection: Connection, token_id: str) -> KnownToken | None:
    """The token with this id, whatever has become of it."""
    rows: list[tuple[Any, ...]] = driver.fetch(connection, FIND, {"id": token_id})
    return KnownToken(*rows[0]) if rows else None


def mark_used(connection: Connection, token_id: str) -> None:
    """Say that a token was used just now, unless that was said within the last minute."""
    driver.run(connection, MARK, {"id": token_id})
