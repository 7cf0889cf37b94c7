"""The expression language of templates and conditions: Jinja's expression syntax, nothing more.

There are no statements, calls or attributes of Python objects, and every evaluation is bounded in
work and memory, so a definition may come from anybody.
"""

from __future__ import annotations

from pipeline_engine.domain.expressions.compiled_value import CompiledValue, compile_value
from pipeline_engine.domain.expressions.condition import Condition, parse_condition
from pipeline_engine.domain.expressions.errors import BudgetSpent, ExpressionError, SecretMisused
from pipeline_engine.domain.expressions.filters import FILTER_NAMES
from pipeline_engine.domain.expressions.fuel import Fuel, paying
from pipeline_engine.domain.expressions.predicates import TEST_NAMES
from pipeline_engine.domain.expressions.references import Reference
from pipeline_engine.domain.expressions.secrecy import (
    NO_SECRETS,
    KnownSecrets,
    Ledger,
    Vault,
    covered,
    ledger_of,
    masker_in,
)
from pipeline_engine.domain.expressions.template import Template, parse_template
from pipeline_engine.domain.expressions.truth import evaluate_truth

__all__ = [
    "FILTER_NAMES",
    "NO_SECRETS",
    "TEST_NAMES",
    "BudgetSpent",
    "CompiledValue",
    "Condition",
    "ExpressionError",
    "Fuel",
    "KnownSecrets",
    "Ledger",
    "Reference",
    "SecretMisused",
    "Template",
    "Vault",
    "compile_value",
    "covered",
    "evaluate_truth",
    "ledger_of",
    "masker_in",
    "parse_condition",
    "parse_template",
    "paying",
]
