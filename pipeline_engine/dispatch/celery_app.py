"""The Celery app of a process."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.backends.redis import RedisBackend
from celery.result import AsyncResult
from celery.states import SUCCESS

from pipeline_engine.broker import use_guarded_transport
from pipeline_engine.config import Settings
from pipeline_engine.domain.queues import QueueName


def make_celery(settings: Settings) -> Celery:
    """The Celery app of this process; each setting says what goes wrong without it."""
    use_guarded_transport()
    app = Celery("pipeline_engine", set_as_current=False)
    transport = {
        "global_keyprefix": settings.key_prefix,
        # Rows own redelivery. Emulated acks cost two thirds of the throughput, and Celery 5.7
        # dies when Redis drops a connection while it holds an unacknowledged message.
        "ack_emulation": False,
        # Without it a publisher hangs for as long as Redis is frozen.
        "socket_timeout": 5,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 25,
        # A request must not wait for a Redis that is away: the sweep will send what was not sent.
        "max_retries": 0,
        "interval_start": 0,
        "interval_step": 0,
        "interval_max": 0,
    }
    app.conf.update(
        broker_url=settings.redis_url,
        broker_transport_options=transport,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # Chord headers alone need it; every task ignores its result.
        result_backend=f"{__name__}:ChordBackend+{settings.redis_url}",
        result_backend_transport_options={"global_keyprefix": settings.key_prefix},
        result_expires=3600,
        task_ignore_result=True,
        task_publish_retry=False,  # the sweep sends again; a request must not hang
        task_acks_late=False,
        worker_prefetch_multiplier=1,  # a prefetched message of a dead worker is a lost one
        task_default_queue=QueueName.FAST.value,
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        result_accept_content=["json"],
        worker_send_task_events=settings.worker_events,
        task_send_sent_event=settings.worker_events,
        worker_hijack_root_logger=False,
        timezone="UTC",
        enable_utc=True,
        # Without its own it would take the transport options, which 2.5 will not do any more.
        redbeat_redis_options={"socket_timeout": 5, "socket_connect_timeout": 3},
        redbeat_key_prefix=f"{settings.key_prefix}redbeat:",
        redbeat_lock_timeout=10,
        beat_max_loop_interval=min(1.0, settings.sweep_interval_seconds),
    )
    return app


class ChordBackend(RedisBackend):
    """Counts the ended parts of chords, and watches no results, as the engine reads none.

    Celery's own subscribes to every task of a group, even if the result is ignored: a round
    trip per message, and another one when the garbage collector finds the unused result.
    """

    def add_pending_result(self, result: AsyncResult[Any], *_: Any, **__: Any) -> AsyncResult[Any]:
        """Watch nothing."""
        return result

    def on_chord_part_return(
        self, request: Any, state: str, result: Any, *args: Any, **kwargs: Any
    ) -> None:
        """Count a part that failed as one that has ended: the body looks at the rows."""
        del state, result
        super().on_chord_part_return(request, SUCCESS, None, *args, **kwargs)

    def remove_pending_result(self, result: AsyncResult[Any]) -> None:
        """Nothing was watched."""
