"""The complete check of a pipeline definition: every error at once, and where it is.

``check`` takes any JSON and never raises. docs/reference/definition.md lists every code.
"""

from __future__ import annotations

from pipeline_engine.domain.checks.catalogue import ActionCatalogue
from pipeline_engine.domain.checks.check import check
from pipeline_engine.domain.checks.editor_schema import editor_schema, schema_of_action
from pipeline_engine.domain.checks.limits import Limits
from pipeline_engine.domain.checks.report import CheckReport
from pipeline_engine.domain.checks.structure import document_schema
from pipeline_engine.domain.issues import Issue

__all__ = [
    "ActionCatalogue",
    "CheckReport",
    "Issue",
    "Limits",
    "check",
    "document_schema",
    "editor_schema",
    "schema_of_action",
]
