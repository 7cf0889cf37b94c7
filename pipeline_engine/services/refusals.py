"""What was refused, for the audit log: recorded after the fact, and in nobody's way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import NamedTuple

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline_engine.domain.audit_log import Record, word
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage import audit_log

log = structlog.get_logger(__name__)

#: Seconds for which refusals of one kind are counted after one was recorded.
MERGED_SECONDS = 60.0
#: Kinds that are told apart within that time; what more there is has no address of its own.
MOST_KINDS = 100
#: Seconds without another try after the database was away: answers must not wait for it.
PAUSE_SECONDS = 10.0


class _Kind(NamedTuple):
    """What is counted together."""

    address: str | None
    owner: str | None
    principal: str | None
    code: str | None
    act: str
    reason: str | None


@dataclass(slots=True)
class _Counted:
    """One kind of refusal: since when it is counted, and how often it came since its record."""

    since: float
    more: int = 0


@dataclass(slots=True)
class Refusals:
    """Writes refusals of one process, each in a transaction of its own.

    What anybody can cause without a credential is merged, or a flood of it would fill the table:
    one record a minute for each address and reason, which says how many there were in between.
    """

    runtime: Runtime
    clock: Callable[[], float] = time.monotonic
    _kinds: dict[_Kind, _Counted] = field(default_factory=dict)
    _not_before: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def record(self, refused: Record, *, is_merged: bool = False) -> None:
        """Keep *refused*; if that cannot be, the log of the process says so, and nobody else."""
        if self.clock() < self._not_before:
            return
        due = self._merged(refused) if is_merged else refused
        if due is None:
            return
        try:
            self._write(due)
        except (DBAPIError, PoolTimeout) as error:
            self._not_before = self.clock() + PAUSE_SECONDS
            log.warning("a refusal was not recorded", act=refused.act, error=str(error))

    def forget(self) -> None:
        """Count anew: whatever is refused next has a record of its own."""
        with self._lock:
            self._kinds.clear()
            self._not_before = 0.0

    def _write(self, refused: Record) -> None:
        with self.runtime.engine.begin() as connection:
            audit_log.write_relaxed(connection, self._shown(refused))

    def _shown(self, refused: Record) -> Record:
        """*refused* without secrets of the installation: much of it are words of a stranger."""
        shown = replace(
            refused,
            target=None if refused.target is None else word(refused.target),
            details={name: _shown(value) for name, value in refused.details.items()},
        )
        mask = self.runtime.masker.mask
        return replace(shown, target=mask(shown.target), details=mask(dict(shown.details)))

    def _merged(self, refused: Record) -> Record | None:
        """*refused* with how many there were since the last one; None if it is only counted."""
        now = self.clock()
        with self._lock:
            kind = self._kind_of(refused, now)
            counted = self._kinds.get(kind)
            if counted is not None and now < counted.since + MERGED_SECONDS:
                counted.more += 1
                return None
            self._kinds[kind] = _Counted(now)
        more = {"more_before": counted.more} if counted is not None and counted.more else {}
        return replace(
            refused,
            address=kind.address,
            owner=kind.owner,
            principal=kind.principal,
            details={**refused.details, **more},
        )

    def _kind_of(self, refused: Record, now: float) -> _Kind:
        """What *refused* is counted with: its own kind, or all that there is no room for."""
        reason = refused.details.get("reason")
        kind = _Kind(
            refused.address,
            refused.owner,
            refused.principal,
            refused.code,
            refused.act,
            reason,
        )
        if kind not in self._kinds and len(self._kinds) >= MOST_KINDS:
            self._forget(now)
            if len(self._kinds) >= MOST_KINDS:
                return kind._replace(address=None, owner=None, principal=None)
        return kind

    def _forget(self, now: float) -> None:
        ended = [k for k, counted in self._kinds.items() if now >= counted.since + MERGED_SECONDS]
        for kind in ended:
            del self._kinds[kind]


def _shown(value: object) -> object:
    if isinstance(value, list | tuple):
        return [word(one) for one in value]
    return value if value is None or isinstance(value, int) else word(value)
