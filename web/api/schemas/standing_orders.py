"""What schedules, webhooks and event triggers all say of the executions that they start."""

from __future__ import annotations

from marshmallow import fields, validate

from .executions import PAYLOAD_TYPE, SUBSCRIBERS, TOPIC, TOPICS, WORKFLOW_ID
from .fields import ApiSchema, text


class PassedOnFields(ApiSchema):
    """Who is told of these executions: within the same limits as of one that is started by hand."""

    callback_topics = fields.List(
        fields.String(validate=validate.Regexp(TOPIC)),
        allow_none=True,
        validate=validate.Length(max=100),
        metadata=TOPICS,
    )
    subscriber_ids = text(500, allow_none=True, metadata=SUBSCRIBERS)
    payload_type = text(100, allow_none=True, metadata=PAYLOAD_TYPE)
    notification_workflow_id = text(255, allow_none=True, metadata=WORKFLOW_ID)
