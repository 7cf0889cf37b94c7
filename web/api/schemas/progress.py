"""Progress on the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load

from pipeline_engine.services.queries import ProgressQuery

from .events import EventSchema
from .executions import ExecutionSchema
from .fields import ApiSchema, Percentage, Word, count
from .steps import StepSchema

DETAILS = ("summary", "steps", "full", "detailed")


class ProgressParams(ApiSchema):
    """How much is wanted; ``granularity`` and ``detailed`` are other names for the same."""

    detail = Word(DETAILS)
    granularity = Word(DETAILS)
    include_events = fields.Boolean(load_default=True)
    events_limit = count(1, 100, 20)
    include_eta = fields.Boolean(load_default=True)
    include_outputs = fields.Boolean(load_default=True)

    @post_load
    def _wanted(self, loaded: dict[str, Any], **_: Any) -> ProgressQuery:
        detail = loaded.get("detail") or loaded.get("granularity") or "full"
        with_events = detail in {"full", "detailed"} and loaded["include_events"]
        return ProgressQuery(
            with_steps=detail != "summary",
            with_outputs=loaded["include_outputs"],
            with_eta=loaded["include_eta"],
            newest_events=loaded["events_limit"] if with_events else 0,
        )


class AggregateSchema(ApiSchema):
    """The sums over all steps."""

    overall_progress = Percentage()
    eta_seconds = fields.Integer(allow_none=True)
    completed_steps = fields.Integer()
    total_steps = fields.Integer()
    current_step = fields.String(allow_none=True)


class ProgressSchema(ApiSchema):
    """How far an execution is; what was not asked for is empty."""

    execution = fields.Nested(ExecutionSchema)
    steps = fields.List(fields.Nested(StepSchema))
    recent_events = fields.List(fields.Nested(EventSchema))
    aggregated_progress = fields.Nested(AggregateSchema, attribute="aggregated")
