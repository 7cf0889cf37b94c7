"""Delivers events over HTTP when they are due, and again until somebody takes them."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import requests

from pipeline_engine.demo.peers.behaviour import Behaviour
from pipeline_engine.demo.peers.jobs import Journal, Posting
from pipeline_engine.demo.peers.letters import Letter

PATH = "/api/v1/workflow-events"
RETRY_SECONDS = 0.5
SENDERS = 8


@dataclass(order=True, slots=True)
class _Due:
    at: float
    number: int
    letter: Letter = field(compare=False)


class Postman:
    """A thread that waits for the next due event, and a few that carry them out."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._due: list[_Due] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._behaviour = Behaviour()
        self._senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="postman")
        self._thread = threading.Thread(target=self._round, name="postman", daemon=True)

    def start(self) -> None:
        """Begin the round."""
        self._thread.start()

    def stop(self) -> None:
        """Forget what is not delivered yet."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()
        self._senders.shutdown(cancel_futures=True)

    def obey(self, behaviour: Behaviour) -> None:
        """Deliver to another address from now on."""
        self._behaviour = behaviour

    def post(self, letters: Iterable[Letter]) -> None:
        """Take letters that are due after their delay."""
        now = time.monotonic()
        with self._changed:
            for letter in letters:
                heapq.heappush(self._due, _Due(now + letter.delay, next(self._numbers), letter))
            self._changed.notify()

    def deliver(self, letter: Letter, *, early: bool = False) -> bool:
        """Send one event now and tell whether it was taken."""
        if self._behaviour.callback_url is None:
            return False
        if letter.ends:
            self._journal.end(letter.workflow_id, letter.ends)
        status, outcome = self._send(letter)
        self._journal.posted(
            Posting(
                event_id=letter.event_id,
                workflow_id=letter.workflow_id,
                event=letter.event,
                early=early,
                status=status,
                outcome=outcome,
            )
        )
        return status is not None and status < 300

    def _send(self, letter: Letter) -> tuple[int | None, str | None]:
        address = f"{(self._behaviour.callback_url or '').rstrip('/')}{PATH}"
        headers = {"Authorization": f"Bearer {self._behaviour.token}"}
        try:
            response = requests.post(address, json=letter.body, headers=headers, timeout=10)
            return response.status_code, response.json().get("outcome")
        except requests.JSONDecodeError:
            return response.status_code, None
        except requests.RequestException:
            return None, None

    def _round(self) -> None:
        while (letter := self._next()) is not None:
            self._senders.submit(self._carry, letter)

    def _next(self) -> Letter | None:
        """Wait for the next letter that is due; None when the round is over."""
        with self._changed:
            while not self._stopped:
                now = time.monotonic()
                if self._due and self._due[0].at <= now:
                    return heapq.heappop(self._due).letter
                self._changed.wait(self._due[0].at - now if self._due else None)
            return None

    def _carry(self, letter: Letter) -> None:
        if self.deliver(letter) or self._stopped:
            return
        with self._changed:
            later = time.monotonic() + RETRY_SECONDS
            heapq.heappush(self._due, _Due(later, next(self._numbers), letter))
            self._changed.notify()
