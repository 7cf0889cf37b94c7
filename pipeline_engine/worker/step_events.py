"""Celery's task events for steps that share a message with others.

Of itself a worker tells Flower of one task per message. If that brings several blocking steps, or
its thread goes on with others, it tells of each here, under the name of the step's own task.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery, Task
from celery.utils import uuid

from pipeline_engine.dispatch.messages import cut, task_of
from pipeline_engine.dispatch.sender import SENDING_ERRORS
from pipeline_engine.storage.rows import StepRow

log = logging.getLogger(__name__)


#: Its kind, the id of its task, and what it says.
Event = tuple[str, str, dict[str, Any]]


class StepEvents:
    """The events of a Celery task's steps; of the only one that it names Celery tells by itself."""

    def __init__(self, task: Task[Any, Any], *, names_one: bool) -> None:
        self._app: Celery = task.app
        self._hostname = task.request.hostname
        self._task_id = task.request.id
        self._own_name = task.name
        self._is_told = names_one

    @contextmanager
    def of(self, step: StepRow, failures: list[str]) -> Iterator[None]:
        """Tell that a step begins, and how it ended: *failures* grows if its attempt failed."""
        is_told, self._is_told = self._is_told, False
        if is_told and self._own_name == task_of(step.action):
            yield
            return
        task_id, began, before = uuid(), time.monotonic(), len(failures)
        about = {"name": task_of(step.action), "args": cut(step.label), "kwargs": "{}"}
        shared = {"root_id": self._task_id, "parent_id": self._task_id, "retries": step.retry_count}
        self._send(("task-received", task_id, about | shared), ("task-started", task_id, {}))
        try:
            yield
        finally:
            self._send(_end(task_id, failures[before:], time.monotonic() - began))

    def _send(self, *events: Event) -> None:
        try:
            with self._app.events.default_dispatcher(hostname=self._hostname) as dispatcher:
                for kind, task_id, fields in events:
                    dispatcher.send(kind, uuid=task_id, **fields)
        except SENDING_ERRORS as error:  # nobody looks, and the rows know all about it
            log.info("Flower was not told of a step: %s", error)


def _end(task_id: str, failures: list[str], seconds: float) -> Event:
    if failures:
        return "task-failed", task_id, {"exception": failures[-1], "traceback": ""}
    return "task-succeeded", task_id, {"result": "None", "runtime": seconds}


def step_events(task: Task[Any, Any], *, named: int = 0) -> StepEvents | None:
    """What tells of the steps of *task*, whose message *named* so many; None without events."""
    sends = task.app.conf.worker_send_task_events
    return StepEvents(task, names_one=named == 1) if sends else None
