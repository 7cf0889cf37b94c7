"""Steps that wait for the outside world, on the wire."""

from __future__ import annotations

from marshmallow import fields

from pipeline_engine.services.queries import PARKED_KINDS

from ..paging import PaginationSchema
from .approvals import AskedSchema, DecisionSchema
from .fields import MAX_PAGE, ApiSchema, Itself, Moment, Word, count


class ParkedQuery(ApiSchema):
    """Which of them are listed."""

    pipeline_id = fields.UUID(metadata={"description": "Only those of this pipeline."})
    kind = Word(PARKED_KINDS, metadata={"description": "Only those that wait for this."})
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class ApprovalAskedSchema(ApiSchema):
    """What an approval asks, of whom, and what they have said so far; secrets are masked."""

    message = fields.String(allow_none=True)
    asked = fields.Nested(AskedSchema, allow_none=True)
    decisions = fields.List(fields.Nested(DecisionSchema), allow_none=True)
    deadline = fields.String(allow_none=True)
    page_url = fields.String(allow_none=True)


class WaitsForSchema(ApiSchema):
    """What a parked step waits for."""

    kind = Word(PARKED_KINDS, attribute="row.kind")
    since = Moment(attribute="row.since", allow_none=True)
    until = Moment(
        attribute="row.until",
        allow_none=True,
        metadata={"description": "When the clock wakes it (`timer`), or its time-out."},
    )
    external_workflow_ids = fields.List(
        fields.String(),
        attribute="external_ids",
        metadata={"description": "The ids by which events find it, ten at most."},
    )
    approval = fields.Nested(ApprovalAskedSchema, allow_none=True)


class ParkedSchema(WaitsForSchema):
    """A step that waits."""

    execution_id = fields.UUID(attribute="row.execution_id")
    pipeline_id = fields.UUID(attribute="row.pipeline_id", allow_none=True)
    pipeline_name = fields.String(attribute="row.pipeline_name")
    step_id = fields.String(attribute="row.step_id")
    step_name = fields.String(attribute="row.name")
    step_execution_id = fields.String(attribute="row.id")
    item_index = fields.Integer(attribute="row.item_index", allow_none=True)
    item_key = fields.String(attribute="row.item_key", allow_none=True)
    within = fields.String(attribute="row.within", allow_none=True)
    action = fields.String(attribute="row.action")
    attempt = fields.Integer(attribute="row.attempt")


class ParkedListSchema(ApiSchema):
    """One page of them."""

    parked = fields.List(fields.Nested(ParkedSchema), attribute="entries")
    pagination = Itself(PaginationSchema)
