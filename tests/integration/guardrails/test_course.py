"""Guardrail workflows from their first step to their last, on real servers and stand-in peers."""

from __future__ import annotations

from importlib import import_module

import pytest
from sqlalchemy import delete
from support.driving import in_background
from support.guardrails import ALICE, Begin, GuardrailDriver, Wizard, behaving
from support.stand_ins import StandIns

from pipeline_engine.config import Settings
from pipeline_engine.errors import (
    GuardrailPipelineRunning,
    GuardrailStepNotReached,
    GuardrailWorkflowEnded,
)
from pipeline_engine.guardrails import following, workflows
from pipeline_engine.messaging.progress import ProgressNotes
from pipeline_engine.services import executions
from pipeline_engine.storage.tables.events import Event
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.steps import StepExecution


def test_a_whole_course_onboards_recommends_and_deploys(begin: Begin, peers: StandIns) -> None:
    alice = begin()

    alice.go_to(12)
    view = alice.finish()

    assert (view.status, view.next_step, view.reason) == ("completed", None, None)
    assert [(run.step_number, run.number, run.status) for run in view.runs] == [
        (5, 1, "completed"),
        (8, 1, "completed"),
        (12, 1, "completed"),
    ]
    told = view.workflow_steps
    assert len(told["deployed_endpoint_ids"]) == len(told["onboarded_models"]) == 2
    assert told["recommended_clusters"][0]["cluster_id"] == told["cluster_id"]
    assert told["pipeline_results"]["deployment_id"] == told["deployment_id"]
    assert view.skipped_steps == []
    assert peers.written(f"PUT /budapp/internal/guardrails/redis/{told['profile_id']}")


def test_progress_is_found_by_the_deployment_too(begin: Begin, driver: GuardrailDriver) -> None:
    alice = begin()
    alice.go_to(3)

    with driver.runtime.sessions.begin() as session:
        assert workflows.progress(ALICE, session, str(alice.id)).run is None
    alice.go_to(12)
    with driver.runtime.sessions.begin() as session:
        found = workflows.progress(ALICE, session, str(alice.id))
    deployment_id = alice.finish().workflow_steps["deployment_id"]
    with driver.runtime.sessions.begin() as session:
        by_deployment = workflows.progress(ALICE, session, deployment_id)

    assert found.progress is not None
    assert found.progress.steps[0].step_id == "deploy_models"
    assert by_deployment.workflow.id == alice.id


def test_models_that_serve_are_deployed_by_nobody(begin: Begin, peers: StandIns) -> None:
    first = begin()
    second = begin(probe=first.probe)
    first.go_to(12)
    first.finish()
    jobs = len(peers.jobs)

    view = second.go_to(3)
    assert (view.workflow_steps["skip_to_step"], view.next_step) == (9, 9)
    second.go_to(12)
    view = second.finish()

    assert view.status == "completed"
    assert [run.step_number for run in view.runs] == [12]
    assert len(peers.jobs) == jobs
    assert len(view.workflow_steps["models_to_reuse"]) == 2


def test_a_failed_deployment_is_taken_back_and_may_be_repeated(
    begin: Begin, peers: StandIns
) -> None:
    alice = begin()
    models = alice.go_to(11).workflow_steps["models_to_deploy"]
    with behaving(peers, failing=[models[1]["model_id"]]):
        alice.say(12)
        failed = alice.finish()

    assert (failed.status, failed.next_step) == ("failed", 12)
    assert "1/2 models failed" in str(failed.reason)
    rollback = failed.workflow_steps["rollback"]
    assert (rollback["status"], len(rollback["cleaned_up"]["endpoints"])) == ("success", 1)
    assert failed.workflow_steps["pipeline_results"] == {"rollback": rollback}

    alice.say(12)
    view = alice.finish()

    assert view.status == "completed"
    assert [(run.step_number, run.number, run.status) for run in view.runs[2:]] == [
        (12, 1, "failed"),
        (12, 2, "completed"),
    ]
    assert view.workflow_steps["rollback"] is None, "nothing of this run was taken back"
    assert (view.runs[2].results or {})["rollback"] == rollback, "that of the first is kept"


def test_the_end_counts_before_anybody_has_written_it(begin: Begin) -> None:
    alice = begin()
    alice.go_to(5)
    started = alice.view()
    alice.run_to_its_end()

    seen = alice.view()
    following.follow(alice.runtime)
    written = alice.view()

    assert (started.phase, seen.phase, seen.next_step) == ("onboarding", "collecting", 6)
    assert (seen.version, seen.runs, seen.workflow_steps) == (
        written.version,
        written.runs,
        written.workflow_steps,
    )
    assert following.follow(alice.runtime) == 0


