"""Which step an event is for, and what it means for that step."""

from __future__ import annotations

from typing import Any

import pytest
from support.contexts import a_notification
from support.factories import a_step, an_action
from support.parked_job import DONE, Parked, accept, dispositions

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
)
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Arrival

# ── Finding the step ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        {"workflow_id": "job"},
        {"payload": {"workflow_id": "job"}},
        {"notification_metadata": {"workflow_id": "job"}},
        {"payload": {"content": {"result": {"workflow_id": "job"}}}},
        {"workflow_id": "", "payload": {"workflow_id": None}, "event_key": "job"},
        {"workflow_id": "job", "payload": {"workflow_id": "another"}},
        {"payload": {"workflow_id": "job"}, "notification_metadata": {"workflow_id": "another"}},
        {"payload": "text", "notification_metadata": {"workflow_id": "job"}},
        {"workflow_id": " job\n"},
        {"workflow_id": " ", "event_key": "job"},
        {"workflow_id": {"id": "x"}, "payload": {"workflow_id": ["x"]}, "event_key": "job"},
    ],
)  # fmt: skip
def test_the_id_is_looked_for_where_peers_put_it(driver, waiting, body):
    """Spec 6.2: the first that is not empty."""
    assert (
        inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body=body)).outcome
        == "accepted"
    )
    assert driver.finish(waiting).status == "COMPLETED"


@pytest.mark.parametrize("key", ["job ", "\tjob", "job\n"])
@pytest.mark.parametrize("sent", ["job", " job "])
def test_white_space_around_a_key_separates_nobody_from_his_event(drive, key, sent):
    driver = drive()
    execution_id = driver.start(a_step("a", action="wait_for_event", params={"event_key": key}))
    driver.settle()

    inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body={"workflow_id": sent}))

    assert driver.finish(execution_id).status == "COMPLETED"


def job_event(event: str, payload_type: str, result: Any = None, **fields: Any) -> dict[str, Any]:
    body = a_notification(event, payload_type=payload_type, result=result)
    body["payload"]["workflow_id"] = body["notification_metadata"]["workflow_id"] = "job"
    body["payload"]["content"] |= fields
    return body


@pytest.mark.parametrize(
    "body",
    [
        job_event("results", "perform_model_extraction", {"workflow_id": "job", "local_path": "/"}),
        job_event("eta", "perform_model_extraction", message="12"),
        job_event("timeout", "model_extraction_eta_workflow"),
        job_event("deployment_status", "deploy_model", status="STARTED"),
        job_event("run_performance_benchmark", "performance_benchmark", {"cluster_id": "c"}),
        job_event("results", "add_worker", {"number_of_nodes": 2}),
        job_event("results", "delete_deployment", results={"namespace": "n", "cluster_id": "c"}),
        job_event("results", "get_cluster_recommendations", {"recommendations": []}),
        {"type": "workflow_completed", "workflow_id": "job", "status": "COMPLETED", "result": {}},
    ],
    ids=lambda body: body.get("payload", {}).get("type", "workflow_completed"),
)
def test_every_event_that_peers_really_produce_finds_its_step(driver, waiting, job, body):
    """Spec 6.6."""
    receipt = inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body=body))
    driver.settle()

    assert receipt.outcome == "accepted"
    assert job.seen == [body]


def test_two_steps_that_wait_for_the_same_id_both_get_the_event(driver, job):
    """[!] 6.2: there two matches are an exception, and the event is lost."""
    ids = [driver.start(a_step("a", action="job")) for _ in range(2)]
    driver.settle()

    accept(driver)

    assert [driver.finish(i).status for i in ids] == ["COMPLETED", "COMPLETED"]


# ── What the event means ─────────────────────────────────────────────────────────────────


def test_an_event_about_the_eta_alone_does_not_set_the_progress_back(driver, waiting):
    accept(driver, answer="progress", progress=40)
    driver.settle()
    accept(driver, answer="progress", eta=3)
    driver.settle()

    row = driver.look(waiting).step("a")
    assert (row.progress_percentage, row.eta_seconds) == (40, 180)
    assert driver.look(waiting).events("a")[-2:] == ["step_progress", "eta_update"]


@pytest.mark.parametrize(
    ("progress", "eta", "shown"), [(250, -5, (100, 0)), (-1, 10**12, (0, 2**31 - 1))]
)
def test_impossible_progress_is_cut_to_what_is_possible(driver, waiting, progress, eta, shown):
    accept(driver, answer="progress", progress=progress, eta=eta)
    driver.settle()

    row = driver.look(waiting).step("a")
    assert (row.progress_percentage, row.eta_seconds) == shown


@pytest.mark.parametrize("answer", ["ignore", "crash"])
def test_an_event_that_means_nothing_leaves_the_step_waiting(driver, waiting, answer):
    accept(driver, answer=answer)
    driver.settle()

    assert driver.look(waiting).step("a").awaiting_event
    assert dispositions(driver) == ["pending"]


def test_an_action_that_reads_no_events_ignores_them(drive):
    driver = drive(an_action("deaf", Parked().park))
    execution_id = driver.start(a_step("a", action="deaf"))
    driver.settle()

    accept(driver)
    driver.settle()

    assert driver.look(execution_id).step("a").awaiting_event


def test_an_event_for_an_earlier_attempt_does_not_end_a_later_one(drive, job):
    attempts = iter(["first", "second"])

    def park(context: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_id=next(attempts))

    driver = drive(an_action("job", park, on_event=lambda context: DONE))
    execution_id = driver.start(
        a_step("a", action="job", retry={"max_attempts": 2, "backoff_seconds": 0})
    )
    driver.settle()
    driver.change("UPDATE step_executions SET deadline_at = now() WHERE awaiting_event")
    sweep.sweep(driver.runtime)
    sweep.sweep(driver.runtime)
    driver.settle()
    assert driver.look(execution_id).step("a").attempt == 2

    accept(driver, workflow_id="first")
    driver.settle()

    assert driver.look(execution_id).step("a").awaiting_event
    assert dispositions(driver) == ["pending"]
    accept(driver, workflow_id="second")
    assert driver.finish(execution_id).status == "COMPLETED"
