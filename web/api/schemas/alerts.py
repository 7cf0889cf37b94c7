"""Alert rules and alerts on the wire."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from pipeline_engine.services.alerts import KINDS, STATUSES

from ..paging import PaginationSchema
from .fields import (
    MAX_PAGE,
    ApiSchema,
    Itself,
    Moment,
    StrictSchema,
    TrueOrFalse,
    Word,
    an_object,
    count,
    text,
)

YEAR = 366 * 86_400


class AlertRuleChange(StrictSchema):
    """What a rule is to be from now on; what is left out stays."""

    name = text(255, 1)
    after_seconds = fields.Float(
        allow_none=True,
        validate=validate.Range(min=1, max=YEAR),
        metadata={"description": "For `late` and `parked`: longer than so many seconds."},
    )
    times_p95 = fields.Float(
        allow_none=True,
        validate=validate.Range(min=1, max=1000),
        metadata={
            "description": "For `late`: longer than so many times what 95 of 100 completed"
            " executions took at most; with `after_seconds` the later of both counts."
        },
    )
    enabled = TrueOrFalse()


class AlertRuleBody(AlertRuleChange):
    """A rule to be stored."""

    name = text(255, 1, required=True)
    kind = Word(KINDS, required=True)
    pipeline_id = text(255, 1, metadata={"description": "The id of the pipeline."})
    workflow_id = text(255, 1, metadata={"description": "The same, for older clients."})
    enabled = TrueOrFalse(load_default=True)

    @validates_schema
    def _names_a_pipeline(self, loaded: dict[str, object], **_: object) -> None:
        if not loaded.get("pipeline_id") and not loaded.get("workflow_id"):
            raise ValidationError("Missing data for required field.", "pipeline_id")


class AlertRuleQuery(ApiSchema):
    """Which rules are listed."""

    pipeline_id = fields.UUID()
    workflow_id = fields.UUID()
    kind = Word(KINDS)
    enabled = fields.Boolean()
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class AlertQuery(ApiSchema):
    """Which alerts are listed."""

    pipeline_id = fields.UUID()
    workflow_id = fields.UUID()
    kind = Word(KINDS)
    rule_id = fields.UUID()
    execution_id = fields.UUID()
    status = Word(STATUSES)
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class AlertRuleSchema(ApiSchema):
    """A stored rule."""

    id = fields.UUID(attribute="rule.id")
    workflow_id = fields.UUID(attribute="rule.pipeline_id", dump_only=True)
    pipeline_id = fields.UUID(attribute="rule.pipeline_id")
    pipeline_name = fields.String(allow_none=True)
    name = fields.String(attribute="rule.name")
    kind = fields.String(attribute="rule.kind")
    after_seconds = fields.Float(attribute="rule.after_seconds", allow_none=True)
    times_p95 = fields.Float(attribute="rule.times_p95", allow_none=True)
    usual_seconds = fields.Float(
        attribute="rule.usual_seconds",
        allow_none=True,
        metadata={
            "description": "What 95 of 100 completed executions took at most; null without"
            " `times_p95`, and as long as fewer than 10 were completed."
        },
    )
    enabled = fields.Boolean(attribute="rule.enabled")
    open_alerts = fields.Integer()
    user_id = fields.String(attribute="rule.user_id", allow_none=True)
    created_by = fields.String(attribute="rule.created_by")
    created_at = Moment(attribute="rule.created_at")
    updated_at = Moment(attribute="rule.updated_at")
    lock_version = fields.Integer(attribute="rule.lock_version")


class AlertRuleListSchema(ApiSchema):
    """One page of rules."""

    alert_rules = fields.List(fields.Nested(AlertRuleSchema), attribute="entries")
    pagination = Itself(PaginationSchema)


class AlertSchema(ApiSchema):
    """Something that is, or was, wrong."""

    id = fields.String(attribute="alert.id")
    rule_id = fields.UUID(attribute="alert.rule_id")
    rule_name = fields.String()
    kind = fields.String(attribute="alert.kind")
    pipeline_id = fields.UUID(attribute="alert.pipeline_id")
    execution_id = fields.UUID(attribute="alert.execution_id")
    step_execution_id = fields.String(attribute="alert.step_execution_id", allow_none=True)
    details = an_object(attribute="alert.details")
    raised_at = Moment(attribute="alert.raised_at")
    resolved_at = Moment(attribute="alert.resolved_at", allow_none=True)


class AlertListSchema(ApiSchema):
    """One page of alerts."""

    alerts = fields.List(fields.Nested(AlertSchema), attribute="entries")
    pagination = Itself(PaginationSchema)
