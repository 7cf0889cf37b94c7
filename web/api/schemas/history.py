"""The history of pipelines on the wire."""

from __future__ import annotations

from marshmallow import fields

from ..paging import PaginationSchema
from .fields import MAX_PAGE, ApiSchema, Moment, an_object, count


class RevisionQuery(ApiSchema):
    """Which revisions are listed."""

    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class RevisionSchema(ApiSchema):
    """What a pipeline said from some moment on."""

    revision = fields.Integer()
    saved_at = Moment()
    saved_by = fields.String(
        allow_none=True,
        metadata={"description": "Whose token: `env:user:ada`; null if an older engine saved it."},
    )
    dag = an_object(attribute="document")


class StatisticsQuery(ApiSchema):
    """How many executions are looked at."""

    executions = count(
        1, 500, 100, metadata={"description": "So many of the newest that have ended."}
    )


class ExecutionFiguresSchema(ApiSchema):
    """How executions ended; the seconds are those of the completed ones."""

    looked_at = fields.Integer()
    completed = fields.Integer()
    failed = fields.Integer()
    interrupted = fields.Integer()
    p50_seconds = fields.Float(allow_none=True)
    p95_seconds = fields.Float(allow_none=True)


class StepFiguresSchema(ApiSchema):
    """How a step went in them; the seconds are those of its completed runs."""

    step_id = fields.String()
    runs = fields.Integer(metadata={"description": "How often it was started."})
    failed = fields.Integer(metadata={"description": "FAILED or TIMEOUT."})
    p50_seconds = fields.Float(allow_none=True)
    p95_seconds = fields.Float(allow_none=True)


class StatisticsSchema(ApiSchema):
    """How the last executions of a pipeline went."""

    pipeline_id = fields.UUID()
    executions = fields.Nested(ExecutionFiguresSchema)
    steps = fields.List(fields.Nested(StepFiguresSchema))


class GridQuery(ApiSchema):
    """Which executions are shown."""

    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 50, 20)


class CellSchema(ApiSchema):
    """One step of one execution."""

    id = fields.Integer()
    status = fields.String()
    parked = fields.Boolean()
    attempt = fields.Integer()
    started_at = Moment(allow_none=True)
    ended_at = Moment(allow_none=True)
    items_total = fields.Integer(allow_none=True)
    items_open = fields.Integer(allow_none=True)


class GridStepSchema(ApiSchema):
    """A step, under the name that the newest of the executions gives it."""

    step_id = fields.String()
    name = fields.String()
    revisions = fields.List(
        fields.Integer(), metadata={"description": "Those of the executions shown that have it."}
    )


class GridExecutionSchema(ApiSchema):
    """One execution."""

    execution_id = fields.UUID()
    status = fields.String()
    created_at = Moment()
    started_at = Moment(allow_none=True)
    ended_at = Moment(allow_none=True)
    revision = fields.Integer()
    cells = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(CellSchema),
        metadata={"description": "By the id of the step."},
    )


class GridSchema(ApiSchema):
    """Executions beside each other."""

    steps = fields.List(fields.Nested(GridStepSchema))
    executions = fields.List(fields.Nested(GridExecutionSchema), attribute="page.entries")
    pagination = fields.Nested(PaginationSchema, attribute="page")
