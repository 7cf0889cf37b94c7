"""Ready steps become Celery canvas: a group for a wave, a chord for a fan-out.

Cheap steps share messages; blocking work is one task per step, so that Flower, routing, time
limits and revocation see it. The canvas carries, rows decide: nothing waits for a result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from celery import Celery, chord, group
from celery.canvas import Signature

from pipeline_engine.dispatch import JOIN, RUN_BATCH, SYSTEM, cut, several, task_of
from pipeline_engine.domain.actions import QueueName
from pipeline_engine.storage.rows import StepRow

CHORD_HEADER = "chord_header"  #: tells a task that the chord's body will wake the join


def chunk_size(ready: int, *, slots: int, largest: int) -> int:
    """How many cheap steps share a message: enough to be worth it, few enough to go round.

    What follows from steps that one worker has is run by that worker in one go; of steps that
    were scattered, each waits for the row that joins them.
    """
    return min(max(ready // (2 * slots), largest // 2, 1), largest)


def wave(app: Celery, ready: Sequence[StepRow], *, slots: int, largest: int) -> Signature[Any]:
    """The group that runs these ready steps, or the one signature that is enough."""
    signatures = list(_signatures(app, ready, slots=slots, largest=largest))
    return signatures[0] if len(signatures) == 1 else group(signatures, app=app)


def fan_out(app: Celery, items: Sequence[StepRow], *, slots: int, largest: int) -> Signature[Any]:
    """The chord that runs the first items of a fan-out and then looks whether all have ended.

    Its header is only the synchronous part of each item, which ends or parks. A parked item
    is never a pending part of a chord: its callback advances the rows, and the last joins.
    """
    header = list(_signatures(app, items, slots=slots, largest=largest, in_chord=True))
    first = items[0]
    whole = f"{first.execution_id}/{first.step_id}"
    body = _signature(app, JOIN, [first.parent_id or 0], SYSTEM, whole)
    return chord(group(header, app=app), body, app=app)


def _signatures(
    app: Celery, ready: Sequence[StepRow], *, slots: int, largest: int, in_chord: bool = False
) -> Iterator[Signature[Any]]:
    # Not added to the signatures later: an immutable one silently drops what it is given.
    kwargs = {CHORD_HEADER: True} if in_chord else {}
    cheap = [row for row in ready if row.cheap]
    size = chunk_size(len(cheap), slots=slots, largest=largest)
    for start in range(0, len(cheap), size):
        chunk = cheap[start : start + size]
        ids = [row.id for row in chunk]
        yield _signature(app, RUN_BATCH, ids, QueueName.FAST.value, label(chunk), **kwargs)
    for row in ready:
        if not row.cheap:
            yield _signature(app, task_of(row.action), [row.id], row.queue, row.label, **kwargs)


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
