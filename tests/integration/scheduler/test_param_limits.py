"""The limits of params hold for what templates bring, wherever an action runs."""

from __future__ import annotations

from typing import Any

import pytest
from support.factories import a_fan_out, a_step, an_action

from pipeline_engine.registry import RegisteredAction
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    Item,
    ParamDefinition,
    ParamType,
    ValidationRules,
)

SECONDS = ParamDefinition(
    "seconds", "Seconds", ParamType.NUMBER, validation=ValidationRules(min=1, max=300)
)
BREACHES = [
    (301, "must be <= 300"),
    (0, "must be >= 1"),
    ("301", "must be a number"),
    (True, "must be a number"),
    ([1], "must be a number"),
    ("{{ 9", "must be a number"),
]


class Limited:
    """An action whose param has limits, and what reached it."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def action(self, **meta: Any) -> RegisteredAction:
        def execute(context: ActionContext) -> ActionResult:
            self.seen.append(context.params.get("seconds"))
            return ActionResult(success=True)

        return an_action("limited", execute, params=[SECONDS], **meta)


def templated(given: Any) -> dict[str, Any]:
    return {"params": {"given": given}, "parameters": [{"name": "given", "type": "object"}]}


@pytest.mark.parametrize(("value", "words"), BREACHES)
def test_a_rendered_value_past_its_limits_never_reaches_the_action(drive, value, words):
    limited = Limited()

    end = drive(limited.action(cheap=value == 301)).run(
        a_step("a", action="limited", params={"seconds": "{{ params.given.x }}"}),
        **templated({"x": value}),
    )

    assert (end.step("a").error_code, limited.seen) == ("invalid_params", [])
    assert end.step("a").error_message == f"seconds: {words}"


def test_a_rendered_value_within_its_limits_is_used(drive):
    limited = Limited()

    end = drive(limited.action()).run(
        a_step("a", action="limited", params={"seconds": "{{ params.given.x }}"}),
        **templated({"x": 300}),
    )

    assert (end.status, limited.seen) == ("COMPLETED", [300])


def test_items_of_a_loop_are_held_to_the_limits_one_by_one(drive):
    limited = Limited()
    loop = {"items": "{{ params.given.list }}", "tolerated_failures": 1}

    end = drive(limited.action()).run(
        a_step("a", action="limited", params={"seconds": "{{ item }}"}, for_each=loop),
        **templated({"list": [5, 999]}),
    )

    assert ([row.error_code for row in end.items("a")], limited.seen) == (
        [None, "invalid_params"],
        [5],
    )


def test_params_that_a_fan_out_gives_its_items_are_held_to_the_limits(drive):
    limited = Limited()
    outer = a_fan_out(
        "outer",
        lambda _: [Item(value=1, action="limited", params={"seconds": 999})],
        join=lambda *_: ActionResult(success=True),
    )

    end = drive(limited.action(), outer).run(a_step("a", action="outer"))

    assert (end.items("a")[0].error_code, limited.seen) == ("invalid_params", [])


def test_a_compensation_is_held_to_the_limits(drive):
    limited = Limited()
    undo = {"action": "limited", "params": {"seconds": "{{ params.given.x }}"}}

    drive(limited.action()).run(
        a_step("a", compensate=undo), a_step("b", "a", action="fail"), **templated({"x": 999})
    )

    assert limited.seen == []
