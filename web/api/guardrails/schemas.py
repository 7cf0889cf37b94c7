"""Guardrail deployment workflows on the wire; the names are those of the reference service."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, fields

from pipeline_engine.guardrails.rules.requests import (
    HARDWARE_MODES,
    LONGEST_TEXT,
    MOST_ENDPOINTS,
    MOST_PROBES,
    MOST_RULES,
    MOST_WORDS,
    TOTAL_STEPS,
)
from pipeline_engine.guardrails.workflows import STATUSES

from ..paging import PaginationSchema
from ..schemas.fields import (
    MAX_PAGE,
    ApiSchema,
    Itself,
    Moment,
    StrictSchema,
    Word,
    an_object,
    anything,
    count,
    text,
)
from ..schemas.progress import ProgressSchema

WORD: dict[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": LONGEST_TEXT,
    "pattern": r"\S",
}
RULE = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": WORD, "status": {"type": ["string", "null"]}},
}
PROBE = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": WORD,
        "severity_threshold": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "guard_types": {"type": ["array", "null"], "items": WORD, "maxItems": MOST_WORDS},
        "rules": {"type": ["array", "null"], "items": RULE, "maxItems": MOST_RULES},
    },
}


def _said(kind: str, about: str = "", **limits: Any) -> fields.Raw:
    """A field of a step: ``StepRequest.of`` checks it, the document says what it is."""
    described = {"description": about} if about else {}
    return anything(metadata={"type": kind, **described, **limits})


def _word(about: str = "") -> fields.Raw:
    described = {"description": about} if about else {}
    return anything(metadata={**WORD, **described})


def _words(about: str = "", *, most: int = MOST_WORDS) -> fields.Raw:
    return _said("array", about, items=WORD, maxItems=most)


class StepBody(ApiSchema):
    """One step, or several: each field belongs to a step, whichever is said with it."""

    class Meta(StrictSchema.Meta):
        """There are no other fields."""

    workflow_id = _said(
        "string", "To go on; without it `workflow_total_steps` begins one.", format="uuid"
    )
    workflow_total_steps = _said("integer", "12.", minimum=TOTAL_STEPS, maximum=TOTAL_STEPS)
    step_number = fields.Raw(metadata={"type": "integer", "minimum": 1, "maximum": TOTAL_STEPS})
    trigger_workflow = _said("boolean", "With step 12: deploy.")
    version = _said("integer", "The version that you have seen; another one is 409.", minimum=1)
    provider_type = _word()
    provider_id = _word()
    project_id = _word()
    probe_selections = _said(
        "array",
        "Each probe once; without `rules` all of its rules that are on.",
        items=PROBE,
        minItems=1,
        maxItems=MOST_PROBES,
    )
    guardrail_profile_id = _word("A profile that there is, to be changed.")
    credential_id = _word("For models that have to be onboarded.")
    hardware_mode = _said("string", enum=[*HARDWARE_MODES, None])
    deploy_config = _said("object", "Load and targets; what is left out is no target.")
    budaiscaler_specification = _said("object")
    cluster_id = _word("One of `recommended_clusters`.")
    is_standalone = _said("boolean", "Guards no endpoint.")
    endpoint_ids = _words(
        "The endpoints that are guarded; not with `is_standalone`.", most=MOST_ENDPOINTS
    )
    name = _word()
    description = _word()
    tags = _words()
    guard_types = _words()
    severity_threshold = _said("number", minimum=0, maximum=1)

    def load(self, data: Any, **options: Any) -> Any:
        """Let all of an object through: the rules tell each problem, unknown fields among them."""
        return super().load(data, **{**options, "unknown": INCLUDE})


class WorkflowQuery(ApiSchema):
    """Which workflows are wanted."""

    status = Word(STATUSES)
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class StopWorkflowBody(ApiSchema):
    """Why it is cancelled."""

    reason = text(1000, allow_none=True, load_default=None)


class LinkBody(ApiSchema):
    """The model of a rule."""

    model_id = text(255, 1, required=True)


class RunSchema(ApiSchema):
    """A pipeline that the workflow has started."""

    step_number = fields.Integer()
    pipeline = fields.String()
    execution_id = fields.UUID()
    number = fields.Integer()
    status = fields.String()
    started_at = Moment()
    ended_at = Moment(allow_none=True)
    error = an_object(allow_none=True)
    results = an_object(
        allow_none=True,
        metadata={"description": "Its outputs, and `rollback` if it was taken back."},
    )


class WorkflowSchema(ApiSchema):
    """A workflow: what was said, what was found out, which pipelines have run."""

    object = fields.Constant("workflow.get")
    workflow_id = fields.UUID(attribute="id")
    owner = fields.String(attribute="user_id", allow_none=True)
    status = fields.String()
    phase = fields.String()
    current_step = fields.Integer()
    next_step = fields.Integer(allow_none=True)
    total_steps = fields.Integer()
    skipped_steps = fields.List(fields.Integer())
    reason = fields.String(allow_none=True)
    version = fields.Integer()
    created_at = Moment()
    updated_at = Moment()
    workflow_steps = an_object()
    runs = fields.List(fields.Nested(RunSchema))


class WorkflowListSchema(ApiSchema):
    """One page of workflows, the newest first."""

    workflows = fields.List(fields.Nested(WorkflowSchema), attribute="entries")
    pagination = Itself(PaginationSchema)


class ModelStatusSchema(ApiSchema):
    """The model of one rule, and what has to be done for it."""

    rule_id = fields.String()
    rule_name = fields.String(allow_none=True)
    probe_id = fields.String()
    probe_name = fields.String(allow_none=True)
    model_uri = fields.String()
    model_id = fields.String(allow_none=True)
    status = fields.String()
    endpoint_id = fields.String(allow_none=True)
    endpoint_name = fields.String(allow_none=True)
    endpoint_url = fields.String(allow_none=True)
    cluster_id = fields.String(allow_none=True)
    cluster_name = fields.String(allow_none=True)
    requires_onboarding = fields.Boolean()
    requires_deployment = fields.Boolean()
    can_reuse = fields.Boolean()
    show_warning = fields.Boolean()


class ModelStatusesSchema(ApiSchema):
    """All models that the chosen rules need."""

    object = fields.Constant("guardrail.model_status")
    models = fields.List(fields.Nested(ModelStatusSchema))
    total_models = fields.Integer()
    models_requiring_onboarding = fields.Integer()
    models_requiring_deployment = fields.Integer()
    models_reusable = fields.Integer()
    skip_to_step = fields.Integer(allow_none=True)
    credential_required = fields.Boolean()


class WorkflowProgressSchema(ApiSchema):
    """How far a workflow is, and the pipeline that it is at."""

    workflow = fields.Nested(WorkflowSchema)
    run = fields.Nested(RunSchema, allow_none=True)
    progress = fields.Nested(ProgressSchema, allow_none=True)


class TakenBackSchema(ApiSchema):
    """What came of a cancellation."""

    workflow_id = fields.UUID(attribute="workflow.id")
    phase = fields.String(attribute="workflow.phase")
    status = fields.String()
    cleaned_up = an_object()
    preserved = an_object()
    errors = fields.List(fields.String())


class LinkedSchema(ApiSchema):
    """A rule and its model."""

    rule_id = fields.String()
    model_id = fields.String()


class TableSchema(ApiSchema):
    """The profile whose table was deleted, and the endpoints that it guarded."""

    profile_id = fields.String()
    endpoint_ids = fields.List(fields.String())
