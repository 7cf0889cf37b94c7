"""One attempt of a step has one budget for its expressions, whoever evaluates them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event
from support.factories import a_step, an_action

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.domain.checks.scopes import NAMES, Place
from pipeline_engine.sdk import ActionResult, evaluate_condition, render_value
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Arrival

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
        a_step("b", condition="{{ not secrets[params.name] }}"),
        parameters=parameters,
        params={"name": "token"},
    )

    assert end.statuses == {"a": "COMPLETED", "b": "SKIPPED"}


@pytest.mark.parametrize("action", ["set_output", "log", "transform", "template_render", "fetch"])
def test_params_that_quote_a_list_too_often_fail_before_they_are_written(drive, action):
    driver = drive(an_action("fetch", lambda _: ActionResult(success=True), params=["input"]))
    name = {"set_output": "outputs", "log": "message", "template_render": "template"}
    much = {"all": ["{{ params.text }}"] * 1000}
    given = {name.get(action, "input"): much if action != "log" else "{{ params.texts }}"}
    if action == "template_render":
        given = {"template": "{{ [" + ", ".join(["params.texts"] * 60) + "] }}"}
    if action == "log":
        given = {"message": "{{ [" + ", ".join(["params.texts"] * 60) + "] }}"}

    end = driver.run(
        a_step("a", action=action, params=given),
        parameters=[{"name": "text"}, {"name": "texts", "type": "array"}],
        params={"text": TEXT, "texts": ["x" * 1000] * 600},
    )

    assert end.step("a").error_code in {"rendered_too_large", "invalid_params"}


def test_a_join_is_bounded_before_it_is_made(drive):
    step = a_step(
        "a",
        action="aggregate",
        params={
            "inputs": "{{ params.parts }}",
            "operation": "join",
            "separator": "{{ params.text }}",
        },
    )

    end = drive().run(
        step,
        parameters=[{"name": "text"}, {"name": "parts", "type": "array"}],
        params={"text": TEXT, "parts": ["x"] * 10_000},
    )

    assert end.step("a").error_code == "value_too_large"


@pytest.mark.parametrize("operation", ["sum", "average"])
def test_a_sum_that_no_number_can_hold_is_said_to_be_one(drive, operation):
    inputs = [1.7e308, 1.7e308, 1]
    step = a_step("a", action="aggregate", params={"inputs": inputs, "operation": operation})

    end = drive().run(step)

    assert end.step("a").error_code == "number_out_of_range"


def test_items_are_weighed_together_before_they_are_stored(drive):
    loop = {
        "items": list(range(300)),
        "action": "log",
        "action_params": {"message": "{{ params.text }}"},
    }

    end = drive().run(
        a_step("a", action="for_each", params=loop),
        parameters=PARAMETERS,
        params={"text": TEXT},
    )

    assert end.step("a").error_code == "rendered_too_large"
    assert end.items("a") == []


def test_an_event_is_judged_by_a_condition_and_gives_outputs(drive):
    wait = {
        "event_key": "k",
        "condition": "{{ event.phase == params.phase }}",
        "outputs": {"sha": "{{ event.sha | upper }}"},
    }
    driver = drive()
    execution_id = driver.start(
        a_step("a", action="wait_for_event", params=wait),
        parameters=[{"name": "phase", "type": "integer"}],
        params={"phase": 2},
    )
    driver.settle()
    row = driver.look(execution_id).step("a")
    assert row.awaiting_event

    for phase in (1, 2):
        body = {"workflow_id": "k", "phase": phase, "sha": "abc"}
        inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body=body))
        driver.settle()

    end = driver.finish(execution_id)
    assert end.step("a").outputs["sha"] == "ABC"
    assert end.step("a").outputs["event"]["phase"] == 2


def test_the_names_of_a_template_are_those_of_the_table(drive):
    seen: dict[str, set[str]] = {}

    def look(context):
        seen[context.step_id] = set(context.scope)
        return ActionResult(success=True)

    driver = drive(an_action("look", look))

    driver.run(a_step("plain", action="look"), a_step("looped", action="look", for_each=[1]))

    assert seen == {"plain": NAMES[Place.STEP], "looped": NAMES[Place.ITEM]}


def test_all_templates_of_an_attempt_see_one_moment_and_those_of_the_next_another(drive):
    seen: list[tuple[str, str, str]] = []

    def look(context):
        seen.append((context.params["a"], context.params["b"], context.scope["now"]))
        return ActionResult(success=len(seen) > 1)

    driver = drive(an_action("look", look, params=["a", "b"]))
    retry = {"max_attempts": 2, "backoff_seconds": 0}
    params = {"a": "{{ now }}", "b": "{{ now | to_datetime }}"}
    soon = "{{ now | seconds_since(execution.created_at) < 600 }}"

    end = driver.run(
        a_step("a", action="look", params=params, condition=soon, retry=retry),
        outputs={"at": "{{ now }}"},
    )

    assert [len(set(moments)) for moments in seen] == [1, 1]
    assert seen[0][0] < seen[1][0] < end.outputs["at"]


def test_ids_of_steps_that_come_from_data_are_not_looked_for_in_the_database(drive):
    driver = drive()
    asked: list[str] = []
    event.listen(driver.runtime.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    step = a_step(
        "a",
        action="filter",
        params={"items": "{{ params.ids }}", "condition": "{{ steps[item].status }}"},
    )

    end = driver.run(
        step,
        parameters=[{"name": "ids", "type": "array"}],
        params={"ids": [f"nobody-{n}" for n in range(2000)]},
    )

    assert end.step("a").outputs == {"result": [], "count": 0, "total": 2000}
    assert len(asked) < 500
