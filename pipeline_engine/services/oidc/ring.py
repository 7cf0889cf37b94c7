"""The keys of an issuer as this process knows them: asked for rarely, and never waited for long.

Whoever has a token of a known key looks into memory, and nothing else happens. Keys are renewed
by a thread beside the requests, before they are old. One key that is not known has them renewed
too, but not more often than every thirty seconds in all processes together, whatever tokens come.
While the issuer is away, the keys of its last good answer stay, for a day.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from threading import BoundedSemaphore, Event, Lock, Thread

import structlog
from redis import RedisError

from pipeline_engine.errors import IdentityUnavailable
from pipeline_engine.services.oidc.compact import SignedToken
from pipeline_engine.services.oidc.fetching import IssuerAway, Source
from pipeline_engine.services.oidc.keys import Keys, NoKeys
from pipeline_engine.services.oidc.shared import Copy, SharedKeys, Turn

#: Of a request, for keys.
LONGEST_WAIT_SECONDS = 2.0
#: Part of their time after which keys are renewed, while they still serve.
RENEWED_AFTER = 0.8
POLL_SECONDS = 0.05

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ages:
    """How long keys serve, in seconds."""

    fresh: float = 300.0  #: without a look whether they are still the issuer's
    kept: float = 86_400.0  #: while the issuer does not answer


@dataclass(frozen=True, slots=True)
class Held:
    """Keys, and when the issuer gave them."""

    keys: Keys
    fetched_at: float


class KeyRing:
    """Finds the keys that may have signed a token.

    At most *most_waiting* requests wait at a time, each for *longest_wait* seconds: the threads are
    there for the others, too.
    """

    def __init__(
        self,
        source: Source,
        shared: SharedKeys,
        *,
        algorithms: Collection[str],
        ages: Ages,
        most_waiting: int = 4,
        longest_wait: float = LONGEST_WAIT_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._shared = shared
        self._algorithms = tuple(algorithms)
        self._ages = ages
        self._clock = clock
        self._longest_wait = longest_wait
        self._held: Held | None = None
        self._is_away = False  #: the last request for keys failed
        self._is_slow = False  #: the present one takes longer than anybody waits
        self._next_at = 0.0  #: a ``time.monotonic()`` value: no look before
        self._flight: Event | None = None  #: set when the present look is over
        self._lock = Lock()
        self._places = BoundedSemaphore(most_waiting)

    def keys_for(self, token: SignedToken) -> Keys:
        """The keys among which that of *token* is, if there is one.

        Returns within the longest wait. Raises ``IdentityUnavailable`` where only the issuer could
        tell, and it does not answer.
        """
        gives_up_at = time.monotonic() + self._longest_wait
        held = self._serving(gives_up_at)
        if held is None or not held.keys.knows(token.key_id):
            self._look(gives_up_at)
            held = self._usable()
        if held is None:
            raise IdentityUnavailable
        if (self._is_away or self._is_slow) and not held.keys.knows(token.key_id):
            raise IdentityUnavailable  # it may be a new key
        return held.keys

    def _serving(self, gives_up_at: float) -> Held | None:
        """The keys that are held, renewed if it is time."""
        held = self._usable()
        age = 0.0 if held is None else self._age(held)
        if held is None or (age >= self._ages.fresh and not self._is_away and not self._is_slow):
            self._look(gives_up_at)
            return self._usable()
        if age >= RENEWED_AFTER * self._ages.fresh:
            self._look()
        return held

    def _usable(self) -> Held | None:
        held = self._held
        return held if held is not None and self._age(held) < self._ages.kept else None

    def _age(self, held: Held) -> float:
        # The clock of the process that has asked may be ahead of ours.
        return max(self._clock() - held.fetched_at, 0.0)

    def _look(self, gives_up_at: float | None = None) -> None:
        """Have the keys renewed, unless that has just been tried; wait if a time is given."""
        with self._lock:
            flight = self._flight
            if flight is None:
                if time.monotonic() < self._next_at:
                    return
                flight = Event()
                Thread(target=self._fly, args=(flight,), daemon=True, name="oidc-keys").start()
                self._flight = flight
        if gives_up_at is not None and self._places.acquire(blocking=False):
            try:
                is_over = flight.wait(max(gives_up_at - time.monotonic(), 0.0))
            finally:
                self._places.release()
            with self._lock:
                self._is_slow = not is_over and self._flight is flight

    def _fly(self, flight: Event) -> None:
        seconds = self._shared.turn_seconds
        try:
            seconds = self._renew()
        finally:
            self._next_at = time.monotonic() + seconds
            with self._lock:
                self._flight, self._is_slow = None, False
            flight.set()

    def _renew(self) -> float:
        """Take over what another process knows, or ask; returns the seconds until the next look."""
        try:
            if self._adopt() and not self._is_due():
                self._is_away = False
                return 0.0
            turn = self._shared.turn()
            if turn is not Turn.MINE:
                self._is_away = self._outcome(turn) is not Turn.ANSWERED
                self._adopt()
                return self._shared.seconds_left()
        except RedisError as error:
            log.info("oidc_keys_not_shared", error=str(error))
        copy = self._ask()
        with suppress(RedisError):  # the others ask for themselves, when it is their turn
            self._shared.leave(copy)
        return self._shared.turn_seconds

    def _outcome(self, turn: Turn) -> Turn:
        """How the request of another process has ended; it may not end in time."""
        gives_up_at = time.monotonic() + self._longest_wait
        while turn is Turn.ASKING and time.monotonic() < gives_up_at:
            Event().wait(POLL_SECONDS)
            turn = self._shared.state()
        return turn

    def _adopt(self) -> bool:
        """Hold the shared copy if it is newer than what is held."""
        copy = self._shared.read()
        if copy is None or (self._held is not None and copy.fetched_at <= self._held.fetched_at):
            return False
        try:
            self._held = Held(Keys.of(copy.document, self._algorithms), copy.fetched_at)
        except NoKeys:
            return False
        return True

    def _is_due(self) -> bool:
        held = self._usable()
        return held is None or self._age(held) >= RENEWED_AFTER * self._ages.fresh

    def _ask(self) -> Copy | None:
        """The issuer's answer, held from now on; a bad one replaces nothing."""
        try:
            document = self._source.jwks()
            held = Held(Keys.of(document, self._algorithms), self._clock())
        except (IssuerAway, NoKeys) as error:
            self._is_away = True
            log.warning("oidc_keys_not_renewed", issuer=self._source.issuer, error=str(error))
            return None
        self._held, self._is_away = held, False
        return Copy(document, held.fetched_at)
