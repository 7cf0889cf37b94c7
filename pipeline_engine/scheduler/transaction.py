"""One transaction of the scheduler, and what it leaves to be sent once it is committed.

A transaction that lost a race for locks was rolled back and may always be run again. One whose
connection broke may have been committed: the reply to the commit is what got lost.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline_engine.dispatch.messages import Message
from pipeline_engine.domain.definitions import Rule
from pipeline_engine.domain.masking import Masker
from pipeline_engine.scheduler.plan.plan import Plan
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.postgres.session import is_unreachable
from pipeline_engine.storage.rows import ExecutionFacts, StepRow
from pipeline_engine.storage.step_logs import Line

log = structlog.get_logger(__name__)
T = TypeVar("T")

# Deadlock, serialization failure, lock time-out: the other transaction won, ours begins again.
LOST_RACES = frozenset({"40P01", "40001", "55P03"})
TRIES = 5
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(slots=True)
class Transaction:
    """An open transaction, and the messages that may leave after its commit."""

    connection: Connection
    runtime: Runtime
    ready: list[StepRow] = field(default_factory=list)  #: queued in this transaction
    fan_outs: list[list[StepRow]] = field(default_factory=list)  #: first items, by fan-out
    messages: list[Message] = field(default_factory=list)
    revoked: list[StepRow] = field(default_factory=list)
    #: steps that were stopped while their actions started something that nobody waits for now
    orphaned: set[int] = field(default_factory=set)
    #: executions that a step waited for until a callback ended it: to be cancelled
    called_off: list[UUID] = field(default_factory=list)
    #: a row that others want to change too is locked, so the commit must not be put off
    shares_locks: bool = False
    begun: set[UUID] = field(default_factory=set)  #: executions that run since this transaction
    recorded: set[str] = field(default_factory=set)  #: of what the audit log says only once
    lines: list[Line] = field(default_factory=list)  #: of the logs of attempts, to be kept
    failures: dict[int, str] = field(default_factory=dict)  #: attempts that failed, by their step
    waits_for_disk: bool = False  #: durability was demanded
    is_retry: bool = False  #: an earlier try may have been committed unheard
    _plans: dict[UUID, Plan] = field(default_factory=dict, repr=False)
    _unlocked: dict[UUID, tuple[ExecutionFacts, Plan]] = field(default_factory=dict, repr=False)

    @property
    def leaves_nothing(self) -> bool:
        """Nothing is to be sent."""
        return not (self.ready or self.fan_outs or self.messages or self.revoked)

    def plan(self, execution_id: UUID) -> Plan:
        """The plan that an execution is pinned to."""
        if execution_id not in self._plans:
            self._plans[execution_id] = self.runtime.plan(self.connection, execution_id)
        return self._plans[execution_id]

    def unlocked(self, ids: Collection[UUID]) -> dict[UUID, tuple[ExecutionFacts, Plan]]:
        """The facts and the plans of executions, with the secrets that their steps may name.

        Those are read once in this transaction, if there are any; see ``safe.py``.
        """
        if not self._unlocked.keys() >= set(ids):
            facts = self.runtime.facts(self.connection, ids)
            plans = self.runtime.plans
            found = {i: (f, plans.of_execution(self.connection, f)) for i, f in facts.items()}
            self._unlocked.update(self.runtime.safe.unlocked(self.connection, found))
        return {i: self._unlocked[i] for i in ids}

    def masker_of(self, execution_id: UUID) -> Masker:
        """What hides all secrets that an execution may have met."""
        facts, _ = self.unlocked([execution_id])[execution_id]
        return facts.masker or self.runtime.masker

    def rule(self, row: StepRow) -> Rule:
        """The trigger rule of a step of a definition, in its execution."""
        return self.plan(row.execution_id).definition.rule(row.step_id)

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Undo what is done inside if it raises, with what it left to be sent, and nothing else."""
        sent = (self.ready, self.fan_outs, self.messages, self.revoked)
        leaves: tuple[list[Any], ...] = (*sent, self.lines)
        before = [len(left) for left in leaves]
        try:
            with self.connection.begin_nested():
                yield
        except BaseException:
            for left, length in zip(leaves, before, strict=True):
                del left[length:]
            raise

    def if_committed(self) -> Transaction:
        """What to send although nobody knows if this was committed.

        Not the revocations: they are the only messages that are not checked against a row.
        """
        return replace(self, revoked=[])

    def relax_durability(self) -> None:
        """Do not wait for the disk at the commit.

        A crash of PostgreSQL may then undo the last moments of an execution, consistently;
        its steps run again. Never for what the outside was told: API writes, callbacks, ends.
        """
        if not self.waits_for_disk:
            driver.run(self.connection, driver.RELAXED, {})

    def demand_durability(self) -> None:
        """Wait for the disk at the commit, whatever was said before or is said later."""
        if not self.waits_for_disk:
            self.waits_for_disk = True
            driver.run(self.connection, driver.DURABLE, {})


@contextmanager
def transaction(runtime: Runtime) -> Iterator[Transaction]:
    """Open a transaction; the caller sends what is left over after the block."""
    with runtime.engine.begin() as connection:
        tx = Transaction(connection, runtime)
        yield tx
        if tx.lines:
            runtime.log_lines.write(connection, tx.lines)


def is_lost_race(error: Exception) -> bool:
    """Tell whether another transaction won, so that this one may begin again."""
    return getattr(getattr(error, "orig", None), "pgcode", None) in LOST_RACES


def retry_on_conflict(attempt: Callable[[], T]) -> T:
    """Run a transaction again when it lost a race for locks."""
    for tried in range(1, TRIES):
        try:
            return attempt()
        except DBAPIError as error:
            if not is_lost_race(error):
                raise
            time.sleep(random.uniform(0, 0.01 * 2**tried))
    return attempt()


def run_surviving_disconnects(
    runtime: Runtime, change: Callable[[Transaction], object]
) -> Transaction:
    """Run *change* in a transaction, again also when the database went away meanwhile.

    Only for a change that finds nothing to do when it comes again, such as one that is fenced
    by an attempt. If the second try finds nothing, the first was committed unheard: what that
    one set free is handed over in its place. Were that wrong, its messages would name rows
    that are not queued, and whoever got them would go home.
    """
    maybe_committed: list[Transaction] = []
    for tried in count(1):
        tries: list[Transaction] = []
        try:
            tx = retry_on_conflict(partial(_committed, runtime, change, tries, is_retry=tried > 1))
        except (DBAPIError, PoolTimeout) as error:
            if tried >= runtime.settings.db_retry_max_attempts or not is_unreachable(error):
                raise
            maybe_committed += (tx.if_committed() for tx in tries[-1:])
            log.warning("database_away", tried=tried, error=str(getattr(error, "orig", error)))
            time.sleep(_pause(runtime, tried))
        else:
            break
    if not tx.leaves_nothing:
        return tx
    found = next((one for one in reversed(maybe_committed) if not one.leaves_nothing), tx)
    return replace(found, orphaned=tx.orphaned)


def _committed(
    runtime: Runtime,
    change: Callable[[Transaction], object],
    tries: list[Transaction],
    *,
    is_retry: bool,
) -> Transaction:
    with transaction(runtime) as tx:
        tx.is_retry = is_retry
        tries.append(tx)
        change(tx)
    return tx


def _pause(runtime: Runtime, tried: int) -> float:
    longest = runtime.settings.db_retry_exponential_base ** (tried - 1)
    return random.uniform(0.5, 1) * min(longest, LONGEST_PAUSE_SECONDS)
