"""Limits of the installation: executions of a pipeline, steps with an action or a tag."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from support.driving import Driver
from support.factories import a_block, a_pipeline, a_step, an_action

from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.start import Request
from pipeline_engine.sdk import ActionContext, ActionResult, EventAction, EventResult, StepStatus
from pipeline_engine.services import executions, inbox
from pipeline_engine.services.explain import FindingCode, explain
from pipeline_engine.services.inbox import Arrival

OK, OUT, BAD, ENDED = "COMPLETED", "SKIPPED", "FAILED", "INTERRUPTED"
WAITS, RUNS = "PENDING", "RUNNING"


def parks() -> RegisteredAction:
    """An action that waits for an event with the id of its execution and step."""

    def execute(context: ActionContext) -> ActionResult:
        job = f"{context.execution_id}-{context.step_id}"
        return ActionResult(success=True, awaiting_event=True, external_workflow_id=job)

    def on_event(_: Any) -> EventResult:
        return EventResult(action=EventAction.COMPLETE, status=StepStatus.COMPLETED)

    return an_action("parks", execute, on_event=on_event)


def let_go(driver: Driver, execution_id: UUID, step_id: str = "job") -> None:
    body = {"workflow_id": f"{execution_id}-{step_id}"}
    inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body=body))
    driver.settle()


def job(step_id: str = "job", *depends_on: str, **fields: Any) -> dict[str, Any]:
    return a_step(step_id, *depends_on, action="parks", **fields)


def statuses(driver: Driver, *ids: UUID, step: str = "job") -> list[str]:
    return [driver.look(one).step(step).status for one in ids]


# ── Executions of a pipeline ─────────────────────────────────────────────────────────────


def a_capped(session: Session, *, most: int = 1, when_full: str = "queue", **fields: Any) -> UUID:
    settings = {"max_concurrent_executions": most, "when_full": when_full}
    pipeline = a_pipeline(session, job(), name="capped", settings=settings, **fields)
    pipeline.system_owned = True
    session.commit()
    return pipeline.id


def begin(driver: Driver, pipeline_id: UUID, owner: str | None = None, **params: Any) -> UUID:
    request = Request(user_id=owner, params=params)
    return executions.start(SYSTEM, driver.runtime, str(pipeline_id), request).id


def test_executions_of_a_pipeline_wait_for_each_other_whoever_has_started_them(drive, session):
    driver, pipeline = drive(parks()), a_capped(session)
    first, second = begin(driver, pipeline, "ann"), begin(driver, pipeline, "bob")
    driver.settle()
    before = statuses(driver, first, second)

    let_go(driver, first)

    assert before == [RUNS, WAITS]
    assert statuses(driver, first, second) == [OK, RUNS]
    let_go(driver, second)
    assert driver.finish(second).status == OK


def test_the_limit_counts_over_all_revisions(drive, session):
    driver, pipeline = drive(parks()), a_capped(session)
    first = begin(driver, pipeline)
    document = {
        "name": "capped",
        "steps": [job()],
        "settings": {"max_concurrent_executions": 1, "when_full": "skip"},
    }
    driver.change(
        "INSERT INTO pipeline_revisions (id, pipeline_id, revision, version, document)"
        " SELECT gen_random_uuid(), pipeline_id, 2, '2', %(new)s::jsonb FROM pipeline_revisions",
        new=json.dumps(document),
    )
    driver.change("UPDATE pipelines SET revision = 2")
    driver.settle()

    second = driver.finish(begin(driver, pipeline))

    assert statuses(driver, first) == [RUNS]
    assert second.status == ENDED
    assert second.execution.error["code"] == "concurrency_limit"


def test_the_oldest_is_cancelled_for_the_latest(drive, session):
    driver, pipeline = drive(parks()), a_capped(session, when_full="cancel_old")
    first, second = begin(driver, pipeline, "ann"), begin(driver, pipeline, "bob")
    driver.settle()

    assert driver.look(first).status == ENDED
    assert driver.look(first).execution.error["code"] == "superseded"
    assert statuses(driver, second) == [RUNS]


def test_an_execution_with_a_key_has_both_places_before_it_begins(drive, session):
    """The key of its author is asked for first: of one tenant only one takes part."""
    driver = drive(parks())
    tenant = {"key": "{{ params.tenant }}"}
    parameters = [{"name": "tenant"}]
    pipeline = a_capped(session, most=2, concurrency=tenant, parameters=parameters)
    a1, a2, b, c = (begin(driver, pipeline, tenant=name) for name in ("a", "a", "b", "c"))
    driver.settle()
    before = statuses(driver, a1, a2, b, c)

    let_go(driver, b)
    then = statuses(driver, a1, a2, b, c)
    let_go(driver, a1)

    assert before == [RUNS, WAITS, RUNS, WAITS]
    assert then == [RUNS, WAITS, OK, RUNS]
    assert statuses(driver, a1, a2, b, c) == [OK, RUNS, OK, RUNS]
    let_go(driver, a2)
    let_go(driver, c)
    assert [driver.finish(one).status for one in (a1, a2, b, c)] == [OK] * 4


def test_who_is_cancelled_between_its_places_keeps_neither(drive, session):
    driver = drive(parks())
    pipeline = a_capped(session, concurrency={"key": "x"})
    other = a_pipeline(session, job(), name="other", concurrency={"key": "x"})
    in_front = begin(driver, other.id)
    waiting = begin(driver, pipeline)
    driver.settle()

    executions.cancel(SYSTEM, driver.runtime, waiting)
    driver.settle()
    let_go(driver, in_front)
    last = begin(driver, pipeline)
    driver.settle()

    assert driver.finish(waiting).status == ENDED
    assert statuses(driver, last) == [RUNS]


def test_explain_shows_a_stranger_no_execution_of_others(drive, session):
    driver, pipeline = drive(parks()), a_capped(session)
    first, second = begin(driver, pipeline, "ann"), begin(driver, pipeline, "bob")
    driver.settle()

    with driver.runtime.sessions() as opened:
        bobs = explain(Caller(user_id="bob"), opened, driver.runtime, second)
    with driver.runtime.sessions() as opened:
        ours = explain(SYSTEM, opened, driver.runtime, second)

    [to_bob], [to_us] = (
        [f for f in found.findings if f.code is FindingCode.WAITS_FOR_PLACE]
        for found in (bobs, ours)
    )
    assert "its pipeline (1 at once): another one has one." in to_bob.because
    assert str(first) not in f"{to_bob.because}{to_bob.facts}"
    assert str(first) in to_us.because
    assert to_bob.facts["setting"] == "settings.max_concurrent_executions"


# ── Steps with an action or a tag ────────────────────────────────────────────────────────


def test_an_action_is_limited_across_pipelines_and_owners(drive):
    driver = drive(parks(), action_limits={"parks": 2})
    ids = [driver.start(job(), user_id=user) for user in ("ann", "bob", "cat")]
    driver.settle()
    before = statuses(driver, *ids)

    let_go(driver, ids[0])

    assert before == [RUNS, RUNS, WAITS]
    assert statuses(driver, *ids) == [OK, RUNS, RUNS]
    for one in ids[1:]:
        let_go(driver, one)
    assert [driver.finish(one).status for one in ids] == [OK] * 3


def test_a_tag_is_limited_whatever_the_action_is(drive):
    driver = drive(parks(), an_action("other", lambda _: None), action_limits={"tag:gpu": 1})
    first = driver.start(job(tags="gpu"))
    driver.settle()
    second = driver.start(a_step("job", action="log", tags=["cpu", "gpu"]))
    third = driver.start(job(tags=["cpu"]))
    driver.settle()

    assert statuses(driver, first, second, third) == [RUNS, WAITS, RUNS]
    let_go(driver, first)
    assert driver.finish(second).status == OK


def test_what_waits_for_the_scarce_holds_nothing_of_the_plentiful(drive):
    driver = drive(parks(), action_limits={"parks": 2, "tag:gpu": 1})
    with_gpu = [driver.start(job(tags=["gpu"])) for _ in range(3)]
    driver.settle()
    without = driver.start(job())
    driver.settle()

    assert statuses(driver, *with_gpu, without) == [RUNS, WAITS, WAITS, RUNS]
    let_go(driver, with_gpu[0])
    assert statuses(driver, *with_gpu) == [OK, RUNS, WAITS]


def test_a_step_with_a_key_waits_for_its_action_as_well(drive):
    driver = drive(parks(), action_limits={"parks": 1})
    first = driver.start(job())
    driver.settle()
    second = driver.start(job(concurrency={"key": "k"}))
    third = driver.start(a_step("job", concurrency={"key": "k"}))
    driver.settle()
    before = statuses(driver, first, second, third)

    let_go(driver, first)
    then = statuses(driver, first, second, third)
    let_go(driver, second)

    assert before == [RUNS, WAITS, WAITS]
    assert then == [OK, RUNS, WAITS]
    assert [driver.finish(one).status for one in (first, second, third)] == [OK] * 3


def test_items_count_one_by_one_and_what_makes_them_does_not(drive):
    driver = drive(parks(), action_limits={"parks": 2, "while": 0, "for_each": 0})
    fan_out = driver.start(job(for_each=[1, 2, 3]))
    driver.settle()

    assert [item.status for item in driver.look(fan_out).items("job")] == [RUNS, RUNS, WAITS]
    executions.cancel(SYSTEM, driver.runtime, fan_out)
    driver.finish(fan_out)


def test_cheap_steps_are_limited_as_well(drive):
    driver = drive(parks(), action_limits={"log": 1})
    steps = [a_step("a"), a_step("b", "a"), a_step("c", "b"), a_step("d", "b")]

    found = driver.run(*steps, a_block("box", a_step("e"), a_step("f", "e")))

    assert set(found.statuses.values()) == {OK}
    assert found.events("d").count("place_taken") == 1


def test_what_undoes_a_step_waits_for_nothing(drive):
    def breaks(_: ActionContext) -> ActionResult:
        return ActionResult(success=False)

    driver = drive(an_action("breaks", breaks), action_limits={"log": 0})
    done = a_step("done", action="set_output", params={"outputs": {}})
    done["compensate"] = {"action": "log", "params": {"message": "undone"}}
    last = {"id": "last", "name": "last", "action": "log", "params": {"message": "x"}}

    found = driver.run(
        done, a_step("bad", "done", action="breaks"), settings={"on_failure": [last]}
    )

    assert found.status == BAD
    assert (found.step("compensate:done").status, found.step("last").status) == (OK, OK)


def test_another_limit_counts_for_those_who_wait_and_takes_nothing_from_those_who_run(drive):
    driver = drive(parks(), action_limits={"parks": 2})
    ids = [driver.start(job()) for _ in range(4)]
    driver.settle()

    lower = Driver(with_limits(driver, {"parks": 1}))
    sweep.sweep(lower.runtime)
    let_go(lower, ids[0])
    lowered = statuses(driver, *ids)
    let_go(lower, ids[1])
    one_by_one = statuses(driver, *ids)
    unlimited = Driver(with_limits(driver, {}))
    sweep.sweep(unlimited.runtime)
    unlimited.settle()

    assert lowered == [OK, RUNS, WAITS, WAITS]
    assert one_by_one == [OK, OK, RUNS, WAITS]
    assert statuses(driver, *ids) == [OK, OK, RUNS, RUNS]


def with_limits(driver: Driver, limits: dict[str, int]) -> Any:
    settings = replace(driver.runtime.settings, action_limits=limits)
    return replace(
        driver.runtime,
        settings=settings,
        plans=type(driver.runtime.plans)(settings, driver.runtime.registry),
    )


@pytest.mark.parametrize(
    ("fields", "what"),
    [({"tags": "gpu"}, "the tag 'gpu' (1 at once)"), ({}, "the action 'parks' (1 at once)")],
)
def test_explain_names_the_setting_that_limits_a_step(drive, fields, what):
    driver = drive(parks(), action_limits={"tag:gpu" if fields else "parks": 1})
    first, second = driver.start(job(**fields)), driver.start(job(**fields))
    driver.settle()

    with driver.runtime.sessions() as session:
        found = explain(SYSTEM, session, driver.runtime, second)

    [finding] = [f for f in found.findings if f.code is FindingCode.WAITS_FOR_PLACE]
    assert what in finding.because
    assert f"step 'job' of execution {first}" in finding.because
    assert "PIPELINE_ACTION_LIMITS" in finding.what_to_do
