"""What may be said to any parked step: that it is done, has failed, is further, is revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.driving import Driver, Gate, in_background
from support.factories import a_step, an_action
from support.parked_job import Parked, dispositions

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.errors import AnswerNotAllowed, InvalidAnswer
from pipeline_engine.scheduler.actions.callback_tokens import CallbackToken, callback_url
from pipeline_engine.scheduler.resume import deliver
from pipeline_engine.sdk import ActionContext
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Arrival, Receipt


@pytest.fixture
def cleaned() -> list[str]:
    return []


@pytest.fixture
def driver(drive, job: Parked, cleaned: list[str]) -> Driver:
    def cleanup(context: ActionContext) -> None:
        cleaned.extend(context.external_workflow_ids)

    stoppable = an_action(
        "stoppable",
        job.park,
        on_event=job.on_event,
        cleanup=cleanup,
    )
    return drive(job.action(), stoppable)


def token(job: Parked) -> str:
    return job.urls[-1].rsplit("/", 1)[-1]


def say(driver: Driver, job: Parked, **body: Any) -> Receipt:
    return inbox.accept_callback(driver.runtime, token(job), body)


def test_complete_ends_a_step_with_outputs_whatever_its_action_reads(
    driver: Driver, waiting: Any, job: Parked
) -> None:
    say(driver, job, action="complete", outputs={"answer": 42})

    end = driver.finish(waiting)

    assert job.seen == [], "the action was not asked"
    assert end.step("a").outputs == {"n": 0, "answer": 42}


@pytest.mark.parametrize("error", ["broken", {"message": "broken", "code": "disk_full"}])
def test_fail_ends_it_with_an_error_that_a_policy_can_name(
    driver: Driver, waiting: Any, job: Parked, error: Any
) -> None:
    say(driver, job, action="fail", error=error)

    row = driver.finish(waiting).step("a")

    code = "event_failed" if isinstance(error, str) else "disk_full"
    assert (row.status, row.error_code, row.error_message) == ("FAILED", code, "broken")


def test_progress_is_stored_and_the_step_goes_on_waiting(
    driver: Driver, waiting: Any, job: Parked
) -> None:
    say(driver, job, action="progress", progress=40, outputs={"half": True})
    driver.settle()

    row = driver.look(waiting).step("a")
    assert (row.progress_percentage, row.outputs["half"], row.awaiting_event) == (40, True, True)


@pytest.mark.parametrize(
    "body",
    [
        {"action": "explode"},
        {"action": None},
        {"action": ["complete"]},
        {"action": "complete", "outputs": [1]},
        {"action": "complete", "output": {}},
        {"action": "complete", "reason": "x"},
        {"action": "fail", "error": 7},
        {"action": "fail", "error": {"code": "x"}},
        {"action": "progress"},
        {"action": "progress", "progress": 101},
        {"action": "progress", "progress": True},
        {"action": "revoke", "reason": {}},
    ],
)
def test_a_senseless_answer_is_refused_at_the_door(
    driver: Driver, waiting: Any, job: Parked, body: dict[str, Any]
) -> None:
    with pytest.raises(InvalidAnswer) as refused:
        say(driver, job, **body)

    assert refused.value.facts["problems"][0]["pointer"].startswith("/")
    assert dispositions(driver) == []


# ── Revoke ───────────────────────────────────────────────────────────────────────────────


def test_a_revoked_step_fails_without_a_retry_and_its_job_is_stopped(
    driver: Driver, job: Parked, cleaned: list[str]
) -> None:
    retry = {"max_attempts": 3, "backoff_seconds": 0}
    execution_id = driver.start(a_step("a", action="stoppable", retry=retry))
    driver.settle()

    say(driver, job, action="revoke", reason="the order was cancelled")

    end = driver.finish(execution_id)
    row = end.step("a")
    assert (end.status, row.status, row.error_code) == ("FAILED", "FAILED", "revoked")
    assert (row.error_message, row.retry_count) == ("the order was cancelled", 0)
    assert cleaned == ["job"]
    assert dispositions(driver) == ["applied"]


def test_what_has_nothing_to_clean_up_ends_at_once(
    driver: Driver, waiting: Any, job: Parked
) -> None:
    say(driver, job, action="revoke")

    row = driver.finish(waiting).step("a")
    assert (row.status, row.error_code) == ("FAILED", "revoked")


def test_handlers_and_policies_follow_a_revocation_as_any_failure(
    driver: Driver, job: Parked
) -> None:
    execution_id = driver.start(
        a_step("a", action="stoppable", on_failure="continue"), a_step("b", "a")
    )
    driver.settle()

    say(driver, job, action="revoke")

    end = driver.finish(execution_id)
    assert (end.status, end.step("b").status) == ("COMPLETED", "COMPLETED")


def test_an_attempt_that_still_runs_is_fenced_and_its_task_revoked(drive) -> None:
    gate, urls = Gate(), []

    def execute(context: ActionContext) -> Any:
        urls.append(context.callback_url)
        return gate.execute(context)

    slow = an_action("slow", execute)
    driver = drive(slow)
    execution_id = driver.start(a_step("a", action="slow"))
    step = driver.look(execution_id).step("a").id
    with in_background(lambda: driver.turn(step)):
        gate.wait_for("a")
        body = {"action": "revoke", "reason": "enough"}
        receipt = inbox.accept_callback(driver.runtime, urls[0].rsplit("/", 1)[-1], body)
        works = list(deliver.deliver(driver.runtime, [int(receipt.delivery_id)]))
        gate.open()

    row = driver.finish(execution_id).step("a")
    assert [found.task_id for work in works for found in work.revoked] == ["task"]
    assert (row.status, row.error_code, row.error_message) == ("FAILED", "revoked", "enough")


def test_an_event_by_key_can_revoke_a_wait_for_it(driver: Driver) -> None:
    params = {"event_key": "k", "match": {"phase": 1}}
    execution_id = driver.start(a_step("a", action="wait_for_event", params=params))
    driver.settle()

    body = {"workflow_id": "k", "action": "revoke", "reason": "no more"}
    inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body=body))

    row = driver.finish(execution_id).step("a")
    assert (row.status, row.error_code, row.error_message) == ("FAILED", "revoked", "no more")


# ── Approval ─────────────────────────────────────────────────────────────────────────────


def an_approval(driver: Driver, approvers: Any) -> tuple[Any, str]:
    execution_id = driver.start(a_step("a", action="approval", params={"approvers": approvers}))
    driver.settle()
    row = driver.look(execution_id).step("a")
    target = CallbackToken(row.id, row.attempt, is_checked=True)
    url = callback_url(driver.runtime.settings, target, valid_for=timedelta(hours=1))
    return execution_id, url.rsplit("/", 1)[-1]


@pytest.mark.parametrize("by", ["", "o", "ops", "ops@example.co", "OPS@example.com", None])
@pytest.mark.parametrize("approvers", ["ops@example.com", ["ops@example.com"]])
def test_only_an_approver_may_answer_and_others_are_told_so(
    driver: Driver, approvers: Any, by: str | None
) -> None:
    execution_id, key = an_approval(driver, approvers)

    for body in ({"approved": True, "by": by}, {"action": "complete", "by": by or ""}):
        with pytest.raises(AnswerNotAllowed):
            inbox.accept_callback(driver.runtime, key, body)
    inbox.accept_callback(driver.runtime, key, {"approved": True, "by": "ops@example.com"})

    end = driver.finish(execution_id)
    outputs = end.step("a").outputs
    said = {name: outputs[name] for name in ("approved", "by", "comment")}
    assert said == {"approved": True, "by": "ops@example.com", "comment": None}


@pytest.mark.parametrize("body", [{}, {"approved": "yes"}, {"approved": True, "by": ["ops"]}])
def test_an_answer_that_is_none_is_refused(driver: Driver, body: dict[str, Any]) -> None:
    _, key = an_approval(driver, [])

    with pytest.raises(InvalidAnswer):
        inbox.accept_callback(driver.runtime, key, body)


@pytest.mark.parametrize(("action", "status"), [("complete", "COMPLETED"), ("fail", "FAILED")])
def test_complete_is_a_yes_and_fail_a_no(driver: Driver, action: str, status: str) -> None:
    execution_id, key = an_approval(driver, ["ops"])

    inbox.accept_callback(driver.runtime, key, {"action": action, "by": "ops"})

    row = driver.finish(execution_id).step("a")
    assert (row.status, row.outputs["approved"]) == (status, status == "COMPLETED")


# ── What is accepted can be stored ───────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [1000, 262_000])
def test_an_event_of_any_size_that_is_accepted_completes_its_step(
    driver: Driver, size: int
) -> None:
    params = {"event_key": "k"}
    execution_id = driver.start(a_step("a", action="wait_for_event", params=params))
    driver.settle()

    body = {"workflow_id": "k", "text": "x" * size, "deep": nested(40)}
    inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body=body))

    assert driver.finish(execution_id).status == "COMPLETED"


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 1
