"""Schedules on the wire: when what is started, and what became of each due time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate, validates_schema

from pipeline_engine.services.schedules import (
    DOUBLED,
    KINDS,
    MISFIRES,
    MISSING,
    MOST_BACKFILLED,
    ORIGINS,
    OUTCOMES,
    OVERLAPS,
    STATUSES,
)

from ..paging import PaginationSchema
from .fields import (
    MAX_ID,
    MAX_PAGE,
    ApiSchema,
    Itself,
    Moment,
    StrictSchema,
    TrueOrFalse,
    an_object,
    count,
    text,
)
from .standing_orders import PassedOnFields

LONGEST_JITTER = 86_400
MOST_RUNS = 2**31 - 1
MOST_RUNS_SHOWN = 100


class ClockTime(Moment):
    """A point in time; without an offset it is what the clocks of the schedule's zone say."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> datetime:
        try:
            read = datetime.fromisoformat(str(value))
        except ValueError as error:
            raise ValidationError("Not a date and time such as 2026-01-31T10:00:00.") from error
        return read if read.tzinfo is None else super()._deserialize(value, *args, **kwargs)


def _seconds(most: int, least: int = 0, **options: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(least, most), **options)


def _words(known: tuple[str, ...], **options: Any) -> fields.String:
    return fields.String(validate=validate.OneOf(known), **options)


class WhenBody(StrictSchema):
    """When a schedule is due."""

    type = _words(KINDS, required=True)
    expression = text(
        255,
        allow_none=True,
        load_default=None,
        metadata={
            "description": "Five fields of cron, a preset such as @daily, or @every 1h30m for an "
            "interval."
        },
    )
    timezone = text(
        255,
        load_default="UTC",
        metadata={"description": "A name of IANA such as Europe/Berlin, exactly as it is written."},
    )
    run_at = ClockTime(
        allow_none=True,
        load_default=None,
        metadata={"description": "The moment of a one-time schedule."},
    )
    dst_missing = _words(
        MISSING,
        allow_none=True,
        load_default=None,
        metadata={"description": "For local times that the clocks leave out; null: as cron does."},
    )
    dst_doubled = _words(
        DOUBLED,
        allow_none=True,
        load_default=None,
        metadata={"description": "For local times that the clocks have twice; null: as cron does."},
    )


class ScheduleChange(PassedOnFields):
    """What of a schedule is to be another; what is left out stays."""

    workflow_id = text(
        36, metadata={"description": "The pipeline, as the reference service calls it."}
    )
    pipeline_id = text(36, metadata={"description": "The pipeline."})
    name = text(255, 1)
    description = text(1000, allow_none=True)
    schedule = fields.Nested(WhenBody)
    params = an_object()
    enabled = TrueOrFalse()
    starts_at = Moment(allow_none=True)
    expires_at = Moment(allow_none=True)
    max_runs = _seconds(MOST_RUNS, 1, allow_none=True)
    jitter_seconds = _seconds(
        LONGEST_JITTER,
        metadata={"description": "Each due time fires up to so much later, always by the same."},
    )
    misfire = _words(MISFIRES, metadata={"description": "For due times at which nobody was there."})
    catch_up_seconds = _seconds(
        MOST_RUNS,
        allow_none=True,
        metadata={"description": "Older due times start nothing, whatever misfire says."},
    )
    overlap = _words(
        OVERLAPS, metadata={"description": "For due times while an execution is open."}
    )
    pause_after_failures = _seconds(1000, 1, allow_none=True)
    lock_version = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(min=1, max=MAX_ID),
        metadata={"description": "The version that is changed, for clients without If-Match."},
    )


class ScheduleBody(ScheduleChange):
    """A schedule to be made: a pipeline, a name, and when."""

    class Meta(ApiSchema.Meta):
        """A new one has no version yet."""

        exclude = ("lock_version",)

    name = text(255, 1, required=True)
    schedule = fields.Nested(WhenBody, required=True)

    @validates_schema
    def names_a_pipeline(self, body: dict[str, Any], **_: Any) -> None:
        """Refuse a body that says nothing of what is to be started."""
        if not (body.get("pipeline_id") or body.get("workflow_id")):
            raise ValidationError("Say which: pipeline_id, or workflow_id.", "pipeline_id")


