"""Rows that come in a burst share a message."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from pipeline_engine.dispatch.messages import SYSTEM, Message, several

log = logging.getLogger(__name__)

#: Calls within ``RUSH_SECONDS`` that make a rush.
RUSH = 4
#: Seconds over which calls are counted.
RUSH_SECONDS = 0.05
#: Seconds for which ids are gathered during a rush.
GATHERED_SECONDS = 0.04
#: Ids per message, at most.
MOST_IDS = 50


class Coalescer:
    """Rows that came in, and the task that is to be told of them: at once, or in a rush together.

    A message costs its sender and its receiver more than what many of them ask for. One thread
    sends them all, so the caller does not wait for Redis.
    """

    def __init__(
        self, task: str, send: Callable[[Sequence[Message]], None], *, queue: str = SYSTEM
    ) -> None:
        self._task = task
        self._queue = queue
        self._send = send
        self._lock = Lock()
        self._came: deque[float] = deque(maxlen=RUSH)
        self._parties: list[tuple[Sequence[int], str]] = []
        self._is_due = False  #: the thread is about to send what is here
        # Its one thread starts with the first row; a process that stops waits for it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="announcing")

    def add(self, *ids: int, label: str = "") -> None:
        """Announce these now, or with what comes in the next moment; one message has them all."""
        now = time.monotonic()
        with self._lock:
            in_rush = len(self._came) == RUSH and now - self._came[0] < RUSH_SECONDS
            self._came.append(now)
            self._parties.append((ids, label))
            if self._is_due:
                return
            self._is_due = True
        try:
            self._thread.submit(self._announce_after, GATHERED_SECONDS if in_rush else 0.0)
        except RuntimeError:  # there are too many threads, or the process is about to end
            self._announce()

    def _announce_after(self, seconds: float) -> None:
        time.sleep(seconds)
        try:
            self._announce()
        except Exception:  # no caller is left to tell; the sweep will send them
            log.exception("what has come in is not announced")

    def _announce(self) -> None:
        with self._lock:
            parties, self._parties = self._parties, []
            self._is_due = False
        shared_out = _shared_out(parties)
        self._send([Message(self._task, ids, self._queue, label) for ids, label in shared_out])


def _shared_out(
    parties: Iterable[tuple[Sequence[int], str]],
) -> Iterator[tuple[tuple[int, ...], str]]:
    """As many parties to a message as fit; what came together stays together."""
    ids: tuple[int, ...] = ()
    labels: list[str] = []
    for party, label in parties:
        if ids and len(ids) + len(party) > MOST_IDS:
            yield ids, several(labels)
            ids, labels = (), []
        ids += tuple(party)
        labels += [label] if label else []
    if ids:
        yield ids, several(labels)
