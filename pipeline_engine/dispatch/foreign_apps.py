"""Celery apps of others: their tasks are sent, looked up and revoked as by any client of Celery.

Nothing of the engine has to be installed there. What an app is, and which tasks may be sent, the
operator says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any

import structlog
from celery import Celery
from celery.backends.base import KeyValueStoreBackend
from celery.exceptions import CeleryError
from celery.states import PENDING, READY_STATES
from kombu.exceptions import KombuError, OperationalError
from redis.exceptions import RedisError

from pipeline_engine.broker import use_guarded_transport
from pipeline_engine.config import Settings
from pipeline_engine.dispatch.messages import is_own
from pipeline_engine.sdk import ActionError, CeleryTask, in_words
from pipeline_engine.sdk.celery_tasks import CeleryCall

log = structlog.get_logger(__name__)

QUEUE = "celery"  #: Celery's own default
#: Tasks that every Celery worker has, and that are no work of anybody.
BUILT_IN = "celery."
#: Ids that are looked up with one request.
AT_ONCE = 500
#: Seconds for a connection, and for an answer.
CONNECT_SECONDS, ANSWER_SECONDS = 3, 5
UNREACHABLE = (KombuError, OperationalError, RedisError, CeleryError, OSError)


class CeleryRefused(ActionError):
    """The installation does not let anybody send this task."""

    code = "celery_task_refused"

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


class CeleryUnreachable(ActionError):
    """The broker of an app, or its result backend, does not answer."""

    code = "celery_unreachable"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a task has ended."""

    state: str
    result: Any = None
    error: str | None = None


