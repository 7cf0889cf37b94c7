"""Seven deliberate bugs: the battery has to fail with each of them, or it proves nothing.

They are planted in the battery's own processes; the product has no flag for them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache, partial
from threading import Thread
from types import ModuleType
from typing import Any

import redis
from sqlalchemy import Connection

from pipeline_engine.scheduler.resume import letters
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import inbox
from pipeline_engine.storage import deliveries, fires, mailbox, queueing, transitions
from pipeline_engine.storage.deliveries import NewDelivery, TargetVerdict
from pipeline_engine.storage.rows import StepRow

VARIABLE = "PE_BATTERY_BUG"
#: How long the eager acknowledger takes before it keeps what it has acknowledged.
PUT_OFF_SECONDS = 0.5


class Bug(StrEnum):
    """What can be planted."""

    ACKNOWLEDGE_BEFORE_COMMIT = "acknowledge-before-commit"
    INBOX_WITHOUT_KEY = "inbox-without-key"
    LEASE_WITHOUT_FENCE = "lease-without-fence"
    JOIN_IN_REDIS = "join-in-redis"
    TICK_WITHOUT_ROW = "tick-without-row"
    IGNORED_IS_USED_UP = "ignored-is-used-up"
    OWNERS_ARE_NOT_ASKED = "owners-are-not-asked"


@dataclass(frozen=True, slots=True)
class Patch:
    """One name of a module or class of the product, and what a bug makes of what it stands for."""

    module: ModuleType | type
    name: str
    spoil: Callable[[Any], Any]


def plant(bug: Bug) -> None:
    """Put a bug into this process."""
    for patch in PATCHES[bug]:
        setattr(patch.module, patch.name, patch.spoil(getattr(patch.module, patch.name)))


def plant_from_environment() -> None:
    """Put the bug that the environment names into this process, if it names one."""
    if name := os.environ.get(VARIABLE):
        plant(Bug(name))


def plant_in_schema(bug: Bug, connection: Connection) -> None:
    """Take the key away that the bug does without."""
    for index in DROPPED.get(bug, ()):
        connection.exec_driver_sql(f"DROP INDEX {index}")


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Put a bug into this process for a while."""
    before = [(patch, getattr(patch.module, patch.name)) for patch in PATCHES[bug]]
    plant(bug)
    try:
        yield
    finally:
        for patch, healthy in before:
            setattr(patch.module, patch.name, healthy)


# ── Acknowledge before commit ────────────────────────────────────────────────────────────


def _acknowledge_first(store: Callable[..., inbox.Receipt]) -> Callable[..., inbox.Receipt]:
    """Answer at once, and keep the delivery when there is time for it."""

    def keep_later(runtime: Runtime, delivery: NewDelivery) -> None:
        time.sleep(PUT_OFF_SECONDS)
        store(runtime, delivery)

    def acknowledge(runtime: Runtime, delivery: NewDelivery) -> inbox.Receipt:
        Thread(target=keep_later, args=(runtime, delivery), daemon=True).start()
        return inbox.Receipt("0", inbox.ACCEPTED, routed=True)

    return acknowledge


# ── Statements that lack something ───────────────────────────────────────────────────────


def _replaced(statement: str, *, old: str, new: str = "") -> str:
    if old not in statement:  # the product has changed: a bug that is not there proves nothing
        raise ValueError(f"The bug finds nothing to spoil: there is no {old!r}")
    return statement.replace(old, new)


# ── Join counted in Redis only ───────────────────────────────────────────────────────────


@cache
def _redis(_: int) -> redis.Redis:
    return redis.Redis.from_url(os.environ["REDIS_URL"])


def _count_in_redis(
    count: Callable[..., list[StepRow]],
) -> Callable[..., list[StepRow]]:
    """Tell the rows of the parents only when the last item has ended."""

    def count_ended(
        connection: Connection, ended: Mapping[int, tuple[int, int]], *, wake: timedelta
    ) -> list[StepRow]:
        whole: dict[int, tuple[int, int]] = {}
        for parent, (items, failed) in ended.items():
            of_row = connection.exec_driver_sql(
                "SELECT items_open FROM step_executions WHERE id = %(id)s", {"id": parent}
            ).scalar_one()
            key = f"battery:join:{parent}"
            _redis(os.getpid()).set(key, of_row, nx=True)
            is_last = int(_redis(os.getpid()).decrby(key, items)) == 0
            whole[parent] = (of_row if is_last else 0, failed)
        return count(connection, whole, wake=wake)

    return count_ended


