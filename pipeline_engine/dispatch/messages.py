"""The names of tasks and queues, and what a message says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline_engine.domain.actions import QueueName

RUN_BATCH = "step.batch"  #: run many cheap steps, a batch a transaction
RUN_STEP = "step."  #: + the action's type: run one step
CLEAN_UP = "step.clean_up"
JOIN = "fan_out.join"
DELIVER = "inbox.deliver"
SWEEP = "engine.sweep"
RETENTION = "engine.retention"

#: What the engine does for itself: nothing of a user's stands here, so it waits for nobody's steps.
SYSTEM = "system"
#: Every queue; each needs a worker.
QUEUES: tuple[str, ...] = (*QueueName, SYSTEM)
#: A chunk may be larger, but no message names more.
MOST_IDS_EVER = 500

#: Characters of what Flower shows of a message's ids.
MOST_SHOWN = 1000
#: Steps that are named of those that share a message.
MOST_LABELS = 5


def shown(ids: Sequence[int]) -> str:
    """What Flower shows of the args of a message; Celery takes as long for it as for the rest."""
    return cut(repr((list(ids),)))


def cut(text: str) -> str:
    """*text*, as far as it is shown."""
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def several(labels: Sequence[str]) -> str:
    """Name the first few of these, and say how many there are."""
    named, more = ", ".join(labels[:MOST_LABELS]), len(labels) - MOST_LABELS
    return f"{named} and {more} more" if more > 0 else named


def task_of(action: str) -> str:
    """The name of the Celery task that runs steps with this action, as Flower shows it."""
    return f"{RUN_STEP}{action}"


def action_of(task: str) -> str | None:
    """The action whose steps a Celery task runs; None if it is another one."""
    return task.removeprefix(RUN_STEP) if task.startswith(RUN_STEP) else None


@dataclass(frozen=True, slots=True)
class Message:
    """A wake-up: the name of a task, the ids of rows, and the queue that it goes to."""

    task: str
    ids: tuple[int, ...]
    queue: str = SYSTEM
    label: str = ""  #: what Flower shows for them instead of the ids
