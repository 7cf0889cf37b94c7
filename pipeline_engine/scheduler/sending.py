"""After the commit: what a transaction left to be done goes to Celery."""

from __future__ import annotations

from pipeline_engine.dispatch import JOIN, Message
from pipeline_engine.domain.actions import QueueName
from pipeline_engine.scheduler import compile as canvas
from pipeline_engine.scheduler.work import Work


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