class ForeignApps:
    """The apps that ``PIPELINE_CELERY_APPS`` names; nothing is connected before it is used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[str, Celery] = {}
        self._lock = Lock()

    def name_of(self, app: str | None) -> str:
        """The app that is meant, where there is only one even if none is named."""
        known = self._settings.celery_apps
        if app is None and len(known) == 1:
            return next(iter(known))
        if app is None or app not in known:
            names = ", ".join(known) or "none"
            words = f"no Celery app is called {app!r}" if app else "app has to be named"
            raise CeleryRefused(f"{words}; PIPELINE_CELERY_APPS names {names}")
        return app

    def check(self, app: str, task: str) -> None:
        """Refuse a task that the operator has not allowed, and any of ours or of Celery's own."""
        if is_own(task) or task.startswith(BUILT_IN):
            raise CeleryRefused(f"the task {task} is none that a pipeline may send")
        allowed = self._settings.celery_tasks_allowed
        if not any(fnmatchcase(f"{app}:{task}", one) for one in map(_with_app, allowed)):
            raise CeleryRefused(
                f"the task {task} of {app} is not allowed; an operator allows it with"
                f" PIPELINE_CELERY_TASKS_ALLOWED={app}:{task}"
            )

    def has_results(self, app: str) -> bool:
        """Whether it can be known how a task of this app has ended."""
        return "result_backend" in self._settings.celery_apps[app]

    def send(self, app: str, call: CeleryCall) -> None:
        """Send a task. Raises ``CeleryUnreachable``."""
        celery = self._app(app)
        shown = {"argsrepr": "(...)", "kwargsrepr": "{...}"} if call.hidden else {}
        # What ``send_task`` does, but for watching the result: that opens a connection a thread.
        message = celery.amqp.create_task_message(
            call.task_id,
            call.name,
            args=tuple(call.args),
            kwargs=dict(call.kwargs),
            root_id=call.task_id,
            **shown,
        )
        queue = call.queue or self._settings.celery_apps[app].get("queue") or QUEUE
        with _reached(f"The broker of {app} does not answer"), _producer(celery) as producer:
            celery.amqp.send_task_message(producer, call.name, message, queue=queue, retry=False)

    def is_known(self, task: CeleryTask) -> bool:
        """Whether a worker of the app has said anything of this task. Raises as ``send``."""
        with _reached(f"The results of {task.app} cannot be read"):
            meta = self._app(task.app).backend.get_task_meta(task.task_id, cache=False)
            return str(meta["status"]) != PENDING

    def ended(self, app: str, task_ids: Sequence[str]) -> dict[str, Ended]:
        """How those of these tasks have ended that have. Raises whatever the backend raises."""
        found = {
            task_id: meta
            for start in range(0, len(task_ids), AT_ONCE)
            for task_id, meta in self._metas(app, task_ids[start : start + AT_ONCE])
        }
        return {i: _ended(meta) for i, meta in found.items() if meta["status"] in READY_STATES}

    def _metas(self, app: str, ids: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        backend = self._app(app).backend
        if not isinstance(backend, KeyValueStoreBackend):
            for task_id in ids:
                yield task_id, backend.get_task_meta(task_id, cache=False)
            return
        kept = backend.mget([backend.get_key_for_task(task_id) for task_id in ids])
        for task_id, raw in zip(ids, kept, strict=True):
            if raw:
                # Not ``decode_result``: it would make exceptions of the names of their classes.
                yield task_id, backend.decode(raw)

    def revoke(self, task: CeleryTask, *, terminate: bool) -> None:
        """Ask the workers of the app to let a task be; one that nobody has yet is not begun.

        Raises ``CeleryUnreachable``.
        """
        with _reached(f"The broker of {task.app} does not answer"):
            control = self._app(self.name_of(task.app)).control
            control.revoke(task.task_id, terminate=terminate, signal="SIGTERM")

    def close(self) -> None:
        """Close the connections."""
        for celery in self._made.values():
            celery.close()

    def _app(self, name: str) -> Celery:
        with self._lock:
            if name not in self._made:
                self._made[name] = _make(name, self._settings.celery_apps[name])
            return self._made[name]


@contextmanager
def _reached(otherwise: str) -> Iterator[None]:
    try:
        yield
    except UNREACHABLE as error:
        raise CeleryUnreachable(f"{otherwise}: {error}") from error


def _producer(celery: Celery) -> Any:
    return celery.producer_pool.acquire(block=True, timeout=ANSWER_SECONDS)


def _make(name: str, said: Mapping[str, str]) -> Celery:
    use_guarded_transport()
    celery = Celery(f"pipeline_engine.{name}", set_as_current=False)
    patience = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": CONNECT_SECONDS}
    prefix = {"global_keyprefix": said["key_prefix"]} if "key_prefix" in said else {}
    of_redis = said["broker"].startswith(("redis", "unix"))
    celery.conf.update(
        broker_url=said["broker"],
        broker_transport_options={**patience, **prefix, "max_retries": 0} if of_redis else {},
        broker_connection_timeout=CONNECT_SECONDS,
        result_backend=said.get("result_backend", "disabled://"),
        result_backend_transport_options=prefix,
        redis_socket_timeout=ANSWER_SECONDS,
        redis_socket_connect_timeout=CONNECT_SECONDS,
        task_publish_retry=False,
        task_serializer="json",
        accept_content=["json"],
        result_accept_content=["json"],
        enable_utc=True,
    )
    return celery


def _with_app(pattern: str) -> str:
    return pattern if ":" in pattern else f"*:{pattern}"


def _ended(meta: Mapping[str, Any]) -> Ended:
    state, result = str(meta["status"]), meta.get("result")
    if state == "SUCCESS":
        return Ended(state, result)
    return Ended(state, error=_words(result))


def _words(failure: Any) -> str | None:
    """The type of an exception and its words, however its backend keeps it."""
    if failure is None:
        return None
    if isinstance(failure, BaseException):
        return f"{type(failure).__name__}: {failure}"
    if isinstance(failure, Mapping) and "exc_type" in failure:
        said = failure.get("exc_message")
        words = ", ".join(map(str, said)) if isinstance(said, list | tuple) else in_words(said)
        return f"{failure['exc_type']}: {words}"
    return in_words(failure)
