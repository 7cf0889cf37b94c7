"""API tokens: ``pe_<id>_<secret>``, made, listed and revoked by those who have as many rights."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from uuid import UUID

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.issues import Issue
from pipeline_engine.domain.scopes import Scope, has, missing_among, unknown_among
from pipeline_engine.errors import Conflict, NotFound, PipelineEngineError
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import audit_log
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.pipelines import require_meant
from pipeline_engine.services.roles import rights_of, roles_of
from pipeline_engine.storage import tokens
from pipeline_engine.storage.tables.tokens import Token
from pipeline_engine.storage.visibility import visible_to

PREFIX = "pe_"
ID = re.compile(r"[a-z0-9]{12}", re.ASCII)
TEXT = re.compile(rf"pe_(?P<id>{ID.pattern})_(?P<secret>[A-Za-z0-9_-]{{43}})", re.ASCII)
ALPHABET = string.ascii_lowercase + string.digits
DEFAULT_LIFETIME = timedelta(days=90)
MOST_TOKENS = 1000  #: of one owner that let in
#: What a token may do that is bound to some pipelines: the rest has nothing to do with these.
BINDABLE = frozenset(
    {
        Scope.ACTIONS_READ,
        Scope.EXECUTIONS_CONTROL,
        Scope.EXECUTIONS_READ,
        Scope.EXECUTIONS_RUN,
        Scope.PIPELINES_READ,
        Scope.SCHEDULES_CONTROL,
        Scope.SCHEDULES_READ,
        Scope.SCHEDULES_WRITE,
        Scope.SECRETS_USE,
        Scope.SUBSCRIPTIONS_READ,
        Scope.SUBSCRIPTIONS_WRITE,
    }
)


class TokenNotFound(NotFound):
    """There is no such token."""

    code = "token_not_found"


class TooManyTokens(Conflict):
    """The owner has as many tokens that let in as one may have; revoke one first."""

    code = "too_many_tokens"


class InvalidTokenRequest(PipelineEngineError):
    """Such a token cannot be made."""

    code = "invalid_token_request"


class ScopeExceedsCaller(PipelineEngineError):
    """Nobody hands out more than he has: rights, time, or pipelines."""

    code = "scope_exceeds_caller"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What a token is to be."""

    name: str
    rights: Sequence[str] = ()
    roles: Sequence[str] = ()  #: named sets of further rights, as they are now
    user_id: str | None = None  #: for whom it acts; believed only from a service
    pipelines: Sequence[str] = ()  #: ids or names of those that it is bound to; none is all
    expires_at: datetime | None = None
    never_expires: bool = False


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A token, and its text, which nobody is told again."""

    token: Token
    text: str


def create(caller: Caller, session: Session, runtime: Runtime, request: TokenRequest) -> MadeToken:
    """Make a token for *caller*, or for the owner that it acts for.

    Without a point in time it expires after 90 days, or with the token that has made it.

    Raises ``InvalidTokenRequest`` with each problem, ``ScopeExceedsCaller``, ``TooManyTokens``, and
    ``PipelineNotFound`` or ``AmbiguousName`` for a pipeline that it is to be bound to.
    """
    owner = caller.acting_for(request.user_id)
    roles = roles_of(runtime.settings)
    rights = frozenset(request.rights) | rights_of(roles, request.roles)
    _check(owner, request, rights, [name for name in request.roles if name not in roles])
    if missing := missing_among(caller.rights, rights):
        raise ScopeExceedsCaller(f"The caller does not have the right {', '.join(missing)}.")
    if tokens.live(session.connection(), owner.user_id) >= MOST_TOKENS:
        raise TooManyTokens(f"There are {MOST_TOKENS} tokens of this owner; revoke one first.")
    secret = secrets.token_urlsafe(32)
    token = Token(
        id="".join(secrets.choice(ALPHABET) for _ in range(12)),
        secret_hash=_hash(secret),
        name=request.name,
        user_id=owner.user_id,
        rights=sorted(rights),
        pipelines=_bound_to(owner, session, request.pipelines),
        created_by=caller.principal,
        expires_at=_end(caller, request),
    )
    session.add(token)
    session.flush()
    about = {"name": token.name, "scopes": token.rights, "pipelines": token.pipelines}
    audit_log.record(owner, session, Act.TOKEN_CREATE, token.id, token.user_id, **about)
    return MadeToken(token, f"{PREFIX}{token.id}_{secret}")


def listed(caller: Caller, session: Session, page: Page, *, with_revoked: bool) -> Listed[Token]:
    """The tokens of *caller* and its groups, newest first."""
    seen = [visible_to(Token, caller)]
    if not with_revoked:
        seen.append(Token.revoked_at.is_(None))
    total = session.scalar(select(func.count()).select_from(Token).where(*seen)) or 0
    newest = select(Token).where(*seen).order_by(Token.created_at.desc(), Token.id)
    rows = session.scalars(newest.limit(page.size).offset(page.offset)).all()
    return Listed(rows, total, page)


def get(caller: Caller, session: Session, token_id: str) -> Token:
    """One token; raises ``TokenNotFound``, also for what belongs to another user."""
    wanted = select(Token).where(Token.id == token_id, visible_to(Token, caller))
    found = session.scalar(wanted) if ID.fullmatch(token_id) else None
    if found is None:
        raise TokenNotFound(f"There is no token {token_id!r}.")
    return found


def revoke(caller: Caller, session: Session, token_id: str) -> None:
    """End a token now; the next request with it is refused. Raises ``TokenNotFound``."""
    found = get(caller, session, token_id)
    if found.revoked_at is None:
        found.revoked_at = datetime.now(UTC)
        session.flush()
        about = {"name": found.name}
        audit_log.record(caller, session, Act.TOKEN_REVOKE, found.id, found.user_id, **about)


@dataclass(frozen=True, slots=True)
class NotLetIn:
    """Why a token lets nobody in. That is for the audit log; its sender is not told."""

    reason: str  #: ``unknown``, ``expired`` or ``revoked``
    credential: str | None = None  #: the token that it was


def holder(connection: Connection, text: str) -> Caller | NotLetIn:
    """Whose token this is, if it is one that lets in; its use is marked."""
    parts = TEXT.fullmatch(text)
    found = tokens.find(connection, parts["id"]) if parts else None
    # The same work for an id that is unknown: how long it takes says nothing.
    known = found.secret_hash if found else ""
    is_right = compare_digest(known, _hash(parts["secret"] if parts else ""))
    if found is None or not is_right:
        return NotLetIn("unknown")
    if not found.is_live:
        return NotLetIn("revoked" if found.is_revoked else "expired", f"token:{found.id}")
    if found.is_unmarked:
        tokens.mark_used(connection, found.id)
    pipelines = found.pipelines
    return Caller(
        found.user_id,
        rights=frozenset(found.rights),
        principal=f"token:{found.id}",
        only_pipelines=None if pipelines is None else frozenset(map(UUID, pipelines)),
        expires_at=found.expires_at,
    )


def _check(
    owner: Caller, request: TokenRequest, rights: frozenset[str], unknown_roles: Sequence[str]
) -> None:
    problems = [
        Issue("/scopes", "unknown_scope", f"There is no right {word!r}.", "whoami lists yours.")
        for word in unknown_among(request.rights)
    ]
    problems += [
        Issue("/roles", "unknown_role", f"There is no role {name!r}.", "PIPELINE_ROLES adds one.")
        for name in unknown_roles
    ]
    if not rights and not problems:
        problems.append(Issue("/scopes", "missing", "A token needs a scope or a role.", None))
    if request.user_id not in (None, owner.user_id):
        hint = "X-Owner chooses a group that you are in."
        text = "Only a service says for whom a token acts."
        problems.append(Issue("/user_id", "not_allowed", text, hint))
    if owner.user_id is None and not has(rights, Scope.OWNERS_ANY):
        hint = "Say for whom (user_id, X-Owner; in a shell --owner), or give it owners:any."
        problems.append(Issue("/user_id", "missing", "It would act for nobody.", hint))
    if request.pipelines and (beyond := sorted(_beyond_pipelines(rights))):
        text = f"Bound to pipelines, a token cannot have {', '.join(beyond)}."
        problems.append(Issue("/scopes", "not_of_pipelines", text, None))
    if request.expires_at is not None and request.expires_at <= datetime.now(UTC):
        problems.append(Issue("/expires_at", "in_the_past", "That is in the past.", None))
    if request.expires_at is not None and request.never_expires:
        text = "It expires, or it never does."
        problems.append(Issue("/never_expires", "contradiction", text, None))
    if problems:
        raise InvalidTokenRequest(problems=problems)


def _beyond_pipelines(rights: frozenset[str]) -> frozenset[str]:
    """The scopes that are not about pipelines and their executions; words of actions may be."""
    return (rights & frozenset(Scope)) - BINDABLE


def _bound_to(owner: Caller, session: Session, wanted: Sequence[str]) -> list[str] | None:
    if not wanted:
        return None if owner.only_pipelines is None else sorted(map(str, owner.only_pipelines))
    return [str(require_meant(owner, session, name_or_id)) for name_or_id in wanted]


def _end(caller: Caller, request: TokenRequest) -> datetime | None:
    most = caller.expires_at
    if request.never_expires and most is None:
        return None
    if request.expires_at is None and not request.never_expires:
        usual = datetime.now(UTC) + DEFAULT_LIFETIME
        return usual if most is None else min(usual, most)
    if most is not None and (request.expires_at is None or request.expires_at > most):
        raise ScopeExceedsCaller("The token of the caller expires earlier than that.")
    return request.expires_at


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
