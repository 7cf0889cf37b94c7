"""Executions on the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from pipeline_engine.services.queries import EXECUTION_STATUSES

from ..paging import PaginationSchema
from .fields import (
    MAX_ID,
    MAX_PAGE,
    MAX_PATH,
    ApiSchema,
    Itself,
    LastMoment,
    Moment,
    Percentage,
    TrueOrFalse,
    a_definition,
    an_object,
    count,
    some_of,
    text,
)

LONGEST_WAIT = 60
MOST_PARAMS = 10  #: that one question may name
TOPIC = r"^[A-Za-z][A-Za-z0-9._-]{0,254}$"
#: What clients of the reference service read.
REFERENCE_ID = "pipeline_id as clients of the reference know it: `ephemeral` without a pipeline."
REFERENCE_NAME = "pipeline_name as clients of the reference call it."
#: Of the fields that say who is to be told, and how.
TOPICS = {"description": "Topics that are told of its events, in the reference's envelope."}
SUBSCRIBERS = {"description": "For whom the messages are; with it the notification topic is told."}
PAYLOAD_TYPE = {"description": "`type` in the messages; `pipeline_execution` without it."}
WORKFLOW_ID = {"description": "`workflow_id` in the messages; without it the execution's id."}
KEY = r"^[\x21-\x7e]{1,255}$"


class StartFields(ApiSchema):
    """What is the same for stored pipelines and for those that are sent along."""

    params = an_object(load_default=dict)
    user_id = text(
        255, allow_none=True, metadata={"description": "Whom it runs for; believed from services."}
    )
    initiator = text(255, 1, load_default="api")
    callback_topics = fields.List(
        fields.String(validate=validate.Regexp(TOPIC)),
        allow_none=True,
        validate=validate.Length(max=100),
        load_default=None,
        metadata=TOPICS,
    )
    subscriber_ids = text(500, allow_none=True, load_default=None, metadata=SUBSCRIBERS)
    payload_type = text(100, allow_none=True, load_default=None, metadata=PAYLOAD_TYPE)
    notification_workflow_id = text(255, allow_none=True, load_default=None, metadata=WORKFLOW_ID)


class StartBody(StartFields):
    """A stored pipeline, by id or by name, and its params."""

    pipeline_id = text(255, 1)
    pipeline_name = text(
        255,
        1,
        metadata={"description": "The caller's own pipeline of this name, or else the system's."},
    )
    workflow_id = text(
        255, 1, metadata={"description": "pipeline_id, as clients of the reference call it."}
    )

    @validates_schema
    def _names_a_pipeline(self, body: dict[str, Any], **_: Any) -> None:
        ids = {"pipeline_id", "workflow_id"} & body.keys()
        if not ids and "pipeline_name" not in body:
            raise ValidationError("Missing data for required field.", "pipeline_id")
        if ids and "pipeline_name" in body:
            raise ValidationError("Say which pipeline by its id or by its name.", "pipeline_name")


class EphemeralBody(StartFields):
    """A definition that is executed without being stored."""

    pipeline_definition = a_definition(required=True)


class StartQuery(ApiSchema):
    """How long the answer may be held back."""

    wait_seconds = fields.Float(
        validate=validate.Range(min=0, max=LONGEST_WAIT),
        metadata={"description": "Wait for the end, at most this long; also `Prefer: wait=N`."},
    )


class StartHeaders(ApiSchema):
    """What makes a request safe to repeat."""

    idempotency_key = fields.String(
        data_key="Idempotency-Key",
        validate=validate.Regexp(KEY, error="1 to 255 visible ASCII characters."),
        metadata={"description": "Same key and body: the first answer. Other body: 422."},
    )


class CancelBody(ApiSchema):
    """Why an execution is to end."""

    reason = text(1000, allow_none=True, load_default=None)
    force = fields.Boolean(
        load_default=False, metadata={"description": "Stop handlers and compensations, too."}
    )


class CancelQuery(ApiSchema):
    """How much of an execution is to end."""

    force = fields.Boolean(load_default=False, metadata={"description": "The same as in the body."})


class ApprovalBody(ApiSchema):
    """A yes or a no."""

    approved = TrueOrFalse(required=True)
    reason = text(1000, allow_none=True, load_default=None)
    by = text(
        255,
        allow_none=True,
        load_default=None,
        metadata={"description": "Who says so; believed from services. A user is himself."},
    )
    groups = fields.List(
        text(255, 1),
        load_default=(),
        validate=validate.Length(max=100),
        metadata={"description": "The groups of that one; believed from services."},
    )
    step_id = text(
        100,
        1,
        allow_none=True,
        load_default=None,
        metadata={"description": "Which step, if more than one waits."},
    )
    item_index = fields.Integer(
        strict=True,
        allow_none=True,
        load_default=None,
        validate=validate.Range(min=0, max=MAX_ID),
        metadata={"description": "Which item of a fan-out."},
    )
    within = text(
        MAX_PATH,
        1,
        allow_none=True,
        load_default=None,
        metadata={"description": "In which block: `each[3]`; see `within` of the steps."},
    )


class ApprovalSchema(ApiSchema):
    """The answer is kept, and a worker is about to apply it."""

    status = fields.Constant("received")
    delivery_id = fields.String(attribute="receipt.delivery_id")
    outcome = fields.String(attribute="receipt.outcome")
    step_id = fields.String(attribute="step.step_id")
    item_index = fields.Integer(attribute="step.item_index", allow_none=True)
    within = fields.String(attribute="step.within", allow_none=True)


def a_param() -> fields.String:
    """A name and a value, with a colon in between."""
    has_name = validate.Regexp(r"[^:\0]+:[^\0]*\Z", error="Not of the form name:value.")
    return fields.String(validate=[validate.Length(max=MAX_PATH), has_name])


class ExecutionQuery(ApiSchema):
    """Which executions are listed."""

    start_date = Moment(metadata={"description": "Created at or after."})
    end_date = LastMoment(
        metadata={"description": "Created at or before; a day without a time is included."}
    )
    ended_from = Moment(metadata={"description": "Ended at or after."})
    ended_before = Moment(metadata={"description": "Ended before; what is open has not ended."})
    status = some_of(EXECUTION_STATUSES)
    initiator = text(255)
    pipeline_name = text(255, 1)
    q = text(255, metadata={"description": "The start of an id, or a part of the pipeline's name."})
    param = fields.List(
        a_param(),
        load_default=(),
        validate=validate.Length(max=MOST_PARAMS),
        metadata={"description": "`name:value`, several times: executions with all of them."},
    )
    parked = fields.Boolean(
        metadata={"description": "Whether a step of it waits for the outside world."}
    )
    workflow_id = fields.UUID(
        metadata={"description": "pipeline_id, as clients of the reference call it."}
    )
    pipeline_id = fields.UUID()
    root = fields.UUID(
        metadata={"description": "This execution and all that were started below it."}
    )
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class ListedSnapshotSchema(ApiSchema):
    """What was executed, in a list."""

    pipeline_id = fields.UUID(allow_none=True)
    pipeline_name = fields.String(attribute="name")
    workflow_id = fields.String(metadata={"description": REFERENCE_ID})
    workflow_name = fields.String(
        attribute="name", dump_only=True, metadata={"description": REFERENCE_NAME}
    )


class SnapshotSchema(ListedSnapshotSchema):
    """What was executed: the revision that the execution is pinned to, without secrets."""

    dag = an_object(attribute="document")
    params = an_object(metadata={"description": "With the defaults of the definition."})


class ErrorSchema(ApiSchema):
    """Why an execution failed."""

    code = fields.String()
    message = fields.String()
    step_id = fields.String(allow_none=True)


class ListedExecutionSchema(ApiSchema):
    """One execution in a list: without its definition, params and outputs."""

    id = fields.UUID()
    version = fields.Integer(attribute="lock_version")
    pipeline_id = fields.UUID(allow_none=True)
    revision = fields.Integer()
    pipeline_definition = Itself(ListedSnapshotSchema)
    initiator = fields.String()
    user_id = fields.String(allow_none=True)
    started_by = fields.String(
        allow_none=True, metadata={"description": "Whose token: `env:user:ada`, `token:4f9a`."}
    )
    parent_execution_id = fields.UUID(
        allow_none=True, metadata={"description": "The execution whose step has started it."}
    )
    root_execution_id = fields.UUID(
        metadata={"description": "The first of its tree; its own id if nothing has started it."}
    )
    status = fields.String()
    waits_for_place = fields.Boolean(
        metadata={"description": "PENDING, because as many as may be have its key or its pipeline."}
    )
    progress_percentage = Percentage()
    error_info = an_object(attribute="error", allow_none=True)
    start_time = Moment(attribute="started_at", allow_none=True)
    end_time = Moment(attribute="finished_at", allow_none=True)
    deadline_at = Moment(allow_none=True)
    cancel_requested_at = Moment(allow_none=True)
    forced_at = Moment(allow_none=True)
    created_at = Moment()
    updated_at = Moment()


class ExecutionSchema(ListedExecutionSchema):
    """One execution."""

    pipeline_definition = Itself(SnapshotSchema)
    final_outputs = an_object(attribute="outputs", allow_none=True)
    callback_topics = fields.List(fields.String(), allow_none=True, metadata=TOPICS)
    subscriber_ids = fields.String(allow_none=True, metadata=SUBSCRIBERS)
    payload_type = fields.String(allow_none=True, metadata=PAYLOAD_TYPE)
    notification_workflow_id = fields.String(allow_none=True, metadata=WORKFLOW_ID)


class ExecutionListSchema(ApiSchema):
    """One page of executions, newest first."""

    executions = fields.List(fields.Nested(ListedExecutionSchema), attribute="entries")
    pagination = Itself(PaginationSchema)


class StartedSchema(ApiSchema):
    """An execution that was just accepted; PENDING unless the answer was held back."""

    execution_id = fields.UUID(attribute="id")
    pipeline_id = fields.UUID(allow_none=True)
    pipeline_name = fields.String(attribute="name")
    workflow_id = fields.String(metadata={"description": REFERENCE_ID})
    workflow_name = fields.String(
        attribute="name", dump_only=True, metadata={"description": REFERENCE_NAME}
    )
    status = fields.String()
    started_at = Moment(allow_none=True)
    completed_at = Moment(attribute="finished_at", allow_none=True)
    params = an_object()
    outputs = an_object(allow_none=True)
    error = fields.String(attribute="error_message", allow_none=True)
    error_info = an_object(attribute="error", allow_none=True)


class CancelledSchema(ApiSchema):
    """The intent to end an execution is stored; INTERRUPTED follows."""

    execution_id = fields.UUID(attribute="id")
    status = fields.String()
    cancel_requested_at = Moment(allow_none=True)
    forced_at = Moment(
        allow_none=True,
        metadata={"description": "Since when handlers and compensations are stopped, too."},
    )
