"""Subscriptions and their messages on the wire; a secret only where it is new."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from pipeline_engine.services import subscription_messages
from pipeline_engine.services import subscriptions as services
from pipeline_engine.services.subscriptions import Target, TargetType

from ..paging import PaginationSchema
from .fields import MAX_PAGE, ApiSchema, Itself, Moment, StrictSchema, Word, count, text

LONGEST_URL = 2000
DAY = 86_400


class SubscriptionTargetBody(StrictSchema):
    """Where messages go: to a `url`, a `channel`, a `stream` or a `topic`, by its type."""

    type = fields.String(required=True, validate=validate.OneOf(services.TARGETS))
    url = text(LONGEST_URL, 1)
    channel = text(255, 1, metadata={"description": "Of Redis; `key` says its whole name."})
    stream = text(255, 1, metadata={"description": "Of Redis; `key` says its whole name."})
    topic = text(255, 1, metadata={"description": "Of Dapr."})
    max_length = fields.Integer(
        strict=True,
        validate=validate.Range(1, services.LONGEST_STREAM),
        metadata={"description": "Entries that a stream keeps, about; 10,000 unless said."},
    )

    @validates_schema
    def _has_its_address(self, body: dict[str, Any], **_: Any) -> None:
        word = TargetType(body["type"]).word
        if word not in body:
            raise ValidationError("Missing data for required field.", word)
        if "max_length" in body and word != "stream":
            raise ValidationError("Only a stream has a length.", "max_length")

    @post_load
    def _made(self, body: dict[str, Any], **_: Any) -> Target:
        kind = TargetType(body["type"])
        return Target(kind, body[kind.word], body.get("max_length"))


class SubscriptionChange(StrictSchema):
    """What a subscription is to be from now on; what is left out stays."""

    name = text(255, 1, allow_none=True, metadata={"description": "One of its owner has it."})
    event_types = fields.List(
        text(64, 1),
        allow_none=True,
        validate=validate.Length(max=100),
        metadata={
            "description": "Null: all that the format knows. Empty: only what names it, such as"
            " `notify` of a step."
        },
    )
    target = fields.Nested(SubscriptionTargetBody)
    format = fields.String(
        validate=validate.OneOf(services.FORMATS),
        metadata={"description": "`event`, or the envelope of the `reference` service."},
    )
    expires_at = Moment(allow_none=True, metadata={"description": "Null: never."})


class SubscriptionBody(SubscriptionChange):
    """Whom to tell of what: of one execution, of all of a pipeline, or of all of the owner."""

    target = fields.Nested(SubscriptionTargetBody, required=True)
    execution_id = fields.UUID(allow_none=True)
    pipeline_id = text(
        255, 1, allow_none=True, metadata={"description": "The id of a pipeline, or its name."}
    )
    workflow_id = text(
        255, 1, metadata={"description": "pipeline_id, as clients of the reference call it."}
    )


class SubscriptionRotationBody(StrictSchema):
    """How long the secret before is good, too."""

    overlap_seconds = fields.Integer(
        strict=True, load_default=DAY, validate=validate.Range(0, 7 * DAY)
    )


class SubscriptionReplayBody(StrictSchema):
    """From where on everything is sent again: a moment, or the position of a message."""

    since = Moment()
    position = text(40, 3)

    @validates_schema
    def _says_from_where(self, body: dict[str, Any], **_: Any) -> None:
        if len(body) != 1:
            raise ValidationError("Say either since when, or from which position.", "since")


class SubscriptionQuery(ApiSchema):
    """Which subscriptions are listed."""

    status = Word(services.STATUSES)
    target = Word(services.TARGETS)
    execution_id = fields.UUID()
    pipeline_id = fields.UUID()
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class MessageQuery(ApiSchema):
    """Which messages are listed."""

    status = Word(subscription_messages.STATUSES)
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class SubscriptionTargetSchema(ApiSchema):
    """Where messages go."""

    type = fields.String()
    url = fields.String()
    channel = fields.String()
    stream = fields.String()
    topic = fields.String()
    key = fields.String(metadata={"description": "The whole name in Redis."})
    max_length = fields.Integer()


class SubscriptionSchema(ApiSchema):
    """A subscription; its secret is never told again."""

    id = fields.UUID(attribute="subscription.id")
    name = fields.String(attribute="subscription.name", allow_none=True)
    owner = fields.String(attribute="subscription.user_id", allow_none=True)
    reach = fields.String(
        attribute="subscription.reach",
        metadata={"description": "Of one `execution`, all of a `pipeline`, or of its `owner`."},
    )
    execution_id = fields.UUID(attribute="subscription.execution_id", allow_none=True)
    pipeline_id = fields.UUID(attribute="subscription.pipeline_id", allow_none=True)
    event_types = fields.List(
        fields.String(), attribute="subscription.event_types", allow_none=True
    )
    target = fields.Nested(SubscriptionTargetSchema)
    format = fields.String(attribute="subscription.format")
    status = fields.String(attribute="subscription.status")
    reason = fields.String(attribute="subscription.reason", allow_none=True)
    expires_at = Moment(attribute="subscription.expires_at", allow_none=True)
    waiting = fields.Integer(metadata={"description": "Messages that wait for their next try."})
    dead = fields.Integer(metadata={"description": "Messages that were given up."})
    failures = fields.Integer(
        attribute="subscription.failures", metadata={"description": "Tries, in a row."}
    )
    next_try_at = Moment(attribute="subscription.retry_at", allow_none=True)
    last_sent_at = Moment(attribute="subscription.last_sent_at", allow_none=True)
    last_failed_at = Moment(attribute="subscription.last_failed_at", allow_none=True)
    last_error = fields.String(attribute="subscription.last_error", allow_none=True)
    old_secret_until = Moment(attribute="subscription.old_secret_until", allow_none=True)
    created_by = fields.String(attribute="subscription.created_by")
    created_at = Moment(attribute="subscription.created_at")
    updated_at = Moment(attribute="subscription.updated_at")
    lock_version = fields.Integer(attribute="subscription.lock_version")


class MadeSubscriptionSchema(SubscriptionSchema):
    """A subscription with a new secret."""

    secret = fields.String(
        allow_none=True,
        metadata={"description": "What signs its messages. Nobody is told it again."},
    )

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Return a field of the subscription, or the secret."""
        return super().get_attribute(obj if attr == "secret" else obj.shown, attr, default)


