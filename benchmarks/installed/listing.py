"""The row about listing: ``GET /actions`` with many actions against a route that says little."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from benchmarks.bench import Bench
from benchmarks.clients import Client, Post, steadily
from benchmarks.installed import package
from benchmarks.judging import Outcome, Rounds, Target
from benchmarks.latency import compared, latencies
from benchmarks.ledger import Incomplete
from benchmarks.web import ENGINE, Site, running_web
from benchmarks.workers import API_TOKEN

HEADERS = {"Authorization": f"Bearer {API_TOKEN}"}
#: Both are GETs of the same server, by the same caller.
ACTIONS = Post("/api/v1/actions", b"", 200, HEADERS, "GET")
TRIVIAL = Post("/api/v1/whoami", b"", 200, HEADERS, "GET")


@dataclass(frozen=True, slots=True)
class Listing:
    """An editor that asks what steps can do, at a steady rate."""

    actions: int
    per_second: int
    count: int
    target: Target
    name: str = "actions"

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Measure both routes in turns."""
        path = package.write(bench.directory / "listing", self.actions)
        environment = {**bench.environment, "PYTHONPATH": str(path)}
        with running_web("many", ENGINE, environment, bench.directory / "logs") as site:
            self._check(site)
            found = rounds.of(lambda: (self._ask(site, ACTIONS), self._ask(site, TRIVIAL)))
        listed, trivial = [f[0] for f in found], [f[1] for f in found]
        return Outcome(
            row=self.name,
            work=f"{self.per_second} times a second GET /actions, {self.actions} and our own",
            against="GET /whoami",
            figures=[compared(50, listed, trivial, self.target), compared(99, listed, trivial)],
            rounds=latencies(listed=listed, trivial=trivial, percents=(50, 99)),
        )

    def _ask(self, site: Site, what: Post) -> list[float]:
        return steadily(site.port, [what] * self.count, per_second=self.per_second)

    def _check(self, site: Site) -> None:
        client = Client(site.port)
        total = orjson.loads(client.send(ACTIONS))["total"]
        client.close()
        if total <= self.actions:
            raise Incomplete(f"{total} actions are listed, not {self.actions} and our own")
