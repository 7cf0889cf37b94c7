"""Places of a key: who begins, who waits for whom, and what frees a place."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Event, Lock
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from support.driving import Driver, Gate, in_background
from support.factories import a_pipeline, a_step, an_action

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.errors import InvalidParams
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    StepStatus,
)
from pipeline_engine.services import executions, inbox
from pipeline_engine.services.explain import FindingCode, explain
from pipeline_engine.services.inbox import Arrival
from pipeline_engine.services.pages import Page
from pipeline_engine.services.queries.executions import ExecutionFilter, execution
from pipeline_engine.services.queries.executions import executions as executions_now
from pipeline_engine.storage import diagnostics, places
from pipeline_engine.storage.places import Key

OK, OUT, BAD, ENDED = "COMPLETED", "SKIPPED", "FAILED", "INTERRUPTED"
WAITS, RUNS = "PENDING", "RUNNING"
HOLDERS = "SELECT count(*) FROM concurrency_places WHERE taken_at IS NOT NULL"


def parks(cleaned: list[UUID]) -> RegisteredAction:
    """An action that waits for an event with the id of its execution, and notes its clean-ups."""

    def execute(context: ActionContext) -> ActionResult:
        return ActionResult(
            success=True, awaiting_event=True, external_workflow_id=f"job-{context.execution_id}"
        )

    def on_event(context: EventContext) -> EventResult:
        return EventResult(action=EventAction.COMPLETE, status=StepStatus.COMPLETED)

    def cleanup(context: ActionContext) -> None:
        cleaned.append(UUID(str(context.execution_id)))

    return an_action("parks", execute, on_event=on_event, cleanup=cleanup)


@pytest.fixture
def cleaned() -> list[UUID]:
    return []


@pytest.fixture
def driver(drive: Any, cleaned: list[UUID]) -> Driver:
    return drive(parks(cleaned), an_action("breaks", lambda _: ActionResult(success=False)))


def one_at_a_time(key: str = "lock", **fields: Any) -> dict[str, Any]:
    return {"concurrency": {"key": key, **fields}}


def parked(step_id: str = "job", *depends_on: str, **fields: Any) -> dict[str, Any]:
    return a_step(step_id, *depends_on, action="parks", **fields)


def let_go(driver: Driver, execution_id: UUID) -> None:
    """The job that a parked step of this execution waits for has ended."""
    body = {"workflow_id": f"job-{execution_id}"}
    inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body=body))
    driver.settle()


LEVELS = pytest.mark.parametrize("level", ["pipeline", "step"])


def start(driver: Driver, level: str, step: dict[str, Any] | None = None, **limit: Any) -> UUID:
    """An execution of which the whole, or the only step, needs a place."""
    concurrency, user_id = {"key": "lock", **limit}, limit.pop("user_id", None)
    concurrency.pop("user_id", None)
    step = step or parked()
    if level == "step":
        return driver.start({**step, "concurrency": concurrency}, user_id=user_id)
    return driver.start(step, concurrency=concurrency, user_id=user_id)


def statuses(driver: Driver, *ids: UUID) -> list[str]:
    return [driver.look(one).step("job").status for one in ids]


@LEVELS
def test_who_comes_first_has_the_place_and_the_others_wait_in_their_order(driver, level):
    first, second, third = (start(driver, level) for _ in range(3))
    driver.settle()
    before = statuses(driver, first, second, third)

    let_go(driver, first)
    after = statuses(driver, first, second, third)
    let_go(driver, second)
    let_go(driver, third)

    assert before == [RUNS, WAITS, WAITS]
    assert after == [OK, RUNS, WAITS]
    assert [driver.finish(one).status for one in (first, second, third)] == [OK, OK, OK]
    assert driver.look(third).events().count("place_awaited") == 1
    assert driver.look(third).events().count("place_taken") == 1


@LEVELS
def test_a_limit_lets_in_as_many_as_it_says(driver, level):
    ids = [start(driver, level, limit=2) for _ in range(4)]
    driver.settle()

    assert statuses(driver, *ids) == [RUNS, RUNS, WAITS, WAITS]


@LEVELS
def test_other_keys_and_other_owners_have_places_of_their_own(driver, level):
    ids = [
        start(driver, level),
        start(driver, level, key="other"),
        start(driver, level, user_id="ann"),
        start(driver, level, user_id="ann"),
    ]
    driver.settle()

    assert statuses(driver, *ids) == [RUNS, RUNS, RUNS, WAITS]


def test_pipelines_and_steps_with_the_same_key_wait_for_each_other(driver):
    first, second = start(driver, "pipeline"), start(driver, "step")
    driver.settle()
    before = statuses(driver, first, second)
    let_go(driver, first)

    assert before == [RUNS, WAITS]
    assert statuses(driver, first, second) == [OK, RUNS]


def test_the_key_of_an_execution_is_made_of_its_params(driver):
    given = {"parameters": [{"name": "host"}], **one_at_a_time("deploy-{{ params.host }}")}
    ids = [driver.start(parked(), params={"host": host}, **given) for host in ("a", "b", "a")]
    driver.settle()

    assert statuses(driver, *ids) == [RUNS, RUNS, WAITS]


def test_the_key_of_a_step_is_made_of_what_came_before(driver):
    steps = [
        a_step("look", action="set_output", params={"outputs": {"host": "a"}}),
        parked("job", "look", **one_at_a_time("{{ steps.look.outputs.host }}")),
    ]
    first, second, other = (
        driver.start(*steps),
        driver.start(*steps),
        start(driver, "step", key="b"),
    )
    driver.settle()

    assert statuses(driver, first, second, other) == [RUNS, WAITS, RUNS]


@pytest.mark.parametrize("host", [{"a": 1}, "", " ", True, "x" * 513])
def test_an_execution_without_a_usable_key_is_refused(driver, host):
    given = {"parameters": [{"name": "host", "type": "json"}], **one_at_a_time("{{ params.host }}")}

    with pytest.raises(InvalidParams) as refused:
        driver.start(parked(), params={"host": host}, **given)

    [problem] = refused.value.facts["problems"]
    assert (problem.code, problem.pointer) == ("invalid_concurrency_key", "/params")


def test_a_step_without_a_usable_key_fails(driver):
    # Which outputs there will be nobody knows when the pipeline is saved.
    look = a_step("look", action="set_output", params={"outputs": "{{ params.found }}"})
    job = parked("job", "look", **one_at_a_time("host-{{ steps.look.outputs.hots }}"))

    found = [{"name": "found", "type": "json"}]
    end = driver.run(look, job, params={"found": {"host": None}}, parameters=found)

    assert end.status == BAD
    assert end.step("job").error_code == "invalid_concurrency_key"
    assert "steps.look.outputs.hots" in end.step("job").error_message


# ── What frees a place ───────────────────────────────────────────────────────────────────


@LEVELS
@pytest.mark.parametrize("action", ["breaks", "log", "end"])
def test_every_end_frees_the_place(driver, level, action):
    params = {"end": {"status": "failed"}, "log": {"message": "x"}}.get(action, {})
    first = start(driver, level, a_step("job", action=action, params=params))
    second = start(driver, level, a_step("job"))

    driver.finish(first)

    assert driver.finish(second).status == OK


@LEVELS
def test_a_cancel_frees_the_place_when_all_is_cleaned_up(driver, level, cleaned):
    first, second = start(driver, level), start(driver, level)
    driver.settle()

    executions.cancel(SYSTEM, driver.runtime, first)
    while_it_cleans_up = statuses(driver, second)
    driver.settle()

    assert (while_it_cleans_up, cleaned) == ([WAITS], [first])
    assert statuses(driver, first, second) == [OUT, RUNS]


@LEVELS
def test_a_time_out_frees_the_place(driver, level):
    first, second = start(driver, level, parked(timeout_seconds=1)), start(driver, level)
    driver.settle()
    driver.change("UPDATE step_executions SET deadline_at = now() WHERE deadline_at IS NOT NULL")
    sweep.sweep(driver.runtime)
    driver.settle()

    assert statuses(driver, first, second) == ["TIMEOUT", RUNS]


def test_the_place_of_a_deleted_execution_is_free(driver, session):
    first, second = start(driver, "pipeline"), start(driver, "pipeline")
    driver.settle()
    driver.change("DELETE FROM executions WHERE id = %(id)s", id=str(first))
    driver.settle()

    assert statuses(driver, second) == [RUNS]


@LEVELS
def test_the_place_of_a_lost_worker_is_kept_for_the_next_attempt(drive, level):
    lost = Gate()
    driver = drive(an_action("waits", lost.execute), lease_seconds=1)
    first = start(driver, level, a_step("job", action="waits", idempotent=True))
    second = start(driver, level, a_step("job"))
    row = driver.look(first).step("job").id

    with in_background(lambda: driver.turn(row, queue="io")):
        lost.wait_for("job")
        driver.settle()
        driver.change(
            "UPDATE step_executions SET status = 'PENDING', queued_at = now(), leased_until = NULL,"
            " attempt = attempt + 1 WHERE id = %(id)s",
            id=row,
        )
        before = statuses(driver, first, second)
        lost.open()
        driver.settle()

    assert before == [WAITS, WAITS]
    assert statuses(driver, first, second) == [OK, OK]


def test_a_step_keeps_its_place_while_it_is_tried_again(driver):
    retry = {"max_attempts": 2, "backoff_seconds": 60, "jitter": "none"}
    first = start(driver, "step", a_step("job", action="breaks", retry=retry))
    driver.settle()
    second = start(driver, "step")
    driver.settle()
    before = statuses(driver, first, second)
    driver.change("UPDATE step_executions SET due_at = now() WHERE status = 'RETRYING'")
    sweep.sweep(driver.runtime)
    driver.settle()

    assert before == ["RETRYING", WAITS]
    assert statuses(driver, first, second) == [BAD, RUNS]


def test_a_fan_out_has_one_place_for_all_of_its_items(driver):
    fan_out = parked(for_each={"items": [1, 2]})
    first, second = start(driver, "step", fan_out), start(driver, "step")
    driver.settle()
    before = statuses(driver, first, second)
    let_go(driver, first)

    assert before == [RUNS, WAITS]
    assert statuses(driver, first, second) == [OK, RUNS]


def test_a_step_that_does_not_run_asks_for_no_place(driver):
    first = start(driver, "step")
    end = driver.run(a_step("job", condition="false", **one_at_a_time(when_full="fail")))

    assert end.statuses == {"job": OUT}
    assert statuses(driver, first) == [RUNS]


def test_cheap_steps_are_one_at_a_time_like_any_other(driver):
    first = start(driver, "step")
    driver.settle()
    second = driver.start(
        a_step("before"), a_step("job", "before", **one_at_a_time()), a_step("after", "job")
    )
    driver.settle()

    assert driver.look(second).statuses == {"before": OK, "job": WAITS, "after": WAITS}
    let_go(driver, first)
    assert driver.finish(second).status == OK


def test_a_step_in_line_keeps_its_place_in_the_window_of_its_execution(driver):
    first = start(driver, "step")
    driver.settle()
    settings = {"max_parallel_steps": 1}
    second = driver.start(
        parked("job", **one_at_a_time()),
        a_step("other", action="breaks", on_failure="continue"),
        settings=settings,
    )
    driver.settle()
    before = driver.look(second).statuses
    let_go(driver, first)
    let_go(driver, second)

    assert before == {"job": WAITS, "other": WAITS}
    assert driver.finish(second).status == OK


# ── While it is full ─────────────────────────────────────────────────────────────────────


def test_an_execution_that_is_not_to_wait_is_interrupted(driver):
    first = start(driver, "pipeline")
    handler = {"finally": [a_step("always")], "on_cancel": [a_step("cancelled")]}
    end = driver.run(a_step("job"), settings=handler, **one_at_a_time(when_full="skip"))

    assert (end.status, end.statuses) == (ENDED, {"job": OUT})
    assert end.execution.error["code"] == "concurrency_limit"
    assert str(first) in end.execution.error["message"]


def test_an_execution_that_is_not_to_wait_may_fail(driver):
    start(driver, "pipeline")
    steps = [a_step("job"), a_step("last", "job", trigger_rule="always")]
    end = driver.run(*steps, **one_at_a_time(when_full="fail"))

    assert (end.status, end.statuses) == (BAD, {"job": OUT, "last": OUT})
    assert end.execution.error["code"] == "concurrency_limit"


def test_a_step_that_is_not_to_wait_is_skipped_and_stops_nobody(driver):
    start(driver, "step")
    driver.settle()
    end = driver.run(a_step("job", **one_at_a_time(when_full="skip")), a_step("after", "job"))

    assert (end.status, end.statuses) == (OK, {"job": OUT, "after": OK})
    assert end.step("job").skip_reason == "concurrency_limit"


def test_a_step_that_is_not_to_wait_may_fail_and_that_may_be_caught(driver):
    start(driver, "step")
    driver.settle()
    limit = one_at_a_time(when_full="fail")
    caught = {"catch": [{"errors": "concurrency_limit", "outputs": {"from": "cache"}}]}
    failed = driver.run(a_step("job", **limit))
    saved = driver.run(a_step("job", **limit, **caught))

    assert (failed.status, failed.step("job").error_code) == (BAD, "concurrency_limit")
    assert (saved.status, saved.step("job").outputs) == (OK, {"from": "cache"})


def test_a_step_may_ask_again_after_a_while(driver):
    first = start(driver, "step")
    driver.settle()
    retry = {"max_attempts": 2, "backoff_seconds": 60, "jitter": "none"}
    second = driver.start(a_step("job", retry=retry, **one_at_a_time(when_full="fail")))
    driver.settle()
    before = statuses(driver, first, second)
    let_go(driver, first)
    driver.change("UPDATE step_executions SET due_at = now() WHERE status = 'RETRYING'")

    assert before == [RUNS, "RETRYING"]
    assert driver.finish(second).status == OK


@LEVELS
def test_the_oldest_is_cancelled_and_its_place_is_free_when_it_is_cleaned_up(
    driver, level, cleaned
):
    first = start(driver, level)
    driver.settle()
    second = start(driver, level, when_full="cancel_oldest")

    driver.settle()
    look = driver.look(first)

    assert cleaned == [first]
    assert statuses(driver, second) == [RUNS]
    error = look.step("job").error_code if level == "step" else look.execution.error["code"]
    assert (look.status, error) == ({"step": BAD, "pipeline": ENDED}[level], "superseded")
    assert not driver.audit(first)


@LEVELS
def test_the_place_is_not_handed_over_before_the_clean_up_has_ended(
    driver, level, monkeypatch: pytest.MonkeyPatch
):
    first = start(driver, level)
    driver.settle()
    second = start(driver, level, when_full="cancel_oldest")
    with monkeypatch.context() as patched:
        patched.setattr(Driver, "clean_up", lambda *_: None)
        for _ in range(3):
            driver.round()
        assert statuses(driver, first, second) == [RUNS, WAITS]
    driver.settle()

    assert statuses(driver, second) == [RUNS]


@LEVELS
def test_the_latest_of_several_remains(driver, level):
    ids = [start(driver, level, when_full="cancel_oldest") for _ in range(4)]
    driver.settle()

    last = {"step": BAD, "pipeline": OUT}[level]
    assert statuses(driver, *ids)[-1] == RUNS
    assert set(statuses(driver, *ids)[:-1]) <= {last, BAD, OUT}
    assert [driver.look(one).status for one in ids].count(RUNS) == 1


@LEVELS
def test_who_waited_in_front_of_the_latest_does_not_begin_before_it_is_cancelled(driver, level):
    first, second = start(driver, level), start(driver, level)
    driver.settle_only(first)
    driver.settle_only(second)
    third = start(driver, level, when_full="cancel_oldest")
    driver.settle()

    assert driver.look(second).events("job").count("step_parked") == 0
    assert statuses(driver, third) == [RUNS]


# ── Limits that differ ───────────────────────────────────────────────────────────────────


@LEVELS
def test_each_looks_at_its_own_limit_and_nobody_overtakes(driver, level):
    ids = [start(driver, level, limit=limit) for limit in (3, 3, 1, 3)]
    driver.settle()
    before = statuses(driver, *ids)
    let_go(driver, ids[0])
    between = statuses(driver, *ids)
    let_go(driver, ids[1])

    assert before == [RUNS, RUNS, WAITS, WAITS]
    assert between == [OK, RUNS, WAITS, WAITS]
    assert statuses(driver, *ids) == [OK, OK, RUNS, RUNS]


@LEVELS
def test_who_is_cancelled_in_line_lets_in_those_behind(driver, level):
    ids = [start(driver, level, limit=limit) for limit in (2, 1, 2)]
    driver.settle()
    before = statuses(driver, *ids)
    executions.cancel(SYSTEM, driver.runtime, ids[1])
    driver.settle()

    assert before == [RUNS, WAITS, WAITS]
    assert statuses(driver, *ids) == [RUNS, OUT, RUNS]
    assert driver.look(ids[1]).status == ENDED


def test_no_time_passes_for_an_execution_in_line(driver):
    first, second = start(driver, "pipeline"), start(driver, "pipeline")
    driver.settle()
    before = driver.look(second).execution
    let_go(driver, first)
    after = driver.look(second).execution

    assert (before.status, before.deadline_at, before.started_at) == (WAITS, None, None)
    assert after.deadline_at - after.started_at > timedelta(seconds=7000)


def test_a_child_that_is_not_to_wait_tells_its_parent_why(driver, session: Session):
    a_pipeline(session, a_step("job"), name="child", **one_at_a_time(when_full="skip"))
    start(driver, "pipeline")
    call = a_step("call", action="run_pipeline", params={"pipeline": "child"})

    end = driver.run(call)

    assert (end.status, end.step("call").error_code) == (BAD, "concurrency_limit")


# ── Seen ─────────────────────────────────────────────────────────────────────────────────


@LEVELS
def test_explain_says_who_has_the_place_and_who_is_in_front(driver, level):
    first, second, third = (start(driver, level) for _ in range(3))
    driver.settle()

    with driver.runtime.sessions() as session:
        found = explain(SYSTEM, session, driver.runtime, third)
    with driver.runtime.sessions() as session:
        running = explain(SYSTEM, session, driver.runtime, first)

    [finding] = [f for f in found.findings if f.code is FindingCode.WAITS_FOR_PLACE]
    assert finding.step_id == {"step": "job", "pipeline": None}[level]
    assert finding.facts["holders"][0]["execution_id"] == first
    assert finding.facts["in_front"] == 1
    assert finding.since
    assert str(first) in finding.because
    assert "One waits in front of it" in finding.because
    assert not {FindingCode.STUCK, FindingCode.UNEXPLAINED} & {f.code for f in found.findings}
    assert FindingCode.WAITS_FOR_PLACE not in {f.code for f in running.findings}
    assert second


def test_lists_say_which_executions_stand_in_line(driver):
    first, second = start(driver, "pipeline"), start(driver, "pipeline")
    driver.settle()
    with driver.runtime.sessions() as session:
        listed = executions_now(SYSTEM, session, ExecutionFilter(), Page())
        one = execution(SYSTEM, session, second)

    assert {r.id: r.waits_for_place for r in listed.entries} == {first: False, second: True}
    assert one.waits_for_place


def test_an_execution_in_line_is_not_taken_for_stuck(driver):
    start(driver, "pipeline")
    start(driver, "pipeline")
    driver.settle()

    with driver.runtime.engine.connect() as connection:
        assert not diagnostics.stuck_executions(connection, after=timedelta(0), limit=9)
        assert not diagnostics.lost_steps(connection, limit=9)


def test_the_audit_finds_more_holders_than_the_limit_lets_in(driver):
    first, second = start(driver, "step"), start(driver, "step")
    driver.settle()
    before = driver.audit(first) + driver.audit(second)
    driver.change("UPDATE concurrency_places SET taken_at = now() WHERE taken_at IS NULL")
    driver.change(
        "UPDATE step_executions SET has_place = true, in_line = false, queued_at = now()"
        " WHERE in_line"
    )

    assert not before + driver.audit(first)
    assert [found.rpartition(" ")[2] for found in driver.audit(second)] == ["[too_many_at_once]"]


def test_the_audit_finds_a_step_that_ran_without_its_place(driver):
    first, second = start(driver, "step"), start(driver, "step", a_step("job"))
    driver.settle()
    let_go(driver, first)
    driver.finish(second)
    driver.change("DELETE FROM events WHERE event_type = 'place_taken'")

    [found] = driver.audit(second)

    assert found.endswith("[no_place]")


# ── Races ────────────────────────────────────────────────────────────────────────────────


class Counter:
    """An action that knows how many of it run at the same moment."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._now = self.peak = self.calls = 0

    def execute(self, context: ActionContext) -> ActionResult:
        with self._lock:
            self._now, self.calls = self._now + 1, self.calls + 1
            self.peak = max(self.peak, self._now)
        Event().wait(0.005)
        with self._lock:
            self._now -= 1
        return ActionResult(success=True)


