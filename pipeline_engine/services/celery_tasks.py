"""The ends of tasks of other Celery apps: looked up, and told to the steps that wait for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import structlog

from pipeline_engine.dispatch.foreign_apps import Ended
from pipeline_engine.domain import json_guard
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk import CELERY_TASK_ENDED, CeleryTask
from pipeline_engine.services import inbox
from pipeline_engine.storage import waits
from pipeline_engine.storage.postgres.session import autocommit

log = structlog.get_logger(__name__)

SOURCE = "celery"
#: What the error of a task may have; the whole is in the results of its app.
LONGEST_ERROR = 4000


def tell_ended(runtime: Runtime) -> int:
    """Tell parked steps how their tasks have ended; returns how many steps wait for one.

    Every process may do it at the same time: of each end one report is kept.
    """
    with autocommit(runtime.engine) as connection:
        awaited = waits.of_celery(connection)
    by_app: Mapping[str, dict[str, CeleryTask]] = defaultdict(dict)
    for task in filter(None, map(CeleryTask.of, awaited)):
        by_app[task.app][task.task_id] = task
    for app, tasks in by_app.items():
        if app in runtime.settings.celery_apps:
            _tell_of(runtime, app, tasks)
    return len(awaited)


def _tell_of(runtime: Runtime, app: str, tasks: Mapping[str, CeleryTask]) -> None:
    try:
        ended = runtime.celery_apps.ended(app, [*tasks])
    except Exception as error:  # noqa: BLE001 (a result backend of any kind, and whatever lies in it)
        log.warning("celery_results_unreadable", app=app, error=str(error))
        return
    for task_id, end in ended.items():
        _tell(runtime, tasks[task_id].external_id, end)


def _tell(runtime: Runtime, external_id: str, end: Ended) -> None:
    said: dict[str, Any] = {
        "type": CELERY_TASK_ENDED,
        "state": end.state,
        "result": end.result,
        "error": _storable(end.error),
        "too_large": None,
    }
    try:
        inbox.accept_own(runtime, SOURCE, external_id, json_guard.check(said))
    except JsonRejected as rejected:
        without = {**said, "result": None, "too_large": str(rejected)}
        inbox.accept_own(runtime, SOURCE, external_id, without)


def _storable(error: str | None) -> str | None:
    if error is None:
        return None
    clean = error.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return clean[:LONGEST_ERROR]
