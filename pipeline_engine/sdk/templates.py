"""Conditions and templates for actions that evaluate what they were given unrendered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.domain.expressions import compile_value, evaluate_truth, parse_condition


def evaluate_condition(condition: Any, scope: Mapping[str, Any]) -> bool:
    """Tell whether *condition* holds: a text is an expression, with or without braces."""
    if condition is None or isinstance(condition, str):
        return parse_condition(condition).evaluate(scope)
    return evaluate_truth(condition)


def render_value(value: Any, scope: Mapping[str, Any]) -> Any:
    """Return *value* with every template in it rendered."""
    return compile_value(value).render(scope)
