"""One attempt of a step has one budget for its expressions, whoever evaluates them."""

from __future__ import annotations

from typing import Any

import pytest
from factories import a_step, an_action

from pipeline_engine.sdk import ActionResult, evaluate_condition, render_value

PARAMETERS = [{"name": "text"}]
TEXT = "ab" * 100_000
DEAR = "{{ params.text | upper | lower | length }}"
NOT_DEAR = "not (params.text | upper | lower | length)"
OFTEN = 40  # one of them fits well into the budget, all of them do not


def evaluates_often(context: Any) -> ActionResult:
    """An action that knows of no budget."""
    found = [render_value(DEAR, context.scope) for _ in range(OFTEN)]
    return ActionResult(success=True, outputs={"found": len(found)})


def holds_often(context: Any) -> ActionResult:
    held = [evaluate_condition(DEAR, context.scope) for _ in range(OFTEN)]
    return ActionResult(success=True, outputs={"held": len(held)})


LOOP = {"items": list(range(OFTEN)), "action": "log", "action_params": {"message": DEAR}}


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("set_output", {"params": {"outputs": {str(n): DEAR for n in range(OFTEN)}}}),
        ("filter", {"params": {"items": list(range(OFTEN)), "condition": DEAR}}),
        ("validate", {"params": {"rules": [{"condition": DEAR}] * OFTEN}}),
        ("conditional", {"params": {"branches": [{"id": "a", "condition": NOT_DEAR}] * OFTEN}}),
        ("for_each", {"params": LOOP}),
        ("log", {"for_each": {"items": list(range(OFTEN)), "key": DEAR}}),
        ("evaluates_often", {}),
        ("holds_often", {}),
    ],
)
@pytest.mark.parametrize("cheap", [True, False])
def test_a_step_that_evaluates_one_expression_too_often_fails(drive, action, fields, cheap):
    driver = drive(
        an_action("evaluates_often", evaluates_often, cheap=cheap),
        an_action("holds_often", holds_often, cheap=cheap),
    )
    fields = fields | ({} if cheap else {"queue": "io"})

    end = driver.run(
        a_step("a", action=action, **fields), parameters=PARAMETERS, params={"text": TEXT}
    )

    assert end.status == "FAILED"
    assert end.step("a").error_code == "expression_fuel"


def test_an_unknown_secret_fails_the_attempt_with_its_name(drive):
    driver = drive(secrets={"token": "t"})
    step = a_step("a", params={"message": "{{ secrets[params.name] }}"})

    end = driver.run(step, parameters=[{"name": "name"}], params={"name": "tokem"})

    assert end.step("a").error_code == "unknown_secret"
    assert "'tokem'" in end.step("a").error_message


def test_a_condition_sees_the_secrets_that_params_see(drive):
    driver = drive(secrets={"token": "t"})
    parameters = [{"name": "name"}]

    end = driver.run(
        a_step("a", condition="{{ secrets[params.name] }}"),
        a_step("b", condition="{{ secrets[params.name] ~ 'x' == 'x' }}"),
        parameters=parameters,
        params={"name": "token"},
    )

    assert end.statuses == {"a": "COMPLETED", "b": "SKIPPED"}
