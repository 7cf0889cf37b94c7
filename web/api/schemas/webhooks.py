"""Webhooks on the wire: everything about them but their secrets."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from pipeline_engine.services.webhooks.deliveries import OUTCOMES
from pipeline_engine.services.webhooks.saving import FORMS

from ..paging import PaginationSchema
from .fields import (
    MAX_PAGE,
    ApiSchema,
    Itself,
    Moment,
    StrictSchema,
    TrueOrFalse,
    Word,
    an_object,
    anything,
    count,
    text,
)
from .problems import IssueSchema
from .standing_orders import PassedOnFields

MOST_WEBHOOKS = 1000
LONGEST_OVERLAP = 30 * 86_400  #: seconds
LONGEST_REPEAT = 86_400  #: seconds
MOST_PER_MINUTE = 100_000
MOST_ENTRIES = 100
LONGEST_TEMPLATE = 4096
SECRET = {
    "description": "16 to 256 visible ASCII characters; `whsec_…` is base64 of the key.",
    "writeOnly": True,
}
REFERENCE_ID = {"description": "pipeline_id, as clients of the reference call it."}


class WebhookConfigBody(StrictSchema):
    """Whom a webhook lets in, and what it makes of what they send."""

    require_secret = TrueOrFalse(
        metadata={"description": "Fixed when it is made; rotate-secret gives one to any."}
    )
    accepts = fields.List(
        fields.String(validate=validate.OneOf(FORMS)),
        validate=validate.Length(min=1, max=len(FORMS)),
        metadata={"description": "Proofs of the secret that count; all if left out."},
    )
    allowed_ips = fields.List(
        text(64, 1),
        allow_none=True,
        validate=validate.Length(max=MOST_ENTRIES),
        metadata={"description": "Addresses and networks (CIDR); null is everybody."},
    )
    headers_to_include = fields.List(
        text(100, 1),
        validate=validate.Length(max=MOST_ENTRIES),
        metadata={"description": "`X-GitHub-Event` becomes the param `header_x_github_event`."},
    )
    map = an_object(
        allow_none=True,
        validate=validate.Length(max=MOST_ENTRIES),
        metadata={"description": "Params, by expressions over body, headers, query and params."},
    )
    dedupe_key = text(
        LONGEST_TEMPLATE,
        1,
        allow_none=True,
        metadata={"description": "A template; deliveries for which it yields the same are one."},
    )
    repeat_seconds = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(min=1, max=LONGEST_REPEAT),
        metadata={"description": "Within these an equal body counts once, whatever its id."},
    )
    max_per_minute = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(min=1, max=MOST_PER_MINUTE),
        metadata={"description": "Null: as PIPELINE_WEBHOOK_RATE_LIMIT says."},
    )


class WebhookChange(PassedOnFields):
    """What a webhook is to be from now on; what is left out stays."""

    pipeline_id = text(255, 1)
    workflow_id = text(255, 1, metadata=REFERENCE_ID)
    name = text(255, 1)
    description = text(1000, allow_none=True)
    config = fields.Nested(WebhookConfigBody)
    params = an_object()
    enabled = TrueOrFalse()

    @post_load
    def _names_it_once(self, body: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Keep the pipeline under one name; ours goes before that of the reference."""
        if "workflow_id" in body:
            body.setdefault("pipeline_id", body.pop("workflow_id"))
        return body


class WebhookBody(WebhookChange):
    """A webhook to be made."""

    name = text(255, 1, required=True)
    secret = text(256, allow_none=True, metadata=SECRET)

    @validates_schema
    def _names_a_pipeline(self, body: dict[str, Any], **_: Any) -> None:
        if not {"pipeline_id", "workflow_id"} & body.keys():
            raise ValidationError("Missing data for required field.", "pipeline_id")


class RotateBody(ApiSchema):
    """A new secret, and how long those before count yet."""

    overlap_seconds = fields.Integer(
        strict=True, load_default=3600, validate=validate.Range(min=0, max=LONGEST_OVERLAP)
    )
    secret = text(256, allow_none=True, load_default=None, metadata=SECRET)


class RevokeBody(ApiSchema):
    """Which secret ends now."""

    secret_id = fields.UUID(
        allow_none=True,
        load_default=None,
        metadata={"description": "Left out: all but the newest."},
    )


class TestBody(ApiSchema):
    """What somebody might send."""

    body = anything(load_default=None)
    headers = fields.Dict(
        keys=text(100, 1), values=text(8192), load_default=dict, validate=validate.Length(max=100)
    )
    query = an_object(load_default=dict)
    dry_run = TrueOrFalse(
        load_default=False, metadata={"description": "Say what would happen, and start nothing."}
    )


class WebhookQuery(ApiSchema):
    """Which webhooks are listed."""

    pipeline_id = fields.UUID()
    workflow_id = fields.UUID(metadata=REFERENCE_ID)
    enabled = fields.Boolean()
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, MOST_WEBHOOKS, MOST_WEBHOOKS)


