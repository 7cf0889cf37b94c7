"""Why an execution is not moving, on the wire."""

from __future__ import annotations

from marshmallow import fields

from .fields import ApiSchema, Moment, an_object


class FindingSchema(ApiSchema):
    """One reason: about a step or an item, or without a step about the whole execution."""

    code = fields.String(metadata={"description": "Stable; see docs/howto/find-out-why.md."})
    step_id = fields.String(allow_none=True)
    item_index = fields.Integer(allow_none=True)
    within = fields.String(
        allow_none=True, metadata={"description": "The blocks around it: `each[3]/pay#2`."}
    )
    since = Moment(allow_none=True)
    because = fields.String()
    what_to_do = fields.String()
    facts = an_object()


class ExplanationSchema(ApiSchema):
    """What an execution waits for; a few steps of each kind of wait."""

    execution_id = fields.UUID()
    status = fields.String()
    looked_at = Moment()
    deadline_at = Moment(allow_none=True)
    open_steps = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "Open steps and items by status, counted up to counted_up_to."},
    )
    counted_up_to = fields.Integer()
    findings = fields.List(fields.Nested(FindingSchema))
    parent_execution_id = fields.UUID(
        allow_none=True, metadata={"description": "The execution whose step has started it."}
    )
    root_execution_id = fields.UUID(metadata={"description": "The first of its tree."})
    descendants = fields.Integer(
        metadata={"description": "Of the first of a tree: how many were ever started below it."}
    )
