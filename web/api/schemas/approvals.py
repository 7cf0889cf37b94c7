"""What waits for a yes or a no, on the wire."""

from __future__ import annotations

from marshmallow import fields

from ..paging import PaginationSchema
from .fields import MAX_PAGE, ApiSchema, Itself, Moment, count


class WaitingQuery(ApiSchema):
    """Which of them are listed."""

    execution_id = fields.UUID(metadata={"description": "Only those of this execution."})
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class DecisionSchema(ApiSchema):
    """What somebody has said already."""

    by = fields.String(allow_none=True)
    approved = fields.Boolean()
    comment = fields.String(allow_none=True)
    at = fields.String()


class AskedSchema(ApiSchema):
    """Who may answer, and how many of them have to say yes."""

    users = fields.List(fields.String())
    groups = fields.List(fields.String())
    required = fields.Integer()


class WaitingSchema(ApiSchema):
    """A step that waits for an approval."""

    execution_id = fields.UUID()
    pipeline_name = fields.String()
    execution_is_readable = fields.Boolean(
        attribute="is_in_sight",
        metadata={"description": "Whether the caller may read it; else it only asks him."},
    )
    step_execution_id = fields.String(attribute="id")
    step_id = fields.String()
    step_name = fields.String(attribute="name")
    item_index = fields.Integer(allow_none=True)
    within = fields.String(allow_none=True)
    message = fields.String(attribute="outputs.message")
    asked = fields.Nested(AskedSchema, attribute="outputs.asked")
    decisions = fields.List(fields.Nested(DecisionSchema), attribute="outputs.decisions")
    deadline = fields.String(attribute="outputs.deadline")
    page_url = fields.String(attribute="outputs.page_url")
    since = Moment(attribute="parked_at")


class WaitingListSchema(ApiSchema):
    """One page of them."""

    approvals = fields.List(fields.Nested(WaitingSchema), attribute="entries")
    pagination = Itself(PaginationSchema)
