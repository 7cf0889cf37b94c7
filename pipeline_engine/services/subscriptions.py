"""Subscriptions: who is told of which events, and where; make, change, pause and delete them.

A caller sees and changes those of its owners. A secret is told once, when it is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipeline_engine.domain import signatures
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.identity import new_id
from pipeline_engine.domain.subscriptions import (
    LONGEST_OVERLAP,
    LONGEST_STREAM,
    MOST_SUBSCRIPTIONS,
    EndReason,
    Format,
    MessageStatus,
    Reach,
    SubscriptionStatus,
    Target,
    TargetType,
    heard,
)
from pipeline_engine.errors import (
    AdministratorsOnly,
    DuplicateSubscriptionName,
    InvalidSubscription,
    SubscriptionEnded,
    SubscriptionNotFound,
    TooManySubscriptions,
    VersionMismatch,
)
from pipeline_engine.messaging.couriers import place_of_secret, redis_key
from pipeline_engine.messaging.wishes import Wish, problems_of
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import audit_log
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.pipelines import require_meant
from pipeline_engine.services.visibility import not_found
from pipeline_engine.storage import messages, subscriptions
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.subscriptions import UNIQUE_NAME, Subscription
from pipeline_engine.storage.visibility import visible_to

__all__ = [
    "LONGEST_STREAM",
    "Filter",
    "Format",
    "Shown",
    "Target",
    "TargetType",
    "Wish",
    "WithSecret",
    "change",
    "create",
    "delete",
    "get",
    "listed",
    "locked",
    "pause",
    "require_alive",
    "resume",
    "rotate_secret",
    "visible",
]

STATUSES: tuple[str, ...] = tuple(SubscriptionStatus)
TARGETS: tuple[str, ...] = tuple(TargetType)
FORMATS: tuple[str, ...] = tuple(Format)


@dataclass(frozen=True, slots=True)
class Shown:
    """A subscription as it is told: everything but its secrets."""

    subscription: Subscription
    target: Mapping[str, Any]
    counts: Mapping[MessageStatus, int]

    @property
    def waiting(self) -> int:
        """Messages that wait for their next try, or behind one that does."""
        return self.counts.get(MessageStatus.WAITING, 0)

    @property
    def dead(self) -> int:
        """Messages that were given up."""
        return self.counts.get(MessageStatus.DEAD, 0)


@dataclass(frozen=True, slots=True)
class WithSecret:
    """A subscription, and its new secret, which nobody is told again."""

    shown: Shown
    secret: str | None = field(repr=False)  #: null for a target that is not signed for


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which subscriptions are listed."""

    status: str | None = None
    target: str | None = None
    execution_id: UUID | None = None
    pipeline_id: UUID | None = None


def create(caller: Caller, session: Session, runtime: Runtime, wish: Wish) -> WithSecret:
    """Subscribe to what happens from now on.

    Raises ``InvalidSubscription`` with each problem, ``TooManySubscriptions``,
    ``DuplicateSubscriptionName``, ``ExecutionNotFound``, ``PipelineNotFound``,
    ``AmbiguousName`` and ``AdministratorsOnly``.
    """
    if caller.user_id is None and not caller.is_administrator and not caller.sees_all:
        raise AdministratorsOnly
    _check(runtime, wish)
    made = _reaching(caller, session, wish)
    if subscriptions.kept(session.connection(), made.user_id) >= MOST_SUBSCRIPTIONS:
        raise TooManySubscriptions(
            f"There are {MOST_SUBSCRIPTIONS} subscriptions of this owner; delete one first."
        )
    made.id, made.created_by = new_id(), caller.principal
    _apply(made, wish)
    secret = _keep_secret(runtime, made) if made.target == TargetType.HTTP else None
    with _named_once(made.name):
        subscriptions.add(session, made)
    _record(caller, session, Act.SUBSCRIPTION_CREATE, made, target_type=made.target)
    return WithSecret(_shown(session, runtime, [made])[0], secret)


def listed(
    caller: Caller, session: Session, runtime: Runtime, wanted: Filter, page: Page
) -> Listed[Shown]:
    """The subscriptions that *caller* may see, newest first."""
    conditions = [visible_to(Subscription, caller), *_conditions(wanted)]
    total = session.scalar(select(func.count()).select_from(Subscription).where(*conditions)) or 0
    newest = (Subscription.created_at.desc(), Subscription.id.desc())
    rows = session.scalars(
        select(Subscription)
        .where(*conditions)
        .order_by(*newest)
        .limit(page.size)
        .offset(page.offset)
    ).all()
    return Listed(_shown(session, runtime, rows), total, page)


