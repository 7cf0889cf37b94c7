"""Circuit breakers: a peer that does not answer is left alone for a while.

Nothing depends on them for being right. They spare workers the wait for time-outs, and spare
a peer that is starting up the calls of all who have waited for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from pybreaker import (
    STATE_CLOSED,
    STATE_OPEN,
    CircuitBreaker,
    CircuitBreakerError,
    CircuitBreakerStorage,
    CircuitMemoryStorage,
    CircuitRedisStorage,
)
from redis import Redis, RedisError

from pipeline_engine.sdk.errors import ActionError, CircuitOpen, ServiceError

FAILURE_THRESHOLD = 5
RECOVERY_SECONDS = 30.0
REMEMBERED = timedelta(days=7)  #: that a peer has failed, after it did for the last time
MOST_TOLD = 100  #: peers, those that have failed last


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedPeer:
    """A peer that has not answered lately, and whether it is left alone now."""

    peer: str
    is_open: bool  #: its circuit: it is not asked
    failures: int  #: in a row
    failed_at: datetime  #: for the last time
    tried_again_at: datetime | None  #: from when on somebody may; null unless it is left alone


class Breakers:
    """One breaker for each peer, shared through Redis; without Redis each process has its own."""

    def __init__(
        self,
        redis: Redis | None = None,
        *,
        prefix: str = "",
        failure_threshold: int = FAILURE_THRESHOLD,
        recovery_seconds: float = RECOVERY_SECONDS,
    ) -> None:
        """Keep states below *prefix*; *redis* must not decode responses."""
        self._redis = redis
        self._prefix = prefix
        self._failure_threshold = failure_threshold
        self._recovery_seconds = recovery_seconds
        self._shared: dict[str, _Circuit] = {}
        self._own: dict[str, _Circuit] = {}
        self._lock = Lock()

    @contextmanager
    def guard(self, peer: str) -> Iterator[None]:
        """Watch one call of *peer* in the block; raises ``CircuitOpen`` instead of running it.

        pybreaker would hold its lock for as long as the call takes, and the threads of a
        worker would call one after another. So it is told afterwards how the call went.
        """
        circuit = self._circuit(peer)
        is_trial = circuit.let_through()
        try:
            yield
        except ActionError as error:
            circuit.note(error, is_trial=is_trial)
            if isinstance(error, ServiceError) and is_outage(error):
                self._remember(peer)
            raise
        circuit.note(None, is_trial=is_trial)

    def failed(self) -> list[FailedPeer]:
        """The peers that have failed lately, the last one first; of this process alone none.

        Raises ``RedisError``.
        """
        if self._redis is None:
            return []
        found: Any = self._redis.zrevrange(self._memory, 0, MOST_TOLD - 1, withscores=True)
        return [self._told(peer.decode(), moment) for peer, moment in found]

    def close(self) -> None:
        """Give the connections back."""
        if self._redis is not None:
            self._redis.close()

    @property
    def _memory(self) -> str:
        """The key of who has failed when."""
        return f"{self._prefix}breakers:failed"

    def _remember(self, peer: str) -> None:
        now = datetime.now(UTC)
        with suppress(RedisError):
            if self._redis is not None:
                pipeline = self._redis.pipeline(transaction=False)
                pipeline.zadd(self._memory, {peer: now.timestamp()})
                pipeline.zremrangebyscore(self._memory, 0, (now - REMEMBERED).timestamp())
                pipeline.execute()

    def _told(self, peer: str, failed_at: float) -> FailedPeer:
        circuit = self._known(self._shared, peer, self._in_redis)
        storage, opened_at = circuit.storage, circuit.storage.opened_at
        is_open = storage.state == STATE_OPEN
        pause = timedelta(seconds=self._recovery_seconds)
        return FailedPeer(
            peer=peer,
            is_open=is_open,
            failures=storage.counter,
            failed_at=datetime.fromtimestamp(failed_at, UTC),
            tried_again_at=opened_at + pause if is_open and opened_at else None,
        )

    def _circuit(self, peer: str) -> _Circuit:
        with suppress(RedisError):
            if self._redis is not None and self._redis.ping():
                return self._known(self._shared, peer, self._in_redis)
        return self._known(self._own, peer, _in_memory)

    def _known(
        self,
        circuits: dict[str, _Circuit],
        peer: str,
        storage: Callable[[str], CircuitBreakerStorage],
    ) -> _Circuit:
        with self._lock:
            if peer not in circuits:
                circuits[peer] = self._made(peer, storage(peer))
            return circuits[peer]

    def _made(self, peer: str, storage: CircuitBreakerStorage) -> _Circuit:
        breaker = CircuitBreaker(
            fail_max=self._failure_threshold,
            reset_timeout=self._recovery_seconds,
            state_storage=storage,
            name=peer,
            throw_new_error_on_trip=False,
        )
        return _Circuit(peer, breaker, storage)

    def _in_redis(self, peer: str) -> CircuitBreakerStorage:
        assert self._redis is not None
        namespace = f"{self._prefix}breaker:{peer}"
        return CircuitRedisStorage(STATE_CLOSED, self._redis, namespace=namespace)


def _in_memory(_: str) -> CircuitBreakerStorage:
    return CircuitMemoryStorage(STATE_CLOSED)


@dataclass(frozen=True, slots=True)
class _Circuit:
    peer: str
    breaker: CircuitBreaker
    storage: CircuitBreakerStorage

    def let_through(self) -> bool:
        """Whether this call tries if the peer is back; most are not. Raises ``CircuitOpen``."""
        if self.storage.state != STATE_OPEN:
            return False
        opened_at, now = self.storage.opened_at, datetime.now(UTC)
        if opened_at and now < opened_at + timedelta(seconds=self.breaker.reset_timeout):
            raise CircuitOpen(f"{self.peer} did not answer lately and is left alone for a while")
        # The circuit stays open for everybody else, also if this trial never comes back.
        self.storage.opened_at = now
        return True

    def note(self, error: ActionError | None, *, is_trial: bool) -> None:
        """Count how a call went."""
        # Open by now, it has heard enough: a trial that failed leaves it open.
        with suppress(CircuitBreakerError, ServiceError):
            if isinstance(error, ServiceError) and is_outage(error):
                self.breaker.call(_raise, error)
            elif is_trial:
                self.breaker.close()
            elif self.storage.counter:
                self.breaker.call(_nothing)


def is_outage(error: ServiceError) -> bool:
    """Whether the peer is away or broken, rather than unhappy with what it was asked."""
    if isinstance(error.__cause__, ValueError):  # requests refused to send it: a bad URL or header
        return False
    return error.status == 0 or error.status >= 500


def _raise(error: ServiceError) -> None:
    raise error


def _nothing() -> None:
    """Be a call that went well."""
