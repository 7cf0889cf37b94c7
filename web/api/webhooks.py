"""``/webhooks``: doors for third parties, their secrets, and what came in by them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pipeline_engine.services import Act, Scope
from pipeline_engine.services.pages import Page
from pipeline_engine.services.webhooks import deliveries, saving, secrets, stored, trial
from pipeline_engine.services.webhooks.stored import StoredWebhook

from .blueprint import Blueprint
from .context import caller, runtime, session
from .paging import list_headers
from .preconditions import etag, versions_if_given
from .schemas.webhooks import (
    MadeWebhookSchema,
    RevokeBody,
    RotateBody,
    TestBody,
    TrialSchema,
    WebhookBody,
    WebhookChange,
    WebhookDeliveryListSchema,
    WebhookDeliveryQuery,
    WebhookQuery,
    WebhookSchema,
)

webhooks = Blueprint("webhooks", __name__, description="Doors for third parties.")
#: Who saves one arranges for executions that are started later.
SAVING = (Scope.WEBHOOKS_WRITE, Scope.EXECUTIONS_RUN)


@webhooks.on("POST", operation="create_webhook", scope=SAVING, act=Act.WEBHOOK_CREATE)
@webhooks.body(WebhookBody)
@webhooks.answers(201, MadeWebhookSchema)
def create(body: dict[str, Any]) -> tuple[StoredWebhook, dict[str, str]]:
    """Make a webhook. Its secret is told this once only."""
    made = saving.create(caller(), session(), runtime(), body)
    return made, etag(made.webhook.lock_version)


@webhooks.on("GET", operation="list_webhooks", scope=Scope.WEBHOOKS_READ)
@webhooks.query(WebhookQuery)
@webhooks.answers(200, WebhookSchema(many=True))
def list_webhooks(query: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    """List webhooks, newest first; `Link` and `X-Total-Count` describe the rest."""
    found = stored.listed(
        caller(),
        session(),
        runtime(),
        pipeline_id=query.get("pipeline_id", query.get("workflow_id")),
        enabled=query.get("enabled"),
        page=Page(query["page"], query["page_size"]),
    )
    return found.entries, list_headers(found)


@webhooks.on("GET", "/<webhook_id>", operation="get_webhook", scope=Scope.WEBHOOKS_READ)
@webhooks.answers(200, WebhookSchema)
def show(webhook_id: str) -> tuple[StoredWebhook, dict[str, str]]:
    """Return one webhook; never a secret."""
    found = stored.get(caller(), session(), runtime(), webhook_id)
    return found, etag(found.webhook.lock_version)


@webhooks.on(
    "PUT", "/<webhook_id>", operation="change_webhook", scope=SAVING, act=Act.WEBHOOK_CHANGE
)
@webhooks.body(WebhookChange)
@webhooks.answers(200, WebhookSchema)
def change(body: dict[str, Any], webhook_id: str) -> tuple[StoredWebhook, dict[str, str]]:
    """Change what is given; the rest stays. `If-Match` names the version that is changed.

    `require_secret` stays as it is. The webhook acts with the rights of the caller from then on.
    """
    with versions_if_given() as versions:
        found = saving.change(caller(), session(), runtime(), webhook_id, body, versions=versions)
    return found, etag(found.webhook.lock_version)


@webhooks.on(
    "DELETE",
    "/<webhook_id>",
    operation="delete_webhook",
    scope=Scope.WEBHOOKS_WRITE,
    act=Act.WEBHOOK_DELETE,
)
@webhooks.answers(204)
def delete(webhook_id: str) -> None:
    """Delete a webhook with its secrets and its deliveries; what was started goes on."""
    with versions_if_given() as versions:
        saving.delete(caller(), runtime(), webhook_id, versions=versions)


@webhooks.on(
    "POST",
    "/<webhook_id>/rotate-secret",
    operation="rotate_webhook_secret",
    scope=Scope.WEBHOOKS_WRITE,
    act=Act.WEBHOOK_ROTATE_SECRET,
)
@webhooks.body(RotateBody, required=False)
@webhooks.answers(200, MadeWebhookSchema)
def rotate(body: dict[str, Any], webhook_id: str) -> tuple[StoredWebhook, dict[str, str]]:
    """Give it a new secret, told this once; the one before counts for `overlap_seconds` yet."""
    overlap = timedelta(seconds=body["overlap_seconds"])
    made = secrets.rotate(
        caller(), session(), runtime(), webhook_id, overlap=overlap, secret=body["secret"]
    )
    return made, etag(made.webhook.lock_version)


@webhooks.on(
    "POST",
    "/<webhook_id>/revoke-secret",
    operation="revoke_webhook_secret",
    scope=Scope.WEBHOOKS_WRITE,
    act=Act.WEBHOOK_REVOKE_SECRET,
)
@webhooks.body(RevokeBody, required=False)
@webhooks.answers(200, WebhookSchema)
def revoke(body: dict[str, Any], webhook_id: str) -> tuple[StoredWebhook, dict[str, str]]:
    """End a secret now: the next request with it is refused, by every process."""
    found = secrets.revoke(caller(), session(), runtime(), webhook_id, body["secret_id"])
    return found, etag(found.webhook.lock_version)


@webhooks.on(
    "POST",
    "/<webhook_id>/test",
    operation="test_webhook",
    scope=SAVING,
    act=Act.WEBHOOK_TEST,
)
@webhooks.body(TestBody, required=False)
@webhooks.answers(200, TrialSchema)
def test(body: dict[str, Any], webhook_id: str) -> Any:
    """Treat a body as if it had come with a right secret; a disabled webhook can be tried, too.

    With `dry_run` nothing is started. What could not be started says why in `problems`.
    """
    return trial.try_out(caller(), runtime(), webhook_id, **body)


@webhooks.on(
    "GET",
    "/<webhook_id>/deliveries",
    operation="list_webhook_deliveries",
    scope=Scope.WEBHOOKS_READ,
)
@webhooks.query(WebhookDeliveryQuery)
@webhooks.answers(200, WebhookDeliveryListSchema)
def list_deliveries(query: dict[str, Any], webhook_id: str) -> Any:
    """List what came in and was accepted, newest first, and what became of each."""
    return deliveries.listed(
        caller(),
        session(),
        webhook_id,
        outcome=query.get("outcome"),
        with_body=query["include_body"],
        page=Page(query["page"], query["page_size"]),
    )
