"""Quotas of owners: kept to the very number, whoever asks at the same moment, and given back."""

from __future__ import annotations

from threading import Barrier
from typing import Any
from uuid import UUID

import orjson
import pytest
from support.driving import Driver, in_background
from support.factories import a_document, a_pipeline, a_step, an_action
from support.waiting import wait_until

from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.errors import TooManyOpenExecutions, TooManyStoredBytes
from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.start import Request
from pipeline_engine.sdk import ActionContext, ActionResult, ExecutionMode
from pipeline_engine.services import drafts, executions, pipelines, quotas
from pipeline_engine.services.explain import FindingCode, explain
from pipeline_engine.services.pipelines import PipelineRequest
from pipeline_engine.storage import quotas as storage
from pipeline_engine.storage.places import Key, taken

ANN = Caller(user_id="ann")
WAITS, RUNS = "PENDING", "RUNNING"


def parks(context: ActionContext) -> ActionResult:
    return ActionResult(success=True, awaiting_event=True, external_workflow_id="never")


PARKS = an_action("parks", parks, execution_mode=ExecutionMode.EVENT_DRIVEN)


def parked(**fields: Any) -> dict[str, Any]:
    return a_step("job", action="parks", **fields)


@pytest.fixture
def pipeline(session) -> UUID:
    found = a_pipeline(session, a_step("a"), name="a")
    found.user_id = "ann"
    session.commit()
    return found.id


def begin(runtime: Runtime, pipeline_id: UUID, key: str | None = None) -> UUID:
    request = executions.with_key(Request(), key, "same")
    return executions.start(ANN, runtime, pipeline_id, request).id


