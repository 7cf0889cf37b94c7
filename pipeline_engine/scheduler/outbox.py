"""After the commit: what a transaction left to be done goes to Celery."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from celery import Celery, chord, group
from celery.canvas import Signature

from pipeline_engine.config import Settings
from pipeline_engine.dispatch.coalescing import MOST_IDS
from pipeline_engine.dispatch.messages import (
    JOIN,
    RUN_BATCH,
    RUN_STORED,
    SYSTEM,
    Message,
    cut,
    several,
    task_of,
)
from pipeline_engine.domain.queues import QueueName
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage.rows import StepRow


@dataclass(frozen=True, slots=True)
class Origin:
    """The Celery task that brought steps to this worker."""

    task_id: str | None
    queue: str | None
    in_chord: bool = False
    goes_on: bool = True  #: it may run something that follows
    fan_out: int | None = None  #: of a task in a chord: whose items it runs

    def may_take(self, row: StepRow) -> bool:
        """Whether it may run a step that became ready meanwhile.

        The body of a chord waits for its header, so that runs items of its fan-out only.
        """
        return not self.in_chord or (self.fan_out is not None and row.parent_id == self.fan_out)


def hand_over(tx: Transaction, origins: Sequence[Origin]) -> list[list[int]]:
    """Let each task keep what it goes on with, and send the rest; returns what each keeps."""
    failpoint(Failpoint.AFTER_COMMIT_BEFORE_HAND_OVER)
    kept = [_keep(tx, origin) if origin.goes_on else [] for origin in origins]
    send(tx, in_chord=all(origin.in_chord for origin in origins))
    return kept


def _keep(tx: Transaction, origin: Origin) -> list[int]:
    # A message costs more than a cheap step: only what does not fit one batch is shared.
    open_to_it = [row for row in tx.ready if origin.may_take(row)]
    kept = [row.id for row in open_to_it if row.cheap][: tx.runtime.settings.chunk_size]
    kept = kept or [row.id for row in open_to_it if row.queue == origin.queue][:1]
    ours = set(kept)
    tx.ready = [row for row in tx.ready if row.id not in ours]
    return kept


def send_first(tx: Transaction) -> None:
    """Send what a new execution begins with; of many that begin at once, some with one message."""
    ids = [row.id for row in tx.ready if row.cheap]
    if 0 < len(ids) == len(tx.ready) <= MOST_IDS:
        tx.runtime.dispatch.begin(ids, label=label(tx.ready))
    else:
        send(tx)


def send(tx: Transaction, *, in_chord: bool = False) -> None:
    """Send it; should that fail, the rows say what is missing and the sweep sends it again.

    A turn inside a chord's header does not wake the join: the chord's body will.
    """
    runtime = tx.runtime
    app, limits = runtime.dispatch.app, Limits.of(runtime.settings)
    actions = runtime.registry
    canvases = [fan_out(app, first, limits, actions) for first in tx.fan_outs]
    if tx.ready:
        canvases.append(wave(app, tx.ready, limits, actions))
    messages: list[Message] = [m for m in tx.messages if not (in_chord and m.task == JOIN)]
    runtime.dispatch.send(messages, canvases)
    for terminate in (True, False):
        task_ids = [
            row.task_id
            for row in tx.revoked
            if row.task_id and (row.queue == QueueName.CPU) is terminate
        ]
        runtime.dispatch.revoke(task_ids, terminate=terminate)


CHORD_HEADER = "chord_header"  #: tells a task that the chord's body will wake the join


@dataclass(frozen=True, slots=True)
class Limits:
    """Into how many messages a wave is divided."""

    slots: int = 2  #: processes that run cheap steps
    largest: int = 200  #: ids per message, at most
    messages: int = 64  #: for the blocking steps of a wave, as long as they are not too large

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """What the operator chose."""
        if settings.plain_turns:
            return cls(largest=1)
        return cls(settings.worker_slots, settings.chunk_size, settings.wave_messages)

    def cheap(self, ready: int) -> int:
        """How many of *ready* cheap steps share a message: enough to pay, few enough to go round.

        What follows from steps that one worker has is run by that worker in one go; of steps that
        were scattered, each waits for the row that joins them.
        """
        return min(max(ready // (2 * self.slots), self.largest // 2, 1), self.largest)

    def blocking(self, ready: int, queue: str) -> int:
        """How many of *ready* blocking steps share a message: one, while every slot may be idle.

        A message wakes a slot; one that is at work finds its steps in the rows. Where a task can
        be ended by force it runs one step.
        """
        if queue == QueueName.CPU:
            return 1
        return min(-(-ready // self.messages), self.largest)


def wave(
    app: Celery, ready: Sequence[StepRow], limits: Limits, actions: Container[str]
) -> Signature[Any]:
    """The group that runs these ready steps, or the one signature that is enough.

    *actions* are the installed ones: each has a task of its own.
    """
    signatures = list(_signatures(app, ready, limits, actions))
    return signatures[0] if len(signatures) == 1 else group(signatures, app=app)


def fan_out(
    app: Celery, items: Sequence[StepRow], limits: Limits, actions: Container[str]
) -> Signature[Any]:
    """The chord that runs the first items of a fan-out and then looks whether all have ended.

    Its header is only the synchronous part of each item, which ends or parks. A parked item
    is never a pending part of a chord: its callback advances the rows, and the last joins.
    """
    header = list(_signatures(app, items, limits, actions, in_chord=True))
    first = items[0]
    whole = f"{first.execution_id}/{first.step_id}"
    body = _signature(app, JOIN, [first.parent_id or 0], SYSTEM, whole)
    return chord(group(header, app=app), body, app=app)


def _signatures(
    app: Celery,
    ready: Sequence[StepRow],
    limits: Limits,
    actions: Container[str],
    *,
    in_chord: bool = False,
) -> Iterator[Signature[Any]]:
    # Not added to the signatures later: an immutable one silently drops what it is given.
    kwargs = {CHORD_HEADER: True} if in_chord else {}
    cheap = [row for row in ready if row.cheap]
    for chunk in _chunks(cheap, limits.cheap(len(cheap))):
        yield _signature(app, RUN_BATCH, _ids(chunk), QueueName.FAST, label(chunk), **kwargs)
    blocking: dict[tuple[str, str], list[StepRow]] = defaultdict(list)
    for row in ready:
        if not row.cheap:
            blocking[row.queue, row.action].append(row)
    for (queue, action), rows in blocking.items():
        task = task_of(action) if action in actions else RUN_STORED
        for chunk in _chunks(rows, limits.blocking(len(rows), queue)):
            yield _signature(app, task, _ids(chunk), queue, label(chunk), **kwargs)


def _chunks(rows: Sequence[StepRow], size: int) -> Iterator[Sequence[StepRow]]:
    return (rows[start : start + size] for start in range(0, len(rows), size or 1))


def _ids(rows: Sequence[StepRow]) -> list[int]:
    return [row.id for row in rows]


def label(steps: Sequence[StepRow]) -> str:
    """What Flower shows of the steps that share a message."""
    return several([row.label for row in steps])


def _signature(
    app: Celery, task: str, ids: Sequence[int], queue: str, shown: str, **kwargs: bool
) -> Signature[Any]:
    return app.signature(
        task,
        args=(list(ids),),
        kwargs=kwargs,
        immutable=True,
        options={
            "queue": queue,
            "ignore_result": True,
            "argsrepr": cut(shown),
            "kwargsrepr": str(kwargs),
        },
    )
