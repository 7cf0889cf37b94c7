"""Pipelines on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from pipeline_engine.services.pipelines import PIPELINE_STATUSES

from .fields import (
    MAX_ID,
    MAX_PAGE,
    ApiSchema,
    Moment,
    TrueOrFalse,
    Whole,
    a_definition,
    an_object,
    count,
    some_of,
    text,
)
from .problems import IssueSchema

MOST_PIPELINES = 1000
MOST_RECENT = 100


class PipelineBody(ApiSchema):
    """A pipeline to be stored."""

    dag = a_definition(draft=True, required=True)
    name = text(255, 1, allow_none=True, metadata={"description": "Goes before the dag's name."})
    icon = text(255, allow_none=True)
    user_id = text(
        255, allow_none=True, metadata={"description": "The owner; believed only from a service."}
    )
    system_owned = TrueOrFalse(load_default=False)


class PipelineChange(PipelineBody):
    """What a pipeline is to be from now on."""

    lock_version = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(min=1, max=MAX_ID),
        metadata={"description": "The version that is changed, for clients without If-Match."},
    )


class PipelineQuery(ApiSchema):
    """Which pipelines are listed."""

    include_system = fields.Boolean(load_default=False)
    include_dag = fields.Boolean(load_default=True)
    name = text(
        255,
        1,
        metadata={"description": "Only what this name means: the caller's own, or else others'."},
    )
    q = text(255, metadata={"description": "A part of the name or the description, in any case."})
    status = some_of(PIPELINE_STATUSES)
    recent = Whole(
        validate=validate.Range(min=0, max=MOST_RECENT),
        metadata={"description": "Add so many of the newest executions of each, and what is due."},
    )
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, MOST_PIPELINES, MOST_PIPELINES)


class PipelineSchema(ApiSchema):
    """A stored pipeline."""

    id = fields.UUID(attribute="pipeline.id")
    name = fields.String(attribute="pipeline.name")
    version = fields.String(metadata={"description": "The author's own version."})
    lock_version = fields.Integer(attribute="pipeline.lock_version")
    revision = fields.Integer(attribute="pipeline.revision")
    status = fields.String(attribute="pipeline.status")
    created_at = Moment(attribute="pipeline.created_at")
    updated_at = Moment(attribute="pipeline.updated_at")
    created_by = fields.String(attribute="pipeline.created_by")
    step_count = fields.Integer(attribute="pipeline.step_count")
    user_id = fields.String(attribute="pipeline.user_id", allow_none=True)
    system_owned = fields.Boolean(attribute="pipeline.system_owned")
    description = fields.String(attribute="pipeline.description", allow_none=True)
    icon = fields.String(attribute="pipeline.icon", allow_none=True)
    dag = an_object(attribute="document", allow_none=True)
    action_versions = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": "The version of each action that was taken when it was saved."},
    )
    execution_count = fields.Integer()
    last_execution_at = Moment(allow_none=True)


class RecentExecutionSchema(ApiSchema):
    """One of the newest executions of a pipeline."""

    execution_id = fields.UUID()
    status = fields.String()
    created_at = Moment()
    seconds = fields.Float(
        allow_none=True,
        metadata={"description": "From its start to its end, or until now; null before its start."},
    )


class ListedPipelineSchema(PipelineSchema):
    """A pipeline in a list; the last two are there if `recent` asks for them."""

    recent = fields.List(fields.Nested(RecentExecutionSchema))
    next_due_at = Moment(
        allow_none=True,
        metadata={"description": "By its schedules; null also without `schedules:read`."},
    )


class ValidationBody(ApiSchema):
    """A definition to be checked."""

    dag = an_object(required=True)


class ReportSchema(ApiSchema):
    """What the check of a definition found."""

    valid = fields.Boolean()
    errors = fields.List(fields.String(), metadata={"description": "The messages alone."})
    warnings = fields.List(fields.String(), metadata={"description": "The messages alone."})
    step_count = fields.Integer()
    has_cycles = fields.Boolean()
    action_versions = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        attribute="versions",
        metadata={"description": "The version that each action would have if it were saved now."},
    )
    error_details = fields.List(fields.Nested(IssueSchema))
    warning_details = fields.List(fields.Nested(IssueSchema))
