"""Redis loses everything it knows in the middle of executions."""

from __future__ import annotations

from uuid import uuid4

import redis
import requests
from support.observing import Ledger, Run, parked, step

from pipeline_engine.client import Client
from pipeline_engine.embedded.stack import Stack


def flush(stack: Stack) -> None:
    with redis.Redis.from_url(stack.redis_url) as server:
        server.flushall()


def test_queued_steps_whose_messages_are_gone_are_sent_again(
    client: Client, stack: Stack, ledger: Ledger
) -> None:
    work = step(
        "work",
        "probe_work",
        ledger=str(ledger),
        seconds=0.3,
        for_each={"items": list(range(60)), "max_concurrency": 60},
    )
    run = Run.start(client, work, step("next", "log", "work", message="on"))
    run.until(lambda _: ledger.count("finished") >= 5)

    flush(stack)
    end = run.ends_well(within=90)

    assert end.step("work").items_open == 0
    assert ledger.count("finished") >= 60
    assert len({entry["key"] for entry in ledger.entries("finished")}) == 60


def test_a_chain_goes_on_after_every_flush(client: Client, stack: Stack, ledger: Ledger) -> None:
    names = [f"s{number}" for number in range(6)]
    chain = [
        step(name, "probe_work", *before, ledger=str(ledger), seconds=0.3)
        for name, before in zip(names, [(), *((n,) for n in names)], strict=False)
    ]
    run = Run.start(client, *chain)

    for count in (1, 3, 5):
        run.until(lambda _, count=count: ledger.count("started") >= count)
        flush(stack)
    run.ends_well(within=60)

    assert ledger.count("finished") >= 6


def test_an_event_finds_its_parked_step_although_the_index_of_parked_steps_is_gone(
    client: Client, stack: Stack
) -> None:
    key = str(uuid4())
    run = Run.start(client, step("wait", "probe_collect", key=key))
    run.until(parked)

    flush(stack)
    answer = requests.post(
        f"{stack.api_url}/api/v1/events",
        json={"workflow_id": key, "number": 1},
        headers={"Authorization": f"Bearer {stack.api_token}"},
        timeout=10,
    )

    assert answer.status_code == 202
    run.ends_well()
    assert run.outputs("wait") == {"seen": [1], "calls": 1}