@LEVELS
@pytest.mark.parametrize("cheap", [False, True])
def test_threads_that_meet_never_let_in_more_than_the_limit(drive, level, cheap):
    counter, count = Counter(), 12
    driver = drive(an_action("counts", counter.execute, cheap=cheap))
    step = a_step("job", action="counts")
    ids: list[UUID] = []
    threads = Barrier(4)

    def some() -> None:
        threads.wait()
        ids.extend(start(driver, level, step, limit=2) for _ in range(count // 4))
        driver.settle()

    with in_background(*[some] * 4):
        pass

    assert [driver.finish(one).status for one in ids] == [OK] * count
    assert (counter.calls, counter.peak <= 2) == (count, True)


def test_whoever_asks_while_the_key_is_locked_is_let_in_afterwards(driver):
    """It holds rows, so it must not wait; and nobody else is there to tell it."""
    with driver.runtime.engine.begin() as connection:
        places.lock(connection, Key(None, "lock"))
        asked = start(driver, "step")
        driver.turn(driver.look(asked).step("job").id)
        row = driver.look(asked).step("job")
        assert (row.status, row.in_line, row.queued_at) == (WAITS, True, None)
    sweep.sweep(driver.runtime)
    driver.settle()

    assert statuses(driver, asked) == [RUNS]


@pytest.mark.parametrize("when_full", ["skip", "fail", "cancel_oldest"])
@LEVELS
def test_who_is_not_to_wait_is_let_in_all_the_same_if_there_is_a_place(driver, level, when_full):
    with driver.runtime.engine.begin() as connection:
        places.lock(connection, Key(None, "lock"))
        asked = start(driver, level, when_full=when_full)
        driver.turn(driver.look(asked).step("job").id)
    driver.settle()

    assert statuses(driver, asked) == [RUNS]


def test_what_two_workers_have_in_hand_asks_once(driver):
    first, second = start(driver, "step"), start(driver, "step")
    row = driver.look(second).step("job").id
    driver.turn(driver.look(first).step("job").id)

    driver.turn(row)
    driver.turn(row)

    assert driver.look(second).events("job") == ["place_awaited"]
    assert driver.change("DELETE FROM concurrency_places") == 2