def test_whoever_tells_subscribers_tells_the_workflow(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    # The worker reads its settings when it is imported.
    for name in ("database_url", "redis_url"):
        monkeypatch.setenv(name.upper(), getattr(settings, name))
    monkeypatch.setenv("PIPELINE_SECRET_KEY", settings.secret_key)
    messenger = import_module("pipeline_engine.worker.messenger").Messenger
    alice = begin()
    alice.go_to(5)
    alice.run_to_its_end()

    messenger(lambda: alice.runtime).look(ProgressNotes(alice.runtime))

    assert following.follow(alice.runtime) == 0
    assert alice.view().phase == "collecting"


def test_a_submit_writes_the_end_first(begin: Begin) -> None:
    alice = begin()
    alice.go_to(5)
    alice.run_to_its_end()

    view = alice.say(6)

    assert (view.phase, view.runs[0].status) == ("collecting", "completed")


def test_two_submits_at_once_start_one_pipeline(begin: Begin) -> None:
    alice = begin()
    alice.go_to(6)
    twin = Wizard(alice.driver)
    twin.id = alice.id

    with in_background(lambda: alice.say(7), lambda: twin.say(7)):
        pass

    assert [run.step_number for run in alice.view().runs] == [5, 8]


def test_while_a_pipeline_runs_only_the_same_is_said_again(begin: Begin) -> None:
    alice = begin()
    before = alice.go_to(5)

    assert alice.say(5) == before
    with pytest.raises(GuardrailPipelineRunning):
        alice.say(5, credential_id="another")
    with pytest.raises(GuardrailPipelineRunning):
        alice.say(6)


def test_a_model_that_serves_no_more_is_found_out_before_all_is_deployed(
    begin: Begin, peers: StandIns
) -> None:
    first = begin()
    second = begin(probe=first.probe)
    first.go_to(12)
    model = first.finish().workflow_steps["onboarded_models"][0]["model_id"]
    second.go_to(11)

    with behaving(peers, endpoint_states={model: "failure"}):
        with pytest.raises(GuardrailStepNotReached) as refused:
            second.say(12)
        view = second.say(4)

    assert [one["step"] for one in refused.value.facts["missing"]] == [6, 7, 8]
    assert (view.next_step, view.workflow_steps["models_requiring_deployment"]) == (6, 1)


# ── Cancels ──────────────────────────────────────────────────────────────────────────────


def test_what_runs_not_is_cancelled_at_once(begin: Begin) -> None:
    alice = begin()
    alice.go_to(4)

    told = alice.cancel("a mistake")

    assert (told.status, told.workflow.phase) == ("success", "cancelled")
    assert told.workflow.reason == "a mistake"
    assert alice.cancel() == told
    with pytest.raises(GuardrailWorkflowEnded):
        alice.say(4)


def test_a_cancelled_onboarding_keeps_what_there_is(begin: Begin, peers: StandIns) -> None:
    alice = begin()
    with behaving(peers, silent=True):
        alice.go_to(5)
        alice.driver.settle()
        pending = alice.cancel()
        alice.finish()
    told = alice.cancel()

    assert (pending.status, told.status) == ("pending", "success")
    assert told.workflow.runs[0].status == "cancelled"
    assert not any(told.cleaned_up.values())


def test_a_cancelled_deployment_is_taken_back_and_models_stay(
    begin: Begin,
) -> None:
    alice = begin()
    alice.go_to(11)
    alice.deploy_one_of_two()

    pending, again = alice.cancel("no more"), alice.cancel()
    alice.finish()
    told = alice.cancel()

    assert (pending.status, again.status, told.status) == ("pending", "pending", "success")
    assert told.workflow.phase == "cancelled"
    assert len(told.cleaned_up["endpoints"]) == 2, "also the one that nobody has heard of"
    assert len(told.preserved["onboarded_models"]) == 2


def test_a_cancel_that_died_before_it_told_the_execution_goes_on(
    begin: Begin, peers: StandIns, driver: GuardrailDriver
) -> None:
    alice = begin()
    with behaving(peers, silent=True):
        alice.go_to(5)
        driver.settle()
        driver.change(
            "UPDATE guardrail_workflows SET phase = 'cancelling', reason = 'why',"
            " updated_at = now() - interval '1 minute'"
        )

        following.follow(driver.runtime)
        view = alice.finish()

    assert (view.phase, view.reason) == ("cancelled", "why")


# ── Executions that somebody else has in hand ────────────────────────────────────────────


def test_an_execution_that_is_cancelled_by_itself_fails_the_workflow(
    begin: Begin, peers: StandIns
) -> None:
    alice = begin()
    with behaving(peers, silent=True):
        view = alice.go_to(5)
        alice.driver.settle()
        executions.cancel(ALICE, alice.runtime, view.runs[0].execution_id)
        failed = alice.finish()
    alice.say(5)

    assert (failed.phase, failed.runs[0].status) == ("failed", "cancelled")
    assert alice.finish().phase == "collecting"


def test_an_execution_that_is_gone_has_failed(begin: Begin, driver: GuardrailDriver) -> None:
    alice = begin()
    alice.go_to(5)
    alice.run_to_its_end()
    with driver.runtime.engine.begin() as connection:
        for table in (StepExecution, Event, Execution):
            connection.execute(delete(table))

    seen = alice.view()
    following.follow(driver.runtime)

    assert (seen.phase, seen.runs[0].error) == ("failed", alice.view().runs[0].error)
    assert seen.runs[0].error is not None
    assert seen.runs[0].error["code"] == "execution_gone"
    assert alice.say(5).runs[1].number == 2
