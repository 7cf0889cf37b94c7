"""Conditions, templates and the work on large values, for actions; all is paid for.

An attempt of a step has one budget: its params, its condition and whatever its action does with
these functions pay from it. Beyond it they raise ``BudgetSpent``, and the step fails for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.domain.expressions import (
    CompiledValue,
    compile_value,
    evaluate_truth,
    parse_condition,
)
from pipeline_engine.domain.expressions.filters.encodings import from_json
from pipeline_engine.domain.expressions.filters.text import join
from pipeline_engine.domain.expressions.fuel import current_fuel
from pipeline_engine.domain.expressions.values import as_text, in_range


def evaluate_condition(condition: Any, scope: Mapping[str, Any]) -> bool:
    """Tell whether *condition* holds: a text is an expression, with or without braces.

    *scope* is that of a context. None holds. Raises ``ExpressionError``.
    """
    if condition is None or isinstance(condition, str):
        return parse_condition(condition).evaluate(scope)
    return evaluate_truth(condition)


def render_value(value: Any, scope: Mapping[str, Any]) -> Any:
    """Return a JSON value with every template in it rendered; for many scopes, compile it once.

    *scope* is that of a context. Raises ``ExpressionError``.
    """
    current_fuel().spend_on_contents(value)
    return compile_value(value).render(scope)


def compile_templates(value: Any) -> CompiledValue:
    """Parse every template in a JSON value, to ``render(scope)`` it again and again.

    A template that cannot be parsed raises ``ExpressionError`` in ``render``, not here.
    """
    current_fuel().spend_on_contents(value)
    return compile_value(value)


def pay_for(value: Any, *, rounds: int = 1) -> None:
    """Pay for going through everything in a JSON value so many times; do it before the work."""
    fuel = current_fuel()
    left = fuel.left
    fuel.spend_on_contents(value)
    fuel.spend((left - fuel.left) * (rounds - 1))


def text_of(value: Any) -> str:
    """Return *value* as it reads inside a text. Raises ``ExpressionError`` if that is too long."""
    return as_text(value, current_fuel())


def join_texts(values: list[Any], separator: Any) -> str:
    """Return all values as one text. Raises ``ExpressionError`` before it gets too long."""
    return str(join(current_fuel(), values, text_of(separator)))


def read_json(text: str) -> Any:
    """Return the value of a JSON text. Raises ``ExpressionError`` if it is none, or too large."""
    return from_json(current_fuel(), text)


def number_in_range(number: float) -> Any:
    """Return *number*. Raises ``ExpressionError`` if JSON cannot hold it: NaN, or over 64 bits."""
    return in_range(number)
