"""Events that come early, twice, late, out of order or all at once."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from support.observing import Ledger, Run, parked, step

from pipeline_engine.client import Client

Send = Callable[..., dict[str, Any]]


def test_an_event_that_comes_before_its_step_has_parked_waits_for_it(
    client: Client, send: Send, key: str, ledger: Ledger
) -> None:
    run = Run.start(
        client,
        # With versions, as a name may have one: workers know tasks by the type alone.
        step("work", "probe_work@1", ledger=str(ledger), seconds=1.5),
        step("wait", "probe_collect@1", "work", key=key, wanted=2),
    )
    run.until(lambda _: ledger.count("started") == 1)

    outcomes = [send(number)["outcome"] for number in (1, 2)]
    run.ends_well()

    assert outcomes == ["early", "early"]
    assert sorted(run.outputs("wait")["seen"]) == [1, 2]


def test_an_event_that_comes_before_its_execution_is_not_lost(
    client: Client, send: Send, key: str
) -> None:
    send(1)

    run = Run.start(client, step("wait", "probe_collect", key=key))

    run.ends_well()
    assert run.outputs("wait") == {"seen": [1], "calls": 1}


def test_a_doubled_event_is_applied_once_and_the_double_is_told_so(
    client: Client, send: Send, key: str
) -> None:
    run = Run.start(client, step("wait", "probe_collect", key=key, wanted=2))
    run.until(parked)

    answers = [send(1, "the-same"), send(1, "the-same"), send(1, "the-same")]
    send(2)
    run.ends_well()

    assert [answer["outcome"] for answer in answers[1:]] == ["duplicate", "duplicate"]
    assert sorted(run.outputs("wait")["seen"]) == [1, 2]


def test_a_late_event_changes_nothing_and_is_kept(client: Client, send: Send, key: str) -> None:
    run = Run.start(client, step("wait", "probe_collect", key=key))
    run.until(parked)
    send(1)
    run.ends_well()

    answer = send(2)

    assert answer["outcome"] == "early"
    assert run.outputs("wait") == {"seen": [1], "calls": 1}


def test_events_in_any_order_are_all_applied(client: Client, send: Send, key: str) -> None:
    run = Run.start(client, step("wait", "probe_collect", key=key, wanted=10))
    run.until(parked)
    numbers = random.Random(7).sample(range(10), 10)

    for number in numbers:
        send(number)
    run.ends_well()

    assert sorted(run.outputs("wait")["seen"]) == list(range(10))


def test_fifty_events_at_once_for_one_step_overwrite_nothing(
    client: Client, send: Send, key: str
) -> None:
    run = Run.start(client, step("wait", "probe_collect", key=key, wanted=50))
    run.until(parked)

    with ThreadPoolExecutor(50) as senders:
        list(senders.map(send, range(50)))
    run.ends_well()

    outputs = run.outputs("wait")
    assert sorted(outputs["seen"]) == list(range(50))
    assert outputs["calls"] == 50


def test_fifty_copies_of_one_event_at_once_are_applied_once(
    client: Client, send: Send, key: str
) -> None:
    run = Run.start(client, step("wait", "probe_collect", key=key, wanted=2))
    run.until(parked)

    with ThreadPoolExecutor(50) as senders:
        list(senders.map(lambda _: send(1, f"copy-{key}"), range(50)))
    send(2)
    run.ends_well()

    assert sorted(run.outputs("wait")["seen"]) == [1, 2]
