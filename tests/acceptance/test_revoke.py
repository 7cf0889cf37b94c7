"""Revoke: a callback stops the outside job of a parked step, and the task that still runs in it."""

from __future__ import annotations

from uuid import uuid4

import requests
from support.observing import Ledger, Run, step

from pipeline_engine.client import Client
from pipeline_engine.domain.states import ExecutionStatus, StepStatus


def test_a_revoked_step_fails_for_good_and_what_it_started_is_stopped(
    client: Client, administrator: Client, ledger: Ledger
) -> None:
    name = f"child-{uuid4()}"
    work = step("work", "probe_work", ledger=str(ledger), seconds=20)
    administrator.store({"name": name, "steps": [work]})
    retry = {"max_attempts": 3, "backoff_seconds": 0}
    run = Run.start(client, step("parent", "run_pipeline", pipeline=name, retry=retry))
    run.until(lambda now: now.step("parent").is_parked and ledger.count("started") == 1)

    url = run.step("parent")["callback_url"]
    body = {"action": "revoke", "reason": "the order was cancelled"}
    answer = requests.post(url, json=body, timeout=20)
    end = run.end()

    assert (answer.status_code, answer.json()["outcome"]) == (202, "accepted")
    assert (end.status, end.step("parent").status) == (ExecutionStatus.FAILED, StepStatus.FAILED)
    shown = run.step("parent")
    assert (shown["error_code"], shown["error_message"]) == ("revoked", "the order was cancelled")
    child = Run(client, run.outputs("parent")["execution_id"])
    assert child.end().status is ExecutionStatus.INTERRUPTED
    assert (ledger.count("started"), ledger.count("cleaned up")) == (1, 1)
