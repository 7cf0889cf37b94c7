"""Events of executions, and deliveries from outside, on the wire."""

from __future__ import annotations

from marshmallow import INCLUDE, Schema, fields, validate

from pipeline_engine.services.queries import EVENT_TYPES

from .fields import (
    MAX_ID,
    ApiSchema,
    LastMoment,
    Moment,
    Percentage,
    Whole,
    Word,
    an_object,
    anything,
    count,
    text,
)


class EventQuery(ApiSchema):
    """Which events are listed."""

    event_type = Word(EVENT_TYPES, metadata={"description": "The same as one `kind`."})
    kind = fields.List(
        Word(EVENT_TYPES),
        load_default=(),
        metadata={"description": "One of these; say it several times."},
    )
    step_id = text(100, metadata={"description": "Of this step, and of its items."})
    q = text(
        255,
        metadata={
            "description": "A part of a kind, of a step's id or name, of an error code or of the"
            " name of a worker; upper and lower case are one."
        },
    )
    start_time = Moment()
    end_time = LastMoment(
        metadata={"description": "At or before; a day without a time is included."}
    )
    after = Whole(
        validate=validate.Range(min=0, max=MAX_ID),
        metadata={"description": "Only events with a higher sequence_number, oldest first."},
    )
    limit = count(1, 1000, 100)
    offset = count(0, 1_000_000_000, 0)


class EventSchema(ApiSchema):
    """One event in the history of an execution."""

    id = fields.String()
    execution_id = fields.UUID()
    event_type = fields.String()
    sequence_number = fields.Integer()
    progress_percentage = Percentage(allow_none=True)
    eta_seconds = fields.Integer(allow_none=True)
    current_step_desc = fields.String(attribute="description")
    event_details = an_object(attribute="details")
    step_execution_id = fields.String(allow_none=True)
    timestamp = Moment()
    created_at = Moment()


class EventListSchema(ApiSchema):
    """Some events: the newest first, or with ``after`` the oldest."""

    events = fields.List(fields.Nested(EventSchema), attribute="entries")
    total_count = fields.Integer(attribute="total")
    limit = fields.Integer()
    offset = fields.Integer()
    next_after = Whole(
        attribute="last",
        allow_none=True,
        metadata={"description": "What `after` has to be to see what comes next."},
    )


class ArrivalBody(Schema):
    """A CloudEvent, or the bare payload of one; everything in it is kept."""

    class Meta:
        """Nothing that a sender says is thrown away."""

        unknown = INCLUDE

    id = anything(metadata={"description": "The sender's id of this delivery: it counts once."})
    source = anything()
    type = anything()
    data = anything(metadata={"description": "The payload of a CloudEvent."})


class ReceiptSchema(ApiSchema):
    """A delivery is durable; what became of it so far."""

    status = fields.String()
    delivery_id = fields.String()
    outcome = fields.String(metadata={"description": "accepted, early, duplicate or closed"})
    routed = fields.Boolean()


class ListenedTopicSchema(ApiSchema):
    """A topic that the sidecar listens to for us."""

    pubsubname = fields.String()
    topic = fields.String()
    route = fields.String()
    dead_letter_topic = fields.String(data_key="deadLetterTopic")


class RoutedSchema(ReceiptSchema):
    """The same for clients of the reference service."""

    step_completed = fields.Boolean()
    triggers = fields.List(an_object())
