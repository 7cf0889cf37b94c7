"""Alert rules of pipelines, and what they have raised."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.alerts import MOST_RULES, AlertKind, Limit, problems
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.identity import new_id
from pipeline_engine.errors import (
    AlertRuleNotFound,
    InvalidAlertRule,
    TooManyAlertRules,
    VersionMismatch,
)
from pipeline_engine.services import audit_log
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.pipelines import require_meant
from pipeline_engine.storage import alerts as storage
from pipeline_engine.storage.tables.alerts import Alert, AlertRule
from pipeline_engine.storage.tables.pipelines import Pipeline
from pipeline_engine.storage.visibility import visible_to

__all__ = ["KINDS", "Raised", "RuleFilter", "StoredRule", "change", "create", "delete", "get"]

KINDS: tuple[str, ...] = tuple(AlertKind)
STATUSES = ("open", "resolved")
CHANGED = ("name", "after_seconds", "times_p95", "enabled")


@dataclass(frozen=True, slots=True)
class StoredRule:
    """An alert rule as it is shown."""

    rule: AlertRule
    pipeline_name: str | None
    open_alerts: int


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert, with the name of its rule."""

    alert: Alert
    rule_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFilter:
    """Which rules, or alerts, are listed."""

    pipeline_id: UUID | None = None
    kind: str | None = None
    enabled: bool | None = None
    rule_id: UUID | None = None
    execution_id: UUID | None = None
    status: str | None = None


def create(caller: Caller, session: Session, pipeline: str, given: Mapping[str, Any]) -> StoredRule:
    """Watch the executions of a pipeline from now on.

    Raises ``InvalidAlertRule`` with each problem, ``PipelineNotFound`` and ``TooManyAlertRules``.
    """
    pipeline_id = require_meant(caller, session, pipeline)
    owned = AlertRule.user_id.is_not_distinct_from(caller.user_id)
    if (session.scalar(select(func.count()).where(owned)) or 0) >= MOST_RULES:
        raise TooManyAlertRules(f"There are {MOST_RULES} alert rules of this owner.")
    rule = AlertRule(
        id=new_id(),
        user_id=caller.user_id,
        pipeline_id=pipeline_id,
        kind=given["kind"],
        created_by=caller.principal,
    )
    _follow(rule, given)
    session.add(rule)
    session.flush()
    return _recorded(caller, session, Act.ALERT_RULE_CREATE, rule.id)


def change(
    caller: Caller,
    session: Session,
    rule_id: str,
    given: Mapping[str, Any],
    *,
    versions: Collection[int] | None = None,
) -> StoredRule:
    """Change what is given; the rest stays. Alerts that were raised stay, too.

    Raises ``AlertRuleNotFound``, ``InvalidAlertRule`` and ``VersionMismatch``.
    """
    rule = _locked(caller, session, rule_id, versions)
    if given.get("enabled") and not rule.enabled:
        rule.since = func.now()  # nobody is told what failed while it was disabled
    _follow(rule, given)
    rule.updated_at = rule.look_at = func.now()
    rule.lock_version += 1
    session.flush()
    return _recorded(caller, session, Act.ALERT_RULE_CHANGE, rule.id)


def delete(
    caller: Caller, session: Session, rule_id: str, *, versions: Collection[int] | None = None
) -> None:
    """Delete a rule with its alerts; what was told of these stays in the histories.

    Raises ``AlertRuleNotFound`` and ``VersionMismatch``.
    """
    rule = _locked(caller, session, rule_id, versions)
    _record(caller, session, Act.ALERT_RULE_DELETE, rule)
    session.delete(rule)
    session.flush()


def get(caller: Caller, session: Session, rule_id: UUID | str) -> StoredRule:
    """One rule. Raises ``AlertRuleNotFound``, also for what belongs to another user."""
    wanted = (visible_to(AlertRule, caller), AlertRule.id == _as_id(rule_id))
    found = _stored(session, wanted, Page(1, 1))
    if not found:
        raise _not_found(rule_id)
    return found[0]


