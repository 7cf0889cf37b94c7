"""The row about the console: what somebody waits for who looks at it in a browser."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import click
from playwright.sync_api import Browser, BrowserContext, Page, expect

from benchmarks.bench import Bench
from benchmarks.judging import Figure, Outcome, Rounds, at_most
from benchmarks.processes import MEBIBYTE
from benchmarks.shapes import fan_out, layered
from benchmarks.workers import API_TOKEN
from browser.audit import settle
from browser.console import is_built, registered
from browser.finding import NoBrowser, find
from browser.running import running, somebody
from browser.seeds import Sown, sow
from pipeline_engine.client import Client
from pipeline_engine.embedded.ports import LOOPBACK

FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
NOW = "performance.now()"
PATIENCE = 60_000  #: milliseconds until something is seen
LAYER = 25  #: steps side by side in the graph
PAUSE_SECONDS = 0.5  #: between two changes of the page that is watched
SETTLED = 1 / 3  #: of the time that a page is watched; what it holds then is compared
#: What a page may hold in the end, over what it held once it had settled.
FLAT = 1.2


@dataclass(frozen=True, slots=True)
class Pages:
    """First paint of every page, a big graph, a big fan-out, and a page that is left open.

    Each look is by a browser context of its own, which has nothing in its cache.
    """

    steps: int  #: of the graph
    items: int
    minutes: float  #: for which a page is watched
    seconds: float = 1.0  #: until the first paint, at most
    most: float = 2.0  #: seconds until somebody can work with a big one
    paths: Sequence[str] = ()  #: of the pages that are opened; all of them without a word
    name: str = "console"

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Sow, run what is big, and look at it all; without a browser only say so."""
        try:
            program = find(os.environ)
        except NoBrowser as reason:
            return self._left_out(str(reason))
        if not is_built():
            return self._left_out("The console is not built: `make console`.")
        client = Client(f"http://{LOOPBACK}:{bench.web.port}", API_TOKEN)
        with running(program) as browser:
            expect.set_options(timeout=PATIENCE)
            look = Looking(browser, client)
            sown = sow(client)
            paths = self.paths or registered()
            paints = rounds.of(lambda: {path: look.paint(sown, path) for path in paths})
            graph = _run(client, layered(self.steps // LAYER, LAYER, 2 * self.steps).document)
            shown = rounds.of(lambda: look.until_usable(graph, f"of {self.steps:,} steps"))
            many = _run(client, fan_out(self.items).document)
            counted = rounds.of(lambda: look.until_usable(many, "of 2 steps"))
            held = look.held(_lasting(client, self.minutes), self.minutes)
        return self._outcome(paints, shown, counted, held)

    def _left_out(self, reason: str) -> Outcome:
        click.echo(f"{self.name}: not measured. {reason}")
        return Outcome(row=self.name, work=reason, against="", figures=(), rounds={})

    def _outcome(
        self,
        paints: list[dict[str, float]],
        shown: list[float],
        counted: list[float],
        held: list[float],
    ) -> Outcome:
        by_page = {path: median(one[path] for one in paints) for path in paints[0]}
        slowest = max(by_page, key=lambda path: by_page[path])
        settled = held[int(len(held) * SETTLED)]
        return Outcome(
            row=self.name,
            work="pages of the console in a browser with nothing in its cache",
            against="",
            figures=(
                _seconds(f"first paint, {slowest}", by_page[slowest], self.seconds),
                _seconds("first paint, all pages", median(by_page.values())),
                _seconds(f"{self.steps:,} steps, one chosen", median(shown), self.most),
                _seconds(f"{self.items:,} items, one chosen", median(counted), self.most),
                Figure(
                    name=f"memory after {self.minutes:g} minutes",
                    value=held[-1] / settled,
                    target=at_most(FLAT),
                    ours=held[-1],
                    theirs=settled,
                    measured_in=" MiB",
                ),
            ),
            rounds={
                **{path: [one[path] for one in paints] for path in by_page},
                "graph": shown,
                "items": counted,
            },
        )


def _seconds(name: str, value: float, most: float | None = None) -> Figure:
    return Figure(name=name, value=value, unit="s", target=at_most(most) if most else None)


def _run(client: Client, document: dict[str, Any]) -> str:
    """Run a pipeline to its end."""
    execution = str(client.run(document, {})["execution_id"])
    ends_at = time.monotonic() + PATIENCE / 1000
    while client.execution(execution)["status"] != "COMPLETED" and time.monotonic() < ends_at:
        time.sleep(PAUSE_SECONDS)
    return execution


def _lasting(client: Client, minutes: float) -> str:
    """Start an execution in which something happens all the time, for longer than *minutes*."""
    count = int(minutes * 60 / PAUSE_SECONDS) + 60
    wait = {
        "id": "wait",
        "name": "wait",
        "action": "delay",
        "params": {"duration_seconds": PAUSE_SECONDS},
        "for_each": {"items": list(range(count)), "max_concurrency": 1},
    }
    return str(client.run({"name": "lasting", "steps": [wait]}, {})["execution_id"])


class Looking:
    """Somebody who is signed in, and opens pages with a watch in the hand."""

    def __init__(self, browser: Browser, client: Client) -> None:
        self._browser = browser
        self._address = client.url
        with somebody(browser, client.url) as context:
            page = context.new_page()
            page.goto(client.sign_in_link())
            page.get_by_role("button", name="Open the console").click()
            settle(page)
            self._cookies = context.storage_state()

    def paint(self, sown: Sown, path: str) -> float:
        """Seconds from the request of a page until something of it is seen."""
        with self._page() as page:
            page.goto(sown.address(path))
            settle(page)
            return float(page.evaluate(FIRST_PAINT)) / 1000

    def until_usable(self, execution: str, says: str) -> float:
        """Seconds from the request of an execution until its counts are there and a step chosen."""
        with self._page() as page:
            page.goto(f"/console/executions/{execution}", wait_until="commit")
            expect(page.get_by_text(says).first).to_be_visible()
            page.get_by_label("Gantt").get_by_role("button").nth(1).click()
            expect(page.get_by_label("Close the step")).to_be_visible()
            return float(page.evaluate(NOW)) / 1000

    def held(self, execution: str, minutes: float) -> list[float]:
        """MiB of JavaScript that a live page holds, once in ten seconds."""
        with self._page() as page:
            page.goto(f"/console/executions/{execution}")
            settle(page)
            inside = page.context.new_cdp_session(page)
            ends_at = time.monotonic() + minutes * 60
            held: list[float] = []
            while not held or time.monotonic() < ends_at:
                page.wait_for_timeout(min(10_000, minutes * 20_000))
                inside.send("HeapProfiler.collectGarbage")
                held.append(inside.send("Runtime.getHeapUsage")["usedSize"] / MEBIBYTE)
            return held

    @contextmanager
    def _page(self) -> Iterator[Page]:
        context: BrowserContext
        with somebody(self._browser, self._address, storage_state=self._cookies) as context:
            context.set_default_timeout(PATIENCE)
            yield context.new_page()