# ── An ignored letter is used up ─────────────────────────────────────────────────────────


def _use_up(
    offer: Callable[..., TargetVerdict | None],
) -> Callable[..., TargetVerdict | None]:
    """Take every answer for an acceptance."""

    def offer_and_use_up(
        self: letters.Round, letter: deliveries.DeliveryRow, its: letters.Waiting
    ) -> TargetVerdict | None:
        return offer(self, letter, its) or self._targets[-1]

    return offer_and_use_up


# ── A tick without its unique row ────────────────────────────────────────────────────────


def _record_anyway(statement: str) -> str:
    """Write a row for a due time, whether it has one or not."""
    insert, conflict, _ = statement.partition(" ON CONFLICT ")
    if not conflict:
        raise ValueError("The bug finds nothing to spoil: a second row is no conflict")
    return f"{insert} RETURNING id"


# ── Owners are not asked ─────────────────────────────────────────────────────────────────

OF_OWNER = "(r.owner IS NOT DISTINCT FROM i.owner OR (r.from_peer AND i.owner IS NULL))"
OF_READER = (
    "(r.owner IS NOT DISTINCT FROM %(owner)s::text OR (r.from_peer AND %(owner)s::text IS NULL))"
)

# ── Where they are planted ───────────────────────────────────────────────────────────────

FENCES = (" AND s.attempt = v.attempt", "s.status = v.taken AND ")
PATCHES: Mapping[Bug, tuple[Patch, ...]] = {
    Bug.ACKNOWLEDGE_BEFORE_COMMIT: (Patch(inbox, "_stored", _acknowledge_first),),
    Bug.INBOX_WITHOUT_KEY: tuple(
        Patch(
            deliveries,
            statement,
            partial(_replaced, old="ON CONFLICT (source, delivery_key) DO NOTHING "),
        )
        for statement in ("_INSERT_LETTER", "_INSERT_CALLBACK")
    ),
    Bug.LEASE_WITHOUT_FENCE: tuple(
        Patch(transitions, "_END", partial(_replaced, old=fence)) for fence in FENCES
    ),
    Bug.JOIN_IN_REDIS: (Patch(queueing, "count_ended_items", _count_in_redis),),
    Bug.IGNORED_IS_USED_UP: (Patch(letters.Round, "offer", _use_up),),
    Bug.OWNERS_ARE_NOT_ASKED: (
        Patch(deliveries, "_TAKE", partial(_replaced, old=OF_OWNER, new="true")),
        Patch(mailbox, "IS_FOR", partial(_replaced, old=OF_OWNER, new="true")),
        Patch(mailbox, "_READERS", partial(_replaced, old=OF_READER, new="true")),
        Patch(mailbox.Reader, "may_read", lambda _: lambda *_: True),
    ),
    Bug.TICK_WITHOUT_ROW: (Patch(fires, "RECORD", _record_anyway),),
}
DROPPED: Mapping[Bug, tuple[str, ...]] = {
    Bug.INBOX_WITHOUT_KEY: ("uq_inbox_source_delivery_key",),
    Bug.TICK_WITHOUT_ROW: ("uq_schedule_fires_schedule_id_due_at",),
}
#: Which invariants have to notice.
NOTICED_BY: Mapping[Bug, str] = {
    Bug.ACKNOWLEDGE_BEFORE_COMMIT: "I5",
    Bug.INBOX_WITHOUT_KEY: "I5",
    Bug.LEASE_WITHOUT_FENCE: "I2",
    Bug.JOIN_IN_REDIS: "I1",
    Bug.TICK_WITHOUT_ROW: "I7",
    Bug.IGNORED_IS_USED_UP: "I13",
    Bug.OWNERS_ARE_NOT_ASKED: "I14",
}
