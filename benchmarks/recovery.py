"""The row about death: how soon a step runs again whose worker was killed."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from subprocess import Popen

from benchmarks.bench import Bench
from benchmarks.engine import Engine, until
from benchmarks.installations import installation
from benchmarks.judging import Figure, Outcome, Rounds, at_most
from benchmarks.ledger import Ledger
from benchmarks.shapes import Document
from benchmarks.workers import beat, paused, running, worker
from pipeline_engine.config import Settings
from pipeline_engine.embedded.programs import signal_group
from pipeline_engine.services import Runtime

POOL = ("-P", "threads", "-c", "4", "-Q", "io,fast,cpu,system")
EXTRA_SECONDS = 2.0
HOLDING: Document = {
    "name": "benchmark-hold",
    "parameters": [{"name": "ledger", "type": "string", "default": ""}],
    "steps": [
        {
            "id": "hold",
            "name": "hold",
            "action": "benchmark_hold",
            "params": {"ledger": "{{ params.ledger }}", "number": 0},
        }
    ],
}


@dataclass(frozen=True, slots=True)
class Recovery:
    """From SIGKILL of the only worker until the step that it ran runs again.

    A new worker is started at once, as a supervisor would; nobody tells it what was lost. The
    worst round counts, for this is a bound.
    """

    lease_seconds: float
    name: str = "recovery"

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Kill a worker in each round."""
        told = installation(bench, self.name, {"PIPELINE_LEASE_SECONDS": f"{self.lease_seconds:g}"})
        with _lonely(bench, told) as lonely:
            seconds = rounds.of(lonely.seconds_to_recover)
        return Outcome(
            row=self.name,
            work="SIGKILL of the only worker, then its step runs again",
            against=f"lease of {self.lease_seconds:g} s",
            figures=(
                Figure(
                    name="longest",
                    value=max(seconds),
                    unit="s",
                    target=at_most(self.lease_seconds + EXTRA_SECONDS),
                    ours=max(seconds),
                    theirs=self.lease_seconds,
                    measured_in=" s",
                ),
            ),
            rounds={"seconds": seconds},
        )


@dataclass(slots=True)
class _Lonely:
    """An installation with one worker."""

    bench: Bench
    environment: Mapping[str, str]
    engine: Engine
    ledger: Ledger
    stack: ExitStack
    process: Popen[bytes] | None = None

    def start_worker(self) -> Popen[bytes]:
        program = worker("lonely", POOL, self.environment)
        return self.stack.enter_context(running(program, self.bench.directory / "logs"))

    def seconds_to_recover(self) -> float:
        """Let the worker take a step, kill it, and wait until the step runs again."""
        process = self.process or self.start_worker()
        self.ledger.clear()
        execution = self.engine.start(self.engine.store(HOLDING), ledger=str(self.ledger.path))
        self._runs(1)
        signal_group(process.pid, signal.SIGKILL)
        killed_at = time.time()
        self.process = self.start_worker()
        moments = self._runs(2)
        self.engine.wait_for_completion([execution])
        return moments[-1] - killed_at

    def _runs(self, count: int) -> list[float]:
        """Return when the step ran, once it did so *count* times."""
        found: list[float] = until(
            self.ledger.moments, lambda moments: len(moments) >= count, f"attempt {count}"
        )
        return found


@contextmanager
def _lonely(bench: Bench, told: Mapping[str, str]) -> Iterator[_Lonely]:
    runtime = Runtime.start(Settings.from_env(told), registry=bench.runtime.registry)
    engine = Engine(runtime, paused=partial(paused, ()), cpu=bench.cpu)
    with ExitStack() as stack:
        stack.callback(runtime.stop)
        stack.enter_context(running(beat(told), bench.directory / "logs" / "lonely"))
        yield _Lonely(bench, told, engine, Ledger(bench.directory / "recovery"), stack)
