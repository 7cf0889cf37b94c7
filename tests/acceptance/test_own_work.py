"""What the engine does for itself waits for no step of a user."""

from __future__ import annotations

from uuid import uuid4

import requests
from support.observing import Ledger, Run, parked, step

from pipeline_engine.client import Client, Snapshot
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.embedded.stack import Stack

FAST_WORKERS = 2
#: What a sweep every half second and a slow machine take, and far less than the queue in front.
IN_TIME_SECONDS = 4.0
PATIENCE_SECONDS = 5


def has_ended(now: Snapshot) -> bool:
    return now.status.is_final


def test_a_time_out_and_an_event_are_not_kept_waiting_by_cheap_steps(
    client: Client, stack: Stack, ledger: Ledger
) -> None:
    late = Run.start(
        client, step("late", "probe_collect", key=str(uuid4()), wait_seconds=PATIENCE_SECONDS)
    )
    key = str(uuid4())
    told = Run.start(client, step("told", "probe_collect", key=key))
    for run in (late, told):
        run.until(parked)
    busy = [
        Run.start(client, step("busy", "probe_busy", ledger=str(ledger), seconds=3))
        for _ in range(8)
    ]
    busy[0].until(lambda _: ledger.count("started") >= FAST_WORKERS, what="busy workers")

    body = {"id": str(uuid4()), "workflow_id": key, "number": 1}
    headers = {"Authorization": f"Bearer {stack.api_token}"}
    requests.post(f"{stack.api_url}/api/v1/events", json=body, headers=headers, timeout=20)
    # Not their history: it is read up to the oldest transaction, and cheap steps have some.
    told.until(has_ended, within=IN_TIME_SECONDS)
    end = late.until(has_ended, within=PATIENCE_SECONDS + IN_TIME_SECONDS)

    assert (end.status, end.step("late").status) == (ExecutionStatus.FAILED, StepStatus.TIMEOUT)
    assert ledger.count("finished") < len(busy), "nobody was in the way"
    for run in (told, *busy):
        run.ends_well(within=60)


def test_a_sweep_is_not_kept_waiting_by_a_beat_that_is_away(client: Client, stack: Stack) -> None:
    stack.hold("beat")
    try:
        waiting = step("wait", "probe_collect", key=str(uuid4()), wait_seconds=1)
        end = Run.start(client, waiting).end(within=10 + IN_TIME_SECONDS)
    finally:
        stack.release("beat")

    assert end.step("wait").status is StepStatus.TIMEOUT
