"""The names of tasks and queues, and what a message says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline_engine.domain.action_names import type_of
from pipeline_engine.domain.queues import QueueName

RUN_BATCH = "step.batch"  #: run many cheap steps, a batch a transaction
RUN_STORED = "stored_action"  #: run steps whose action is data, so that no task has its name
RUN_STEP = "step."  #: + the action's type: run one step
CLEAN_UP = "step.clean_up"
JOIN = "fan_out.join"
CANCEL_REST = "race.cancel_rest"
GIVE_PLACES = "concurrency.give_places"
SUPERSEDE = "concurrency.supersede"
DELIVER = "inbox.deliver"
OFFER = "inbox.offer"
FOLLOW_WEBHOOKS = "webhooks.follow"
SWEEP = "engine.sweep"
FIRE = "schedule.fire"
RETENTION = "engine.retention"

_OWN = frozenset(
    {JOIN, CANCEL_REST, GIVE_PLACES, SUPERSEDE, DELIVER, OFFER, FOLLOW_WEBHOOKS, SWEEP, FIRE}
    | {RETENTION}
)

#: Queue of the engine's own tasks; none of them waits behind the steps of a user.
SYSTEM = "system"
#: Names of all queues; each needs a worker.
QUEUES: tuple[str, ...] = (*QueueName, SYSTEM)
#: Row ids per message, at most.
MOST_IDS_EVER = 500

#: Characters of a message's ids that Flower shows.
MOST_SHOWN = 1000
#: Labels of a message that are spelled out; the others are counted.
MOST_LABELS = 5


def shown(ids: Sequence[int]) -> str:
    """What Flower shows of the args of a message; made here, as Celery's own way takes long."""
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
    return f"{RUN_STEP}{type_of(action)}"


def is_own(task: str) -> bool:
    """Whether a Celery task is one of the engine's: only the engine sends those."""
    return task.startswith(RUN_STEP) or task in _OWN


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
