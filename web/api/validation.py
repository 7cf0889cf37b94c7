"""``/validate``: check a definition without storing it."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Scope
from pipeline_engine.services import definitions as services

from .blueprint import Blueprint
from .context import caller, runtime, session
from .schemas.pipelines import ReportSchema, ValidationBody

validation = Blueprint("validation", __name__, description="Check definitions.")


@validation.on("POST", operation="validate_definition", scope=Scope.PIPELINES_WRITE)
@validation.body(ValidationBody)
@validation.answers(200, ReportSchema)
def validate(body: dict[str, Any]) -> dict[str, Any]:
    """Check a definition whole: every error at once, each with its place, a code and a hint."""
    report = services.check_for(caller(), session(), runtime(), body["dag"])
    return {
        "valid": report.valid,
        "errors": [issue.message for issue in report.errors],
        "warnings": [issue.message for issue in report.warnings],
        "step_count": report.step_count,
        "has_cycles": report.has_cycles,
        "error_details": report.errors,
        "warning_details": report.warnings,
    }
