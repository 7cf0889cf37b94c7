"""The pipeline definition: the document of an author as frozen values."""

from __future__ import annotations

from pipeline_engine.domain.definitions.model import (
    JSON,
    Compensation,
    DefinitionDefaults,
    ForEach,
    HandlerDefinition,
    HandlerWhen,
    OnFailure,
    ParameterDefinition,
    PipelineDefinition,
    PipelineSettings,
    RetryConfig,
    Rule,
    StepDefinition,
    TriggerRule,
)
from pipeline_engine.domain.definitions.parameters import (
    PARAMETER_TYPES,
    fits_type,
    merge_params,
)
from pipeline_engine.domain.definitions.parse import parse

__all__ = [
    "JSON",
    "PARAMETER_TYPES",
    "Compensation",
    "DefinitionDefaults",
    "ForEach",
    "HandlerDefinition",
    "HandlerWhen",
    "OnFailure",
    "ParameterDefinition",
    "PipelineDefinition",
    "PipelineSettings",
    "RetryConfig",
    "Rule",
    "StepDefinition",
    "TriggerRule",
    "fits_type",
    "merge_params",
    "parse",
]