def rules(caller: Caller, session: Session, wanted: RuleFilter, page: Page) -> Listed[StoredRule]:
    """The rules that *caller* may see, newest first."""
    conditions = [visible_to(AlertRule, caller), *_conditions(AlertRule, wanted)]
    total = session.scalar(select(func.count()).select_from(AlertRule).where(*conditions)) or 0
    return Listed(_stored(session, conditions, page), total, page)


def raised(caller: Caller, session: Session, wanted: RuleFilter, page: Page) -> Listed[Raised]:
    """The alerts that *caller* may see, newest first."""
    conditions = [visible_to(Alert, caller), *_conditions(Alert, wanted)]
    total = session.scalar(select(func.count()).select_from(Alert).where(*conditions)) or 0
    rows = session.execute(
        select(Alert, AlertRule.name)
        .join(AlertRule, AlertRule.id == Alert.rule_id)
        .where(*conditions)
        .order_by(Alert.id.desc())
        .limit(page.size)
        .offset(page.offset)
    )
    return Listed([Raised(alert, name) for alert, name in rows], total, page)


def _conditions(table: type[Alert | AlertRule], wanted: RuleFilter) -> list[ColumnElement[bool]]:
    named = ("pipeline_id", "kind", "enabled", "rule_id", "execution_id")
    found = [
        getattr(table, name) == value
        for name in named
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.status is not None:
        is_open = Alert.resolved_at.is_(None)
        found.append(is_open if wanted.status == "open" else ~is_open)
    return found


def _follow(rule: AlertRule, given: Mapping[str, Any]) -> None:
    for name in CHANGED:
        if name in given:
            setattr(rule, name, given[name])
    found = [*problems(AlertKind(rule.kind), Limit(rule.after_seconds, rule.times_p95))]
    if found:
        raise InvalidAlertRule(f"{len(found)} problem(s) in the alert rule.", problems=found)


def _stored(
    session: Session, conditions: Sequence[ColumnElement[bool]], page: Page
) -> list[StoredRule]:
    rows = session.execute(
        select(AlertRule, Pipeline.name)
        .join(Pipeline, Pipeline.id == AlertRule.pipeline_id)
        .where(*conditions)
        .order_by(AlertRule.id.desc())
        .limit(page.size)
        .offset(page.offset)
        .execution_options(populate_existing=True)
    ).all()
    counts = storage.open_of(session.connection(), [rule.id for rule, _ in rows])
    return [StoredRule(rule, name, counts.get(rule.id, 0)) for rule, name in rows]


def _locked(
    caller: Caller, session: Session, rule_id: str, versions: Collection[int] | None
) -> AlertRule:
    found = session.scalar(
        select(AlertRule)
        .where(visible_to(AlertRule, caller), AlertRule.id == _as_id(rule_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise _not_found(rule_id)
    if versions is not None and found.lock_version not in versions:
        message = "The alert rule was changed since it was read."
        raise VersionMismatch(message, lock_version=found.lock_version)
    return found


def _recorded(caller: Caller, session: Session, act: Act, rule_id: UUID) -> StoredRule:
    stored = get(caller, session, rule_id)
    _record(caller, session, act, stored.rule)
    return stored


def _record(caller: Caller, session: Session, act: Act, rule: AlertRule) -> None:
    about = {"name": rule.name, "kind": rule.kind, "pipeline_id": str(rule.pipeline_id)}
    audit_log.record(caller, session, act, rule.id, rule.user_id, **about)


def _as_id(rule_id: UUID | str) -> UUID:
    try:
        return rule_id if isinstance(rule_id, UUID) else UUID(rule_id)
    except ValueError:
        raise _not_found(rule_id) from None


def _not_found(rule_id: UUID | str) -> AlertRuleNotFound:
    return AlertRuleNotFound("Alert rule not found", rule_id=str(rule_id))
