"""Loops that hand a state on, collect what their rounds give, and outlive failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pipeline_engine_actions.builtin import rounds
from support.driving import Driver
from support.factories import a_step, an_action
from support.local_service import Answer, LocalService, local_service

from pipeline_engine.domain.masking import MASK
from pipeline_engine.scheduler.actions import item_results
from pipeline_engine.scheduler.resume import join
from pipeline_engine.sdk import ActionContext, ActionResult

Outside = tuple[LocalService, Driver]


@pytest.fixture
def outside(drive: Callable[..., Driver]) -> Iterator[Outside]:
    with local_service() as service:
        yield service, drive(http_allowed_hosts=(f"127.0.0.1:{service.server_port}",))


def test_a_job_is_asked_until_it_is_done_also_while_its_server_is_away(outside: Outside) -> None:
    """Poll an outside job until it has ended; a while of 5xx is outlived."""
    service, driver = outside
    states = [{"state": "queued"}, None, None, {"state": "running"}, None, {"state": "done"}]
    answers = [Answer(503) if body is None else Answer(200, body) for body in states]
    service.answer_in_turn("GET /job", *answers)

    end = driver.run(
        a_step(
            "poll",
            action="while",
            params={
                "action": "http_request",
                "action_params": {"url": f"{service.url}/job"},
                "until": "{{ result.body.state == 'done' }}",
                "delay_seconds": "{{ 0.01 * (1 + failures) }}",
                "tolerated_failures": 3,
            },
        )
    )

    assert end.status == "COMPLETED"
    assert end.step("poll").outputs["iterations"] == 6
    assert end.step("poll").outputs["result"]["body"] == {"state": "done"}


def test_a_server_that_stays_away_fails_the_loop_with_its_code(outside: Outside) -> None:
    service, driver = outside
    service.answer("GET /job", status=503)
    params = {
        "action": "http_request",
        "action_params": {"url": f"{service.url}/job"},
        "until": "{{ result.body.state == 'done' }}",
        "tolerated_failures": 2,
    }

    step = driver.run(a_step("poll", action="while", params=params)).step("poll")

    assert (step.status, step.error_code) == ("FAILED", "http_503")
    assert step.outputs["iterations"] == 3


def test_a_join_that_is_asked_twice_makes_one_round(
    drive: Callable[..., Driver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_results, "KEPT", 2)
    monkeypatch.setattr(rounds, "AT_A_TIME", 2)
    driver = drive()
    params = {
        "action": "set_output",
        "action_params": {"outputs": {"n": "{{ carry }}"}},
        "carry": {"start": 1, "next": "{{ carry * 2 }}"},
        "collect": "{{ result.n }}",
        "until": "{{ carry > 16 }}",
    }
    execution_id = driver.start(a_step("loop", action="while", params=params))
    for _ in range(3):
        ids = [row.id for row in driver.look(execution_id).rows if row.queued_at]
        driver.turn(*ids)
        for _ in range(2):  # a message that comes twice
            join.join(driver.runtime, driver.look(execution_id).step("loop").id)

    outputs = driver.finish(execution_id).step("loop").outputs

    assert (outputs["collected"], outputs["carry"]) == ([1, 2, 4, 8, 16], 32)


def test_what_is_handed_on_may_quote_a_secret_and_no_row_shows_it(
    drive: Callable[..., Driver],
) -> None:
    secret, seen = "a-token-that-nobody-may-read", []

    def call(context: ActionContext) -> ActionResult:
        seen.append(context.params["key"])
        return ActionResult(success=True)

    params = {
        "action": "call",
        "action_params": {"key": "{{ carry }}"},
        "carry": {"start": "{{ secrets.api }}", "next": "{{ carry }}"},
        "until": "{{ iteration == 2 }}",
    }
    driver = drive(an_action("call", call, params=["key"]), secrets={"api": secret})

    end = driver.run(a_step("loop", action="while", params=params))

    assert seen == [secret] * 3
    assert end.step("loop").outputs["carry"] == MASK
    assert secret not in repr([item.item for item in end.items("loop")])
