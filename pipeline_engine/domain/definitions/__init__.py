"""The pipeline definition: the document of an author as frozen values."""

from __future__ import annotations

from pipeline_engine.domain.definitions.model import (
    BLOCK,
    JSON,
    MAX_ATTEMPTS,
    WHEN_FULL_ALIASES,
    Block,
    Catch,
    Compensation,
    Concurrency,
    DefinitionDefaults,
    ForEach,
    HandlerDefinition,
    HandlerWhen,
    Jitter,
    OnFailure,
    ParameterDefinition,
    PipelineDefinition,
    PipelineSettings,
    Retries,
    RetryConfig,
    Rule,
    StepDefinition,
    TriggerRule,
    WhenFull,
)
from pipeline_engine.domain.definitions.parameters import merge_params
from pipeline_engine.domain.definitions.parse import parse

__all__ = [
    "BLOCK",
    "JSON",
    "MAX_ATTEMPTS",
    "WHEN_FULL_ALIASES",
    "Block",
    "Catch",
    "Compensation",
    "Concurrency",
    "DefinitionDefaults",
    "ForEach",
    "HandlerDefinition",
    "HandlerWhen",
    "Jitter",
    "OnFailure",
    "ParameterDefinition",
    "PipelineDefinition",
    "PipelineSettings",
    "Retries",
    "RetryConfig",
    "Rule",
    "StepDefinition",
    "TriggerRule",
    "WhenFull",
    "merge_params",
    "parse",
]
