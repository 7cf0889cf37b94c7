"""Retention, and parked steps by the clock, on the wire."""

from __future__ import annotations

from marshmallow import fields

from .fields import ApiSchema, Moment, TrueOrFalse


class DeletedSchema(ApiSchema):
    """How many rows are gone, by the words of the reference service."""

    progress_events = fields.Integer(attribute="events")
    subscriptions = fields.Integer()
    steps = fields.Integer()
    executions = fields.Integer()


class CleanUpSchema(ApiSchema):
    """What a clean-up did, as the reference service says it."""

    status = fields.String(metadata={"description": "completed or completed_with_errors"})
    duration_seconds = fields.Float()
    deleted = fields.Nested(DeletedSchema)
    batches_processed = fields.Integer(attribute="batches")
    errors = fields.List(fields.String())


class RetentionStatsSchema(ApiSchema):
    """What the next clean-up would delete, as the reference service says it."""

    pending_cleanup_count = fields.Integer(attribute="pending")
    retention_days = fields.Integer()
    cutoff_date = Moment(attribute="cutoff")
    oldest_execution_date = Moment(attribute="oldest_end", allow_none=True)


class TimeoutCheckSchema(ApiSchema):
    """What became of steps whose time was up."""

    status = fields.String(metadata={"description": "ok, partial or error"})
    checked_at = Moment()
    timed_out_count = fields.Integer()
    processed_count = fields.Integer()
    errors = fields.List(fields.String())


class TimeoutStatsSchema(ApiSchema):
    """How many steps wait for an event, and for how many it is too late."""

    awaiting_events_count = fields.Integer()
    overdue_timeout_count = fields.Integer()
    earliest_timeout = Moment(allow_none=True)
    current_time = Moment()
    check_interval_seconds = fields.Float()


class RuleSchema(ApiSchema):
    """How long some executions are kept; the first rule that fits one decides."""

    pipeline = fields.String(allow_none=True)
    owner = fields.String(allow_none=True)
    status = fields.List(fields.String(), allow_none=True)
    days = fields.Integer(allow_none=True)
    keep_last = fields.Integer(allow_none=True)
    executions = fields.Integer(metadata={"description": "How many it lets go now."})


class RetentionSchema(ApiSchema):
    """What is kept for how long, and what the next clean-up would delete."""

    rules = fields.List(fields.Nested(RuleSchema))
    executions = fields.Integer()
    ledgers = fields.Dict(keys=fields.String(), values=fields.Integer())
    oldest_end = Moment(allow_none=True)
    archive = fields.String(allow_none=True)


class RunBody(ApiSchema):
    """Whether anything is to be deleted."""

    dry_run = TrueOrFalse(load_default=False)


class CleanedSchema(ApiSchema):
    """What a clean-up deleted, or would delete."""

    dry_run = fields.Boolean()
    cutoff = Moment()
    executions = fields.Integer()
    steps = fields.Integer()
    events = fields.Integer()
    ledgers = fields.Dict(keys=fields.String(), values=fields.Integer())
    revisions = fields.Integer()
    audit_records = fields.Integer()
    batches = fields.Integer()
    duration_seconds = fields.Float()
    archive = fields.String(allow_none=True)
    errors = fields.List(fields.String())
