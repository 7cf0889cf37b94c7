"""``notify`` of steps: told by the senders of subscriptions, and by no step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from support.counting import counted_statements
from support.driving import Driver
from support.factories import a_block, a_document, a_step, an_action
from support.local_service import LocalService
from support.messengers import OneMessenger, subscribe

from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.errors import DuplicateSubscriptionName
from pipeline_engine.messaging import notices
from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk import ActionResult
from pipeline_engine.services import executions, subscriptions
from pipeline_engine.services.executions import StartRequest


def a_failing_step(_: Any) -> ActionResult:
    return ActionResult(success=False, error="no disk left", error_code="full")


@pytest.fixture
def driver(reaching: Callable[..., Runtime]) -> Driver:
    return Driver(reaching(an_action("failing", a_failing_step)))


@pytest.fixture
def on_call(driver: Driver, receiver: LocalService) -> UUID:
    """A subscription that hears of nothing but what names it."""
    made = subscribe(driver.runtime, f"{receiver.url}/hook", name="on-call", event_types=[])
    return made.shown.subscription.id


def notify(message: str, *on: str, **more: Any) -> dict[str, Any]:
    return {"on": list(on), "subscription": "on-call", "message": message, **more}


def run(driver: Driver, *steps: dict[str, Any], **fields: Any) -> UUID:
    params = fields.pop("given", {})
    document = a_document(*steps, **fields)
    started = executions.run_ephemeral(
        SYSTEM, driver.runtime, document, StartRequest(params=params)
    )
    driver.finish(started.id)
    OneMessenger(driver.runtime).send_all()
    return started.id


def said(receiver: LocalService) -> list[str]:
    return [received.body["data"]["message"] for received in receiver.received]


def test_a_step_tells_the_subscription_that_it_names_once_signed_and_in_its_words(
    driver: Driver, receiver: LocalService, on_call: UUID
) -> None:
    message = "{{ step.name }} of {{ params.who }}: {{ step.error.code }}, {{ steps.a.status }}"
    told = notify(message, "failed", title="{{ execution.name }} {{ step.status }}")
    parameters = [{"name": "who"}]

    execution_id = run(
        driver,
        a_step("a"),
        a_step("b", "a", action="failing", notify=told),
        parameters=parameters,
        given={"who": "ada"},
    )
    OneMessenger(driver.runtime).send_all()

    (received,) = receiver.received
    assert received.body["type"] == "notification"
    assert received.body["id"] == received.headers["webhook-id"]
    assert received.headers["webhook-signature"].startswith("v1,")
    data = received.body["data"]
    assert data["execution_id"] == str(execution_id)
    assert (data["title"], data["message"]) == ("under-test failed", "b of ada: full, COMPLETED")
    assert (data["on"], data["step"]["step_id"]) == ("failed", "b")


def test_of_a_fan_out_the_whole_is_told_or_each_item(
    driver: Driver, receiver: LocalService, on_call: UUID
) -> None:
    whole = notify("all: {{ step.outputs.total }}", "completed")
    each = notify("{{ step.item_index }}: {{ step.outputs.message }}", "completed", per_item=True)

    run(driver, a_step("a", for_each=["x", "y"], notify=[whole, each]))

    assert sorted(said(receiver)) == ["0: a", "1: a", "all: 2"]


def test_a_step_of_a_block_and_a_handler_tell_of_themselves(
    driver: Driver, receiver: LocalService, on_call: UUID
) -> None:
    inner = a_step("in", notify=notify("{{ item }}: {{ steps.in.outputs.message }}", "completed"))
    last = a_step("last", notify=notify("over, {{ steps.loop.status }}", "completed"))
    del last["depends_on"]

    run(driver, a_block("loop", inner, for_each=["x", "y"]), settings={"finally": [last]})

    assert sorted(said(receiver)) == ["over, COMPLETED", "x: in", "y: in"]


def test_secrets_of_the_params_stay_hidden_and_a_template_that_fails_says_so(
    driver: Driver, receiver: LocalService, on_call: UUID
) -> None:
    parameters = [{"name": "token", "type": "secret"}, {"name": "n", "type": "array"}]
    leaks = a_step("a", params={"message": "it is {{ params.token }}"})
    leaks["notify"] = notify("{{ steps.a.outputs.message }}", "completed")
    wrong = a_step("b", "a", notify=notify("{{ 1 / (params.n | length) }}", "completed"))

    run(driver, leaks, wrong, parameters=parameters, given={"token": "tr0ub4dor&3", "n": []})

    first, second = said(receiver)
    assert "tr0ub4dor&3" not in first
    assert second.startswith("The message of notify cannot be made: ")


def test_only_a_subscription_of_the_executions_owner_is_told(
    driver: Driver, receiver: LocalService
) -> None:
    told = {"caller": Caller("ada"), "name": "on-call", "event_types": []}
    subscribe(driver.runtime, f"{receiver.url}/hook", **told)

    run(driver, a_step("a", notify=notify("hello", "completed")))

    assert receiver.received == []


def test_what_was_told_while_it_was_paused_comes_when_it_is_resumed(
    driver: Driver, receiver: LocalService, on_call: UUID
) -> None:
    runtime = driver.runtime
    with runtime.sessions.begin() as session:
        subscriptions.pause(SYSTEM, session, runtime, str(on_call))
    run(driver, a_step("a", notify=notify("hello", "completed")))
    assert receiver.received == []

    with runtime.sessions.begin() as session:
        subscriptions.resume(SYSTEM, session, runtime, str(on_call))
    OneMessenger(runtime).send_all()

    assert said(receiver) == ["hello"]


def test_a_name_means_one_subscription_of_its_owner(
    driver: Driver, receiver: LocalService, on_call: UUID
) -> None:
    with pytest.raises(DuplicateSubscriptionName):
        subscribe(driver.runtime, f"{receiver.url}/hook", name="on-call")


def test_steps_pay_nothing_for_it(driver: Driver, on_call: UUID) -> None:
    """The one row that says so is written when the definition is."""
    usual, telling = a_step("a"), a_step("a", notify=notify("hello", "completed"))

    def statements(step: dict[str, Any]) -> int:
        with counted_statements(driver.runtime.engine) as seen:
            started = executions.run_ephemeral(
                SYSTEM, driver.runtime, a_document(step), StartRequest()
            )
            driver.finish(started.id)
        return sum(seen.values())

    statements(usual)  # what is prepared once is prepared

    assert statements(telling) == statements(usual)
    with driver.runtime.engine.begin() as connection:
        connection.execute(text("UPDATE pipeline_revisions SET notifies = false"))
    assert notices.tell(driver.runtime) == 0


def test_the_action_notification_tells_a_subscription_once_and_hides_secrets(
    driver: Driver, receiver: LocalService, on_call: UUID
) -> None:
    parameters = [{"name": "token", "type": "secret"}]
    told = {"subscription": "on-call", "message": "it is {{ params.token }}", "severity": "error"}

    run(
        driver,
        a_step("a", action="notification", params=told, for_each=["x", "y"]),
        parameters=parameters,
        given={"token": "tr0ub4dor&3"},
    )

    first, second = receiver.received
    assert first.headers["webhook-id"] != second.headers["webhook-id"]
    assert first.body["type"] == "notification"
    data = first.body["data"]
    assert (data["title"], data["severity"]) == ("Workflow Notification", "error")
    assert data["notification_id"] == f"{data['execution_id']}-a"
    assert "tr0ub4dor&3" not in data["message"]


def test_the_action_notification_fails_if_there_is_nobody_to_tell(
    driver: Driver, receiver: LocalService
) -> None:
    told = {"subscription": "nobody", "message": "hello"}

    execution_id = run(driver, a_step("a", action="notification", params=told))

    row = driver.look(execution_id).step("a")
    assert (row.status, row.error_code) == ("FAILED", "subscription_not_found")


def test_who_has_to_approve_is_told_when_it_begins_and_reminded_in_the_same_words(
    driver: Driver, receiver: LocalService, on_call: UUID
) -> None:
    message = "{{ step.status }}: {{ step.outputs.message }} {{ step.outputs.page_url }}"
    asks = a_step(
        "sign_off",
        action="approval",
        params={"message": "Deploy?", "remind_every_seconds": 60},
        notify=notify(message, "parked", "reminder"),
    )
    document = a_document(asks)
    started = executions.run_ephemeral(SYSTEM, driver.runtime, document, StartRequest())
    driver.settle()
    with driver.runtime.engine.begin() as connection:
        due = "UPDATE step_executions SET due_at = now() - interval '1 second' WHERE awaiting_event"
        connection.execute(text(due))
    sweep.sweep(driver.runtime)
    OneMessenger(driver.runtime).send_all()

    page = f"/approvals/{started.id}"
    begun, again = said(receiver)
    assert begun.startswith("parked: Deploy? http")
    assert again.startswith("reminder: Deploy? http")
    assert begun.endswith(page)
    assert again.endswith(page)
