"""Beat is an alarm clock: for the sweep, the clean-up and each schedule; rows decide the rest.

Two beats are harmless, and so is none for a while. RedBeat keeps one of them silent with a
lock; it gives up when Redis forgets that lock, and the supervisor starts it again.
"""

from __future__ import annotations

from typing import Any

from celery import Celery
from redbeat import RedBeatScheduler
from redbeat.schedulers import get_redis

from pipeline_engine.beat.entries import Entry


class PipelineScheduler(RedBeatScheduler):
    """RedBeat that remembers for Redis what it is to ring for.

    RedBeat writes its entries before it waits for the lock of the beat that ran before, and
    never again: when Redis forgets both meanwhile, it gets the lock and has nothing to ring for.
    """

    Entry = Entry

    def __init__(self, app: Celery, **options: Any) -> None:
        # Here and not in the settings of all: a worker shows those to whoever asks, and masks the
        # passwords of its own names only.
        app.conf.redbeat_redis_url = app.conf.broker_url
        app.conf.task_send_sent_event = False  # it rings for housekeeping only
        super().__init__(app, **options)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Ring for what is due; returns the seconds until it wants to look again."""
        if self._is_forgotten():
            self.setup_schedule()
        seconds: float = super().tick(*args, **kwargs)
        return seconds

    def _is_forgotten(self) -> bool:
        conf = self.app.redbeat_conf
        keys = [self.Entry.generate_key(self.app, name) for name in conf.schedule]
        return None in get_redis(self.app).zmscore(conf.schedule_key, keys)
