"""Whose turn it is among the owners who have steps in the same queue, as one process sees it.

Every owner gets the same share of a worker, however much it has queued. Who has the fewest steps
at work goes first; among equals, who has had the least time. That time is a virtual one, as in
start-time fair queueing: an owner who comes anew begins where the others are, so nobody saves up
for later, and nobody pays for having been alone.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

#: Seconds for which it is believed who has steps in a queue.
BELIEVED_SECONDS = 0.025
#: Seconds without work after which a worker was idle: then nothing stands in its queue.
IDLE_SECONDS = 0.02
#: Seconds for which it is remembered that several owners had steps in a queue.
SHARED_SECONDS = 3.0
#: Cheap steps that are taken together, at least: fewer are not worth a transaction.
FEWEST = 16
#: Owners whose time is kept, at most; who is forgotten begins anew.
KEPT = 1000


@dataclass(slots=True)
class Share:
    """What the owners of one queue have had of this process."""

    now: Callable[[], float] = time.monotonic
    believed_seconds: float = BELIEVED_SECONDS
    idle_seconds: float = IDLE_SECONDS
    _lock: Lock = field(default_factory=Lock)
    _at_work: Counter[str] = field(default_factory=Counter)
    _had: dict[str, float] = field(default_factory=dict)  #: virtual time of each
    _is_at: float = 0.0  #: virtual time of who was served last, before that
    _waiting: Collection[str] = ()
    _has_others: bool = False  #: there were two of them at least, seen or not
    beginning: str = ""  #: the owner to look at first, next time
    pace: float = 0.0  #: seconds that a cheap step took lately
    _seen_at: float = float("-inf")
    _shared_at: float = float("-inf")
    _worked_at: float = float("-inf")

    @property
    def is_alone(self) -> bool:
        """Whether a moment ago at most one owner had steps in the queue."""
        return not self._has_others and self.is_fresh

    @property
    def is_fresh(self) -> bool:
        """Whether it was seen a moment ago who has steps in the queue."""
        return self.now() - self._seen_at < self.believed_seconds

    @property
    def is_shared(self) -> bool:
        """Whether several owners had steps in the queue lately."""
        return self.now() - self._shared_at < SHARED_SECONDS

    @property
    def was_idle(self) -> bool:
        """Whether this process had nothing to do just now."""
        return not self._at_work.total() and self.now() - self._worked_at > self.idle_seconds

    def saw(self, waiting: Collection[str], *, next_from: str = "") -> None:
        """Note who has steps in the queue, and where to look next time.

        Behind those who were looked at before there may be one, or none; they are still there.
        """
        self._has_others = len(waiting) > 1 or bool(self.beginning)
        self._waiting, self._seen_at, self.beginning = waiting, self.now(), next_from
        if self._has_others:
            self._shared_at = self._seen_at

    def before(self, mine: str) -> str | None:
        """The owner whose turn comes before *mine*; None if none of those seen does."""
        with self._lock:
            asking = [mine, *(owner for owner in self._waiting if owner != mine)]
            self._is_at = min(map(self._begins, asking))
            first = min(asking, key=self._rank)
            return None if first == mine else first

    def fitting(self, seconds: float) -> int:
        """How many cheap steps are likely to take so long."""
        return FEWEST if self.pace * FEWEST >= seconds else int(seconds / max(self.pace, 1e-6))

    def comes_before(self, one: str, another: str) -> bool:
        """Whether it is the turn of *one* before that of *another*."""
        if one == another:
            return False
        with self._lock:
            return self._rank(one) < self._rank(another)

    def _rank(self, owner: str) -> tuple[int, float, float]:
        # Of those who begin together the one is first who has had nothing yet.
        return self._at_work[owner], self._begins(owner), self._had.get(owner, 0.0)

    def _begins(self, owner: str) -> float:
        return max(self._had.get(owner, 0.0), self._is_at)

    def charge(self, seconds: Mapping[str, float]) -> None:
        """Count time that steps of these owners have taken."""
        with self._lock:
            begins = {owner: self._begins(owner) for owner in seconds}
            for owner, taken in seconds.items():
                self._had[owner] = begins[owner] + taken
            if not self._has_others:  # nobody else is behind
                self._is_at = max(begins.values(), default=self._is_at)
            if len(self._had) > KEPT:
                most = sorted(self._had.items(), key=lambda one: one[1])[-KEPT // 2 :]
                self._had = dict(most)
            self._worked_at = self.now()

    @contextmanager
    def at_work(self, owner: str) -> Iterator[None]:
        """Count a step that runs in the block."""
        began = self.now()
        with self._lock:
            self._at_work[owner] += 1
        try:
            yield
        finally:
            with self._lock:
                self._at_work[owner] -= 1
                if not self._at_work[owner]:
                    del self._at_work[owner]
            self.charge({owner: self.now() - began})


class Sharing:
    """The shares of all queues that this process serves."""

    def __init__(self, share: Callable[[], Share] = Share) -> None:
        self._of: defaultdict[str, Share] = defaultdict(share)

    def of(self, queue: str) -> Share:
        """That of one queue."""
        return self._of[queue]
