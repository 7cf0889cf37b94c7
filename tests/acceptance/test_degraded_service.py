"""PostgreSQL or Redis is away for a while, and everything goes on by itself afterwards."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest
import requests
from support.installing import open_directory
from support.observing import Ledger, Run, parked, step
from support.waiting import wait_until

from pipeline_engine.client import Client
from pipeline_engine.embedded.stack import Stack

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stack(stack_environment: Mapping[str, str]) -> Iterator[Stack]:
    """A stack with servers of its own, for these tests stop them."""
    # Workers are more patient than the servers are away: it is not the sweep that mends it all.
    patience = {"PIPELINE_LEASE_SECONDS": "30", "DB_RETRY_MAX_ATTEMPTS": "6"}
    environment = {**stack_environment, **patience}
    with (
        open_directory() as directory,
        Stack.start(directory / "stack", environment=environment) as running,
    ):
        yield running


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    yield Client(stack.api_url, stack.api_token)
    for name in ("postgres", "valkey"):
        stack.release(name)
    wait_until(lambda: is_well(stack), within=60, what="a healthy stack")


HELLO = {"name": "hello", "steps": [step("hello", "log", message="hello")]}


def ask(stack: Stack, method: str, path: str, **how: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {stack.api_token}"}
    return requests.request(method, stack.api_url + path, headers=headers, timeout=30, **how)


def is_well(stack: Stack) -> bool:
    """Health is remembered for a second, so that alone might be the health of before."""
    if ask(stack, "GET", "/api/v1/executions").status_code != 200:
        return False
    return bool(ask(stack, "GET", "/health").json()["status"] == "healthy")


def parts(stack: Stack) -> dict[str, bool]:
    return {p["name"]: p["is_well"] for p in ask(stack, "GET", "/ready").json()["parts"]}


def unready(stack: Stack) -> dict[str, bool] | None:
    """The parts, once readiness is refused; each web process looks once a second."""
    answer = ask(stack, "GET", "/ready")
    if answer.status_code == 200:
        return None
    return {part["name"]: part["is_well"] for part in answer.json()["parts"]}


def health(stack: Stack) -> tuple[int, str]:
    answer = ask(stack, "GET", "/health")
    return answer.status_code, answer.json()["status"]


def is_ready_without_redis(stack: Stack) -> bool:
    answer = ask(stack, "GET", "/ready")
    missed = [part["name"] for part in answer.json()["parts"] if not part["is_well"]]
    return answer.status_code == 200 and "redis" in missed


def wait_for(key: str) -> dict[str, Any]:
    return step("wait", "wait_for_event", event_key=key)


def test_callbacks_that_came_while_postgresql_was_away_complete_their_steps(
    stack: Stack, client: Client
) -> None:
    keys = [str(uuid4()) for _ in range(3)]
    runs = [
        Run.start(client, wait_for(key), step("on", "log", "wait", message="m")) for key in keys
    ]
    for run in runs:
        run.until(parked)
    token_url = runs[0].step("wait")["callback_url"]

    stack.hold("postgres")
    answers = [
        requests.post(token_url, json={"by": "token"}, timeout=30),
        ask(stack, "POST", "/api/v1/events", json={"workflow_id": keys[1], "by": "event"}),
        ask(stack, "POST", "/workflow-events", json={"workflow_id": keys[2], "by": "event"}),
        ask(stack, "POST", "/workflow-events", json={"workflow_id": keys[2], "by": "event"}),
    ]
    stack.release("postgres")

    assert [answer.status_code for answer in answers] == [202, 202, 200, 200]
    assert all(a.json()["delivery_id"].startswith("spool:") for a in answers)
    for run in runs:
        run.ends_well(within=60)


def test_readers_get_the_last_known_state_and_writers_a_503_while_postgresql_is_away(
    stack: Stack, client: Client
) -> None:
    run = Run.start(client, wait_for(str(uuid4())))
    run.until(parked)
    paths = (f"/api/v1/executions/{run.id}", f"/api/v1/executions/{run.id}/progress")
    for path in paths:
        ask(stack, "GET", path)

    stack.hold("postgres")
    stale = [ask(stack, "GET", path) for path in paths]
    refused = [
        ask(stack, "POST", "/api/v1/executions/run", json={"pipeline_definition": HELLO}),
        ask(stack, "GET", "/api/v1/executions"),
        ask(stack, "GET", f"/api/v1/executions/{run.id}/steps"),
        ask(stack, "GET", "/api/v1/pipelines"),
        ask(stack, "POST", f"/api/v1/executions/{run.id}/cancel", json={}),
    ]
    stack.release("postgres")

    assert [answer.status_code for answer in stale] == [200, 200]
    assert all(int(answer.headers["X-Data-Staleness"]) < 60 for answer in stale)
    assert [stale[0].json()["id"], stale[1].json()["execution"]["id"]] == [run.id, run.id]
    assert [answer.status_code for answer in refused] == [503] * len(refused)
    assert all(answer.headers["Retry-After"] for answer in refused)
    wait_until(lambda: is_well(stack), within=60, what="a healthy stack")
    assert "X-Data-Staleness" not in ask(stack, "GET", paths[0]).headers


def test_readiness_tells_which_part_is_away(stack: Stack, client: Client) -> None:
    well = dict.fromkeys(("database", "migrations", "redis", "workers", "web"), True)

    stack.hold("postgres")
    without_database = wait_until(lambda: unready(stack), within=10, what="503 of /ready")
    # Each web process looks for itself, so one may know of it a moment before the other.
    wait_until(lambda: health(stack) == (200, "degraded"), within=10, what="degraded health")
    stack.release("postgres")
    wait_until(lambda: parts(stack) == well, within=60, what="all parts to be well")
    stack.hold("valkey")
    wait_until(lambda: is_ready_without_redis(stack), within=10, what="Redis to be missed")
    stack.release("valkey")

    assert (without_database["database"], without_database["redis"]) == (False, True)
    wait_until(lambda: parts(stack) == well, within=60, what="all parts to be well")


def test_executions_that_were_on_their_way_go_on_when_postgresql_is_back(
    stack: Stack, client: Client, ledger: Ledger
) -> None:
    names = [f"s{number}" for number in range(5)]
    chain = [
        step(name, "probe_work", *before, ledger=str(ledger), seconds=0.3)
        for name, before in zip(names, [(), *((n,) for n in names)], strict=False)
    ]
    run = Run.start(client, *chain)
    wait_until(lambda: ledger.count("finished") >= 2, within=30)

    stack.kill("postgres")

    wait_until(lambda: is_well(stack), within=60, what="a healthy stack")
    run.ends_well(within=60)


def test_a_result_that_cannot_be_written_at_once_is_written_when_postgresql_is_back(
    stack: Stack, client: Client, ledger: Ledger
) -> None:
    """The action must not be repeated, so its only attempt has to count."""
    run = Run.start(client, step("once", "probe_work_once", ledger=str(ledger), seconds=1))
    wait_until(lambda: ledger.count("started") == 1, within=30)

    stack.hold("postgres")
    wait_until(lambda: ledger.count("finished") == 1, within=30)
    stack.release("postgres")
    wait_until(lambda: is_well(stack), within=60, what="a healthy stack")
    run.ends_well(within=60)

    assert ledger.count("started") == 1
    assert run.outputs("once") == {"attempt": 1}


def test_a_redis_that_was_killed_delays_no_request_and_loses_nothing(
    stack: Stack, client: Client
) -> None:
    key = str(uuid4())
    waiting = Run.start(client, wait_for(key))
    waiting.until(parked)

    stack.hold("valkey")
    began = time.monotonic()
    started = [Run(client, client.run(HELLO, {})["execution_id"]) for _ in range(5)]
    event = ask(stack, "POST", "/api/v1/events", json={"workflow_id": key})
    shown = ask(stack, "GET", f"/api/v1/executions/{waiting.id}")
    took = time.monotonic() - began
    stack.release("valkey")

    assert (event.status_code, shown.status_code) == (202, 200)
    assert took < 5
    for run in (waiting, *started):
        run.ends_well(within=60)


def test_a_frozen_redis_is_waited_for_once_and_not_by_every_request(
    stack: Stack, client: Client
) -> None:
    """One that answers nothing costs seconds; twelve requests must not cost that twelve times."""
    key = str(uuid4())
    waiting = Run.start(client, wait_for(key))
    waiting.until(parked)

    frozen = stack.kill("valkey", signal.SIGSTOP)
    began = time.monotonic()
    started = [Run(client, client.run(HELLO, {})["execution_id"]) for _ in range(10)]
    event = ask(stack, "POST", "/api/v1/events", json={"workflow_id": key})
    shown = ask(stack, "GET", f"/api/v1/executions/{waiting.id}")
    took = time.monotonic() - began
    os.kill(frozen.pid or 0, signal.SIGCONT)

    assert (event.status_code, shown.status_code) == (202, 200)
    assert took < 40  # 5 s and more for each of them if nobody remembered
    for run in (waiting, *started):
        run.ends_well(within=60)


def test_without_both_a_callback_is_refused_so_that_its_sender_comes_again(
    stack: Stack, client: Client
) -> None:
    key = str(uuid4())
    run = Run.start(client, wait_for(key))
    run.until(parked)

    stack.hold("postgres")
    stack.hold("valkey")
    refused = ask(stack, "POST", "/api/v1/events", json={"workflow_id": key})
    stack.release("valkey")
    stack.release("postgres")

    assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
    assert refused.headers["Retry-After"]
    wait_until(lambda: is_well(stack), within=60, what="a healthy stack")
    assert ask(stack, "POST", "/api/v1/events", json={"workflow_id": key}).status_code == 202
    run.ends_well(within=60)
