"""Whatever lies in a queue, the worker that takes it lives on and does its work."""

from __future__ import annotations

import base64
import json
import pickle
import random
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import redis
from support.observing import Run, step
from support.waiting import wait_until

from pipeline_engine.client import Client
from pipeline_engine.dispatch.messages import DELIVER, JOIN, QUEUES, RUN_BATCH, SWEEP
from pipeline_engine.embedded.stack import Stack

WORKERS = ("worker-fast", "worker-io", "worker-cpu", "worker-system")
ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 2**70, 1e308, "", "x", "\x1b[31m", "9" * 5000, "é\u0000"),
    *([], [None], ["x", "y"], [-1, -1], [1e9, 1e9], [[[]]], {}, {"a": {"b": []}}),
    *("9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+23:59", "2026-13-99", "tomorrow"),
)
ODD_TEXTS = (
    *(b"", b"{", b"null", b"7", b'"text"', b"[]", b"{}", b"\xff\xfe\x00", b"NaN", b"[" * 20_000),
    *(b'{"properties": 1}', b'{"properties": {}}', b'{"properties": {"delivery_tag": []}}'),
    pickle.dumps({"task": RUN_BATCH}),
    b'{"task": "step.batch", "id": "1", "args": [[1]], "kwargs": {}, "timelimit": ["a", "b"]}',
)


def body_of(*arguments: Any, **options: Any) -> str:
    embedded = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    content = [list(arguments), options, embedded]
    return base64.b64encode(json.dumps(content).encode()).decode()


def a_message(task: Any = RUN_BATCH, **changed: Any) -> dict[str, Any]:
    """One as the engine sends it, about a step that there is not."""
    return {
        "body": body_of([2**40]),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": task,
            "id": str(uuid4()),
            "root_id": None,
            "parent_id": None,
            "eta": None,
            "expires": None,
            "group": None,
            "retries": 0,
            "argsrepr": "([1],)",
            "timelimit": [None, None],
            "kwargsrepr": "{}",
            "origin": "tests",
            "shadow": None,
        },
        "properties": {
            "correlation_id": str(uuid4()),
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "fast"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
        },
        **changed,
    }


def junk() -> Iterator[bytes]:
    """Messages with one thing wrong each, texts that are none, and some that are wrong all over."""
    yield from ODD_TEXTS
    whole = a_message()
    for odd in ODD:
        yield from (json.dumps({**whole, part: odd}).encode() for part in whole)
        for part in ("headers", "properties"):
            for name in (*whole[part], "chord", "compression", "stamps", "update"):
                yield json.dumps({**whole, part: {**whole[part], name: odd}}).encode()
        for task in (RUN_BATCH, "step.log", JOIN, DELIVER, SWEEP):
            yield json.dumps(a_message(task, body=body_of(odd))).encode()
            yield json.dumps(a_message(task, body=body_of([odd]))).encode()
            yield json.dumps(a_message(task, body=body_of([1], chord_header=odd))).encode()
    for part in whole:
        yield json.dumps({k: v for k, v in whole.items() if k != part}).encode()
    for task in (RUN_BATCH, DELIVER, JOIN):
        yield json.dumps(a_message(task, body=body_of(list(range(1, 200_000))))).encode()
        yield json.dumps(a_message(task, body=body_of([1] * 501))).encode()
        yield json.dumps(a_message(task, body=body_of([1], [2], unknown=1))).encode()
    yield json.dumps(a_message("no.such.task")).encode()
    yield json.dumps(a_message("celery.backend_cleanup")).encode()
    yield json.dumps(
        a_message(body=base64.b64encode(pickle.dumps([[1], {}, {}])).decode())
    ).encode()


@pytest.fixture
def server(stack: Stack) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(stack.redis_url) as client:
        yield client


def pids(stack: Stack) -> dict[str, int | None]:
    return {name: stack.process(name).pid for name in WORKERS}


def test_workers_of_every_kind_survive_whatever_lies_in_their_queues(
    stack: Stack, client: Client, server: redis.Redis
) -> None:
    """Processes and threads get a share each, in an order that is different each time."""
    before = pids(stack)
    messages = list(junk())
    random.shuffle(messages)

    for number, queue in enumerate(QUEUES):
        server.lpush(f"pe:{queue}", *ODD_TEXTS, *messages[number :: len(QUEUES)])
    wait_until(
        lambda: not any(server.llen(f"pe:{queue}") for queue in QUEUES),
        within=90,
        what="workers that have taken all of it",
    )
    steps = [
        step("cheap", "log", message="still here"),
        step("io", "probe_work", "cheap", ledger="/dev/null"),
        step("cpu", "probe_work", "io", ledger="/dev/null", queue="cpu"),
    ]
    Run.start(client, *steps).ends_well(within=60)

    assert pids(stack) == before
