"""Executions keep the versions of actions with which their pipeline was saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from support.driving import Driver
from support.factories import a_document, a_step, an_action
from support.runtimes import Drive

from pipeline_engine.dispatch.messages import task_of
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.errors import UnknownAction
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    StepStatus,
)
from pipeline_engine.services import executions, inbox, pipelines
from pipeline_engine.services.executions import StartRequest
from pipeline_engine.services.inbox import Arrival
from pipeline_engine.services.pipelines import PipelineRequest


def says(word: str) -> Callable[[ActionContext], ActionResult]:
    return lambda context: ActionResult(success=True, outputs={"said": word})


def greet(version: str, **given: Any) -> RegisteredAction:
    return an_action("greet", says(version), version=version, **given)


def parks(version: str) -> RegisteredAction:
    def answered(context: EventContext) -> EventResult:
        outputs = {"said": version}
        return EventResult(
            action=EventAction.COMPLETE, status=StepStatus.COMPLETED, outputs=outputs
        )

    def execute(context: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_id="job-1")

    return an_action("greet", execute, version=version, on_event=answered)


ONE, TWO = greet("1.0.0"), greet("2.0.0")


def saved(session: Session, driver: Driver, *steps: dict[str, Any], **before: Any) -> Any:
    """A pipeline that is saved where these actions are installed."""
    request = PipelineRequest(document=a_document(*steps, name="greeting"))
    if before:
        args = (before["pipeline"].id, request)
        stored = pipelines.update(SYSTEM, session, driver.runtime, *args, versions=None)
    else:
        stored = pipelines.create(SYSTEM, session, driver.runtime, request)
    session.commit()
    return stored


def started(driver: Driver, stored: Any) -> UUID:
    return executions.start(SYSTEM, driver.runtime, stored.pipeline.id, StartRequest()).id


def said(driver: Driver, execution_id: UUID, *step_ids: str) -> list[Any]:
    end = driver.finish(execution_id)
    return [(end.step(step_id).outputs or {}).get("said") for step_id in step_ids]


def test_two_versions_run_side_by_side_and_rows_say_which_was_named(drive: Drive) -> None:
    loop = {"items": [1], "action": "greet@1", "action_params": {}}
    driver = drive(ONE, TWO)

    end = driver.run(
        a_step("new", action="greet", params={}),
        a_step("old", action="greet@1", params={}),
        a_step("each", action="for_each", params=loop),
    )

    assert end.status == "COMPLETED"
    assert [end.step(i).outputs for i in ("new", "old")] == [{"said": "2.0.0"}, {"said": "1.0.0"}]
    assert [item.outputs for item in end.items("each")] == [{"said": "1.0.0"}]
    assert {row.action for row in end.rows} >= {"greet", "greet@1", "for_each"}


def test_a_pipeline_keeps_its_version_until_it_is_saved_again(
    drive: Drive, session: Session
) -> None:
    step = a_step("a", action="greet", params={})
    stored = saved(session, drive(ONE), step)
    upgraded = drive(ONE, TWO)

    before = said(upgraded, started(upgraded, stored), "a")
    again = saved(session, upgraded, step, pipeline=stored.pipeline)
    after = said(upgraded, started(upgraded, again), "a")

    assert (stored.action_versions, again.action_versions) == (
        {"greet": "1.0.0"},
        {"greet": "2.0.0"},
    )
    assert (before, after) == (["1.0.0"], ["2.0.0"])
    assert again.pipeline.revision == 2
    assert saved(session, upgraded, step, pipeline=stored.pipeline).pipeline.revision == 2


def test_a_parked_step_is_ended_by_the_version_that_parked_it(
    drive: Drive, session: Session
) -> None:
    step = a_step("a", action="greet", params={})
    first = drive(parks("1.0.0"))
    stored = saved(session, first, step)
    execution_id = started(first, stored)
    first.settle()

    upgraded = drive(parks("1.0.0"), parks("2.0.0"))
    saved(session, upgraded, step, pipeline=stored.pipeline)
    arrival = Arrival(source="tests", body={"workflow_id": "job-1"})
    inbox.accept(SYSTEM, upgraded.runtime, arrival)

    assert said(upgraded, execution_id, "a") == ["1.0.0"]


def test_a_version_that_is_gone_is_named_with_those_that_are_left(
    drive: Drive, session: Session
) -> None:
    stored = saved(session, drive(ONE, TWO), a_step("a", action="greet@1", params={}))
    driver = drive(TWO)

    with pytest.raises(UnknownAction, match=r"greet@1: version 1\.0\.0, which .* only 2\.0\.0"):
        started(driver, stored)


def test_the_limit_of_an_action_is_one_for_all_of_its_versions(drive: Drive) -> None:
    driver = drive(parks("1.0.0"), parks("2.0.0"), action_limits={"greet": 1})

    execution_id = driver.start(
        a_step("a", action="greet@1", params={}), a_step("b", action="greet@2", params={})
    )
    driver.settle()

    assert sorted(driver.look(execution_id).statuses.values()) == ["PENDING", "RUNNING"]


def test_all_versions_of_an_action_have_one_celery_task() -> None:
    assert task_of("greet@2") == task_of("greet")
