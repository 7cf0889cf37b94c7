"""Faults of every kind at any moment, while the installation works."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from random import Random
from threading import Event, Thread

from battery import clock
from battery.run import Run
from battery.size import Size
from battery.stack import BEAT, LEASE, POSTGRES, VALKEY, WEB, Stack
from battery.traffic import Traffic

NAME = "random"
STRIKE_WITHIN_SECONDS = 15.0
PAUSE_SECONDS = (0.1, 1.6)
MOST_WAITING_CLIENTS = 32
LOOK_EVERY_SECONDS = 0.05
CALM_SECONDS = 3.0
DELAY_SECONDS = 0.03
DELAYED_FOR_SECONDS = 2.0
FROZEN_FOR_SECONDS = 2 * LEASE.total_seconds()
JUMPED_FOR_SECONDS = 3.0
HOUR = 3600

Strike = Callable[[Stack, Random], bool]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that can be done to the installation; it tells whether it had an effect."""

    name: str
    per_round: int
    strike: Strike
    hits_database: bool = False
    wipes_redis: bool = False
    moves_clock: bool = False


def run_block(run: Run, size: Size) -> None:
    """Let the faults strike in an order that the seed decides, under load."""
    chooser = Random(run.seed)
    struck: Counter[str] = Counter()
    planned = _plan(run.stack, chooser, size)
    with run.timetable.running(), _load(run.traffic, size.jobs_per_second):
        calm_at = 0.0
        for fault in planned:
            if fault.wipes_redis:
                _wait_for_empty_spool(run.stack, calm_at)
            struck[fault.name] += fault.strike(run.stack, chooser)
            if fault.hits_database:
                calm_at = time.monotonic() + CALM_SECONDS
            Event().wait(chooser.uniform(*PAUSE_SECONDS))
    _report(run, planned, struck)
    run.settle(NAME)
    run.traffic.deliver_too_late()
    run.look(NAME)


def _plan(stack: Stack, chooser: Random, size: Size) -> list[Fault]:
    faults = [fault for fault in FAULTS if stack.clock.is_movable or not fault.moves_clock]
    planned = [fault for fault in faults for _ in range(max(fault.per_round * size.rounds, 1))]
    chooser.shuffle(planned)
    return planned


def _report(run: Run, planned: list[Fault], struck: Counter[str]) -> None:
    wanted = Counter(fault.name for fault in planned)
    for name, count in wanted.items():
        missed = [] if struck[name] == count else [f"only {struck[name]} of {count} had an effect"]
        run.checks.add(NAME, f"{name}, {count} times", missed)
    if not run.stack.clock.is_movable:
        run.checks.add(NAME, "jumps of the clock", skipped=clock.MISSING)
    run.faults.update(struck)


# ── Load ─────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _load(traffic: Traffic, jobs_per_second: float) -> Iterator[None]:
    """Launch jobs of all shapes while the block runs."""
    over = Event()

    def launch() -> None:
        while not over.wait(1 / jobs_per_second):
            if traffic.waiting_clients < MOST_WAITING_CLIENTS:
                traffic.launch()

    thread = Thread(target=launch, name="load")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _wait_for_empty_spool(stack: Stack, calm_at: float) -> None:
    """Do not wipe Redis while it alone holds deliveries, since PostgreSQL was away.

    Whoever loses both at once loses those deliveries; the documentation says so.
    """
    while time.monotonic() < calm_at or stack.spooled():
        Event().wait(LOOK_EVERY_SECONDS)


# ── Faults ───────────────────────────────────────────────────────────────────────────────


def _kill(name: str, stack: Stack, _: Random) -> bool:
    return _until(lambda: stack.kill(name))


def _kill_child(name: str, stack: Stack, chooser: Random) -> bool:
    return _until(lambda: stack.kill_child(name, chooser.choice))


def _freeze(name: str, stack: Stack, _: Random) -> bool:
    """Stop a whole worker for longer than its leases; then it goes on as if nothing were."""
    frozen = stack.freeze(name)
    Event().wait(FROZEN_FOR_SECONDS)
    stack.thaw(frozen)
    return bool(frozen)


def _crash(server: str, stack: Stack, _: Random) -> bool:
    stack.crash(server)
    return True


def _flush(stack: Stack, _: Random) -> bool:
    stack.flush()
    return True


def _terminate(stack: Stack, chooser: Random) -> bool:
    return _until(lambda: stack.terminate_a_session(chooser.choice))


def _cut(server: str, stack: Stack, _: Random) -> bool:
    return _until(lambda: stack.proxy.cut(server) > 0)


def _lose_answer(server: str, words: str, stack: Stack, _: Random) -> bool:
    before = stack.proxy.answers_lost(server)
    stack.proxy.lose_next_answer(server, words)
    return _until(lambda: stack.proxy.answers_lost(server) > before)


def _delay(server: str, stack: Stack, _: Random) -> bool:
    stack.proxy.delay(server, DELAY_SECONDS)
    Event().wait(DELAYED_FOR_SECONDS)
    stack.proxy.delay(server, 0)
    return True


def _jump(seconds: int, stack: Stack, _: Random) -> bool:
    stack.clock.move(seconds)
    Event().wait(JUMPED_FOR_SECONDS)
    stack.clock.move(0)
    return True


def _until(done: Callable[[], bool]) -> bool:
    """Try until it works: who is to be killed may just be starting again."""
    ends_at = time.monotonic() + STRIKE_WITHIN_SECONDS
    while not done():
        if time.monotonic() > ends_at:
            return False
        Event().wait(LOOK_EVERY_SECONDS)
    return True


FAULTS = (
    Fault("web killed", 2, partial(_kill, WEB)),
    Fault("a process of web killed", 3, partial(_kill_child, WEB)),
    Fault("threads worker killed", 3, partial(_kill, "worker-io")),
    Fault("prefork worker killed", 2, partial(_kill, "worker-cpu")),
    Fault("worker of the engine's own work killed", 1, partial(_kill, "worker-system")),
    Fault("a process of the prefork worker killed", 3, partial(_kill_child, "worker-cpu")),
    Fault("beat killed", 1, partial(_kill, BEAT)),
    Fault("threads worker frozen past its leases", 1, partial(_freeze, "worker-io")),
    Fault("prefork worker frozen past its leases", 1, partial(_freeze, "worker-cpu")),
    Fault("Redis killed, back empty", 1, partial(_crash, VALKEY), wipes_redis=True),
    Fault("Redis flushed", 1, _flush, wipes_redis=True),
    Fault("PostgreSQL killed, recovered", 1, partial(_crash, POSTGRES), hits_database=True),
    Fault("session of PostgreSQL terminated", 6, _terminate, hits_database=True),
    Fault(
        "answer to a commit lost", 6, partial(_lose_answer, POSTGRES, "COMMIT"), hits_database=True
    ),
    Fault("answer of Redis lost", 2, partial(_lose_answer, VALKEY, "LPUSH")),
    Fault("all connections to PostgreSQL cut", 1, partial(_cut, POSTGRES), hits_database=True),
    Fault("all connections to Redis cut", 1, partial(_cut, VALKEY)),
    Fault("PostgreSQL slow", 1, partial(_delay, POSTGRES)),
    Fault("Redis slow", 1, partial(_delay, VALKEY)),
    Fault("clock an hour ahead for a while", 1, partial(_jump, HOUR), moves_clock=True),
    Fault("clock an hour behind for a while", 1, partial(_jump, -HOUR), moves_clock=True),
)
