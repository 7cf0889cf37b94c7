"""Guardrail deployment workflows on the wire; the names are those of the reference service."""

from __future__ import annotations

from marshmallow import INCLUDE, fields, validate

from pipeline_engine.guardrails.workflows import STATUSES

from ..paging import PaginationSchema
from ..schemas.fields import MAX_PAGE, ApiSchema, Itself, Moment, an_object, anything, count, text
from ..schemas.progress import ProgressSchema


def _said(kind: str, about: str = "") -> fields.Raw:
    """A field of a step: ``StepRequest.of`` checks it, the document says what it is."""
    return anything(metadata={"type": kind, **({"description": about} if about else {})})


class StepBody(ApiSchema):
    """One step, or several: each field belongs to a step, whichever is said with it."""

    class Meta:
        """What is wrong with it is answered with its places, unknown fields among them."""

        unknown = INCLUDE

    workflow_id = _said("string", "To go on; without it `workflow_total_steps` begins one.")
    workflow_total_steps = _said("integer", "12.")
    step_number = _said("integer", "From 1 to 12.")
    trigger_workflow = _said("boolean", "With step 12: deploy.")
    version = _said("integer", "The version that you have seen; another one is 409.")
    provider_type = _said("string")
    provider_id = _said("string")
    project_id = _said("string")
    probe_selections = _said("array", "`{id, severity_threshold?, guard_types?, rules?}` each.")
    guardrail_profile_id = _said("string", "A profile that there is, to be changed.")
    credential_id = _said("string", "For models that have to be onboarded.")
    hardware_mode = _said("string", "`dedicated` or `shared`.")
    deploy_config = _said("object", "Load and targets; what is left out is no target.")
    budaiscaler_specification = _said("object")
    cluster_id = _said("string", "One of `recommended_clusters`.")
    is_standalone = _said("boolean", "Guards no endpoint.")
    endpoint_ids = _said("array", "The endpoints that are guarded; not with `is_standalone`.")
    name = _said("string")
    description = _said("string")
    tags = _said("array")
    guard_types = _said("array")
    severity_threshold = _said("number", "From 0 to 1.")


class WorkflowQuery(ApiSchema):
    """Which workflows are wanted."""

    status = fields.String(validate=validate.OneOf(STATUSES))
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
