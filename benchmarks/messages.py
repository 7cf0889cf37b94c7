"""The row about messages: what subscribers are told while some of them hang."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median
from urllib.request import urlopen
from uuid import UUID

from benchmarks.bench import Bench
from benchmarks.callbacks import parked_steps, waiting
from benchmarks.engine import until
from benchmarks.judging import Figure, Outcome, Rounds, at_least
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.domain.subscriptions import Target, TargetType
from pipeline_engine.messaging.wishes import Wish
from pipeline_engine.services import subscriptions
from pipeline_engine.storage.history import NewEvent, record
from pipeline_engine.storage.tables.events import EventType

EXECUTIONS = 20  #: whose history it is
AT_ONCE = 200  #: events of a transaction


@dataclass(frozen=True, slots=True)
class Messages:
    """Events to subscribers, of whom none hangs, and of whom some do."""

    events: int
    subscribers: int
    hanging: int
    name: str = "messages"

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Let the same happen twice; those who do not hang are as many both times."""
        rounds = replace(rounds, warm_up=0)
        pipeline_id = bench.engine.store(waiting(1))
        ids = [bench.engine.start(pipeline_id) for _ in range(EXECUTIONS)]
        parked_steps(bench, ids, EXECUTIONS)
        alone = rounds.of(lambda: self._rate(bench, ids, hanging=0))
        beside = rounds.of(lambda: self._rate(bench, ids, hanging=self.hanging))
        return Outcome(
            row=self.name,
            work=f"{self.events:,} events to {self.subscribers} subscribers",
            against="none",
            figures=(
                Figure(name="nobody hangs", value=median(alone), unit="messages/s"),
                Figure(
                    name=f"{self.hanging} hang",
                    value=median(beside) / median(alone),
                    unit="of that",
                    target=at_least(0.8),
                    ours=median(beside),
                    theirs=median(alone),
                    measured_in=" messages/s",
                ),
            ),
            rounds={"alone": alone, "beside": beside},
        )

    def _rate(self, bench: Bench, ids: list[UUID], *, hanging: int) -> float:
        """Messages a second to those who do not hang, until they have heard everything."""
        willing = self.subscribers - self.hanging
        with _receiver() as url:
            made = [_subscribe(bench, f"{url}/{n}") for n in range(willing)]
            made += [_subscribe(bench, f"{url}/hang/{n}") for n in range(hanging)]
            try:
                began = time.monotonic()
                _let_happen(bench, ids, self.events)
                wanted = willing * self.events
                until(lambda: _heard(url) >= wanted, bool, f"{wanted} messages")
                return wanted / (time.monotonic() - began)
            finally:
                _forget(bench, made)


@contextmanager
def _receiver() -> Iterator[str]:
    """Somebody in another process who takes everything, but below ``/hang``."""
    command = [sys.executable, "-m", "benchmarks.receiver"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  our own
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _heard(url: str) -> int:
    with urlopen(f"{url}/count") as answer:  # noqa: S310  our own, on this machine
        return int(answer.read())


def _subscribe(bench: Bench, url: str) -> str:
    wish = Wish(target=Target(TargetType.HTTP, url))
    with bench.runtime.sessions.begin() as session:
        made = subscriptions.create(SYSTEM, session, bench.runtime, wish)
        return str(made.shown.subscription.id)


def _forget(bench: Bench, made: list[str]) -> None:
    with bench.runtime.sessions.begin() as session:
        for one in made:
            subscriptions.delete(SYSTEM, session, one)


def _let_happen(bench: Bench, ids: list[UUID], events: int) -> None:
    for first in range(0, events, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, events))
        happened = [
            NewEvent(ids[n % len(ids)], EventType.STEP_PROGRESS, details={"step_id": "wait"})
            for n in numbers
        ]
        with bench.runtime.engine.begin() as connection:
            record(connection, happened)