class PreviewBody(ApiSchema):
    """When something would be due."""

    schedule = fields.Nested(WhenBody, required=True)
    count = fields.Integer(strict=True, load_default=5, validate=validate.Range(1, MOST_RUNS_SHOWN))
    after = Moment(
        allow_none=True,
        load_default=None,
        metadata={"description": "As it would be at this moment, in place of now."},
    )


class RunsQuery(ApiSchema):
    """How many due times are wanted."""

    count = count(1, MOST_RUNS_SHOWN, 10)


class ScheduleQuery(ApiSchema):
    """Which schedules are listed."""

    workflow_id = fields.UUID()
    pipeline_id = fields.UUID()
    name = text(255, 1)
    enabled = fields.Boolean()
    status = _words(STATUSES)
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 1000, 100)


class FireQuery(ApiSchema):
    """Which due times are listed."""

    outcome = _words(OUTCOMES)
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class BackfillBody(ApiSchema):
    """Due times that have passed, to be made up for."""

    since = Moment(data_key="from", required=True)
    until = Moment(data_key="to", required=True)
    most = fields.Integer(
        data_key="limit",
        strict=True,
        load_default=MOST_BACKFILLED,
        validate=validate.Range(1, MOST_BACKFILLED),
        metadata={"description": "At most so many, the oldest first."},
    )
    dry_run = TrueOrFalse(
        load_default=True, metadata={"description": "Only say what would be started."}
    )


class TriggerParams(Schema):
    """The params of one execution; all that is sent counts."""

    class Meta:
        """How marshmallow treats what is not declared."""

        unknown = INCLUDE


class WhenSchema(ApiSchema):
    """When a schedule is due."""

    type = fields.String(attribute="kind")
    expression = fields.String(allow_none=True)
    timezone = fields.String()
    run_at = Moment(allow_none=True)
    dst_missing = fields.String(allow_none=True)
    dst_doubled = fields.String(allow_none=True)


class ScheduleSchema(ApiSchema):
    """A schedule, and how far it is."""

    id = fields.UUID(attribute="schedule.id")
    workflow_id = fields.UUID(attribute="schedule.pipeline_id", allow_none=True, dump_only=True)
    pipeline_id = fields.UUID(attribute="schedule.pipeline_id", allow_none=True)
    pipeline_name = fields.String(allow_none=True)
    user_id = fields.String(attribute="schedule.user_id", allow_none=True)
    name = fields.String(attribute="schedule.name")
    description = fields.String(attribute="schedule.description", allow_none=True)
    schedule = fields.Nested(WhenSchema)
    in_words = fields.String(metadata={"description": "When it is due, as one says it."})
    params = an_object()
    enabled = fields.Boolean(attribute="schedule.enabled")
    status = fields.String(attribute="schedule.status")
    disabled_reason = fields.String(attribute="schedule.disabled_reason", allow_none=True)
    starts_at = Moment(attribute="schedule.starts_at", allow_none=True)
    expires_at = Moment(attribute="schedule.expires_at", allow_none=True)
    max_runs = fields.Integer(attribute="schedule.max_runs", allow_none=True)
    jitter_seconds = fields.Integer(attribute="schedule.jitter_seconds")
    misfire = fields.String(attribute="schedule.misfire")
    catch_up_seconds = fields.Integer(attribute="schedule.catch_up_seconds", allow_none=True)
    overlap = fields.String(attribute="schedule.overlap")
    pause_after_failures = fields.Integer(
        attribute="schedule.pause_after_failures", allow_none=True
    )
    callback_topics = fields.List(
        fields.String(), attribute="schedule.callback_topics", allow_none=True
    )
    subscriber_ids = fields.String(attribute="schedule.subscriber_ids", allow_none=True)
    payload_type = fields.String(attribute="schedule.payload_type", allow_none=True)
    notification_workflow_id = fields.String(
        attribute="schedule.notification_workflow_id", allow_none=True
    )
    next_run_at = Moment(attribute="schedule.next_run_at", allow_none=True)
    last_run_at = Moment(attribute="schedule.last_run_at", allow_none=True)
    last_execution_id = fields.UUID(attribute="schedule.last_execution_id", allow_none=True)
    last_execution_status = fields.String(allow_none=True)
    run_count = fields.Integer(attribute="schedule.run_count")
    created_at = Moment(attribute="schedule.created_at")
    created_by = fields.String(attribute="schedule.created_by")
    updated_at = Moment(attribute="schedule.updated_at")
    lock_version = fields.Integer(attribute="schedule.lock_version")


