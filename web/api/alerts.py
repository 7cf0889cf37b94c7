"""``/alert-rules`` and ``/alerts``: what somebody wants to be told of, and what was wrong."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Act, Scope
from pipeline_engine.services import alerts as services
from pipeline_engine.services.alerts import RuleFilter, StoredRule
from pipeline_engine.services.pages import Page

from .blueprint import Blueprint
from .context import caller, session
from .preconditions import etag, versions_if_given
from .schemas.alerts import (
    AlertListSchema,
    AlertQuery,
    AlertRuleBody,
    AlertRuleChange,
    AlertRuleListSchema,
    AlertRuleQuery,
    AlertRuleSchema,
)

alerts = Blueprint("alerts", __name__, description="What is wrong with executions.")

#: A rule tells of executions.
WRITE = (Scope.ALERTS_WRITE, Scope.EXECUTIONS_READ)


@alerts.on(
    "POST", "/alert-rules", operation="create_alert_rule", scope=WRITE, act=Act.ALERT_RULE_CREATE
)
@alerts.body(AlertRuleBody)
@alerts.answers(201, AlertRuleSchema)
def create(body: dict[str, Any]) -> tuple[StoredRule, dict[str, str]]:
    """Be told when executions of a pipeline are late, fail, or have a step parked for too long."""
    pipeline = body.get("pipeline_id") or body["workflow_id"]
    stored = services.create(caller(), session(), pipeline, body)
    return stored, etag(stored.rule.lock_version)


@alerts.on("GET", "/alert-rules", operation="list_alert_rules", scope=Scope.ALERTS_READ)
@alerts.query(AlertRuleQuery)
@alerts.answers(200, AlertRuleListSchema)
def list_rules(query: dict[str, Any]) -> Any:
    """List alert rules, newest first, with how many of their alerts are open."""
    wanted, page = _wanted(query)
    return services.rules(caller(), session(), wanted, page)


@alerts.on("GET", "/alert-rules/<rule_id>", operation="get_alert_rule", scope=Scope.ALERTS_READ)
@alerts.answers(200, AlertRuleSchema)
def show(rule_id: str) -> tuple[StoredRule, dict[str, str]]:
    """Return one alert rule; `ETag` is what `If-Match` of a change may name."""
    stored = services.get(caller(), session(), rule_id)
    return stored, etag(stored.rule.lock_version)


@alerts.on(
    "PUT",
    "/alert-rules/<rule_id>",
    operation="change_alert_rule",
    scope=WRITE,
    act=Act.ALERT_RULE_CHANGE,
)
@alerts.body(AlertRuleChange)
@alerts.answers(200, AlertRuleSchema)
def change(body: dict[str, Any], rule_id: str) -> tuple[StoredRule, dict[str, str]]:
    """Change what is given; the rest stays. With `If-Match` only the version that you know."""
    with versions_if_given() as versions:
        stored = services.change(caller(), session(), rule_id, body, versions=versions)
    return stored, etag(stored.rule.lock_version)


@alerts.on(
    "DELETE",
    "/alert-rules/<rule_id>",
    operation="delete_alert_rule",
    scope=Scope.ALERTS_WRITE,
    act=Act.ALERT_RULE_DELETE,
)
@alerts.answers(204)
def delete(rule_id: str) -> None:
    """Delete an alert rule with its alerts."""
    with versions_if_given() as versions:
        services.delete(caller(), session(), rule_id, versions=versions)


@alerts.on("GET", "/alerts", operation="list_alerts", scope=Scope.ALERTS_READ)
@alerts.query(AlertQuery)
@alerts.answers(200, AlertListSchema)
def list_alerts(query: dict[str, Any]) -> Any:
    """List alerts, newest first: what is wrong (`status=open`), and what was."""
    wanted, page = _wanted(query)
    return services.raised(caller(), session(), wanted, page)


def _wanted(query: dict[str, Any]) -> tuple[RuleFilter, Page]:
    page = Page(query.pop("page"), query.pop("page_size"))
    workflow_id = query.pop("workflow_id", None)
    query.setdefault("pipeline_id", workflow_id)
    return RuleFilter(**query), page
