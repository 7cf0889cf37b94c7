"""Step executions and items on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from pipeline_engine.services.queries import STEP_STATUSES, StepRecord, callback_url_of

from ..context import caller, runtime
from ..paging import PaginationSchema
from .fields import (
    MAX_ID,
    MAX_PAGE,
    MAX_PATH,
    ApiSchema,
    Moment,
    Percentage,
    Whole,
    Word,
    an_object,
    count,
    text,
)

#: The highest number that the index of an item can be.
MAX_INDEX = 2**31 - 1


class StepQuery(ApiSchema):
    """The steps of the definition, or one page of the rows below one of them."""

    parent = Whole(
        validate=validate.Range(min=1, max=MAX_ID),
        metadata={
            "description": "The id of a step execution: list the items of the fan-out,"
            " or the steps of the block."
        },
    )
    within = text(
        MAX_PATH,
        1,
        metadata={"description": "Of the steps of a block those of one attempt: its `inside`."},
    )
    q = text(
        255,
        metadata={
            "description": "A part of an item's key, of a step's id or name, or of the id of a job;"
            " upper and lower case are one."
        },
    )
    status = fields.List(
        Word(STEP_STATUSES),
        load_default=(),
        metadata={"description": "One of these; say it several times."},
    )
    index = Whole(
        validate=validate.Range(min=0, max=MAX_INDEX),
        metadata={"description": "The item of this number."},
    )
    parked = fields.Boolean(metadata={"description": "It waits for the outside world, or not."})
    include_outputs = fields.Boolean(load_default=True)
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 500, 100)


class ItemCountsSchema(ApiSchema):
    """How the items of a fan-out stand, or the steps of a block."""

    total = fields.Integer()
    open = fields.Integer()
    failed = fields.Integer()
    by_status = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "Of a block those of its last attempt; what is 0 is left out."},
    )
    parked = fields.Integer(
        metadata={"description": "How many of the RUNNING ones wait for the outside world."}
    )


def callback_url_shown(step: StepRecord) -> str | None:
    """Its address, for a caller who may answer it."""
    return callback_url_of(caller(), runtime(), step)


class StepSchema(ApiSchema):
    """One step execution."""

    id = fields.String()
    execution_id = fields.UUID()
    version = fields.Integer(attribute="lock_version")
    kind = fields.String()
    step_id = fields.String()
    step_name = fields.String(attribute="name")
    handler_type = fields.String(attribute="action")
    status = fields.String()
    start_time = Moment(attribute="started_at", allow_none=True)
    end_time = Moment(attribute="finished_at", allow_none=True)
    progress_percentage = Percentage()
    eta_seconds = fields.Integer(allow_none=True)
    outputs = an_object(allow_none=True)
    error_code = fields.String(allow_none=True)
    error_message = fields.String(allow_none=True)
    skip_reason = fields.String(allow_none=True)
    attempt = fields.Integer()
    retry_count = fields.Integer()
    sequence_number = fields.Integer()
    awaiting_event = fields.Boolean()
    parked = fields.Boolean()
    waits_for_place = fields.Boolean(
        metadata={"description": "It stands in line for a place of its key, its action or a tag."}
    )
    external_workflow_id = fields.String(allow_none=True)
    callback_url = fields.Function(
        callback_url_shown,
        metadata={
            "type": ["string", "null"],
            "description": "Where to POST the answer that a parked step waits for.",
        },
    )
    timeout_at = Moment(attribute="deadline_at", allow_none=True)
    due_at = Moment(allow_none=True)
    parent_id = fields.String(allow_none=True)
    item_index = fields.Integer(allow_none=True)
    item_key = fields.String(allow_none=True)
    within = fields.String(
        allow_none=True, metadata={"description": "The blocks around it: `each[3]/pay#2`."}
    )
    inside = fields.String(
        allow_none=True,
        metadata={"description": "Of a block: what `within` of the steps of its attempt is."},
    )
    items = fields.Nested(ItemCountsSchema, allow_none=True)
    created_at = Moment()
    updated_at = Moment()


class StepListSchema(ApiSchema):
    """The steps of an execution, or one page of the rows below one of them."""

    steps = fields.List(fields.Nested(StepSchema))
    pagination = fields.Nested(PaginationSchema)
