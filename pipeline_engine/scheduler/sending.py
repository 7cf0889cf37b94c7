"""After the commit: what a transaction left to be done goes to Celery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline_engine.dispatch import JOIN, MOST_IDS, Message
from pipeline_engine.domain.actions import QueueName
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler import compile as canvas
from pipeline_engine.scheduler.work import Work


@dataclass(frozen=True, slots=True)
class Carrier:
    """The Celery task that brought steps to this worker."""

    task_id: str | None
    queue: str | None
    in_chord: bool = False
    goes_on: bool = True  #: it may run something that follows


def hand_over(work: Work, carriers: Sequence[Carrier]) -> list[list[int]]:
    """Let each task keep what it goes on with, and send the rest; returns what each keeps."""
    failpoint(Failpoint.AFTER_COMMIT_BEFORE_HAND_OVER)
    kept = [_keep(work, carrier.queue) if carrier.goes_on else [] for carrier in carriers]
    send(work, in_chord=all(carrier.in_chord for carrier in carriers))
    return kept


def _keep(work: Work, queue: str | None) -> list[int]:
    # A message costs more than a cheap step: only what does not fit one batch is shared.
    kept = [row.id for row in work.ready if row.cheap][: work.runtime.settings.chunk_size]
    kept = kept or [row.id for row in work.ready if row.queue == queue][:1]
    ours = set(kept)
    work.ready = [row for row in work.ready if row.id not in ours]
    return kept


def send_first(work: Work) -> None:
    """Send what a new execution begins with; of many that begin at once, some with one message."""
    ids = [row.id for row in work.ready if row.cheap]
    if 0 < len(ids) == len(work.ready) <= MOST_IDS:
        work.runtime.dispatch.begin(ids, label=canvas.label(work.ready))
    else:
        send(work)


def send(work: Work, *, in_chord: bool = False) -> None:
    """Send it; should that fail, the rows say what is missing and the sweep sends it again.

    A turn inside a chord's header does not wake the join: the chord's body will.
    """
    runtime = work.runtime
    limits = {"slots": runtime.settings.worker_slots, "largest": runtime.settings.chunk_size}
    canvases = [canvas.fan_out(runtime.dispatch.app, f, **limits) for f in work.fan_outs]
    if work.ready:
        canvases.append(canvas.wave(runtime.dispatch.app, work.ready, **limits))
    messages: list[Message] = [m for m in work.messages if not (in_chord and m.task == JOIN)]
    runtime.dispatch.send(messages, canvases)
    for terminate in (True, False):
        task_ids = [
            row.task_id
            for row in work.revoked
            if row.task_id and (row.queue == QueueName.CPU) is terminate
        ]
        runtime.dispatch.revoke(task_ids, terminate=terminate)
