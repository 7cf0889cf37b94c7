"""Rows about callbacks: how soon they are answered, and how soon the next step runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from benchmarks.bench import Bench
from benchmarks.clients import Client, Post, steadily
from benchmarks.engine import until
from benchmarks.judging import Outcome, Rounds, Target
from benchmarks.latency import compared, latencies
from benchmarks.plain_route import PATH
from benchmarks.raw import Baseline, Canvas
from benchmarks.shapes import Document
from pipeline_engine.scheduler.actions.callback_tokens import CallbackToken, callback_url

WITHIN_SECONDS = 60.0
PARKED_PER_EXECUTION = 20
ANSWER = orjson.dumps({"approved": True, "by": "benchmark", "comment": "x" * 100})


@dataclass(frozen=True, slots=True)
class CallbackAnswers:
    """``POST`` → 202 at a steady rate, against a route that inserts one row at the same rate."""

    per_second: int
    count: int
    target: Target
    name: str = "callback"

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Measure both sides in turns."""
        found = rounds.of(lambda: (self._plain(bench), self._engine(bench)))
        plain, engine = [f[0] for f in found], [f[1] for f in found]
        return Outcome(
            row=self.name,
            work=f"{self.per_second} callbacks a second, each completes a parked step",
            against="Flask, one row",
            figures=[compared(percent, engine, plain, self.target) for percent in (50, 99)],
            rounds=latencies(engine=engine, plain=plain, percents=(50, 95, 99)),
        )

    def _plain(self, bench: Bench) -> list[float]:
        posts = [PLAIN] * self.count
        return steadily(bench.plain.port, posts, per_second=self.per_second)

    def _engine(self, bench: Bench) -> list[float]:
        ids, posts = callbacks_of(bench, self.count)
        taken = steadily(bench.web.port, posts, per_second=self.per_second)
        bench.engine.wait_for_completion(ids)
        return taken


@dataclass(frozen=True, slots=True)
class NextStep:
    """From a callback until the step behind it runs, against one row over HTTP and one message.

    That step is an ordinary one, with a message, a claim and a lease of its own. The other figures
    inform only: a cheap step runs inside the transaction that takes the callback in; ``bare, two``
    needs a second message, as we do, and does nothing with it.
    """

    count: int
    target: Target
    name: str = "next-step"

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Measure all sides in turns."""
        found = rounds.of(lambda: self._round(bench))
        bare, blocking, cheap, two = ([f[side] for f in found] for side in range(4))
        return Outcome(
            row=self.name,
            work="callback, then a step runs",
            against="one row over HTTP and one message",
            figures=[
                *(compared(percent, blocking, bare, self.target) for percent in (50, 95)),
                *(compared(percent, cheap, bare, name="cheap, ") for percent in (50, 95)),
                *(compared(percent, two, bare, name="bare, two, ") for percent in (50, 95)),
            ],
            rounds=latencies(bare=bare, blocking=blocking, cheap=cheap, two=two, percents=(50, 95)),
        )

    def _round(self, bench: Bench) -> Sequence[list[float]]:
        return (
            self._bare(bench, messages=1),
            self._engine(bench, "benchmark_note"),
            self._engine(bench, "benchmark_note_cheap"),
            self._bare(bench, messages=2),
        )

    def _bare(self, bench: Bench, *, messages: int) -> list[float]:
        """The plain route inserts a row, then a raw task runs, or sends another that does."""
        tasks = Baseline(Canvas.CHAIN, messages)
        with closing(Client(bench.plain.port)) as client:
            return [
                _seconds_of(client, PLAIN) + bench.raw.seconds(tasks) for _ in range(self.count)
            ]

    def _engine(self, bench: Bench, action: str) -> list[float]:
        pipeline_id = bench.engine.store(waiting(1, then=action))
        ledger = str(bench.ledger.path)
        ids = [bench.engine.start(pipeline_id, ledger=ledger) for _ in range(self.count)]
        parked = parked_steps(bench, ids, self.count)
        with closing(Client(bench.web.port)) as client:
            taken = [_until_noted(bench, client, callback(bench, step)) for step in parked]
        bench.engine.wait_for_completion(ids)
        return taken


PLAIN = Post(PATH, ANSWER, 202)


def _seconds_of(client: Client, post: Post) -> float:
    began_at = time.perf_counter()
    client.send(post)
    return time.perf_counter() - began_at


def _until_noted(bench: Bench, client: Client, post: Post) -> float:
    bench.ledger.clear()
    began_at = time.time()
    client.send(post)
    return bench.ledger.wait_for(1, within=WITHIN_SECONDS) - began_at


# ── Parked steps ─────────────────────────────────────────────────────────────────────────


def waiting(count: int, *, then: str = "set_output") -> Document:
    """*count* steps that park until a callback comes, and one that follows them."""
    names = [f"wait-{i}" for i in range(count)]
    params = {"outputs": {"value": 1}} if then == "set_output" else NOTE_PARAMS
    return {
        "name": f"benchmark-{then.replace('_', '-')}",
        "parameters": [{"name": "ledger", "type": "string", "default": ""}],
        "steps": [
            *({"id": name, "name": name, "action": "approval", "params": {}} for name in names),
            {"id": "then", "name": "then", "action": then, "params": params, "depends_on": names},
        ],
    }


NOTE_PARAMS: Document = {"ledger": "{{ params.ledger }}", "number": 0}


def parked_steps(bench: Bench, ids: Sequence[UUID], count: int) -> list[CallbackToken]:
    """Wait until *count* steps of these executions are parked.  Raises ``Incomplete``."""

    def found() -> list[CallbackToken]:
        with bench.runtime.engine.connect() as connection:
            rows = connection.exec_driver_sql(PARKED, {"ids": [str(i) for i in ids]})
            return [CallbackToken(row[0], row[1]) for row in rows]

    parked: list[CallbackToken] = until(found, lambda p: len(p) == count, f"{count} parked steps")
    return parked


def callback(bench: Bench, step: CallbackToken) -> Post:
    """Return the answer to one parked step."""
    url = callback_url(bench.settings, step, valid_for=timedelta(hours=1))
    return Post(urlsplit(url).path, ANSWER, 202)


def callbacks_of(bench: Bench, count: int) -> tuple[list[UUID], list[Post]]:
    """Park *count* steps; their executions, and the answer to each step."""
    number = -(-count // PARKED_PER_EXECUTION)
    pipeline_id = bench.engine.store(waiting(PARKED_PER_EXECUTION))
    ids = [bench.engine.start(pipeline_id) for _ in range(number)]
    parked = parked_steps(bench, ids, number * PARKED_PER_EXECUTION)
    return ids, [callback(bench, step) for step in parked]


PARKED = """
SELECT id, attempt FROM step_executions
WHERE execution_id = ANY(%(ids)s::uuid[]) AND awaiting_event AND status = 'RUNNING' ORDER BY id
"""
