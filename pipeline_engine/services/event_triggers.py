"""Event triggers: store, read, change and delete them, and look at what became of events."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.event_triggers import (
    EVENT,
    KNOWN_TYPES,
    LONGEST_WINDOW,
    MAX_FILTERS,
    Config,
    Outcome,
    problems,
)
from pipeline_engine.domain.identity import new_id
from pipeline_engine.errors import EventTriggerNotFound, InvalidEventTrigger, VersionMismatch
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import audit_log, standing_orders
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.pipelines import as_id
from pipeline_engine.storage.standing_orders import hold_pipeline_of
from pipeline_engine.storage.tables.event_triggers import EventTrigger
from pipeline_engine.storage.tables.inbox import Delivery, DeliveryTarget
from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineRevision
from pipeline_engine.storage.visibility import visible_to

__all__ = [
    "KNOWN_TYPES",
    "LONGEST_WINDOW",
    "MAX_FILTERS",
    "OUTCOMES",
    "Firing",
    "StoredTrigger",
    "create",
    "delete",
    "firings",
    "get",
    "listed",
    "update",
]

OUTCOMES: tuple[str, ...] = tuple(Outcome)
#: What a change may say of the executions that follow, beside their params.
PASSED_ON = ("callback_topics", "subscriber_ids", "payload_type", "notification_workflow_id")
PLAIN = frozenset({"name", "description", "enabled", *PASSED_ON})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrigger:
    """An event trigger as it is shown: without the secrets in its params."""

    trigger: EventTrigger
    pipeline_name: str | None
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """What became of one event at a trigger."""

    delivery_id: int
    event_type: str
    source: str
    received_at: datetime
    outcome: str
    reason: str | None
    execution_id: UUID | None
    decided_at: datetime


def create(
    caller: Caller, session: Session, runtime: Runtime, given: Mapping[str, Any]
) -> StoredTrigger:
    """Let events start a pipeline from now on; *given* are the fields of the trigger.

    Raises ``InvalidEventTrigger``, and what ``standing_orders.checked`` raises.
    """
    trigger = EventTrigger(id=new_id(), user_id=caller.user_id, created_by=caller.principal)
    trigger.params, trigger.sealed, trigger.lock_version = {}, False, 1
    _follow(trigger, given)
    _check(caller, session, runtime, trigger, given)
    session.add(trigger)
    session.flush()
    return _recorded(caller, session, Act.EVENT_TRIGGER_CREATE, trigger.id)


def update(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    trigger_id: UUID | str,
    given: Mapping[str, Any],
    *,
    versions: Collection[int] | None = None,
) -> StoredTrigger:
    """Change what is given; the rest stays. A window that is open ends as it was opened.

    Raises ``EventTriggerNotFound``, ``VersionMismatch`` and what ``create`` raises.
    """
    trigger = _locked(caller, session, trigger_id)
    _check_version(trigger, versions)
    _follow(trigger, given)
    # One that stays disabled starts nothing: it can be renamed when its pipeline is gone.
    if trigger.enabled or not PLAIN.issuperset(given):
        _check(caller, session, runtime, trigger, given)
    trigger.updated_at = func.now()
    trigger.lock_version += 1
    session.flush()
    return _recorded(caller, session, Act.EVENT_TRIGGER_CHANGE, trigger.id)


def delete(
    caller: Caller,
    session: Session,
    trigger_id: UUID | str,
    *,
    versions: Collection[int] | None = None,
) -> None:
    """Delete a trigger with what it has collected; its firings stay with their deliveries.

    Raises ``EventTriggerNotFound`` and ``VersionMismatch``.
    """
    trigger = _locked(caller, session, trigger_id)
    _check_version(trigger, versions)
    _record(caller, session, Act.EVENT_TRIGGER_DELETE, trigger)
    session.delete(trigger)
    session.flush()


def get(caller: Caller, session: Session, trigger_id: UUID | str) -> StoredTrigger:
    """One event trigger. Raises ``EventTriggerNotFound``."""
    wanted = _stored().where(_seen(caller), EventTrigger.id == _as_id(trigger_id))
    row = session.execute(wanted.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise _not_found(trigger_id)
    return _shown(row)


def listed(
    caller: Caller,
    session: Session,
    *,
    pipeline_id: str | None = None,
    event_type: str | None = None,
    enabled: bool | None = None,
    page: Page,
) -> Listed[StoredTrigger]:
    """The triggers of the caller's owners, the newest first."""
    wanted: list[ColumnElement[bool]] = [_seen(caller)]
    if pipeline_id is not None:
        wanted.append(EventTrigger.pipeline_id == as_id(pipeline_id))
    if event_type is not None:
        wanted.append(EventTrigger.event_type == event_type)
    if enabled is not None:
        wanted.append(EventTrigger.enabled.is_(enabled))
    total = session.scalar(select(func.count()).select_from(EventTrigger).where(*wanted)) or 0
    newest_first = _stored().where(*wanted).order_by(EventTrigger.id.desc())
    rows = session.execute(newest_first.limit(page.size).offset(page.offset)).all()
    return Listed([_shown(row) for row in rows], total, page)