class ScheduleListSchema(ApiSchema):
    """One page of schedules, the newest first."""

    schedules = fields.List(fields.Nested(ScheduleSchema), attribute="entries")
    total = fields.Integer()
    pagination = Itself(PaginationSchema)


class RunsSchema(ApiSchema):
    """Due times to come, in UTC and as the clocks of the zone will say them."""

    next_runs = fields.List(Moment())
    local = fields.List(fields.String())
    timezone = fields.String()


class NextRunsSchema(RunsSchema):
    """The due times to come of a schedule."""

    schedule_id = fields.UUID()


class PreviewSchema(RunsSchema):
    """What a schedule would mean."""

    in_words = fields.String()


class FireSchema(ApiSchema):
    """What became of one due time, or of all of a range."""

    due_at = Moment()
    until_at = Moment(allow_none=True)
    count = fields.Integer()
    outcome = _words(OUTCOMES)
    reason = fields.String(allow_none=True)
    execution_id = fields.UUID(allow_none=True)
    late_seconds = fields.Float()
    origin = _words(ORIGINS)
    schedule_version = fields.Integer()
    recorded_at = Moment()


class FireListSchema(ApiSchema):
    """One page of the ledger of a schedule, the newest due time first."""

    fires = fields.List(fields.Nested(FireSchema), attribute="entries")
    pagination = Itself(PaginationSchema)


class TriggeredScheduleSchema(ApiSchema):
    """An execution that was started by hand."""

    execution_id = fields.UUID()
    workflow_id = fields.UUID(attribute="pipeline_id", dump_only=True)
    pipeline_id = fields.UUID()
    status = fields.Constant("PENDING")


class MadeUpSchema(ApiSchema):
    """A due time that has passed, and what becomes of it now."""

    due_at = Moment()
    starts = fields.Boolean(metadata={"description": "An execution starts for it, or would."})
    before = fields.String(
        allow_none=True, metadata={"description": "What the ledger said of it before."}
    )
    execution_id = fields.UUID(allow_none=True)
    reason = fields.String(allow_none=True, metadata={"description": "Why it could not start."})


class BackfillSchema(ApiSchema):
    """What was made up for, or would be, the oldest first."""

    schedule_id = fields.UUID()
    dry_run = fields.Boolean()
    fires = fields.List(fields.Nested(MadeUpSchema))
    started_count = fields.Integer()
    is_complete = fields.Boolean(
        metadata={"description": "False: as many as the limit; there may be more after the last."}
    )


class PolledFireSchema(ApiSchema):
    """A schedule that has started its pipeline."""

    schedule_id = fields.UUID(attribute="schedule.id")
    schedule_name = fields.String(attribute="schedule.name")
    workflow_id = fields.UUID(attribute="schedule.pipeline_id")
    execution_id = fields.UUID(attribute="fire.execution_id")
    next_run_at = Moment(attribute="schedule.next_run_at", allow_none=True)


class PolledErrorSchema(ApiSchema):
    """A schedule that could not start its pipeline."""

    schedule_id = fields.UUID(attribute="schedule.id")
    schedule_name = fields.String(attribute="schedule.name")
    error = fields.String(attribute="message")


class PolledSchema(ApiSchema):
    """What one look at the clock has started, in the words of the reference service."""

    polled_at = Moment()
    due_count = fields.Integer()
    triggered_count = fields.Integer()
    error_count = fields.Integer()
    triggered = fields.List(fields.Nested(PolledFireSchema))
    errors = fields.List(fields.Nested(PolledErrorSchema))
