"""What came from outside and was kept, on the wire."""

from __future__ import annotations

from marshmallow import fields

from pipeline_engine.services.deliveries import DISPOSITIONS

from ..paging import PaginationSchema
from .fields import MAX_PAGE, ApiSchema, Itself, Moment, Word, an_object, count


class DeliveryQuery(ApiSchema):
    """Which deliveries are listed."""

    disposition = Word(DISPOSITIONS)
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class TargetSchema(ApiSchema):
    """What one step, or one event trigger, said to a delivery."""

    step_execution_id = fields.String(allow_none=True)
    attempt = fields.Integer(allow_none=True)
    trigger_id = fields.UUID(allow_none=True)
    verdict = fields.String()
    note = fields.String(allow_none=True)
    execution_id = fields.UUID(
        allow_none=True, metadata={"description": "What the event trigger has started."}
    )
    decided_at = Moment()


class DeliverySchema(ApiSchema):
    """One delivery, and what became of it."""

    id = fields.String()
    owner = fields.String(allow_none=True)
    source = fields.String()
    delivery_key = fields.String()
    external_id = fields.String(allow_none=True)
    step_execution_id = fields.String(allow_none=True)
    event_type = fields.String()
    disposition = fields.String()
    verdict = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    body = an_object()
    received_at = Moment()
    settled_at = Moment(allow_none=True)
    targets = fields.List(fields.Nested(TargetSchema))


class DeliveryListSchema(ApiSchema):
    """One page of deliveries, newest first."""

    deliveries = fields.List(fields.Nested(DeliverySchema), attribute="entries")
    pagination = Itself(PaginationSchema)


class ReplayedSchema(ApiSchema):
    """A delivery that waits again."""

    delivery_id = fields.String()
    disposition = fields.String()
