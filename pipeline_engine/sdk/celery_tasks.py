"""Tasks of other Celery apps, as an action knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: What the engine says to a parked step at the end of its task, as the ``type`` of an event.
CELERY_TASK_ENDED = "celery_task_ended"
#: Begins the ids on which steps are parked for a task.
PREFIX = "celery:"


@dataclass(frozen=True, kw_only=True)
class CeleryCall:
    """What is to be sent."""

    name: str
    task_id: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    app: str | None  #: None is the only one there is
    queue: str | None  #: None is that of the app
    hidden: bool  #: whether nobody is shown what it is given


@dataclass(frozen=True)
class CeleryTask:
    """A task that was sent to an app."""

    #: The app, by its name in ``PIPELINE_CELERY_APPS``.
    app: str
    #: The id by which its workers know it.
    task_id: str

    @property
    def external_id(self) -> str:
        """The id on which a step parks that waits for its end."""
        return f"{PREFIX}{self.app}:{self.task_id}"

    @classmethod
    def of(cls, external_id: str) -> CeleryTask | None:
        """The task that an external id stands for; None if it is another one's."""
        app, _, task_id = external_id.removeprefix(PREFIX).rpartition(":")
        return cls(app, task_id) if external_id.startswith(PREFIX) and app and task_id else None
