"""Sign-in to the console: a cookie that stands for a token, as long as that one lets in.

A session has no rights of its own. Each request with it is judged by its token, so a token that is
revoked ends it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller, Origin
from pipeline_engine.domain.sealing import Sealer, SecretUnreadable
from pipeline_engine.errors import IdentityUnavailable, PipelineEngineError
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import audit_log
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.credentials import Credentials, InvalidToken
from pipeline_engine.storage import console_sessions
from pipeline_engine.storage.console_sessions import KnownSession, NewSession

SILENCE = timedelta(hours=12)  #: without any request, after which a session has ended
LONGEST = timedelta(days=7)  #: of a session in all
LINK_LIFETIME = timedelta(minutes=10)


class SessionEnded(PipelineEngineError):
    """This sign-in to the console has ended: sign in again."""

    code = "session_ended"


class InvalidSignInLink(PipelineEngineError):
    """This link was used, or is too old: `pipeline-engine open` makes another."""

    code = "invalid_sign_in_link"


@dataclass(frozen=True, slots=True)
class BegunSession:
    """A session that begins, and what its browser keeps, which nobody is told again."""

    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who is signed in."""

    caller: Caller
    expires_at: datetime  #: if nothing comes from him any more

    def caller_from(self, origin: Origin) -> Caller:
        """The caller, for the record of an act."""
        return replace(self.caller, origin=origin)


@dataclass(frozen=True, slots=True)
class MadeLink:
    """A link to sign in by, once."""

    id: UUID
    code: str
    expires_at: datetime


class ConsoleSessions:
    """Who is signed in to the console."""

    def __init__(self, runtime: Runtime, credentials: Credentials) -> None:
        self._engine = runtime.engine
        self._sealer = runtime.sealer
        self._credentials = credentials

    def begin(
        self, token: str, origin: Origin, *, before: str | None = None, now: datetime | None = None
    ) -> BegunSession:
        """Let in by *token*; the session that the browser had *before* ends.

        Raises what ``Credentials.bearer`` does.
        """
        now = now or datetime.now(UTC)
        caller = replace(self._credentials.bearer(token), origin=origin)
        token_ends = self._credentials.expiry(token, caller)
        ends = now + LONGEST if token_ends is None else min(token_ends, now + LONGEST)
        secret = secrets.token_urlsafe(32)
        new = _new(caller, secret, token, ends, self._sealer)
        with self._engine.begin() as connection:
            if before is not None:
                self._end(connection, before, caller, now)
            console_sessions.add(connection, new, now=now)
            audit_log.record(caller, connection, Act.SESSION_BEGIN, new.id, caller.user_id)
        return BegunSession(secret, ends)

    def begin_by_link(
        self, code: str, origin: Origin, *, before: str | None = None, now: datetime | None = None
    ) -> BegunSession:
        """The same by the code of a link, which is used up by that.

        Raises ``InvalidSignInLink``, and what ``Credentials.bearer`` does.
        """
        now = now or datetime.now(UTC)
        with self._engine.begin() as connection:
            taken = console_sessions.take_link(connection, _hash(code), now=now)
        if taken is None:
            raise InvalidSignInLink
        token = _opened(self._sealer, taken.token, taken.id)
        return self.begin(token, origin, before=before, now=now)

    def find(self, secret: str, *, now: datetime | None = None, is_seen: bool = True) -> SignedIn:
        """Who is signed in by this; a look that does not come from him *is_seen* not.

        Raises ``SessionEnded`` and ``IdentityUnavailable``.
        """
        now = now or datetime.now(UTC)
        try:
            known = self._known(secret, now, is_seen=is_seen)
        except (DBAPIError, PoolTimeout) as error:
            raise IdentityUnavailable from error
        try:
            caller = self._credentials.bearer(_opened(self._sealer, known.token, known.id))
        except InvalidToken as error:
            self._forget(secret, now)
            raise SessionEnded(**error.facts) from error
        return SignedIn(caller, min(known.expires_at, now + SILENCE))

    def end(self, secret: str, caller: Caller, *, now: datetime | None = None) -> None:
        """Sign out."""
        with self._engine.begin() as connection:
            self._end(connection, secret, caller, now or datetime.now(UTC))

    def _known(self, secret: str, now: datetime, *, is_seen: bool) -> KnownSession:
        with self._engine.begin() as connection:
            known = console_sessions.find(
                connection, _hash(secret), now=now, silent_since=now - SILENCE
            )
            if known is None:
                raise SessionEnded
            if is_seen:
                console_sessions.mark_seen(connection, known.id, now=now)
        return known

    def _forget(self, secret: str, now: datetime) -> None:
        """End a session whose token lets nobody in any more; no act, for nobody does it."""
        with self._engine.begin() as connection:
            console_sessions.end(connection, _hash(secret), now=now)

    def _end(self, connection: Connection, secret: str, caller: Caller, now: datetime) -> None:
        ended = console_sessions.end(connection, _hash(secret), now=now)
        if ended is not None:
            audit_log.record(caller, connection, Act.SESSION_END, ended.id, ended.user_id)


def create_link(
    caller: Caller, session: Session, runtime: Runtime, token: str, *, now: datetime | None = None
) -> MadeLink:
    """Make a link by which somebody can sign in once, as the *token* of *caller* lets in."""
    ends = (now or datetime.now(UTC)) + LINK_LIFETIME
    code = secrets.token_urlsafe(32)
    new = _new(caller, code, token, ends, runtime.sealer)
    console_sessions.add_link(session.connection(), new, now=now or datetime.now(UTC))
    audit_log.record(caller, session, Act.SIGN_IN_LINK_CREATE, new.id, caller.user_id)
    return MadeLink(new.id, code, ends)


def _new(caller: Caller, secret: str, token: str, ends: datetime, sealer: Sealer) -> NewSession:
    new_id = uuid4()
    return NewSession(
        id=new_id,
        secret_hash=_hash(secret),
        user_id=caller.user_id,
        principal=caller.principal,
        token=sealer.encrypted(token, (), _place(new_id)),
        expires_at=ends,
    )


def _opened(sealer: Sealer, sealed: str, row_id: UUID) -> str:
    """The token of a row; what was sealed with a key that is gone lets nobody in."""
    try:
        token: str = sealer.open(sealed, _place(row_id)).value
    except SecretUnreadable as error:
        raise SessionEnded(reason="unreadable") from error
    return token


def _place(row_id: UUID) -> str:
    return f"sign-in:{row_id}"


def _hash(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