def get(caller: Caller, session: Session, runtime: Runtime, subscription_id: str) -> Shown:
    """One subscription. Raises ``SubscriptionNotFound``, also for what belongs to another user."""
    return _shown(session, runtime, [visible(caller, session, subscription_id)])[0]


def change(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    subscription_id: str,
    wish: Wish,
    *,
    versions: Collection[int] | None = None,
) -> Shown:
    """Change what *wish* says; the rest stays. What waits already is sent as it was written.

    Raises ``InvalidSubscription``, ``SubscriptionNotFound``, ``DuplicateSubscriptionName`` and
    ``VersionMismatch``.
    """
    found = locked(caller, session, subscription_id, versions)
    _check(runtime, wish, found)
    if {"event_types", "format"} & wish.said:
        subscriptions.settle(session.connection(), found.id)
        session.refresh(found)
    _apply(found, wish)
    if found.target != TargetType.HTTP:
        found.secret = found.old_secret = found.old_secret_until = None
    elif found.secret is None:
        _keep_secret(runtime, found)
    found.lock_version += 1
    found.updated_at = func.now()
    with _named_once(found.name):
        session.flush()
    _record(caller, session, Act.SUBSCRIPTION_CHANGE, found)
    return _fresh(session, runtime, found)


def pause(caller: Caller, session: Session, runtime: Runtime, subscription_id: str) -> Shown:
    """Send nothing until it is resumed; nothing is lost meanwhile."""
    found = locked(caller, session, subscription_id)
    require_alive(found)
    subscriptions.pause(session.connection(), found.id)
    _record(caller, session, Act.SUBSCRIPTION_PAUSE, found)
    return _fresh(session, runtime, found)


def resume(caller: Caller, session: Session, runtime: Runtime, subscription_id: str) -> Shown:
    """Go on where it stopped, in order; also after it has failed.

    Raises ``SubscriptionNotFound`` and ``SubscriptionEnded``.
    """
    found = locked(caller, session, subscription_id)
    require_alive(found)
    subscriptions.resume(session.connection(), found.id)
    _record(caller, session, Act.SUBSCRIPTION_RESUME, found)
    return _fresh(session, runtime, found)


def rotate_secret(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    subscription_id: str,
    *,
    overlap: timedelta,
) -> WithSecret:
    """Make a new secret; the one before signs, too, for as long as *overlap*.

    Raises ``SubscriptionNotFound``, and ``InvalidSubscription`` for a target without a secret.
    """
    found = locked(caller, session, subscription_id)
    if found.secret is None:
        raise InvalidSubscription("It has no secret: only what goes to a URL is signed.")
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise InvalidSubscription("Two secrets sign for 7 days at most.")
    found.old_secret, found.old_secret_until = found.secret, datetime.now(UTC) + overlap
    secret = _keep_secret(runtime, found)
    found.lock_version += 1
    session.flush()
    _record(caller, session, Act.SUBSCRIPTION_ROTATE_SECRET, found)
    return WithSecret(_fresh(session, runtime, found), secret)


def delete(caller: Caller, session: Session, subscription_id: str) -> None:
    """Delete a subscription with its messages. Raises ``SubscriptionNotFound``."""
    found = locked(caller, session, subscription_id)
    _record(caller, session, Act.SUBSCRIPTION_DELETE, found)
    session.delete(found)
    session.flush()


# ── What is asked for ────────────────────────────────────────────────────────────────────


def _check(runtime: Runtime, wish: Wish, found: Subscription | None = None) -> None:
    if problems := problems_of(wish, runtime, found):
        raise InvalidSubscription(
            f"{len(problems)} problem(s) with the subscription.", problems=problems
        )


def _reaching(caller: Caller, session: Session, wish: Wish) -> Subscription:
    """A new row that says of which executions it tells, and whose it is."""
    if wish.execution_id is not None:
        known = select(Execution.user_id, Execution.pipeline_id).where(
            Execution.id == wish.execution_id, visible_to(Execution, caller)
        )
        execution = session.execute(known).one_or_none()
        if execution is None:
            raise not_found(wish.execution_id)
        return Subscription(
            reach=Reach.EXECUTION,
            user_id=execution.user_id,
            execution_id=wish.execution_id,
            pipeline_id=execution.pipeline_id,
        )
    if wish.pipeline is not None:
        pipeline_id = require_meant(caller, session, wish.pipeline)
        return Subscription(reach=Reach.PIPELINE, user_id=caller.user_id, pipeline_id=pipeline_id)
    if caller.only_pipelines is not None:
        raise InvalidSubscription(
            "A token that is bound to pipelines subscribes to one of them, or to an execution."
        )
    return Subscription(reach=Reach.OWNER, user_id=caller.user_id)


