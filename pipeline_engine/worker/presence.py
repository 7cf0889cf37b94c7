"""A worker tells Redis every few seconds that it lives, for those who explain a standstill."""

from __future__ import annotations

from functools import partial
from typing import Any

import structlog
from celery import bootsteps
from redis import RedisError

from pipeline_engine.config import Settings
from pipeline_engine.dispatch.messages import action_of
from pipeline_engine.fail_fast_redis import make_redis
from pipeline_engine.services import presence

log = structlog.get_logger(__name__)


class Presence(bootsteps.StartStopStep):
    """Part of Celery's consumer: it starts again with every new connection to the broker."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        settings = Settings.from_env()
        self._redis = make_redis(settings)
        self._prefix = settings.key_prefix
        self._worker: str = consumer.hostname
        self._queues: list[str] = []
        self._actions = sorted(filter(None, map(action_of, consumer.app.tasks)))
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        """Say it now, and again every few seconds until ``stop``."""
        self._queues = [queue.name for queue in consumer.task_consumer.queues]
        self._say()
        self._timer = consumer.timer.call_repeatedly(presence.INTERVAL_SECONDS, self._say)

    def stop(self, consumer: Any) -> None:  # noqa: ARG002 (Celery's signature)
        """Take it back; a worker that is killed instead fades from Redis by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._tell(presence.forget)

    def _say(self) -> None:
        self._tell(partial(presence.note, actions=self._actions))

    def _tell(self, what: Any) -> None:
        try:
            what(self._redis, self._prefix, self._worker, self._queues)
        except RedisError as error:
            log.info("nobody could be told that this worker lives", error=str(error))
