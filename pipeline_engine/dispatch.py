"""How the engine speaks to Celery: task names, queues, the app, and sending after a commit.

Tasks are sent by name, so that services need not import the worker that imports them. A
message only names rows. Losing one is harmless, and so is sending it twice.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

from celery import Celery
from celery.backends.redis import RedisBackend
from celery.canvas import Signature
from celery.result import AsyncResult
from celery.states import SUCCESS
from celery.utils import uuid
from kombu.exceptions import KombuError, OperationalError
from redis.exceptions import RedisError

from pipeline_engine.broker import use_guarded_transport
from pipeline_engine.config import Settings
from pipeline_engine.domain.actions import QueueName
from pipeline_engine.failpoints import Failpoint, failpoint

log = logging.getLogger(__name__)

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

# Requests must not wait for a frozen Redis one after another. One that refuses connections
# costs no time, and is asked again at once.
SLOW_SECONDS = 1.0
SILENCE_SECONDS = 5.0

#: So many that come within so many seconds are a rush.
RUSH = 4
RUSH_SECONDS = 0.05
#: For so long they are gathered then, and so many share a message at most.
GATHERED_SECONDS = 0.04
MOST_IDS = 50
#: A chunk may be larger, but no message names more.
MOST_IDS_EVER = 500

#: What can go wrong while sending; the sweep sends again what is missing.
SENDING_ERRORS = (KombuError, OperationalError, RedisError, ConnectionError, TimeoutError)


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
    """Counts the ended parts of chords; nobody waits for a result, so it watches none.

    Celery's own subscribes to every task of a group, even if the result is ignored: a round
    trip per message, and another one when the garbage collector finds what nobody kept.
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


@dataclass(frozen=True, slots=True)
class Message:
    """A wake-up: the name of a task, the ids of rows, and the queue that it goes to."""

    task: str
    ids: tuple[int, ...]
    queue: str = SYSTEM
    label: str = ""  #: what Flower shows for them instead of the ids


class Arrivals:
    """Rows that came in, and the task that is to be told of them: at once, or in a rush together.

    A message costs its sender and its receiver more than what many of them ask for. One thread
    sends them all, so whoever brings a row does not wait for Redis.
    """

    def __init__(
        self, task: str, send: Callable[[Sequence[Message]], None], *, queue: str = SYSTEM
    ) -> None:
        self._task = task
        self._queue = queue
        self._send = send
        self._lock = Lock()
        self._came: deque[float] = deque(maxlen=RUSH)
        self._parties: list[tuple[Sequence[int], str]] = []
        self._is_due = False  #: the thread is about to send what is here
        # Its one thread starts with the first row; a process that stops waits for it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="announcing")

    def add(self, *ids: int, label: str = "") -> None:
        """Announce these now, or with what comes in the next moment; one message has them all."""
        now = time.monotonic()
        with self._lock:
            in_rush = len(self._came) == RUSH and now - self._came[0] < RUSH_SECONDS
            self._came.append(now)
            self._parties.append((ids, label))
            if self._is_due:
                return
            self._is_due = True
        try:
            self._thread.submit(self._announce_after, GATHERED_SECONDS if in_rush else 0.0)
        except RuntimeError:  # there are too many threads, or the process is about to end
            self._announce()

    def _announce_after(self, seconds: float) -> None:
        time.sleep(seconds)
        try:
            self._announce()
        except Exception:  # nobody is above who could do more; the sweep will send them
            log.exception("what has come in is not announced")

    def _announce(self) -> None:
        with self._lock:
            parties, self._parties = self._parties, []
            self._is_due = False
        shared_out = _shared_out(parties)
        self._send([Message(self._task, ids, self._queue, label) for ids, label in shared_out])


def _shared_out(
    parties: Iterable[tuple[Sequence[int], str]],
) -> Iterator[tuple[tuple[int, ...], str]]:
    """As many parties to a message as fit; what came together stays together."""
    ids: tuple[int, ...] = ()
    labels: list[str] = []
    for party, label in parties:
        if ids and len(ids) + len(party) > MOST_IDS:
            yield ids, several(labels)
            ids, labels = (), []
        ids += tuple(party)
        labels += [label] if label else []
    if ids:
        yield ids, several(labels)


class Dispatcher:
    """Sends what a committed transaction left to be done."""

    def __init__(self, app: Celery) -> None:
        self.app = app
        self._silent_until = 0.0
        self._deliveries = Arrivals(DELIVER, self.send)
        self._beginnings = Arrivals(RUN_BATCH, self.send, queue=QueueName.FAST.value)

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
            if time.monotonic() - began > SLOW_SECONDS:
                self._silent_until = time.monotonic() + SILENCE_SECONDS
        failpoint(Failpoint.AFTER_SEND)

    def announce(self, delivery_id: int) -> None:
        """Wake a worker for a delivery; in a rush, one message for several."""
        self._deliveries.add(delivery_id)

    def begin(self, step_execution_ids: Sequence[int], *, label: str = "") -> None:
        """Wake a worker for the cheap steps that an execution begins with; in a rush the same."""
        self._beginnings.add(*step_execution_ids, label=label)

    def waiting(self, queue: str) -> int:
        """How many messages stand in *queue*; 0 while Redis does not say."""
        if time.monotonic() < self._silent_until:
            return 0
        try:
            with self.app.producer_pool.acquire(block=True, timeout=5) as producer:
                # Not passive: kombu would look for the list under a name without our prefix.
                channel: Any = producer.channel
                return int(channel.queue_declare(queue=queue).message_count)
        except SENDING_ERRORS as error:
            log.warning("the length of a queue is unknown: %s", error)
            return 0

    def revoke(self, task_ids: Sequence[str], *, terminate: bool) -> None:
        """Ask the workers to stop these tasks; a hint, since rows have fenced them already."""
        if not task_ids:
            return
        try:
            self.app.control.revoke(list(task_ids), terminate=terminate, signal="SIGTERM")
        except SENDING_ERRORS as error:
            log.warning("revoking failed: %s", error)

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
