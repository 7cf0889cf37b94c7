"""Leases of the steps that this process runs, renewed for as long as it lives."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Lock, Thread

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from pipeline_engine.storage import leases, rows
from pipeline_engine.storage.rows import StepRow

log = structlog.get_logger(__name__)

#: Renewals per lease: two may be late or lost before a living worker's step is given away.
RENEWALS = 3


def worker_name() -> str:
    """Who holds a lease, for operators."""
    return f"{socket.gethostname()}:{os.getpid()}"


def still_held(connection: Connection, steps: Sequence[StepRow]) -> set[int]:
    """The ids of those claimed attempts that the rows show in the hands of this very process."""
    return rows.claimed_by(connection, steps, worker=worker_name()) if steps else set()


class Leases:
    """The attempts that run in this process; one thread renews all of their leases."""

    def __init__(self, engine: Engine, seconds: float) -> None:
        self._engine = engine
        self._seconds = seconds
        self._held: dict[int, int] = {}
        self._lock = Lock()
        self._thread: Thread | None = None
        self._stopped = Event()

    @contextmanager
    def held(self, *steps: StepRow) -> Iterator[None]:
        """Keep the leases of claimed steps while the block runs."""
        with self._lock:
            self._held.update({step.id: step.attempt for step in steps})
            if steps and self._thread is None:
                self._thread = Thread(target=self._renew_for_ever, daemon=True, name="leases")
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                for step in steps:
                    self._held.pop(step.id, None)

    def stop(self) -> None:
        """Stop renewing; leases that are still held will expire."""
        self._stopped.set()

    def _renew_for_ever(self) -> None:
        while not self._stopped.wait(self._seconds / RENEWALS):
            try:
                self.renew()
            except SQLAlchemyError as error:
                # The next renewal tries again; if none succeeds, the lease expires, as it should.
                log.warning("renewing leases failed", error=str(error))

    def renew(self) -> None:
        """Push the end of every held lease into the future."""
        with self._lock:
            held = dict(self._held)
        if not held:
            return
        with self._engine.begin() as connection:
            leases.renew(connection, held, seconds=self._seconds)
