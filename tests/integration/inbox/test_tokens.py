"""Callback tokens: good for one attempt of one step."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from support.driving import Driver
from support.factories import a_step, an_action
from support.parked_job import DONE, dispositions

from pipeline_engine.errors import InvalidCallbackToken
from pipeline_engine.scheduler.actions.callback_tokens import CallbackToken, callback_url
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Receipt


def token_of(url: str) -> str:
    return url.rsplit("/", 1)[-1]


def call_back(driver: Driver, token: str, **body: Any) -> Receipt:
    return inbox.accept_callback(driver.runtime, token, body)


def test_the_address_that_an_action_was_given_ends_its_step(driver, waiting, job):
    receipt = call_back(driver, token_of(job.urls[0]), status="fine")

    assert receipt.outcome == "accepted"
    assert driver.finish(waiting).status == "COMPLETED"


def test_a_callback_that_comes_before_the_step_is_parked_waits_for_it(drive):
    seen: list[Receipt] = []
    holder: list[Driver] = []

    def park(context: ActionContext) -> ActionResult:
        seen.append(call_back(holder[0], token_of(context.callback_url)))
        holder[0].deliver()
        return ActionResult(success=True, awaiting_event=True, awaiting_callback=True)

    action = an_action("job", park, on_event=lambda c: DONE)
    holder.append(drive(action))
    execution_id = holder[0].start(a_step("a", action="job"))

    assert holder[0].finish(execution_id).status == "COMPLETED"
    assert [receipt.outcome for receipt in seen] == ["early"]


def test_an_action_that_forgets_to_wait_for_its_callback_fails_instead_of_ending(drive):
    def forgetful(context: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_callback=bool(context.callback_url))

    driver = drive(an_action("job", forgetful))

    ended = driver.run(a_step("a", action="job", retry={"max_attempts": 3, "backoff_seconds": 0}))

    step = ended.step("a")
    assert ended.status == "FAILED"
    assert (step.error_code, step.attempt) == ("contradictory_result", 1)
    assert "awaiting_callback requires awaiting_event=True" in step.error_message


def test_an_address_lives_as_long_as_its_step_may_wait(drive):
    urls: list[str] = []

    def park(context: ActionContext) -> ActionResult:
        urls.append(context.callback_url)
        return ActionResult(
            success=True, awaiting_event=True, awaiting_callback=True, timeout_seconds=30 * 86_400
        )

    driver = drive(an_action("job", park))
    driver.start(a_step("a", action="job"), a_step("b", action="job", timeout_seconds=60))
    driver.settle()

    ends = [jwt.decode(token_of(url), options={"verify_signature": False})["exp"] for url in urls]
    lives = sorted(end - time.time() for end in ends)
    assert lives[0] < 2 * 86_400 < 30 * 86_400 < lives[1]


def test_a_token_is_good_for_one_attempt_only(driver, waiting, job):
    driver.change("UPDATE step_executions SET deadline_at = now() WHERE awaiting_event")
    driver.finish(waiting)

    receipt = call_back(driver, token_of(job.urls[0]))
    driver.deliver()

    assert (receipt.outcome, dispositions(driver)) == ("closed", ["closed"])


def forged(driver: Driver, step: int) -> str:
    settings = replace(driver.runtime.settings, secret_key="of somebody else: " + "x" * 20)
    return token_of(callback_url(settings, CallbackToken(step, 1), valid_for=timedelta(hours=1)))


def expired(driver: Driver, step: int) -> str:
    target = CallbackToken(step, 1)
    settings = driver.runtime.settings
    return token_of(callback_url(settings, target, valid_for=timedelta(days=-2)))


@pytest.mark.parametrize("made", [forged, expired, lambda *_: "", lambda *_: "a.b.c"])
def test_a_token_that_is_not_ours_or_too_old_is_refused(driver, waiting, made):
    token = made(driver, driver.look(waiting).step("a").id)

    with pytest.raises(InvalidCallbackToken):
        call_back(driver, token)

    assert dispositions(driver) == []


def test_a_token_is_no_key_to_another_step(driver, waiting, job):
    other = driver.start(a_step("b", action="job"))
    driver.settle()

    call_back(driver, token_of(job.urls[0]))
    driver.settle()

    assert driver.look(waiting).status == "COMPLETED"
    assert driver.look(other).step("b").awaiting_event
