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


# ── Room ─────────────────────────────────────────────────────────────────────────────────


LIST = [["x" * 100] * 10 for _ in range(100)]


def test_a_list_that_is_passed_on_often_counts_as_often_as_it_will_be_written():
    value = compile_value(["{{ params.l }}"] * 1000)

    with pytest.raises(ExpressionError) as caught:
        value.render({"params": {"l": LIST}})

    assert code_of(caught) == "rendered_too_large"
    few = compile_value(["{{ params.l }}"] * 10).render({"params": {"l": LIST}})
    assert few == [LIST] * 10


@pytest.mark.parametrize(
    "template",
    [
        "{{ params.t }}",
        "x{{ params.t }}",
        "{{ [params.l, params.t] }}",
        "{{ {'a': params.t} }}",
        "y" * 4000,
    ],
)
def test_whatever_is_made_takes_room(template):
    fuel = Fuel(room=100_000)
    value = compile_value({str(n): template for n in range(30)})

    with pytest.raises(ExpressionError) as caught:
        value.render({"params": {"l": LIST, "t": "x" * 10_000}}, fuel)

    assert code_of(caught) == "rendered_too_large"


def test_the_room_is_that_of_the_attempt_and_not_of_one_rendering():
    value = compile_value("{{ params.t }}")

    with paying(Fuel(room=25_000)), pytest.raises(ExpressionError) as caught:
        _render_often(value)

    assert code_of(caught) == "rendered_too_large"


def _render_often(value):
    for _ in range(3):
        value.render({"params": {"t": "x" * 10_000}})


def test_a_value_that_holds_itself_many_times_is_weighed_no_further_than_there_is_room():
    value = ["x"]
    for _ in range(40):
        value = [value, value]

    with pytest.raises(ExpressionError) as caught:
        compile_value("{{ params.v }}").render({"params": {"v": value}})

    assert code_of(caught) in {"rendered_too_large", "expression_fuel"}
