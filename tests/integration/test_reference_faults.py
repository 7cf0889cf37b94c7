"""Faults of the reference service that this design rules out, as far as they have no other test.

The numbers are those of the description of its behaviour. More of them, marked in the same
way, stand beside the tests of what they are about.
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from support.driving import Driver
from support.factories import a_step, an_action

from pipeline_engine.beat.schedule import static_schedule
from pipeline_engine.dispatch.messages import SWEEP
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.errors import InvalidDefinition
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    StepStatus,
)
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Arrival
from pipeline_engine.services.queries.progress import ProgressQuery, progress

BOOLEAN = [{"name": "flag", "type": "boolean"}]


def decide(**params: Any) -> dict[str, Any]:
    return a_step("decide", action="conditional", params=params)


def branch(name: str, condition: str, target: str) -> dict[str, str]:
    return {"id": name, "condition": condition, "target_step": target}


TWO_WAYS = [branch("yes", "{{ params.flag }}", "y"), branch("no", "true", "n")]


def parked_job() -> Any:
    """An action that parks on ``job`` and does what the event says."""

    def park(context: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_id="job")

    def on_event(context: EventContext) -> EventResult:
        if "progress" in context.event_data:
            done = context.event_data["progress"]
            return EventResult(action=EventAction.UPDATE_PROGRESS, progress=done)
        return EventResult(
            action=EventAction.COMPLETE,
            status=StepStatus.COMPLETED,
            outputs={"token": "a text that looks like a secret", "id": 7},
        )

    return an_action("job", park, on_event=on_event)


def send(driver: Driver, **body: Any) -> None:
    inbox.accept(
        SYSTEM, driver.runtime, Arrival(source="tests", body={"workflow_id": "job", **body})
    )
    driver.settle()


# ── 2.5 Branches ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("flag", "taken"), [(True, "y"), (False, "n")])
def test_a_flag_decides_a_branch(drive, flag, taken):
    """[!] 2.5 a: a rendered boolean made the evaluation fail, and the branch never matched."""
    end = drive().run(
        decide(branches=TWO_WAYS),
        a_step("y", "decide"),
        a_step("n", "decide"),
        params={"flag": flag},
        parameters=BOOLEAN,
    )

    assert [s for s in ("y", "n") if end.statuses[s] == "COMPLETED"] == [taken]


@pytest.mark.parametrize(("number", "word"), [(6, "true"), (5, "false")])
def test_a_condition_that_is_false_chooses_the_false_branch(drive, number, word):
    """[!] 2.5 b: it was rendered to the text "False", which is true."""
    end = drive().run(
        decide(condition="{{ params.p > 5 }}"),
        outputs={"branch": "{{ steps.decide.outputs.branch }}"},
        params={"p": number},
        parameters=[{"name": "p", "type": "integer"}],
    )

    assert end.outputs == {"branch": word}


def test_a_step_on_an_untaken_branch_is_skipped_in_the_database(drive):
    """[!] 2.5 c: skips lived in memory only, and the row stayed PENDING for ever."""
    end = drive().run(
        decide(branches=TWO_WAYS),
        a_step("y", "decide"),
        a_step("n", "decide"),
        params={"flag": True},
        parameters=BOOLEAN,
    )

    row = end.step("n")
    assert (row.status, row.skip_reason) == ("SKIPPED", "branch")
    assert row.error_message == "Branch condition not matched"
    assert row.finished_at is not None


def test_a_branch_is_skipped_after_an_event_as_well(drive):
    """[!] 2.5 d: skips were not applied when a run went on after an event."""
    driver = drive(parked_job())
    execution_id = driver.start(
        a_step("job", action="job"),
        decide(branches=TWO_WAYS) | {"depends_on": ["job"]},
        a_step("y", "decide"),
        a_step("n", "decide"),
        params={"flag": True},
        parameters=BOOLEAN,
    )
    driver.settle()

    send(driver)

    assert driver.finish(execution_id).statuses["n"] == "SKIPPED"


# ── 3 Executions ─────────────────────────────────────────────────────────────────────────


def test_an_execution_that_cannot_be_stored_does_not_run(drive):
    """[!] 3.2: it went on in memory, and nobody could find it afterwards."""
    ran: list[str] = []

    def note(context: ActionContext) -> ActionResult:
        ran.append(context.step_id)
        return ActionResult(success=True)

    driver = drive(an_action("note", note), database_url="postgresql://nobody@127.0.0.1:1/none")

    with pytest.raises(OperationalError):
        driver.start(a_step("a", action="note"))
    assert ran == []


def test_outputs_have_the_same_shape_after_an_event(drive):
    """[!] 3.4: after an event they were ``{step_id: outputs}``, whatever the definition said."""
    driver = drive(parked_job())
    execution_id = driver.start(
        a_step("job", action="job"), outputs={"number": "{{ steps.job.outputs.id }}"}
    )
    driver.settle()

    send(driver)

    assert driver.finish(execution_id).outputs == {"number": 7}


def test_outputs_that_look_like_secrets_reach_later_steps_as_they_are(drive):
    """[!] 3.4 and 9.3: a redacted copy was stored, and later steps read that one."""
    driver = drive(parked_job())
    execution_id = driver.start(
        a_step("job", action="job"),
        a_step("use", "job", params={"message": "{{ steps.job.outputs.token }}"}),
    )
    driver.settle()

    send(driver)

    end = driver.finish(execution_id)
    assert end.step("use").outputs["message"] == "a text that looks like a secret"


def test_an_action_that_is_not_installed_is_refused(drive):
    """[!] 3.5: it was mocked as a success, in an execution whose step stayed RUNNING."""
    with pytest.raises(InvalidDefinition) as refused:
        drive().start(a_step("a", action="no_such_action"))

    assert "unknown_action" in {issue.code for issue in refused.value.facts["report"].errors}


def test_an_ended_execution_has_no_open_steps(drive):
    """[!] 3.5: an execution could be COMPLETED with steps RUNNING."""
    end = drive().run(
        a_step("a"),
        a_step("b", "a", condition="false"),
        a_step("c", "b", action="fail", on_failure="continue"),
        a_step("d", "c", for_each=[1, 2]),
    )

    assert end.status == "COMPLETED"
    assert all(row.finished_at for row in end.rows)


# ── 5 Progress ───────────────────────────────────────────────────────────────────────────


def test_the_progress_of_one_step_is_not_that_of_its_execution(drive, session):
    """[!] 5.5: an update of one step was published as if the whole run were that far."""
    driver = drive(parked_job())
    execution_id = driver.start(a_step("job", action="job"), a_step("after", "job"))
    driver.settle()

    send(driver, progress=60)

    seen = progress(SYSTEM, session, execution_id, ProgressQuery())
    assert driver.look(execution_id).step("job").progress_percentage == 60
    assert float(seen.aggregated.overall_progress) == 30


def test_every_change_of_state_is_in_the_history(drive):
    """[!] 5.4: no production code ever wrote an event, so the history was always empty."""
    driver = drive(parked_job())
    execution_id = driver.start(
        a_step("job", action="job"),
        a_step("bad", "job", action="fail", retry={"max_attempts": 2, "backoff_seconds": 0}),
        a_step("skipped", "bad"),
    )
    driver.settle()
    send(driver, progress=50)
    send(driver)

    events = driver.finish(execution_id).events()

    assert events == [
        "workflow_started",
        "step_started",
        "step_parked",
        "step_progress",
        "step_completed",
        "step_retrying",
        "step_failed",
        "step_skipped",
        "workflow_failed",
    ]


# ── 6 Time-outs ──────────────────────────────────────────────────────────────────────────


def test_somebody_rings_for_the_time_outs_wherever_a_beat_runs(settings):
    """[!] 6.5: the chart bound no cron to them, so that in production nothing ever timed out."""
    schedule = static_schedule(settings)

    assert schedule[SWEEP]["schedule"].run_every.total_seconds() <= 1
