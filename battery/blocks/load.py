"""Ten thousand parked steps, a storm of callbacks, and a wide fan-out, all at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from statistics import quantiles
from threading import Event
from typing import Any

from battery import expectations, jobs
from battery.jobs import Job, Waiting
from battery.run import Run
from battery.size import Size

NAME = "load"
PER_EXECUTION = 500
SENDERS = 16
DOUBLED, EARLY, SHUFFLED = 0.10, 0.05, 0.05
LOOK_EVERY_SECONDS = 0.3
REST_WITHIN_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Callback:
    """One event that is to be sent."""

    waiting: Waiting
    number: int
    wave: str


def run_block(run: Run, size: Size) -> None:
    """Park, send, join; then look whether each event counted once and everything was joined."""
    chooser = Random(run.seed + 1)
    waiting = _park(run, chooser, size)
    _join(run, chooser, size)
    pairs = _start(run, jobs.many_parked(chooser, int(size.callbacks * SHUFFLED / 2), wanted=2))
    latecomer = jobs.many_parked(chooser, int(size.callbacks * EARLY))
    callbacks = _callbacks(chooser, size, waiting, pairs.waiting, latecomer.waiting)
    _send(run, callbacks, size)
    _start(run, latecomer)
    _settle(run, callbacks)
    run.new_jobs()  # what is still parked is left so
    run.look(NAME)


def _park(run: Run, chooser: Random, size: Size) -> list[Waiting]:
    """Start executions until so many steps wait for an event."""
    began = time.monotonic()
    sizes = [PER_EXECUTION] * (size.parked // PER_EXECUTION) + [size.parked % PER_EXECUTION]
    parked = [_start(run, jobs.many_parked(chooser, count)) for count in sizes if count]
    found = [waiting for job in parked for waiting in job.waiting]
    arrived = _until(lambda: _parked(run) >= size.parked)
    seconds = time.monotonic() - began
    missing = [] if arrived else [f"only {_parked(run)} are parked"]
    run.checks.add(NAME, f"{size.parked:,} steps are parked at the same time", missing)
    run.held["parked steps"] = size.parked
    run.held["parked within seconds"] = round(seconds, 1)
    return found


def _join(run: Run, chooser: Random, size: Size) -> None:
    """A wide fan-out, while all the others are parked: they hold no slot of any worker."""
    run.new_jobs()
    began = time.monotonic()
    _start(run, jobs.fan_out(chooser, items=size.items, seconds=0))
    run.settle(NAME)
    run.held["items of the fan-out"] = size.items
    run.held["joined within seconds"] = round(time.monotonic() - began, 1)


def _start(run: Run, job: Job) -> Job:
    run.traffic.start(job, key=job.waiting[0].external_id if job.waiting else job.shape)
    return job


def _callbacks(
    chooser: Random,
    size: Size,
    parked: Sequence[Waiting],
    pairs: Sequence[Waiting],
    early: Sequence[Waiting],
) -> list[Callback]:
    """Every event that is sent, in its order: some twice, some too early, some the wrong way."""
    shuffled = [Callback(w, number, "shuffled") for w in pairs for number in (2, 1)]
    before = [Callback(w, 1, "early") for w in early]
    doubled = int(size.callbacks * DOUBLED)
    rest = max(size.callbacks - len(shuffled) - len(before) - doubled, 0)
    usual = [Callback(w, 1, "once") for w in chooser.sample(parked, min(rest, len(parked)))]
    twice = [Callback(c.waiting, c.number, "doubled") for c in usual[:doubled]]
    # Pairs keep their order, which is the wrong one; all the others are mixed.
    mixed = usual + twice + before
    chooser.shuffle(mixed)
    places = sorted(chooser.sample(range(len(mixed) + 1), min(len(shuffled), len(mixed))))
    for offset, (place, callback) in enumerate(zip(places, shuffled, strict=False)):
        mixed.insert(place + offset, callback)
    return mixed


def _send(run: Run, callbacks: Sequence[Callback], size: Size) -> None:
    """Send them at the wanted rate, and keep how long each answer took."""
    began = time.monotonic()

    def send(index: int) -> float:
        Event().wait(max(began + index / size.callbacks_per_second - time.monotonic(), 0))
        sent_at = time.monotonic()
        one = callbacks[index]
        answer = run.traffic.deliver(one.waiting, one.number, wave=one.wave)
        assert answer.is_accepted, answer
        return time.monotonic() - sent_at

    with ThreadPoolExecutor(SENDERS) as senders:
        latencies = list(senders.map(send, range(len(callbacks))))
    seconds = time.monotonic() - began
    shares = quantiles(latencies, n=100)
    run.held["callbacks"] = len(callbacks)
    run.held["callbacks per second"] = round(len(callbacks) / seconds, 1)
    run.held["callback p50 ms"] = round(1000 * shares[49], 1)
    run.held["callback p99 ms"] = round(1000 * shares[98], 1)
    run.checks.add(NAME, f"{len(callbacks):,} callbacks were accepted")


def _settle(run: Run, callbacks: Sequence[Callback]) -> None:
    """Wait until every event has been applied, and count how often each was."""
    began = time.monotonic()
    numbers: dict[str, set[int]] = {}
    for callback in callbacks:
        numbers.setdefault(callback.waiting.external_id, set()).add(callback.number)
    wanted = {external_id: sorted(found) for external_id, found in numbers.items()}
    _until(lambda: not any(_wrong(run, wanted)))
    run.held["applied within seconds after the last"] = round(time.monotonic() - began, 1)
    run.checks.add(NAME, f"each event for {len(wanted):,} steps counted once", _wrong(run, wanted))
    expectations.wait_for_deliveries(run.stack.engine)


def _wrong(run: Run, wanted: dict[str, list[int]]) -> Iterator[str]:
    """Say which steps have not seen exactly the events that were sent to them."""
    query = (
        "SELECT external_workflow_id, outputs->'seen' FROM step_executions"
        " WHERE external_workflow_id = ANY(%(ids)s::text[])"
    )
    with run.stack.engine.connect() as connection:
        rows = connection.exec_driver_sql(query, {"ids": list(wanted)}).all()
    found: dict[str, Any] = {row[0]: row[1] for row in rows}
    for external_id, numbers in wanted.items():
        seen = found.get(external_id)
        if sorted(seen or ()) != numbers:
            yield f"{external_id} has seen {seen}, not {numbers} each once"


def _parked(run: Run) -> int:
    with run.stack.engine.connect() as connection:
        query = "SELECT count(*) FROM step_executions WHERE status = 'RUNNING' AND awaiting_event"
        return int(connection.exec_driver_sql(query).scalar_one())


def _until(done: Callable[[], bool]) -> bool:
    ends_at = time.monotonic() + REST_WITHIN_SECONDS
    while not done():
        if time.monotonic() > ends_at:
            return False
        Event().wait(LOOK_EVERY_SECONDS)
    return True
