"""Every reason for which a step can wait is produced for real, and then found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from support.driving import Driver, Gate, in_background
from support.factories import a_block, a_fan_out, a_pipeline, a_step, an_action
from support.history_rows import statements_on

from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.domain.paths import path_of
from pipeline_engine.errors import ExecutionNotFound
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    Item,
)
from pipeline_engine.services import executions, inbox, presence
from pipeline_engine.services.explain import Explanation, Finding, FindingCode, explain
from pipeline_engine.services.inbox import Arrival
from pipeline_engine.storage import diagnostics
from pipeline_engine.storage.diagnostics import SCANNED, SHOWN

NOWHERE = "redis://127.0.0.1:1/0"
WINDOW = {"max_parallel_steps": 2}


def explained(driver: Driver, execution_id: UUID, caller: Caller = SYSTEM) -> Explanation:
    with driver.runtime.sessions() as session:
        return explain(caller, session, driver.runtime, execution_id)


def told(driver: Driver, execution_id: UUID) -> list[Finding]:
    return [f for f in explained(driver, execution_id).findings if f.step_id]


def codes(explanation: Explanation) -> dict[str | None, str]:
    return {finding.step_id: finding.code for finding in explanation.findings if finding.step_id}


def the(code: FindingCode, driver: Driver, execution_id: UUID) -> Finding:
    """The first finding of a kind; it is complete, whatever it says."""
    found = explained(driver, execution_id).findings
    finding = next((f for f in found if f.code is code), None)
    assert finding, f"no {code} among {found}"
    assert finding.because.endswith(".")
    assert finding.what_to_do
    return finding


def parking(*external_ids: str, **given: Any) -> Any:
    """An action that parks on these ids and ignores what comes."""

    def execute(context: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_ids=external_ids)

    def on_event(context: EventContext) -> EventResult:
        return EventResult(action=EventAction.IGNORE)

    return an_action("work", execute, on_event=on_event, **given)


def work(outcome: ActionResult | None = None, **given: Any) -> Any:
    return an_action("work", lambda context: outcome or ActionResult(success=True), **given)


def workers_live(driver: Driver, *queues: str) -> None:
    presence.note(driver.runtime.redis, driver.runtime.settings.key_prefix, "io@host", queues)


# ── Not begun ────────────────────────────────────────────────────────────────────────────


def test_a_step_waits_for_the_steps_in_front_of_it(drive):
    driver = drive()
    execution_id = driver.start(a_step("a"), a_step("b"), a_step("c", "a", "b"))

    found = the(FindingCode.WAITS_FOR_DEPENDENCIES, driver, execution_id)

    assert (found.step_id, found.facts["open"], found.facts["of"]) == ("c", 2, 2)
    assert [step["step_id"] for step in found.facts["steps"]] == ["a", "b"]
    assert "a (pending)" in found.because


def test_a_queued_step_says_how_long_its_queue_is_and_who_serves_it(drive):
    driver = drive()
    execution_id = driver.start(a_step("a"))
    workers_live(driver, "fast", "io")

    found = the(FindingCode.QUEUED, driver, execution_id)

    assert (found.facts["queue"], found.facts["workers"]) == ("fast", ["io@host"])
    assert (found.facts["sent"], found.facts["length"]) == (1, 1)
    assert found.since is not None


def test_a_queued_step_says_that_its_owner_takes_turns_with_others(drive):
    driver = drive()
    workers_live(driver, "fast")
    execution_id = driver.start(a_step("a"), user_id="one")
    alone = the(FindingCode.QUEUED, driver, execution_id)
    driver.start(a_step("b"), user_id="two")

    found = the(FindingCode.QUEUED, driver, execution_id)

    assert (alone.facts["owners"], found.facts["owners"]) == (1, 2)
    assert "2 owners take turns" in found.because
    assert "take turns" not in alone.because


def test_a_queued_step_says_which_worker_lacks_its_action(drive):
    driver = drive()
    execution_id = driver.start(a_step("a"))
    redis, prefix = driver.runtime.redis, driver.runtime.settings.key_prefix
    presence.note(redis, prefix, "old@host", ["fast"], ["transform"])
    presence.note(redis, prefix, "new@host", ["fast"], ["transform", "log"])
    presence.note(redis, prefix, "silent@host", ["fast"])

    found = the(FindingCode.QUEUED, driver, execution_id)

    assert found.facts["lacking"] == ["old@host"]
    assert "old@host cannot run it: 'log' is not installed there" in found.because
    assert "Install the same actions" in found.what_to_do


def test_a_queued_step_whose_queue_nobody_serves_says_how_to_start_a_worker(drive):
    driver = drive(work())
    execution_id = driver.start(a_step("a", action="work"))
    workers_live(driver, "fast")

    found = the(FindingCode.NO_WORKER, driver, execution_id)

    assert found.facts["queue"] == "io"
    assert "-Q io" in found.what_to_do


def test_a_step_that_finds_no_room_says_who_is_in_the_window(drive):
    driver = drive(work())
    steps = [a_step(f"s{n}", action="work") for n in range(3)]
    execution_id = driver.start(*steps, settings=WINDOW)

    found = the(FindingCode.WINDOW_FULL, driver, execution_id)

    assert (found.step_id, found.facts["used"], found.facts["limit"]) == ("s2", 2, 2)
    assert {step["step_id"] for step in found.facts["steps"]} == {"s0", "s1"}


def test_the_held_items_of_a_fan_out_are_told_once(drive):
    driver = drive(parking("job"))
    loop = {"items": [1, 2, 3], "max_concurrency": 1}
    execution_id = driver.start(a_step("each", action="work", for_each=loop))
    driver.settle()

    held = the(FindingCode.ITEMS_HELD, driver, execution_id)
    parent = the(FindingCode.WAITS_FOR_ITEMS, driver, execution_id)

    found = [f.code for f in explained(driver, execution_id).findings]
    assert (held.step_id, held.item_index, held.facts["held"]) == ("each", 1, 2)
    assert (parent.facts["total"], parent.facts["open"]) == (3, 3)
    assert found.count(FindingCode.ITEMS_HELD) == 1


def test_an_item_that_starts_later_says_when(drive):
    later = a_fan_out(
        "later",
        lambda context: [Item(value=1, delay_seconds=600)],
        execute_item=lambda context, item: ActionResult(success=True),
        join=lambda context, items: ActionResult(success=True),
    )
    driver = drive(later)
    execution_id = driver.start(a_step("each", action="later"))
    driver.settle()

    found = the(FindingCode.DELAYED, driver, execution_id)

    assert found.item_index == 0
    assert found.facts["due_at"] > datetime.now(UTC)


def test_a_retry_says_which_attempt_comes_when_and_why_without_secrets(drive):
    failure = ActionResult(success=False, error="no luck with hunter2", error_code="unlucky")
    driver = drive(work(failure))
    execution_id = driver.start(
        a_step("a", action="work", retry={"max_attempts": 4, "backoff_seconds": 600}),
        params={"key": "hunter2"},
        parameters=[{"name": "key", "type": "secret"}],
    )
    driver.settle()

    found = the(FindingCode.RETRY_WAITING, driver, execution_id)

    assert (found.facts["next_attempt"], found.facts["most_attempts"]) == (2, 4)
    assert found.facts["error_code"] == "unlucky"
    assert "no luck" in found.because
    assert "hunter2" not in f"{found}"


def test_a_retry_says_which_of_several_policies_has_decided_and_how_much_of_it_is_used(drive):
    codes = iter(["busy", "odd", "busy"])
    driver = drive(
        an_action(
            "work", lambda context: ActionResult(success=False, error="no", error_code=next(codes))
        )
    )
    quick = {"retry_on": ["odd"], "max_attempts": 2}
    patient = {"retry_on": ["busy"], "max_attempts": 90}
    execution_id = driver.start(a_step("a", action="work", retry=[quick, patient]))
    driver.settle()
    for _ in range(2):
        driver.change("UPDATE step_executions SET due_at = now() WHERE status = 'RETRYING'")
        sweep.sweep(driver.runtime)
        driver.settle()

    found = the(FindingCode.RETRY_WAITING, driver, execution_id)

    assert (found.facts["next_attempt"], found.facts["most_attempts"]) == (4, 90)
    assert (found.facts["policy"], found.facts["failures"]) == (1, 2)
    assert found.because.endswith(
        "Policy 2 of 2 has decided about this failure, number 2 of the 90 after which it gives up."
    )


def test_the_retry_of_a_compensation_says_how_many_attempts_it_has(drive):
    driver = drive(work(ActionResult(success=False, error="no")))
    undo = {"action": "work", "retry": {"max_attempts": 7, "backoff_seconds": 600}}
    execution_id = driver.start(a_step("a", compensate=undo), a_step("b", "a", action="fail"))
    driver.settle()

    found = the(FindingCode.RETRY_WAITING, driver, execution_id)

    assert found.facts["most_attempts"] == 7


# ── Begun ────────────────────────────────────────────────────────────────────────────────


def test_a_running_step_says_which_worker_has_it_and_a_silent_worker_is_told(drive):
    gate = Gate()
    driver = drive(an_action("work", gate.execute))
    execution_id = driver.start(a_step("a", action="work"))
    row = driver.look(execution_id).step("a")

    with in_background(lambda: driver.turn(row.id)):
        gate.wait_for("a")
        running = the(FindingCode.RUNNING, driver, execution_id)
        driver.change("UPDATE step_executions SET leased_until = now() - interval '9 s'")
        expired = the(FindingCode.LEASE_EXPIRED, driver, execution_id)
        gate.open()

    assert running.facts["worker"] == expired.facts["worker"] is not None
    assert "9 s ago" in expired.because


def test_a_parked_step_says_for_what_it_waits_and_what_has_come(drive):
    driver = drive(parking("job-1"))
    execution_id = driver.start(a_step("a", action="work"))
    driver.settle()

    nothing = the(FindingCode.PARKED, driver, execution_id)
    inbox.accept(SYSTEM, driver.runtime, an_arrival("first"))
    driver.deliver()
    inbox.accept(SYSTEM, driver.runtime, an_arrival("second"))
    something = the(FindingCode.PARKED, driver, execution_id)

    assert nothing.facts["external_ids"] == ["job-1"]
    assert nothing.facts["deliveries"] == {}
    assert "POST" in nothing.what_to_do
    assert nothing.facts["deadline_at"] > datetime.now(UTC)
    assert something.facts["deliveries"] == {"ignored": 1, "pending": 1}
    assert something.what_to_do.startswith("Wait")


def an_arrival(delivery_id: str) -> Arrival:
    body = {"type": "news", "workflow_id": "job-1"}
    return Arrival(source="tests", body=body, delivery_id=delivery_id)


def test_a_timer_says_when_it_rings(drive):
    driver = drive()
    params = {"duration_hours": 1}
    execution_id = driver.start(a_step("a", action="wait_until", params=params))
    driver.settle()

    found = the(FindingCode.TIMER, driver, execution_id)

    assert found.facts["due_at"] > datetime.now(UTC) + timedelta(minutes=50)


def test_a_step_that_waits_for_another_pipeline_names_its_execution(drive, session):
    driver = drive(parking("job"))
    a_pipeline(session, a_step("inner", action="work"), name="other")
    execution_id = driver.start(a_step("a", action="run_pipeline", params={"pipeline": "other"}))
    driver.settle()

    found = the(FindingCode.WAITS_FOR_EXECUTION, driver, execution_id)

    child = UUID(found.facts["execution_id"])
    assert codes(explained(driver, child)) == {"inner": FindingCode.PARKED}
    assert str(child) in found.what_to_do
    above, below = explained(driver, execution_id), explained(driver, child)
    assert (above.parent_execution_id, above.descendants) == (None, 1)
    assert (below.parent_execution_id, below.root_execution_id) == (execution_id, execution_id)


def test_a_block_names_the_steps_that_it_waits_for_and_they_say_where_they_are(drive):
    driver = drive(parking("job"))
    held = a_step("held", action="work")
    execution_id = driver.start(
        a_block("each", a_step("a"), a_step("b", "a", action="work"), for_each=[1]),
        a_block("pair", a_step("job", action="work"), held, a_step("end", "job")),
        settings=WINDOW | {"max_parallel_steps": 1},
    )
    driver.settle()

    found = {path_of(f.step_id, f.item_index, f.within): f for f in told(driver, execution_id)}

    assert found["each"].code is FindingCode.WAITS_FOR_ITEMS
    assert found["each[0]"].because == (
        "1 of 2 steps of the block have ended; it waits for each[0]/b (parked)."
    )
    assert found["pair"].facts["total"] == 3
    assert found["pair/held"].because == (
        "1 of 1 places of max_parallel_steps are taken: pair/job (parked)."
    )
    assert (
        found["pair/end"].because == "It waits for 1 of 1 steps in front of it: pair/job (parked)."
    )
    assert found["each[0]/b"].code is FindingCode.PARKED


def test_a_block_that_has_failed_says_that_it_undoes_what_it_has_done(drive):
    driver = drive(parking("job"), an_action("bad", lambda _: ActionResult(success=False)))
    execution_id = driver.start(
        a_block("pair", a_step("a", compensate={"action": "work"}), a_step("b", "a", action="bad"))
    )
    driver.settle()

    finding = the(FindingCode.WAITS_FOR_STEPS, driver, execution_id)

    assert finding.because == (
        "It has failed, and undoes what it has done; it waits for pair/compensate:a (parked)."
    )


def test_what_runs_in_many_blocks_is_shown_beside_them(drive, monkeypatch):
    monkeypatch.setattr(diagnostics, "_FIRST", diagnostics._FIRST.replace("LIMIT 500", "LIMIT 3"))
    driver = drive(parking("job"))
    execution_id = driver.start(
        a_block("each", a_step("b", action="work"), for_each=[1, 2, 3, 4, 5])
    )
    driver.settle()

    assert the(FindingCode.PARKED, driver, execution_id).within == "each[0]"


def test_a_fan_out_whose_join_was_lost_says_that_the_sweep_will_join_it(drive):
    driver = drive(work())
    loop = {"items": [1, 2]}
    execution_id = driver.start(a_step("each", action="work", for_each=loop))
    parent = driver.look(execution_id).step("each")
    driver.turn(parent.id)
    driver.turn(*[item.id for item in driver.look(execution_id).items("each")])

    found = the(FindingCode.JOINING, driver, execution_id)

    assert found.step_id == "each"
    assert driver.finish(execution_id).status == "COMPLETED"


def test_a_cancelled_execution_waits_for_its_steps_to_clean_up(drive):
    driver = drive(parking("job", cleanup=lambda context: None))
    execution_id = driver.start(a_step("a", action="work"))
    driver.settle()

    executions.cancel(SYSTEM, driver.runtime, execution_id, reason="enough")

    found = [finding.code for finding in explained(driver, execution_id).findings]
    assert FindingCode.CLEANING_UP in found
    assert FindingCode.ABORTING in found
    assert driver.finish(execution_id).status == "INTERRUPTED"


# ── The whole execution ──────────────────────────────────────────────────────────────────


def test_what_has_ended_says_how(drive):
    driver = drive(work(ActionResult(success=False, error="no luck", error_code="unlucky")))
    end = driver.run(a_step("a", action="work"))

    found = explained(driver, end.execution.id)

    assert [f.code for f in found.findings] == [FindingCode.ENDED]
    assert "FAILED" in found.findings[0].because
    assert "no luck" in found.findings[0].because
    assert found.open_steps == {}


def test_a_silent_sweep_is_told_until_it_runs(drive):
    driver = drive()
    execution_id = driver.start(a_step("a"))

    silent = explained(driver, execution_id)
    sweep.beat_mark(driver.runtime)
    alive = explained(driver, execution_id)

    assert FindingCode.SWEEP_SILENT in [f.code for f in silent.findings]
    assert FindingCode.SWEEP_SILENT not in [f.code for f in alive.findings]


def test_without_redis_nobody_knows_who_serves_a_queue(drive):
    driver = drive(redis_url=NOWHERE)
    execution_id = driver.start(a_step("a"))

    away = the(FindingCode.REDIS_AWAY, driver, execution_id)
    queued = the(FindingCode.QUEUED, driver, execution_id)

    assert away.facts["queued"] == 1
    assert (queued.facts["workers"], queued.facts["length"]) == (None, None)


def test_a_row_that_nothing_will_move_is_called_a_fault(drive):
    driver = drive()
    execution_id = driver.start(a_step("a"), a_step("b", "a"))

    driver.change("UPDATE step_executions SET queued_at = NULL")

    found = [finding.code for finding in explained(driver, execution_id).findings]
    assert FindingCode.STUCK in found
    assert FindingCode.UNEXPLAINED in found
    assert the(FindingCode.UNEXPLAINED, driver, execution_id).step_id == "a"


def test_what_belongs_to_another_user_does_not_exist(drive):
    driver = drive()
    execution_id = driver.start(a_step("a"))
    driver.change("UPDATE executions SET user_id = 'alice'")

    assert explained(driver, execution_id, Caller("alice")).findings
    for wrong in (execution_id, uuid4()):
        with pytest.raises(ExecutionNotFound):
            explained(driver, wrong, Caller("bob"))


# ── However large it is ──────────────────────────────────────────────────────────────────


@pytest.fixture
def a_wide_execution(drive) -> Callable[[int], tuple[Driver, UUID]]:
    """One step in front of many; all of them are open."""

    def make(width: int) -> tuple[Driver, UUID]:
        driver = drive()
        return driver, driver.start(
            a_step("first"), *(a_step(f"s{n}", "first") for n in range(width))
        )

    return make


def test_a_large_execution_costs_no_more_statements_than_a_small_one(a_wide_execution, engine):
    sizes = []
    for width in (2, SCANNED + 50):
        driver, execution_id = a_wide_execution(width)
        explained(driver, execution_id)
        with statements_on(driver.runtime.engine) as seen:
            found = explained(driver, execution_id)
        sizes.append(len(seen))

    waiting = [f for f in found.findings if f.code is FindingCode.WAITS_FOR_DEPENDENCIES]
    assert sizes[0] == sizes[1]
    assert len(waiting) == SHOWN
    assert found.open_steps == {"PENDING": found.counted_up_to}


def test_what_has_ended_is_not_read(a_wide_execution):
    driver, execution_id = a_wide_execution(300)
    driver.change("ANALYZE step_executions")

    with (
        driver.runtime.engine.connect() as connection,
        statements_on(driver.runtime.engine) as seen,
    ):
        with driver.runtime.sessions(bind=connection) as session:
            explain(SYSTEM, session, driver.runtime, execution_id)
        largest = next(text for text in seen if "row_number() OVER (PARTITION BY" in text)
        plan = connection.exec_driver_sql(f"EXPLAIN {largest}", {"id": str(execution_id)})

        assert "ix_step_executions_open" in "\n".join(plan.scalars())
