"""Sessions of the console and links to sign in: found by the hash of what a browser brings."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, insert

from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.tables.console_sessions import ConsoleSession, SignInLink


class NewSession(NamedTuple):
    """A sign-in, about to be kept."""

    id: UUID
    secret_hash: str
    user_id: str | None
    principal: str
    token: str  #: sealed
    expires_at: datetime


class KnownSession(NamedTuple):
    """A session that has not ended."""

    id: UUID
    user_id: str | None
    token: str  #: sealed
    expires_at: datetime


class EndedSession(NamedTuple):
    """A session that was ended just now."""

    id: UUID
    user_id: str | None


class Taken(NamedTuple):
    """A link that was used just now, and is gone."""

    id: UUID
    token: str  #: sealed


FIND = """
SELECT id, user_id, token, expires_at FROM console_sessions
WHERE secret_hash = %(hash)s AND ended_at IS NULL
    AND expires_at > %(now)s AND last_seen_at > %(silent_since)s
"""
SEE = """
UPDATE console_sessions SET last_seen_at = %(now)s
WHERE id = %(id)s AND last_seen_at < %(now)s::timestamptz - interval '1 minute'
"""
END = """
UPDATE console_sessions SET ended_at = %(now)s, token = NULL
WHERE secret_hash = %(hash)s AND ended_at IS NULL RETURNING id, user_id
"""
FORGET_LINKS = "DELETE FROM sign_in_links WHERE expires_at <= %(now)s"
# Of two who use it at the same moment one finds nothing.
TAKE_LINK = """
DELETE FROM sign_in_links WHERE secret_hash = %(hash)s AND expires_at > %(now)s
RETURNING id, token
"""


def add(connection: Connection, new: NewSession, *, now: datetime) -> None:
    """Keep a session that begins *now*."""
    values = new._asdict() | {"created_at": now, "last_seen_at": now}
    connection.execute(insert(ConsoleSession).values(values))


def find(
    connection: Connection, secret_hash: str, *, now: datetime, silent_since: datetime
) -> KnownSession | None:
    """The session, if it has not ended, expired, or been silent for too long."""
    params = {"hash": secret_hash, "now": now, "silent_since": silent_since}
    rows = driver.fetch(connection, FIND, params)
    return KnownSession(*rows[0]) if rows else None


def mark_seen(connection: Connection, session_id: UUID, *, now: datetime) -> None:
    """Say that somebody was there, unless that was said within the last minute."""
    driver.run(connection, SEE, {"id": str(session_id), "now": now})


def end(connection: Connection, secret_hash: str, *, now: datetime) -> EndedSession | None:
    """End a session, and forget its token; None if there is nothing to end."""
    rows = driver.fetch(connection, END, {"hash": secret_hash, "now": now})
    return EndedSession(*rows[0]) if rows else None


def add_link(connection: Connection, new: NewSession, *, now: datetime) -> None:
    """Keep a link for the session that it will begin, and none that nobody has used in time."""
    driver.run(connection, FORGET_LINKS, {"now": now})
    connection.execute(insert(SignInLink).values(new._asdict()))


def take_link(connection: Connection, secret_hash: str, *, now: datetime) -> Taken | None:
    """The link, which nobody can use again; None if it is used, expired or unknown."""
    rows = driver.fetch(connection, TAKE_LINK, {"hash": secret_hash, "now": now})
    return Taken(*rows[0]) if rows else None
