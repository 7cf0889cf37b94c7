"""One transaction of the scheduler, and what it leaves to be sent once it is committed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from pipeline_engine.dispatch import Message
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage.rows import StepRow

T = TypeVar("T")

# Deadlock, serialization failure, lock time-out: the other transaction won, ours begins again.
LOST_RACES = frozenset({"40P01", "40001", "55P03"})
TRIES = 5


@dataclass(slots=True)
class Work:
    """An open transaction, and the messages that may leave after its commit."""

    connection: Connection
    runtime: Runtime
    ready: list[StepRow] = field(default_factory=list)  #: queued in this transaction
    fan_outs: list[list[StepRow]] = field(default_factory=list)  #: first items, by fan-out
    messages: list[Message] = field(default_factory=list)
    revoked: list[StepRow] = field(default_factory=list)
    #: a step was stopped while its action started something that nobody waits for now
    orphaned: bool = False
    #: a row that others want to change too is locked, so the commit must not be put off
    shares_locks: bool = False

    def relax_durability(self) -> None:
        """Do not wait for the disk at the commit.

        A crash of PostgreSQL may then undo the last moments of an execution, consistently;
        its steps run again. Never for what the outside was told: API writes, callbacks, ends.
        """
        self.connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")

    def demand_durability(self) -> None:
        """Wait for the disk at the commit, whatever was said before."""
        self.connection.exec_driver_sql("SET LOCAL synchronous_commit TO on")


@contextmanager
def transaction(runtime: Runtime) -> Iterator[Work]:
    """Open a transaction; the caller sends what is left over after the block."""
    with runtime.engine.begin() as connection:
        yield Work(connection, runtime)


def repeated(attempt: Callable[[], T]) -> T:
    """Run a transaction again when it lost a race for locks."""
    for tried in range(1, TRIES):
        try:
            return attempt()
        except DBAPIError as error:
            if getattr(error.orig, "pgcode", None) not in LOST_RACES:
                raise
            time.sleep(random.uniform(0, 0.01 * 2**tried))
    return attempt()