def _apply(subscription: Subscription, wish: Wish) -> None:
    for name in ("name", "expires_at", "event_types"):
        if name in wish.said:
            setattr(subscription, name, getattr(wish, name))
    subscription.format = wish.format or subscription.format or Format.EVENT
    if wish.target is not None:
        subscription.target, subscription.address = wish.target.type, wish.target.address
        subscription.max_length = wish.target.max_length
    subscription.heard = heard(Format(subscription.format), subscription.event_types)


@contextmanager
def _named_once(name: str | None) -> Iterator[None]:
    """Let the unique index judge the name.

    After ``DuplicateSubscriptionName`` nothing can be done with the session but to roll it back.
    """
    try:
        yield
    except IntegrityError as error:
        if UNIQUE_NAME not in str(error.orig):
            raise
        taken = f"A subscription with the name {name!r} already exists."
        raise DuplicateSubscriptionName(taken) from error


def _keep_secret(runtime: Runtime, subscription: Subscription) -> str:
    secret = signatures.new_secret()
    place = place_of_secret(subscription.id)
    subscription.secret = runtime.sealer.encrypted(secret, (), place)
    return secret


# ── Reads ────────────────────────────────────────────────────────────────────────────────


def visible(caller: Caller, session: Session, subscription_id: str) -> Subscription:
    """One row. Raises ``SubscriptionNotFound``, also for what belongs to another user."""
    found: Subscription | None = session.scalar(_seen(caller, subscription_id))
    if found is None:
        raise _missing(subscription_id)
    return found


def _seen(caller: Caller, subscription_id: str) -> Any:
    try:
        wanted = UUID(subscription_id)
    except ValueError:
        raise _missing(subscription_id) from None
    seen = visible_to(Subscription, caller)
    return (
        select(Subscription)
        .where(Subscription.id == wanted, seen)
        .execution_options(populate_existing=True)
    )


def _missing(subscription_id: str) -> SubscriptionNotFound:
    return SubscriptionNotFound(f"There is no subscription {subscription_id!r}.")


def locked(
    caller: Caller,
    session: Session,
    subscription_id: str,
    versions: Collection[int] | None = None,
) -> Subscription:
    """The same, for the one who is about to change it. Raises ``VersionMismatch``, too."""
    found: Subscription | None = session.scalar(_seen(caller, subscription_id).with_for_update())
    if found is None:
        raise _missing(subscription_id)
    if versions is not None and found.lock_version not in versions:
        raise VersionMismatch(
            "The subscription was changed since it was read.", lock_version=found.lock_version
        )
    return found


def require_alive(found: Subscription) -> None:
    """Raise ``SubscriptionEnded`` for what will not be served any more."""
    if found.status != SubscriptionStatus.EXPIRED:
        return
    is_late = found.expires_at is not None and found.expires_at <= datetime.now(UTC)
    if found.reason != EndReason.EXPIRED or is_late:
        raise SubscriptionEnded(f"The subscription has ended: {found.reason}.")


def _fresh(session: Session, runtime: Runtime, found: Subscription) -> Shown:
    session.refresh(found)
    return _shown(session, runtime, [found])[0]


def _shown(session: Session, runtime: Runtime, rows: Sequence[Subscription]) -> Sequence[Shown]:
    found = messages.counts(session.connection(), [row.id for row in rows]) if rows else {}
    return [Shown(row, _target_of(runtime, row), found[row.id]) for row in rows]


def _target_of(runtime: Runtime, row: Subscription) -> Mapping[str, Any]:
    """Where its messages go, in the words of the API."""
    kind = TargetType(row.target)
    told: dict[str, Any] = {"type": kind.value, kind.word: row.address}
    if kind in {TargetType.REDIS_CHANNEL, TargetType.REDIS_STREAM}:
        told["key"] = redis_key(runtime.settings.key_prefix, row.user_id, row.address)
    if row.max_length is not None:
        told["max_length"] = row.max_length
    return told


def _conditions(wanted: Filter) -> Sequence[ColumnElement[bool]]:
    names = ("status", "target", "execution_id", "pipeline_id")
    given = {name: getattr(wanted, name) for name in names}
    return [
        getattr(Subscription, name) == value for name, value in given.items() if value is not None
    ]


def _record(
    caller: Caller, session: Session, act: Act, found: Subscription, **details: Any
) -> None:
    audit_log.record(caller, session, act, found.id, found.user_id, reach=found.reach, **details)
