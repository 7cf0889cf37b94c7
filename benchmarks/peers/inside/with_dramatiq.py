"""Dramatiq: a pipeline, and a group with a completion callback, on Redis."""

from __future__ import annotations

import os

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import GroupCallbacks
from dramatiq.rate_limits.backends import RedisBackend as RateLimiterBackend
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from benchmarks.peers.inside import work

URL = os.environ["REDIS_URL"]
WORKER = ("dramatiq", "benchmarks.peers.inside.with_dramatiq", "--processes", "1", "--threads", "1")
WITHIN_MS = 120_000

# redis-py gives up reading after 5 s unless told otherwise; a result may take longer.
results = RedisBackend(client=redis.Redis.from_url(URL, socket_timeout=None))
broker = RedisBroker(url=URL)
broker.add_middleware(GroupCallbacks(RateLimiterBackend(url=URL)))
broker.add_middleware(Results(backend=results))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True)
def step(number: int, n: int) -> int:
    """Compute."""
    return work.do_step(number, n)


@dramatiq.actor(store_results=True)
def join(items: int, messages: list[dict[str, object]]) -> int:
    """Fetch what the items found, and add it up: a callback is not given it."""
    found = [dramatiq.Message(**message).get_result(backend=results) for message in messages]
    return work.do_join(items, found)


def run(workload: work.Workload) -> int:
    """Enqueue, and wait for the results."""
    enqueue = mapped if workload.joined else in_a_row
    lasts = work.together(lambda first: enqueue(first, workload), workload.firsts)
    found = [last.get_result(backend=results, block=True, timeout=WITHIN_MS) for last in lasts]
    return sum(found)


def mapped(first: int, workload: work.Workload) -> dramatiq.Message[int]:
    """Enqueue a group, and return the message of its callback."""
    numbers = range(first, first + workload.items)
    steps = [step.message(number, workload.fibo) for number in numbers]
    group = dramatiq.group(steps)
    last = join.message(workload.items, [message.asdict() for message in steps])
    group.add_completion_callback(last)
    group.run()
    return last


def in_a_row(first: int, workload: work.Workload) -> dramatiq.Message[int]:
    """Enqueue a pipeline, and return its last message."""
    row = [
        step.message_with_options(args=(number, workload.fibo), pipe_ignore=True)
        for number in range(first, first + workload.items)
    ]
    last: dramatiq.Message[int] = dramatiq.pipeline(row).run().messages[-1]
    return last


if __name__ == "__main__":
    with work.running(*WORKER):
        work.answer_requests(run)
