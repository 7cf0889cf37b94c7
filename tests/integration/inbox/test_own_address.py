"""``callback_url`` in params: each attempt writes down its own address, and no row holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.driving import Driver
from support.factories import a_pipeline, a_step, an_action
from support.local_service import Answer, LocalService, local_service
from support.waiting import wait_until

from pipeline_engine.domain.masking import MASK
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import ActionContext, ActionResult, ExecutionMode
from pipeline_engine.services import inbox

HEADER = "Bearer {{ callback_url }}"


@pytest.fixture
def told() -> list[str]:
    """The params that the action of these tests was given."""
    return []


@pytest.fixture
def asking(told: list[str]) -> RegisteredAction:
    def ask(context: ActionContext) -> ActionResult:
        told.append(context.params["tell"])
        context.log.info("asked", at=context.params["tell"])
        outputs = {"echo": context.params["tell"]}
        return ActionResult(
            success=True, awaiting_event=True, awaiting_callback=True, outputs=outputs
        )

    return an_action("ask", ask, params=["tell"], execution_mode=ExecutionMode.EVENT_DRIVEN)


@pytest.fixture
def driver(drive: Callable[..., Driver], asking: RegisteredAction) -> Driver:
    return drive(asking)


def answer(driver: Driver, url: str, **body: Any) -> str:
    token = url.rsplit("/", 1)[-1]
    return inbox.accept_callback(driver.runtime, token, body).outcome


def rows_that_quote(driver: Driver, text: str) -> list[str]:
    with driver.runtime.engine.connect() as connection:
        tables = ("executions", "step_executions", "events", "inbox")
        found = [
            connection.exec_driver_sql(
                f"SELECT count(*) FROM {table} t WHERE strpos(t::text, %(text)s) > 0",  # noqa: S608
                {"text": text},
            ).scalar()
            for table in tables
        ]
        return [table for table, count in zip(tables, found, strict=True) if count]


def test_the_address_that_was_written_down_ends_the_step_and_is_stored_nowhere(
    driver: Driver, told: list[str]
) -> None:
    execution_id = driver.start(a_step("a", action="ask", params={"tell": HEADER}))
    driver.settle()

    assert told[0].startswith("Bearer http")
    assert rows_that_quote(driver, "/callbacks/") == []
    assert driver.look(execution_id).step("a").outputs == {"echo": MASK}
    assert answer(driver, told[0], action="complete", outputs={"n": 1}) == "accepted"
    assert driver.finish(execution_id).step("a").outputs["n"] == 1


LOOPED = {"items": [1, 2, 3], "action": "ask", "action_params": {"tell": HEADER}}
ROUNDS = {"until": "iteration == 2", "action": "ask", "action_params": {"tell": [HEADER]}}


@pytest.mark.parametrize(
    "step",
    [
        a_step("a", action="ask", params={"tell": HEADER}, for_each=[1, 2, 3]),
        a_step("a", action="for_each", params=LOOPED),
    ],
    ids=["for_each of a step", "for_each"],
)
def test_each_item_has_an_address_of_its_own(
    driver: Driver, told: list[str], step: dict[str, Any]
) -> None:
    execution_id = driver.start(step)
    driver.settle()
    assert len(set(told)) == 3
    assert rows_that_quote(driver, "/callbacks/") == []

    answer(driver, told[1], action="complete", outputs={"n": 1})
    driver.settle()

    items = driver.look(execution_id).items("a")
    assert [item.status for item in items].count("COMPLETED") == 1
    for url in (told[0], told[2]):
        answer(driver, url, action="complete")
    assert driver.finish(execution_id).status == "COMPLETED"


def test_each_round_of_a_loop_has_one(driver: Driver, told: list[str]) -> None:
    execution_id = driver.start(a_step("a", action="while", params=ROUNDS))
    for number in range(3):
        driver.settle()
        assert len(told) == number + 1
        answer(driver, told[number][0], action="complete")

    assert driver.finish(execution_id).status == "COMPLETED"
    assert len({url for [url] in told}) == 3


def test_what_a_loop_hands_on_cannot_be_hidden_in_another_encoding(driver: Driver) -> None:
    params = {"tell": "{{ ('u:' ~ callback_url) | b64encode }}"}

    end = driver.run(a_step("a", action="for_each", params=LOOPED | {"action_params": params}))

    assert end.step("a").error_code == "secret_misused"


@pytest.mark.parametrize("loop", [{"for_each": [1]}, {}])
def test_another_attempt_has_another_address_and_the_first_is_closed(
    driver: Driver, told: list[str], loop: dict[str, Any]
) -> None:
    retry = {"max_attempts": 2, "backoff_seconds": 0}
    step = a_step("a", action="ask", params={"tell": HEADER}, retry=retry, **loop)
    execution_id = driver.start(step)
    driver.settle()
    answer(driver, told[0], action="fail", error="not yet")

    def has_begun_again() -> bool:
        driver.settle()
        sweep.sweep(driver.runtime)
        return len(told) == 2

    wait_until(has_begun_again)

    assert answer(driver, told[0], action="complete") == "closed"
    assert answer(driver, told[1], action="complete") == "accepted"
    assert driver.finish(execution_id).status == "COMPLETED"


def test_another_pipeline_can_be_given_the_address_and_keeps_it_as_a_secret(
    driver: Driver, session: Any, told: list[str]
) -> None:
    child = a_step("say", action="ask", params={"tell": "{{ params.at }}"})
    a_pipeline(session, child, name="child", parameters=[{"name": "at"}])
    params = {"pipeline": "child", "params": {"at": "{{ callback_url }}"}}

    execution_id = driver.start(a_step("a", action="run_pipeline", params=params))
    driver.settle()

    assert rows_that_quote(driver, "/callbacks/") == []
    assert answer(driver, told[0], action="complete", outputs={"by": "child"}) == "accepted"
    assert driver.finish(execution_id).step("a").outputs["by"] == "child"


# ── A request whose answer comes later ───────────────────────────────────────────────────


def a_job(service: LocalService, **params: Any) -> dict[str, Any]:
    sent = {
        "url": f"{service.url}/jobs",
        "method": "POST",
        "headers": {"X-Tell": "{{ callback_url }}"},
        "body": {"input": 7, "tell": "{{ callback_url }}"},
        "wait_for_callback": True,
    }
    return a_step("job", action="http_request", params=sent | params)


@pytest.fixture
def outside(drive: Callable[..., Driver]) -> Any:
    with local_service() as service:
        yield service, drive(http_allowed_hosts=(f"127.0.0.1:{service.server_port}",))


def test_a_request_hands_out_its_address_and_waits_for_the_job_to_call(outside: Any) -> None:
    service, driver = outside
    service.answer("POST /jobs", {"id": "j1"}, status=202)
    execution_id = driver.start(a_job(service))
    driver.settle()
    row = driver.look(execution_id).step("job")
    assert (row.awaiting_event, row.outputs["body"]) == (True, {"id": "j1"})
    assert row.outputs["callback"] is None

    sent = service.received[0]
    assert sent.headers["x-tell"] == sent.body["tell"]
    answer(driver, sent.body["tell"], result=[1, 2])

    outputs = driver.finish(execution_id).step("job").outputs
    assert (outputs["callback"], outputs["status_code"]) == ({"result": [1, 2]}, 202)


def test_an_echo_of_the_address_is_masked(outside: Any) -> None:
    service, driver = outside
    service.answer("POST /jobs", {})
    execution_id = driver.start(a_job(service))
    driver.settle()
    url = service.received[0].body["tell"]

    answer(driver, url, action="complete", outputs={"n": 1})
    driver.finish(execution_id)

    assert rows_that_quote(driver, url) == []


@pytest.mark.parametrize("status", [404, 503])
def test_a_request_that_is_refused_waits_for_nothing(outside: Any, status: int) -> None:
    service, driver = outside
    service.answer_in_turn("POST /jobs", Answer(status))

    step = driver.run(a_job(service)).step("job")

    assert (step.status, step.error_code) == ("FAILED", f"http_{status}")
    assert step.outputs["callback"] is None


class CallsFirst(list[Answer]):
    """Answers of a service that calls back before it answers the request."""

    def __init__(self, driver: Driver, service: LocalService, answer: Answer) -> None:
        super().__init__([answer])
        self.outcomes: list[str] = []
        self._driver, self._service = driver, service

    def pop(self, index: Any = -1) -> Answer:
        url = self._service.received[-1].body["tell"]
        self.outcomes.append(answer(self._driver, url, rows=3))
        return super().pop(index)


@pytest.mark.parametrize(("status", "ends"), [(202, "COMPLETED"), (500, "FAILED")])
def test_a_call_that_comes_before_the_answer_waits_for_it_and_counts_if_that_is_good(
    outside: Any, status: int, ends: str
) -> None:
    service, driver = outside
    calls = CallsFirst(driver, service, Answer(status, {}))
    service.turns["POST", "/jobs"] = calls
    found = driver.run(a_job(service))

    step = found.step("job")
    assert (step.status, calls.outcomes) == (ends, ["early"])
    assert step.outputs["callback"] == ({"rows": 3} if ends == "COMPLETED" else None)
    driver.settle()
    assert answer(driver, service.received[0].body["tell"], rows=4) == "closed"


def test_the_job_may_fail_and_take_its_time_no_longer_than_it_was_given(outside: Any) -> None:
    service, driver = outside
    service.answer("POST /jobs", {})
    failed, late = (driver.start(a_job(service, callback_timeout_seconds=n)) for n in (60, 1))
    driver.settle()

    answer(driver, service.received[0].body["tell"], action="fail", error="no disk")

    assert driver.finish(late).step("job").error_code == "timeout"
    assert driver.finish(failed).step("job").error_message == "no disk"


def test_three_people_are_asked_side_by_side_and_the_first_no_ends_all(outside: Any) -> None:
    """Three approvals whose addresses are handed out; the first refusal ends all."""
    service, driver = outside
    service.answer("POST /chat", {})
    body = {"to": "{{ item }}", "text": "Release 7?", "answer_at": "{{ callback_url }}"}
    params = {"url": f"{service.url}/chat", "method": "POST", "body": body}
    ask = a_step(
        "ask",
        action="http_request",
        params=params | {"wait_for_callback": True},
        for_each=["legal", "ops", "security"],
    )
    asked = [driver.start(ask), driver.start(ask)]
    driver.settle()
    addresses = [one.body["answer_at"] for one in service.received]
    assert len(set(addresses)) == 6

    for url in addresses[:3]:
        answer(driver, url, action="complete", by="Ada")
    answer(driver, addresses[4], action="fail", error="too early", by="Bob")

    ends = {driver.finish(one).status for one in asked}
    assert ends == {"COMPLETED", "FAILED"}
