"""After a commit: what it left to be done goes to Celery."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from celery import Celery
from celery.canvas import Signature
from celery.utils import uuid
from kombu.exceptions import KombuError, OperationalError
from redis.exceptions import RedisError

from pipeline_engine.dispatch.coalescing import Coalescer
from pipeline_engine.dispatch.messages import (
    DELIVER,
    FOLLOW_WEBHOOKS,
    OFFER,
    RUN_BATCH,
    Message,
    cut,
    shown,
)
from pipeline_engine.domain.queues import QueueName
from pipeline_engine.failpoints import Failpoint, failpoint

log = logging.getLogger(__name__)

# Requests must not wait for a frozen Redis one after another. One that refuses connections
# costs no time, and is asked again at once.
SLOW_SECONDS = 1.0
SILENCE_SECONDS = 5.0

#: Seconds for which it is believed that messages stand in a queue.
BELIEVED_SECONDS = 0.05

#: What can go wrong while sending; the sweep sends again what is missing.
SENDING_ERRORS = (KombuError, OperationalError, RedisError, ConnectionError, TimeoutError)


class Dispatcher:
    """Sends what a committed transaction left to be done."""

    def __init__(self, app: Celery) -> None:
        self.app = app
        self._silent_until = 0.0
        self._crowded_until: dict[str, float] = {}
        self._deliveries = Coalescer(DELIVER, self.send)
        self._offers = Coalescer(OFFER, self.send)
        self._webhooks = Coalescer(FOLLOW_WEBHOOKS, self.send)
        self._beginnings = Coalescer(RUN_BATCH, self.send, queue=QueueName.FAST.value)

    def send(self, messages: Sequence[Message], canvases: Sequence[Signature[Any]] = ()) -> None:
        """Send it all in one batch; a failure is logged and left to the sweep."""
        if not messages and not canvases:
            return
        began = time.monotonic()
        if began < self._silent_until:
            log.info("not sent, Redis was frozen a moment ago; the sweep will send it")
            return
        failpoint(Failpoint.BEFORE_SEND)
        try:
            with self._batch() as producer:
                for canvas in canvases:
                    canvas.apply_async(producer=producer)
                for message in messages:
                    self._publish(producer, message)
        except SENDING_ERRORS as error:
            log.warning("sending failed, the sweep will send again: %s", error)
            self._leave_alone_if_slow(began)
        failpoint(Failpoint.AFTER_SEND)

    def announce(self, delivery_id: int) -> None:
        """Wake a worker for a delivery; in a rush, one message for several."""
        self._deliveries.add(delivery_id)

    def announce_offer(self, delivery_id: int) -> None:
        """Wake a worker for the event triggers of a delivery; in a rush the same."""
        self._offers.add(delivery_id)

    def announce_webhook(self, delivery_id: int) -> None:
        """The same for a delivery that came in by a webhook."""
        self._webhooks.add(delivery_id)

    def begin(self, step_execution_ids: Sequence[int], *, label: str = "") -> None:
        """Wake a worker for the cheap steps that an execution begins with; in a rush the same."""
        self._beginnings.add(*step_execution_ids, label=label)

    def waiting(self, queue: str) -> int:
        """How many messages stand in *queue*; 0 while Redis does not say."""
        began = time.monotonic()
        if began < self._silent_until:
            return 0
        try:
            with self.app.producer_pool.acquire(block=True, timeout=5) as producer:
                # Not passive: kombu would look for the list under a name without our prefix.
                channel: Any = producer.channel
                return int(channel.queue_declare(queue=queue).message_count)
        except SENDING_ERRORS as error:
            log.warning("the length of a queue is unknown: %s", error)
            self._leave_alone_if_slow(began)
            return 0

    def is_crowded(self, queue: str) -> bool:
        """Whether messages stand in *queue*, so that none of its workers is idle."""
        now = time.monotonic()
        if now < self._crowded_until.get(queue, 0.0):
            return True
        if not self.waiting(queue):
            return False
        self._crowded_until[queue] = now + BELIEVED_SECONDS
        return True

    def revoke(self, task_ids: Sequence[str], *, terminate: bool) -> None:
        """Ask the workers to stop these tasks; a hint, since rows have fenced them already."""
        if not task_ids:
            return
        try:
            self.app.control.revoke(list(task_ids), terminate=terminate, signal="SIGTERM")
        except SENDING_ERRORS as error:
            log.warning("revoking failed: %s", error)

    def _leave_alone_if_slow(self, began: float) -> None:
        if time.monotonic() - began > SLOW_SECONDS:
            self._silent_until = time.monotonic() + SILENCE_SECONDS

    def _publish(self, producer: Any, message: Message) -> None:
        # What Celery's ``send_task`` does, except for a result that nobody asks for: it would
        # open a result backend in each thread that sends.
        amqp, task_id = self.app.amqp, uuid()
        task = amqp.create_task_message(
            task_id,
            message.task,
            args=(list(message.ids),),
            argsrepr=cut(message.label) or shown(message.ids),
            kwargsrepr="{}",
            root_id=task_id,
            ignore_result=True,
            create_sent_event=self.app.conf.task_send_sent_event,
        )
        amqp.send_task_message(producer, message.task, task, queue=message.queue, retry=False)

    @contextmanager
    def _batch(self) -> Iterator[Any]:
        with (
            self.app.producer_pool.acquire(block=True, timeout=5) as producer,
            producer.batch(max_size=500),  # type: ignore[attr-defined]  # new in kombu 5.7
        ):
            yield producer
