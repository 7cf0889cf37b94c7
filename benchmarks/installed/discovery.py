"""The row about discovery: how long a new process takes to find many actions."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from statistics import median

import orjson

from benchmarks.bench import Bench
from benchmarks.installed import package
from benchmarks.judging import Figure, Outcome, Rounds, Target
from benchmarks.ledger import Incomplete
from benchmarks.rates import MILLI
from benchmarks.workers import REPOSITORY, with_actions

FINDING = (sys.executable, "-m", "benchmarks.installed.finding")


@dataclass(frozen=True, slots=True)
class Discovery:
    """Finding the actions of all packages, beyond what importing their modules takes."""

    actions: int
    target: Target
    name: str = "discovery"

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Measure it in a process of its own each time."""
        path = package.write(bench.directory / "discovery", self.actions)
        environment = with_actions({**bench.environment, "PYTHONPATH": str(path)})
        took = rounds.of(lambda: MILLI * self._seconds(environment))
        figure = Figure(name="time", value=median(took), unit=" ms", target=self.target)
        return Outcome(
            row=self.name,
            work=f"find {self.actions} actions and the engine's own, their modules imported",
            against="-",
            figures=[figure],
            rounds={"ms": took},
        )

    def _seconds(self, environment: dict[str, str]) -> float:
        done = subprocess.run(  # noqa: S603 (the command is ours)
            FINDING, env=environment, cwd=REPOSITORY, capture_output=True, check=True
        )
        found = orjson.loads(done.stdout)
        if found["actions"] <= self.actions:
            raise Incomplete(f"only {found['actions']} of {self.actions} actions and our own")
        return float(found["seconds"])