class SubscriptionListSchema(ApiSchema):
    """One page of subscriptions, newest first."""

    subscriptions = fields.List(fields.Nested(SubscriptionSchema), attribute="entries")
    pagination = Itself(PaginationSchema)


class TrySchema(ApiSchema):
    """One try to hand a message over."""

    at = fields.String()
    seconds = fields.Float()
    status_code = fields.Integer(allow_none=True)
    error = fields.String(allow_none=True)


class ListedMessageSchema(ApiSchema):
    """A message in a list."""

    id = fields.String(attribute="row.message_id")
    event_type = fields.String(attribute="row.event_type")
    execution_id = fields.UUID(attribute="row.execution_id", allow_none=True)
    position = fields.String(
        allow_none=True, metadata={"description": "Of its event in the history, to replay from."}
    )
    origin = fields.String(
        attribute="row.origin", metadata={"description": "`event`, `replay` or `test`"}
    )
    status = fields.String(attribute="row.status")
    note = fields.String(
        attribute="row.note", allow_none=True, metadata={"description": "Why it was given up."}
    )
    attempts = fields.Integer(
        attribute="row.attempts", metadata={"description": "Tries that have failed."}
    )
    tries = fields.List(fields.Nested(TrySchema), attribute="row.tries")
    next_try_at = Moment(attribute="row.due_at", allow_none=True)
    created_at = Moment(attribute="row.created_at")
    settled_at = Moment(attribute="row.settled_at", allow_none=True)


class MessageSchema(ListedMessageSchema):
    """A message, and what it says."""

    body = fields.String(
        attribute="row.body", metadata={"description": "The bytes that are signed and sent."}
    )


class MessageListSchema(ApiSchema):
    """One page of messages, newest first."""

    messages = fields.List(fields.Nested(ListedMessageSchema), attribute="entries")
    pagination = Itself(PaginationSchema)


class SubscriptionReplaySchema(ApiSchema):
    """From where on everything is sent again."""

    position = fields.String(
        allow_none=True, metadata={"description": "Null: nothing has happened since then."}
    )
