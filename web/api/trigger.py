"""``/trigger``: the address that a webhook is called at."""

from __future__ import annotations

from flask import Flask, current_app, request
from werkzeug.exceptions import UnsupportedMediaType

from pipeline_engine.services import Act, Runtime
from pipeline_engine.services.webhooks.door import Door, Knock, Receipt
from pipeline_engine.services.webhooks.refusals import (
    AddressNotAllowed,
    InvalidWebhookSecret,
    PipelineGone,
    WebhookDisabled,
    WebhookNotFound,
)

from .auth import open_to_everybody
from .blueprint import Blueprint
from .context import runtime
from .rate_limits import strangers_counted
from .schemas.webhooks import TriggeredSchema

EXTENSION = "pipeline_engine_webhooks"
REFUSED = (
    WebhookNotFound,
    WebhookDisabled,
    PipelineGone,
    AddressNotAllowed,
    InvalidWebhookSecret,
)
trigger = Blueprint("trigger", __name__, description="Where third parties call.")


def install(app: Flask, runtime: Runtime) -> None:
    """Give *app* what it needs to answer at webhooks."""
    app.extensions[EXTENSION] = Door(runtime)


def limit_bodies() -> None:
    """Allow as many bytes as the body of a webhook may have; more are not read."""
    request.max_content_length = runtime().settings.webhook_max_body_bytes


trigger.before_request(limit_bodies)


@trigger.on(
    "POST",
    "/<webhook_id>",
    operation="trigger_webhook",
    scope=None,
    act=Act.WEBHOOK_TRIGGER,
)
@trigger.answers(200, TriggeredSchema)
@open_to_everybody
def call(webhook_id: str) -> Receipt:
    """Start what the webhook starts, once however often the same is sent.

    The delivery is durable before this answer; a worker starts the execution that it names. Its
    sender proves the secret by `X-Webhook-Secret`, by a Standard Webhooks signature, or by
    `X-Hub-Signature-256`. Any JSON or form is a body.
    """
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("Compressed bodies are not accepted.")
    knock = Knock(
        webhook_id=webhook_id,
        raw=request.get_data(cache=True),
        headers={name.lower(): value for name, value in request.headers.items()},
        query=request.query_string.decode("ascii", "replace"),
        address=request.remote_addr or "",
    )
    door: Door = current_app.extensions[EXTENSION]
    with strangers_counted(*REFUSED):
        return door.receive(knock)