class WebhookDeliveryQuery(ApiSchema):
    """Which deliveries are listed."""

    outcome = Word(OUTCOMES)
    include_body = fields.Boolean(load_default=False)
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class WebhookConfigSchema(ApiSchema):
    """Whom a webhook lets in, and what it makes of what they send."""

    require_secret = fields.Boolean()
    accepts = fields.List(fields.String())
    allowed_ips = fields.List(fields.String(), allow_none=True)
    headers_to_include = fields.List(fields.String())
    map = an_object(allow_none=True)
    dedupe_key = fields.String(allow_none=True)
    repeat_seconds = fields.Integer(allow_none=True)
    max_per_minute = fields.Integer(allow_none=True)


class WebhookSecretSchema(ApiSchema):
    """A secret, but for the secret itself."""

    id = fields.UUID()
    created_at = Moment()
    created_by = fields.String()
    expires_at = Moment(allow_none=True)
    revoked_at = Moment(allow_none=True)


class WebhookSchema(ApiSchema):
    """A webhook."""

    id = fields.UUID(attribute="webhook.id")
    workflow_id = fields.UUID(attribute="webhook.pipeline_id", allow_none=True, dump_only=True)
    pipeline_id = fields.UUID(attribute="webhook.pipeline_id", allow_none=True, dump_only=True)
    user_id = fields.String(attribute="webhook.user_id", allow_none=True)
    name = fields.String(attribute="webhook.name")
    description = fields.String(attribute="webhook.description", allow_none=True)
    endpoint_url = fields.String()
    config = fields.Nested(WebhookConfigSchema, attribute="webhook.config")
    params = an_object()
    enabled = fields.Boolean(attribute="webhook.enabled")
    disabled_reason = fields.String(attribute="webhook.disabled_reason", allow_none=True)
    callback_topics = fields.List(
        fields.String(), attribute="webhook.callback_topics", allow_none=True
    )
    subscriber_ids = fields.String(attribute="webhook.subscriber_ids", allow_none=True)
    payload_type = fields.String(attribute="webhook.payload_type", allow_none=True)
    notification_workflow_id = fields.String(
        attribute="webhook.notification_workflow_id", allow_none=True
    )
    secrets = fields.List(fields.Nested(WebhookSecretSchema))
    created_by = fields.String(attribute="webhook.created_by")
    created_at = Moment(attribute="webhook.created_at")
    updated_at = Moment(attribute="webhook.updated_at")
    last_triggered_at = Moment(attribute="webhook.last_triggered_at", allow_none=True)
    trigger_count = fields.Integer(attribute="webhook.trigger_count")
    lock_version = fields.Integer(attribute="webhook.lock_version")


class MadeWebhookSchema(WebhookSchema):
    """A webhook and its newest secret, which nobody is told again."""

    secret = fields.String(allow_none=True)
    standard_secret = fields.String(
        allow_none=True,
        metadata={"description": "The same secret as senders of Standard Webhooks take it."},
    )


class TriggeredSchema(ApiSchema):
    """What a delivery starts."""

    execution_id = fields.UUID()
    workflow_id = fields.UUID(attribute="pipeline_id", dump_only=True)
    pipeline_id = fields.UUID(dump_only=True)
    status = fields.String()
    delivery_id = fields.String()
    duplicate = fields.Boolean()


class TrialSchema(ApiSchema):
    """What a webhook makes of a request."""

    params = an_object()
    dedupe_key = fields.String(allow_none=True)
    problems = fields.List(fields.Nested(IssueSchema))
    execution_id = fields.UUID(allow_none=True)
    delivery_id = fields.String(allow_none=True)


class WebhookDeliverySchema(ApiSchema):
    """Something that came in by a webhook, and what became of it."""

    id = fields.String(attribute="delivery.id")
    received_at = Moment(attribute="delivery.received_at")
    settled_at = Moment(attribute="delivery.settled_at", allow_none=True)
    outcome = fields.String(attribute="delivery.outcome")
    code = fields.String(attribute="delivery.code", allow_none=True)
    message = fields.String(allow_none=True)
    execution_id = fields.UUID(attribute="delivery.execution_id")
    execution_status = fields.String(allow_none=True)
    key = fields.String(attribute="delivery.key", allow_none=True)
    duplicates = fields.Integer(attribute="delivery.duplicates")
    conflicts = fields.Integer(attribute="delivery.conflicts")
    form = fields.String(attribute="delivery.form", allow_none=True)
    sent_at = Moment(attribute="delivery.sent_at", allow_none=True)
    address = fields.String(attribute="delivery.address", allow_none=True)
    test = fields.Boolean(attribute="delivery.is_test")
    content_type = fields.String(attribute="delivery.content_type")
    headers = an_object()
    query = an_object()
    body_digest = fields.String(
        attribute="delivery.body_digest", metadata={"description": "SHA-256 of its bytes."}
    )
    body = fields.String(allow_none=True, metadata={"description": "With include_body only."})


class WebhookDeliveryListSchema(ApiSchema):
    """One page of deliveries, newest first."""

    deliveries = fields.List(fields.Nested(WebhookDeliverySchema), attribute="entries")
    pagination = Itself(PaginationSchema)
