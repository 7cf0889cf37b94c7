"""The HTTP API: one blueprint for each noun, and where it is mounted."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, request
from flask_smorest import Api

from pipeline_engine.errors import NotFound

from . import (
    actions,
    alerts,
    approvals,
    audit_log,
    dapr,
    deliveries,
    doctor,
    drafts,
    event_triggers,
    events,
    executions,
    guardrails,
    health,
    history,
    internal,
    marketplace,
    overview,
    parked,
    pipelines,
    quotas,
    retention,
    schedules,
    schema,
    secrets,
    sign_in_links,
    stored_actions,
    streams,
    subscriptions,
    system,
    tokens,
    trigger,
    validation,
    webhooks,
    whoami,
)
from .blueprint import Blueprint

BASE = "/api/v1"


@dataclass(frozen=True, slots=True)
class Mount:
    """A blueprint, the path that is documented, and those that older clients know."""

    blueprint: Blueprint
    path: str = ""
    aliases: tuple[str, ...] = ("",)  #: in front of ``path``, instead of BASE


# The reference service mounts pipelines below /api/v1/pipeline, and everything at the root.
LEGACY = ("", f"{BASE}/pipeline")
MOUNTS = (
    Mount(validation.validation, "/validate", LEGACY),
    Mount(pipelines.pipelines, "/pipelines", LEGACY),
    Mount(history.history, "/pipelines", aliases=()),
    Mount(drafts.drafts, "/pipelines", aliases=()),
    Mount(executions.executions, "/executions"),
    Mount(actions.actions, "/actions"),
    Mount(marketplace.marketplace, "/marketplace", aliases=()),
    Mount(stored_actions.stored_actions, "/actions", aliases=()),
    Mount(events.events),
    Mount(deliveries.deliveries, "/deliveries"),
    Mount(event_triggers.event_triggers, "/event-triggers"),
    Mount(schedules.schedules, "/schedules"),
    Mount(internal.internal, "/internal"),
    Mount(guardrails.guardrails, "/guardrails"),
    Mount(guardrails.guardrails_for_peers, "/internal/guardrails"),
    Mount(alerts.alerts, aliases=()),
    Mount(approvals.approvals, "/approvals", aliases=()),
    Mount(parked.parked, "/parked", aliases=()),
    Mount(dapr.dapr, "/dapr"),
    Mount(overview.overview, "/overview", aliases=()),
    Mount(retention.retention, "/retention", aliases=()),
    Mount(doctor.doctor, "/doctor", aliases=()),
    Mount(system.system, "/system", aliases=()),
    Mount(quotas.quotas, "/quotas", aliases=()),
    Mount(schema.schema, "/schema", aliases=()),
    Mount(secrets.secrets, "/secrets", aliases=()),
    Mount(sign_in_links.sign_in_links, "/sign-in-links", aliases=()),
    Mount(streams.streams, aliases=()),
    Mount(subscriptions.subscriptions, "/subscriptions", aliases=()),
    Mount(tokens.tokens, "/tokens", aliases=()),
    Mount(webhooks.webhooks, "/webhooks"),
    Mount(trigger.trigger, "/trigger"),
    Mount(whoami.whoami, "/whoami", aliases=()),
    Mount(audit_log.audit_log, "/audit-log", aliases=()),
    Mount(health.health),
)


def _refuse_nul() -> None:
    """Answer 404 for names with a NUL, which PostgreSQL cannot even be asked for."""
    if any("\0" in str(value) for value in (request.view_args or {}).values()):
        raise NotFound


def install(app: Flask, api: Api) -> None:
    """Register every blueprint: once in the document, and again under each older path."""
    app.before_request(_refuse_nul)
    for mount in MOUNTS:
        api.register_blueprint(mount.blueprint, url_prefix=BASE + mount.path)
        for number, alias in enumerate(mount.aliases, start=1):
            app.register_blueprint(
                mount.blueprint,
                url_prefix=(alias + mount.path) or None,
                name=f"{mount.blueprint.name}_alias_{number}",
            )