def at_once(runtimes: list[Runtime], times: int, call: Any) -> list[Any]:
    """What *times* calls give that are made at the same moment, by several processes."""
    answers: list[Any] = []
    threads = [runtimes[number % len(runtimes)] for number in range(10)]
    meet = Barrier(len(threads))

    def some(runtime: Runtime) -> None:
        meet.wait()
        for _ in range(times // len(threads)):
            try:
                answers.append(call(runtime))
            except TooManyOpenExecutions as refused:
                answers.append(refused)

    with in_background(*[lambda one=one: some(one) for one in threads]):
        pass
    return answers


def test_of_fifty_starts_at_the_same_moment_exactly_as_many_begin_as_may(make_runtime, pipeline):
    runtimes = [make_runtime(max_open_executions=10) for _ in range(4)]

    answers = at_once(runtimes, 50, lambda runtime: begin(runtime, pipeline))

    started = [one for one in answers if isinstance(one, UUID)]
    refused = [one for one in answers if isinstance(one, TooManyOpenExecutions)]
    assert (len(started), len(refused)) == (10, 40)
    assert refused[0].facts == {"quota": "open_executions", "limit": 10, "used": 10}


def test_a_repeated_request_counts_once(make_runtime, pipeline):
    runtimes = [make_runtime(max_open_executions=2) for _ in range(2)]

    answers = at_once(runtimes, 20, lambda runtime: begin(runtime, pipeline, "again"))

    assert len(set(answers)) == 1
    begin(runtimes[0], pipeline)


@pytest.mark.parametrize("end", ["completes", "fails", "cancelled", "deleted"])
def test_whatever_ends_an_execution_gives_its_slot_back(drive, pipeline, end):
    broken = an_action("breaks", lambda _: ActionResult(success=False))
    driver = drive(PARKS, broken, max_open_executions=1)
    action = {"fails": "breaks", "completes": "log"}.get(end, "parks")
    one = driver.start(a_step("job", action=action), user_id="ann")
    driver.settle()
    if end == "cancelled":
        executions.cancel(SYSTEM, driver.runtime, one)
        driver.settle()
    elif end == "deleted":
        driver.change("DELETE FROM executions")

    def has_room() -> bool:  # a refusal is remembered for a moment
        try:
            return bool(begin(driver.runtime, pipeline))
        except TooManyOpenExecutions:
            return False

    wait_until(has_room, what="the slot to be free")


def test_a_lower_quota_stops_nothing_that_runs(make_runtime, pipeline):
    wide = make_runtime()
    ids = [begin(wide, pipeline) for _ in range(3)]

    with pytest.raises(TooManyOpenExecutions) as refused:
        begin(make_runtime(max_open_executions=2), pipeline)

    assert refused.value.facts["used"] == 3
    assert executions.ended(wide, ids) == set()


def test_some_owners_may_have_more_or_less_than_the_others(make_runtime, pipeline, session):
    exceptions = {"ann": {"open_executions": 1}, "group:ops": {"open_executions": None}}
    runtime = make_runtime(max_open_executions=2, quotas=exceptions)
    begin(runtime, pipeline)
    document = a_document(a_step("a"))

    with pytest.raises(TooManyOpenExecutions):
        begin(runtime, pipeline)

    for _ in range(3):
        executions.run_ephemeral(Caller(user_id="group:ops"), runtime, document, Request())
    [found] = [q for q in quotas.of(ANN, session, runtime.settings) if q.name == "open_executions"]
    assert (found.limit, found.used) == (1, 1)


# ── Parked steps ─────────────────────────────────────────────────────────────────────────


def test_a_step_that_would_be_parked_waits_until_another_one_of_its_owner_has_ended(drive):
    driver = drive(PARKS, max_parked_steps=2, quotas={"bob": {"parked_steps": 1}})
    fan_out = driver.start(parked(for_each=[1, 2, 3]), user_id="ann")
    bobs = [driver.start(parked(), user_id="bob") for _ in range(2)]
    other = driver.start(a_step("job"), user_id="ann")
    driver.settle()

    assert [item.status for item in driver.look(fan_out).items("job")] == [RUNS, RUNS, WAITS]
    assert [driver.look(one).step("job").status for one in bobs] == [RUNS, WAITS]
    assert driver.look(other).status == "COMPLETED"
    executions.cancel(SYSTEM, driver.runtime, bobs[0])
    driver.settle()
    assert driver.look(bobs[1]).step("job").status == RUNS
    with driver.runtime.engine.connect() as connection:
        assert storage.parked_steps(connection, "bob") == 1
        assert taken(connection, Key("*", "parked_steps:bob")) == 1


def test_explain_names_the_quota_of_parked_steps_and_a_higher_one_lets_them_in(drive):
    driver = drive(PARKS, max_parked_steps=1)
    first, second = (driver.start(parked(), user_id="ann") for _ in range(2))
    driver.settle()

    with driver.runtime.sessions() as session:
        found = explain(SYSTEM, session, driver.runtime, second)
    higher = drive(PARKS, quotas={"ann": {"parked_steps": 5}})
    sweep.sweep(higher.runtime)
    higher.settle()

    [finding] = [f for f in found.findings if f.code is FindingCode.WAITS_FOR_PLACE]
    assert "PIPELINE_MAX_PARKED_STEPS" in finding.what_to_do
    assert Driver(higher.runtime).look(second).step("job").status == RUNS
    assert first


def test_who_waits_for_a_pipeline_is_not_counted_beside_its_steps(drive, session):
    """Both of them would wait for the place that the parent has."""
    driver = drive(PARKS, max_parked_steps=1)
    a_pipeline(session, parked(), name="child")
    call = a_step("call", action="run_pipeline", params={"pipeline": "child"})

    driver.start(call)
    driver.settle()

    with driver.runtime.engine.connect() as connection:
        assert storage.parked_steps(connection, None) == 2


# ── Stored bytes ─────────────────────────────────────────────────────────────────────────


def stored(runtime: Runtime, name: str, caller: Caller = ANN) -> UUID:
    request = PipelineRequest(document=a_document(a_step("a"), description="x" * 300), name=name)
    with runtime.sessions.begin() as session:
        return pipelines.create(caller, session, runtime, request).pipeline.id


def test_definitions_take_no_more_room_than_their_owner_may_use(make_runtime, session):
    first = stored(make_runtime(), "one")
    used = storage.stored_bytes(session.connection(), "ann")
    narrow = make_runtime(max_stored_bytes=used + used // 2)

    with pytest.raises(TooManyStoredBytes) as refused:
        stored(narrow, "two")
    stored(narrow, "two", Caller(user_id="bob"))
    with narrow.sessions.begin() as opened:
        pipelines.delete(ANN, opened, first)

    assert refused.value.facts["limit"] == used + used // 2
    assert refused.value.facts["used"] > used + used // 2
    stored(narrow, "two")


def test_what_is_typed_and_not_published_takes_room_as_well(make_runtime, session):
    pipeline_id = stored(make_runtime(), "one")
    used = storage.stored_bytes(session.connection(), "ann")
    narrow = make_runtime(max_stored_bytes=used + 1000)

    def typed(document: str, caller: Caller = ANN) -> None:
        with narrow.sessions.begin() as opened:
            drafts.save(caller, opened, narrow, pipeline_id, document, based_on=1)

    typed("x" * 200)
    with pytest.raises(TooManyStoredBytes):
        typed("x" * 2000)

    with narrow.sessions() as opened:
        kept = drafts.get(ANN, opened, narrow, pipeline_id).document
    assert orjson.dumps(kept) == orjson.dumps("x" * 200)
