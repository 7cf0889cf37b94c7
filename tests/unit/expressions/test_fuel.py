"""One budget for one attempt: whoever evaluates, and however often."""

from __future__ import annotations

import asyncio
import time

import pytest

from pipeline_engine.domain.expressions import (
    ExpressionError,
    Fuel,
    compile_value,
    parse_condition,
    parse_template,
    paying,
)
from pipeline_engine.domain.expressions.limits import UNITS_BETWEEN_LOOKS

SCOPE = {"params": {"text": "ab" * 1000}}
DEAR = "{{ params.text | upper }}"


def code_of(error: pytest.ExceptionInfo[ExpressionError]) -> str:
    return error.value.code


def test_a_condition_and_a_value_pay_from_the_budget_that_they_are_given():
    fuel = Fuel()

    parse_condition(DEAR).evaluate(SCOPE, fuel)
    after_condition = fuel.left
    compile_value({"a": DEAR}).render(SCOPE, fuel)

    assert Fuel().left > after_condition > fuel.left


def test_what_is_evaluated_without_a_budget_pays_from_the_one_around_it():
    value = compile_value({"a": DEAR})

    with paying(Fuel(50)), pytest.raises(ExpressionError) as caught:
        value.render(SCOPE)

    assert code_of(caught) == "expression_fuel"
    assert value.render(SCOPE) == {"a": "AB" * 1000}


def test_what_an_async_action_evaluates_is_paid_from_the_budget_around_it():
    async def evaluate() -> None:
        parse_template(DEAR).render(SCOPE)

    fuel = Fuel()

    with paying(fuel):
        asyncio.run(evaluate())

    assert fuel.left < Fuel().left


def test_spending_after_the_deadline_fails_with_a_code_of_its_own():
    fuel = Fuel(deadline=time.monotonic() - 1)

    fuel.spend(UNITS_BETWEEN_LOOKS)
    with pytest.raises(ExpressionError) as caught:
        fuel.spend(1)

    assert code_of(caught) == "expression_time"


def test_the_clock_is_looked_at_on_demand_too():
    Fuel(deadline=time.monotonic() + 60).look_at_the_clock()
    Fuel().look_at_the_clock()

    with pytest.raises(ExpressionError) as caught:
        Fuel(deadline=time.monotonic() - 1).look_at_the_clock()

    assert code_of(caught) == "expression_time"


def test_a_budget_with_a_deadline_is_not_larger_than_one_without():
    fuel = Fuel(10 * UNITS_BETWEEN_LOOKS, deadline=time.monotonic() + 60)

    for _ in range(10):
        fuel.spend(UNITS_BETWEEN_LOOKS)
    with pytest.raises(ExpressionError) as caught:
        fuel.spend(1)

    assert code_of(caught) == "expression_fuel"
