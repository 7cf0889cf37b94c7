"""Event triggers on the wire."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from pipeline_engine.services.event_triggers import LONGEST_WINDOW, MAX_FILTERS, OUTCOMES

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
    count,
    text,
)
from .standing_orders import PassedOnFields

MOST_TRIGGERS = 1000
LONGEST_EXPRESSION = 10_000
YEAR = 366 * 86_400


def _seconds(most: int, said: str) -> fields.Float:
    span = validate.Range(min=0, max=most, min_inclusive=False)
    return fields.Float(allow_none=True, validate=span, metadata={"description": said})


class ConfigBody(StrictSchema):
    """Which events start something; what is left out of a change stays."""

    event_type = text(
        255, 1, metadata={"description": "The type of the events, exactly; `*` is every type."}
    )
    filters = an_object(
        validate=validate.Length(max=MAX_FILTERS),
        metadata={"description": "Dotted path in the event to the value there; all must be equal."},
    )
    condition = text(
        LONGEST_EXPRESSION,
        allow_none=True,
        metadata={"description": "An expression over `event`, `event_type` and `source`."},
    )
    dedupe_key = text(
        LONGEST_EXPRESSION,
        allow_none=True,
        metadata={"description": "A template; events with the same value are one."},
    )
    dedupe_seconds = _seconds(YEAR, "For how long after a firing; null is as long as it is known.")
    quiet_seconds = _seconds(LONGEST_WINDOW, "Fire once, when no event has come for so long.")
    max_wait_seconds = _seconds(LONGEST_WINDOW, "Fire after so long, although events still come.")


class EventTriggerChange(PassedOnFields):
    """What an event trigger is to be from now on; what is left out stays."""

    workflow_id = fields.String(metadata={"description": "The same as `pipeline_id`."})
    pipeline_id = fields.String()
    name = text(255, 1)
    description = text(1000, allow_none=True)
    config = fields.Nested(ConfigBody)
    params = an_object(metadata={"description": "Given to each execution, beside `event`."})
    enabled = TrueOrFalse()


class EventTriggerBody(EventTriggerChange):
    """An event trigger to be stored."""

    name = text(255, 1, required=True)
    config = fields.Nested(ConfigBody, required=True)
    enabled = TrueOrFalse(load_default=True)

    @validates_schema
    def _names_what_it_starts(self, loaded: dict[str, object], **_: object) -> None:
        if not loaded.get("pipeline_id") and not loaded.get("workflow_id"):
            raise ValidationError("Missing data for required field.", "pipeline_id")
        config = loaded.get("config")
        if isinstance(config, dict) and "event_type" not in config:
            raise ValidationError({"event_type": ["Missing data for required field."]}, "config")


class EventTriggerQuery(ApiSchema):
    """Which event triggers are listed."""

    workflow_id = text(64)
    pipeline_id = text(64)
    event_type = text(255)
    enabled = fields.Boolean()
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, MOST_TRIGGERS, MOST_TRIGGERS)


class ConfigSchema(ApiSchema):
    """Which events start something."""

    event_type = fields.String()
    filters = an_object()
    condition = fields.String(allow_none=True)
    dedupe_key = fields.String(allow_none=True)
    dedupe_seconds = fields.Float(allow_none=True)
    quiet_seconds = fields.Float(allow_none=True)
    max_wait_seconds = fields.Float(allow_none=True)


class EventTriggerSchema(ApiSchema):
    """A stored event trigger."""

    id = fields.UUID(attribute="trigger.id")
    workflow_id = fields.UUID(attribute="trigger.pipeline_id", allow_none=True, dump_only=True)
    pipeline_id = fields.UUID(attribute="trigger.pipeline_id", allow_none=True)
    pipeline_name = fields.String(allow_none=True)
    name = fields.String(attribute="trigger.name")
    description = fields.String(attribute="trigger.description", allow_none=True)
    config = fields.Nested(ConfigSchema, attribute="trigger.config")
    params = an_object()
    enabled = fields.Boolean(attribute="trigger.enabled")
    disabled_reason = fields.String(attribute="trigger.disabled_reason", allow_none=True)
    callback_topics = fields.List(
        fields.String(), attribute="trigger.callback_topics", allow_none=True
    )
    subscriber_ids = fields.String(attribute="trigger.subscriber_ids", allow_none=True)
    payload_type = fields.String(attribute="trigger.payload_type", allow_none=True)
    notification_workflow_id = fields.String(
        attribute="trigger.notification_workflow_id", allow_none=True
    )
    user_id = fields.String(attribute="trigger.user_id", allow_none=True)
    created_by = fields.String(attribute="trigger.created_by")
    created_at = Moment(attribute="trigger.created_at")
    updated_at = Moment(attribute="trigger.updated_at")
    last_triggered_at = Moment(attribute="trigger.last_triggered_at", allow_none=True)
    trigger_count = fields.Integer(attribute="trigger.trigger_count")
    lock_version = fields.Integer(attribute="trigger.lock_version")


class EventTypeSchema(ApiSchema):
    """A type of event that a peer is known to send."""

    type = fields.String()
    source = fields.String()
    description = fields.String()


class FiringQuery(ApiSchema):
    """Which events of a trigger are listed."""

    outcome = Word(OUTCOMES)
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class FiringSchema(ApiSchema):
    """What became of one event at a trigger."""

    delivery_id = fields.String()
    event_type = fields.String()
    source = fields.String()
    received_at = Moment()
    outcome = fields.String(metadata={"description": ", ".join(OUTCOMES)})
    reason = fields.String(allow_none=True)
    execution_id = fields.UUID(allow_none=True)
    decided_at = Moment()


class FiringListSchema(ApiSchema):
    """One page of what became of events, the newest first."""

    firings = fields.List(fields.Nested(FiringSchema), attribute="entries")
    pagination = Itself(PaginationSchema)
