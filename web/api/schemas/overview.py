"""The overview on the wire."""

from __future__ import annotations

from marshmallow import fields

from .fields import ApiSchema, Moment


class OldestParkedSchema(ApiSchema):
    """A step that waits for the outside world."""

    execution_id = fields.UUID()
    pipeline_name = fields.String()
    step_id = fields.String()
    since = Moment(allow_none=True, metadata={"description": "When it was started."})


class ParkedCountSchema(ApiSchema):
    """How many steps wait for the outside world; `GET /parked` lists them."""

    count = fields.Integer()
    oldest = fields.Nested(OldestParkedSchema, allow_none=True)


class DueSchema(ApiSchema):
    """What a schedule starts next."""

    schedule_id = fields.UUID()
    name = fields.String()
    pipeline_id = fields.UUID()
    pipeline_name = fields.String()
    due_at = Moment()


class HourSchema(ApiSchema):
    """One hour of UTC."""

    begins_at = Moment(data_key="from")
    completed = fields.Integer()
    failed = fields.Integer()
    interrupted = fields.Integer()
    started = fields.Integer(metadata={"description": "Stored in this hour, begun or not."})


class OverviewSchema(ApiSchema):
    """What all executions are up to."""

    running = fields.Integer()
    waiting = fields.Integer(metadata={"description": "PENDING: stored, and not begun."})
    parked = fields.Nested(ParkedCountSchema)
    failed_24h = fields.Integer(metadata={"description": "In the 24 hours before `taken_at`."})
    next_due = fields.List(fields.Nested(DueSchema))
    hours = fields.List(
        fields.Nested(HourSchema),
        metadata={"description": "24 of them, the oldest first; the last one is not over."},
    )
    taken_at = Moment()
