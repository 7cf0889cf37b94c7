"""Workers die by SIGKILL in the middle of an action, or are told to end."""

from __future__ import annotations

import os
import signal

from support.observing import Ledger, Run, step

from pipeline_engine.client import Client
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.embedded.stack import Stack


def kill_who_runs_it(ledger: Ledger) -> None:
    """Kill the very process that wrote the last start into the ledger."""
    os.kill(ledger.entries("started")[-1]["pid"], signal.SIGKILL)


def test_an_idempotent_action_gets_a_second_attempt_with_the_same_key(
    client: Client, ledger: Ledger
) -> None:
    work = step("work", "probe_work", ledger=str(ledger), seconds=4)
    run = Run.start(client, work, step("next", "log", "work", message="on"))
    run.until(lambda _: ledger.count("started") == 1)

    kill_who_runs_it(ledger)
    end = run.ends_well(within=60)

    assert end.step("work").attempt == 2
    assert run.outputs("work") == {"attempt": 2}
    started = ledger.entries("started")
    assert [entry["attempt"] for entry in started] == [1, 2]
    assert len({entry["key"] for entry in started}) == 1
    assert ledger.count("finished") == 1


def test_a_process_of_the_prefork_worker_dies_and_its_step_does_not(
    client: Client, ledger: Ledger, stack: Stack
) -> None:
    parent = stack.process("worker-cpu").pid
    run = Run.start(client, step("work", "probe_work", ledger=str(ledger), seconds=3, queue="cpu"))
    run.until(lambda _: ledger.count("started") == 1)

    kill_who_runs_it(ledger)
    end = run.ends_well(within=60)

    assert ledger.entries("started")[0]["pid"] != parent
    assert end.step("work").attempt == 2


def test_a_worker_that_is_told_to_end_finishes_the_steps_that_it_is_running(
    client: Client, ledger: Ledger, stack: Stack
) -> None:
    work = step("work", "probe_work_once", ledger=str(ledger), seconds=3)
    run = Run.start(client, work, step("next", "log", "work", message="on"))
    run.until(lambda _: ledger.count("started") == 1)

    stack.kill("worker-io", signal.SIGTERM)
    end = run.ends_well(within=60)

    assert end.step("work").attempt == 1
    assert (ledger.count("started"), ledger.count("finished")) == (1, 1)


def test_an_action_that_must_not_be_repeated_ends_with_an_unknown_outcome(
    client: Client, ledger: Ledger
) -> None:
    work = step("work", "probe_work_once", ledger=str(ledger), seconds=4)
    run = Run.start(client, work, step("next", "log", "work", message="never"))
    run.until(lambda _: ledger.count("started") == 1)

    kill_who_runs_it(ledger)
    end = run.end(within=60)

    assert end.status is ExecutionStatus.FAILED
    assert run.step("work")["error_code"] == "outcome_unknown"
    assert end.step("next").status is StepStatus.SKIPPED
    assert ledger.count("started") == 1


def test_a_fan_out_loses_no_item_with_its_worker(
    client: Client, ledger: Ledger, stack: Stack
) -> None:
    work = step(
        "work",
        "probe_work",
        ledger=str(ledger),
        seconds="{{ item }}",
        for_each={"items": [0, 0, 0, 3, 3, 3], "max_concurrency": 6},
    )
    run = Run.start(client, work)
    run.until(lambda _: ledger.count("started") >= 6 and ledger.count("finished") >= 3)

    kill_who_runs_it(ledger)
    end = run.ends_well(within=60)

    assert end.step("work").items_total == 6
    assert max(item.attempt for item in end.step("work").items) == 2
    assert stack.process("web").pid is not None


def test_a_block_whose_step_was_lost_undoes_what_it_has_done_and_is_tried_again(
    client: Client, ledger: Ledger
) -> None:
    book = step("book", "log", message="booked")
    book["compensate"] = {"action": "log", "params": {"message": "cancelled"}}
    work = step("work", "probe_work_once", "book", ledger=str(ledger), seconds=3)
    retry = {"max_attempts": 2, "backoff_seconds": 0, "retry_on": ["outcome_unknown"]}
    block = {"id": "trip", "name": "Trip", "steps": [book, work], "retry": retry}
    run = Run.start(client, block, step("next", "log", "trip", message="on"))
    run.until(lambda _: ledger.count("started") == 1)

    kill_who_runs_it(ledger)
    end = run.ends_well(within=60)

    assert end.step("trip").status is StepStatus.COMPLETED
    assert (ledger.count("started"), ledger.count("finished")) == (2, 1)
    told = [(e["event_type"], e["event_details"].get("within")) for e in run.history()]
    assert ("step_completed", "trip#2") in told