def firings(
    caller: Caller,
    session: Session,
    trigger_id: UUID | str,
    *,
    outcome: str | None = None,
    page: Page,
) -> Listed[Firing]:
    """What became of the events that a trigger was offered, the newest first.

    They are known as long as their deliveries are. Raises ``EventTriggerNotFound``.
    """
    trigger = get(caller, session, trigger_id).trigger
    wanted = [DeliveryTarget.trigger_id == trigger.id]
    if outcome is not None:
        wanted.append(DeliveryTarget.verdict == outcome)
    total = session.scalar(select(func.count()).select_from(DeliveryTarget).where(*wanted)) or 0
    rows = session.execute(
        select(DeliveryTarget, Delivery.event_type, Delivery.source, Delivery.received_at)
        .join(Delivery, Delivery.id == DeliveryTarget.delivery_id)
        .where(*wanted)
        .order_by(DeliveryTarget.delivery_id.desc())
        .limit(page.size)
        .offset(page.offset)
    ).all()
    return Listed([_firing(*row) for row in rows], total, page)


# ── Changes ──────────────────────────────────────────────────────────────────────────────


def _follow(trigger: EventTrigger, given: Mapping[str, Any]) -> None:
    """Take over what is given, but for what has to be checked first."""
    for name in PLAIN & given.keys():
        setattr(trigger, name, given[name])
    if "enabled" in given:  # whoever says so has decided anew
        trigger.disabled_reason = None
    if "config" in given:
        config = Config.of({**(trigger.config or {}), **given["config"]})
        if found := problems(config):
            raise InvalidEventTrigger(f"{len(found)} problem(s) in the config.", problems=found)
        trigger.event_type, trigger.config = config.event_type, config.document


def _check(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    trigger: EventTrigger,
    given: Mapping[str, Any],
) -> None:
    """Check pipeline and params as they are to be, and stamp the caller's rights on the row."""
    checked = standing_orders.checked(
        caller,
        session,
        runtime,
        given.get("pipeline_id") or trigger.pipeline_id or "",
        _params(session, runtime, trigger, given),
        order_id=trigger.id,
        before=trigger,
        supplied={EVENT},
    )
    trigger.pipeline_id, trigger.params = checked.pipeline_id, checked.params
    trigger.sealed, trigger.authority = checked.sealed, checked.authority


def _params(
    session: Session, runtime: Runtime, trigger: EventTrigger, given: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The params in clear: the new ones, with the old secrets where they were sent back masked."""
    parameters = _parameters(session, trigger.pipeline_id)
    wanted = given.get("params")
    if wanted is None:
        wanted = standing_orders.shown_params(trigger, parameters)
    return standing_orders.kept_params(runtime.sealer, trigger, wanted, parameters)


def _parameters(session: Session, pipeline_id: UUID | None) -> Any:
    """What the newest revision of a pipeline declares."""
    return session.scalar(
        select(PipelineRevision.document["parameters"])
        .join(Pipeline, _is_newest())
        .where(Pipeline.id == pipeline_id)
    )


def _locked(caller: Caller, session: Session, trigger_id: UUID | str) -> EventTrigger:
    hold_pipeline_of(session.connection(), EventTrigger, _as_id(trigger_id))
    found = session.scalar(
        select(EventTrigger)
        .where(_seen(caller), EventTrigger.id == _as_id(trigger_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise _not_found(trigger_id)
    return found


def _check_version(trigger: EventTrigger, versions: Collection[int] | None) -> None:
    if versions is not None and trigger.lock_version not in versions:
        message = "The event trigger was changed since it was read."
        raise VersionMismatch(message, lock_version=trigger.lock_version)


def _recorded(caller: Caller, session: Session, act: Act, trigger_id: UUID) -> StoredTrigger:
    stored = get(caller, session, trigger_id)
    _record(caller, session, act, stored.trigger)
    return stored


def _record(caller: Caller, session: Session, act: Act, trigger: EventTrigger) -> None:
    about = {"name": trigger.name, "event_type": trigger.event_type}
    audit_log.record(caller, session, act, trigger.id, trigger.user_id, **about)


# ── Reads ────────────────────────────────────────────────────────────────────────────────


def _stored() -> Select[*tuple[Any, ...]]:
    """Triggers, each with the name of its pipeline and the parameters that this declares."""
    return (
        select(EventTrigger, Pipeline.name, PipelineRevision.document["parameters"])
        .outerjoin(Pipeline, Pipeline.id == EventTrigger.pipeline_id)
        .outerjoin(PipelineRevision, _is_newest())
    )


def _is_newest() -> ColumnElement[bool]:
    return and_(
        PipelineRevision.pipeline_id == Pipeline.id,
        PipelineRevision.revision == Pipeline.revision,
    )


def _shown(row: Row[*tuple[Any, ...]]) -> StoredTrigger:
    trigger, pipeline_name, parameters = row
    params = standing_orders.shown_params(trigger, parameters)
    return StoredTrigger(trigger=trigger, pipeline_name=pipeline_name, params=params)


def _firing(target: DeliveryTarget, event_type: str, source: str, received_at: datetime) -> Firing:
    return Firing(
        delivery_id=target.delivery_id,
        event_type=event_type,
        source=source,
        received_at=received_at,
        outcome=target.verdict,
        reason=target.note,
        execution_id=target.execution_id,
        decided_at=target.decided_at,
    )


def _seen(caller: Caller) -> ColumnElement[bool]:
    return visible_to(EventTrigger, caller)


def _as_id(trigger_id: UUID | str) -> UUID:
    try:
        return trigger_id if isinstance(trigger_id, UUID) else UUID(trigger_id)
    except ValueError:
        raise _not_found(trigger_id) from None


def _not_found(trigger_id: UUID | str) -> EventTriggerNotFound:
    return EventTriggerNotFound("Event trigger not found", trigger_id=str(trigger_id))
