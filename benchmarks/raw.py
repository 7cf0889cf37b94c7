"""Raw Celery: what a user would write without an engine, with tasks that do nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import requests
from celery import Celery, chain, chord, group

from benchmarks.ledger import Ledger

NOTE = "benchmark.note"
FETCH = "benchmark.fetch"
IO = "io"  #: the queue of the engine's blocking steps
WITHIN_SECONDS = 120.0


def register_tasks(ledger: Ledger, *apps: Celery) -> None:
    """Give *apps* the task that does nothing, and the one that asks a server."""

    def note(number: int) -> None:
        ledger.note(number)

    def fetch(number: int, url: str) -> None:
        requests.get(url, timeout=30).raise_for_status()
        ledger.note(number)

    for app in apps:
        app.task(name=NOTE, shared=False)(note)
        app.task(name=FETCH, shared=False)(fetch)


class Canvas(StrEnum):
    """The native forms that shapes are compared with."""

    GROUP = "group"
    BATCH = "batch"  #: tasks sent by name through one buffering producer, new in kombu 5.7
    CHAIN = "chain"
    CHORD = "chord"
    CALLS = "calls"  #: a group of tasks that call a server with requests


@dataclass(frozen=True, slots=True)
class Baseline:
    """So many raw tasks in one native form."""

    canvas: Canvas
    tasks: int
    url: str = ""  #: what calls are made to

    def __str__(self) -> str:
        return f"{self.canvas} of {self.tasks:,}"


class RawCelery:
    """Publishes raw tasks to the workers, and times them until the last one has run."""

    def __init__(self, app: Celery, app_with_results: Celery, ledger: Ledger) -> None:
        self._apps = dict.fromkeys(Canvas, app) | {Canvas.CHORD: app_with_results}
        self._ledger = ledger

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        for app in set(self._apps.values()):
            app.close()

    def seconds(self, baseline: Baseline) -> float:
        """Return how long *baseline* took, publishing included.  Raises ``Incomplete``."""
        self._ledger.clear()
        publish, records = CANVASES[baseline.canvas](self._apps[baseline.canvas], baseline)
        began_at = time.time()
        result = publish()
        ended_at = self._ledger.wait_for(records, within=WITHIN_SECONDS)
        if baseline.canvas is Canvas.CHORD:
            result.forget()  # or it asks Redis when it is collected, which may be gone then
        return ended_at - began_at


Published = tuple[Callable[[], Any], int]  #: what publishes it, and how many records it leaves


def _group(app: Celery, baseline: Baseline) -> Published:
    notes = [_note(app, i) for i in range(baseline.tasks)]
    return group(notes, app=app).apply_async, baseline.tasks


def _calls(app: Celery, baseline: Baseline) -> Published:
    calls = [
        app.signature(FETCH, args=(i, baseline.url), immutable=True, queue=IO)
        for i in range(baseline.tasks)
    ]
    return group(calls, app=app).apply_async, baseline.tasks


def _batch(app: Celery, baseline: Baseline) -> Published:
    def publish() -> None:
        with app.producer_pool.acquire(block=True) as producer, producer.batch(max_size=500):  # type: ignore[attr-defined]
            for number in range(baseline.tasks):
                app.send_task(NOTE, args=(number,), producer=producer, retry=False)

    return publish, baseline.tasks


def _chain(app: Celery, baseline: Baseline) -> Published:
    notes = [_note(app, i) for i in range(baseline.tasks)]
    return chain(*notes, app=app).apply_async, baseline.tasks


def _chord(app: Celery, baseline: Baseline) -> Published:
    header = [_note(app, i).set(ignore_result=False) for i in range(baseline.tasks)]
    body = _note(app, baseline.tasks)
    return chord(group(header, app=app), body, app=app).apply_async, baseline.tasks + 1


def _note(app: Celery, number: int) -> Any:
    return app.signature(NOTE, args=(number,), immutable=True)


CANVASES: dict[Canvas, Callable[[Celery, Baseline], Published]] = {
    Canvas.GROUP: _group,
    Canvas.BATCH: _batch,
    Canvas.CHAIN: _chain,
    Canvas.CHORD: _chord,
    Canvas.CALLS: _calls,
}
