"""What params give to a definition counts when it runs, and is refused when it is started."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.driving import Driver
from support.factories import a_step, an_action
from support.schedules import Clockwork

from pipeline_engine.errors import InvalidParams
from pipeline_engine.sdk import ActionContext, ActionResult

SECRET = "hunter2-hunter2"


def failing(_: ActionContext) -> ActionResult:
    return ActionResult(success=False, error="no luck")


@pytest.fixture
def driver(drive: Any) -> Driver:
    return drive(an_action("failing", failing))


def declared(*names: str, type: str = "number") -> list[dict[str, Any]]:  # noqa: A002
    return [{"name": name, "type": type} for name in names]


def test_params_say_how_often_a_step_is_tried(driver: Driver) -> None:
    retry = {"max_attempts": "{{ params.n | int }}", "backoff_seconds": 0}

    ends = [
        driver.run(
            a_step("a", action="failing", retry=retry),
            params={"n": n},
            parameters=declared("n"),
        )
        for n in (1, 3, 1)
    ]

    assert [end.step("a").attempt for end in ends] == [1, 3, 1]


def test_params_say_how_many_items_run_at_once_and_how_many_may_fail(driver: Driver) -> None:
    loop = {
        "items": [1, 2, 3],
        "max_concurrency": "{{ params.n }}",
        "tolerated_failures": "{{ params.most }}",
    }
    fan_out = a_step("each", action="failing", for_each=loop)
    given = {"parameters": declared("n", "most")}

    execution_id = driver.start(fan_out, params={"n": 1, "most": 3}, **given)
    driver.turn(driver.look(execution_id).step("each").id)

    queued = [row for row in driver.look(execution_id).items("each") if row.queued_at]
    assert len(queued) == 1
    assert driver.finish(execution_id).status == "COMPLETED"


def test_params_say_how_long_an_attempt_may_take(driver: Driver) -> None:
    step = a_step("a", action="approval", timeout_seconds="{{ params.n }}")

    execution_id = driver.start(step, params={"n": 120}, parameters=declared("n"))
    driver.settle()

    row = driver.look(execution_id).step("a")
    assert row.deadline_at - row.started_at <= timedelta(seconds=121)


def test_params_say_how_long_an_execution_may_take(driver: Driver) -> None:
    given = {"settings": {"timeout_seconds": "{{ params.n }}"}, "parameters": declared("n")}

    execution = driver.look(driver.start(a_step("a"), params={"n": 90}, **given)).execution

    assert execution.deadline_at - execution.created_at <= timedelta(seconds=91)


@pytest.mark.parametrize("value", [0, 101, 1.5])
def test_what_does_not_fit_is_refused_when_it_is_started(driver: Driver, value: float) -> None:
    step = a_step("a", action="failing", retry={"max_attempts": "{{ params.n }}"})

    with pytest.raises(InvalidParams) as refused:
        driver.start(step, params={"n": value}, parameters=declared("n"))

    [problem] = refused.value.facts["problems"]
    assert problem.pointer == "/params/n"
    assert "max_attempts" in problem.message


def test_no_refusal_quotes_a_secret(drive: Any) -> None:
    driver = drive(secrets={"key": SECRET})
    step = a_step("a", on_failure="{{ params.word }}")

    with pytest.raises(InvalidParams) as refused:
        driver.start(step, params={"word": SECRET}, parameters=declared("word", type="string"))

    assert SECRET not in str(refused.value.facts["problems"])


def test_a_schedule_is_told_when_it_is_saved(
    driver: Driver,
) -> None:
    step = a_step("a", timeout_seconds="{{ params.n }}")
    with driver.runtime.sessions() as session:
        clock = Clockwork(driver, session)
        pipeline = clock.pipeline(step, name="p", parameters=declared("n"))
        wanted = {"pipeline_id": pipeline, "params": {"n": 5}}

        clock.schedule("0 9 * * *", "08:00", name="good", **wanted)
        with pytest.raises(InvalidParams):
            clock.schedule("0 9 * * *", "08:00", name="bad", **wanted | {"params": {"n": 0}})
