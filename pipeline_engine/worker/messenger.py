"""The threads of a worker that send messages to subscribers. They take none of Celery's slots.

The one that looks for news also tells guardrail workflows which of their executions have ended.

Each subscription has its turn in a thread of its own, so that one that hangs keeps nobody else
waiting; those that have failed last never have more than half of the threads.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from threading import Event, Lock, Thread

import structlog

from pipeline_engine.guardrails import following
from pipeline_engine.messaging import look, notices
from pipeline_engine.messaging.look import Places
from pipeline_engine.messaging.progress import ProgressNotes
from pipeline_engine.messaging.turn import Turn
from pipeline_engine.scheduler.leases import worker_name
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage.news import Leased
from pipeline_engine.storage.postgres.session import is_unreachable

log = structlog.get_logger(__name__)

#: Seconds between two looks at the history, while somebody has subscribed, and while nobody has.
LOOK_SECONDS, IDLE_SECONDS = 0.2, 1.0
TIDY_SECONDS = 5.0  #: between two looks for subscriptions that are over


class Messenger:
    """Looks for news, and gives each subscription that has some its turn."""

    def __init__(self, runtime: Callable[[], Runtime]) -> None:
        self._runtime = runtime
        self._stopped = Event()
        self._name = f"{worker_name()}:{uuid.uuid4().hex[:8]}"  # a restarted process is another one
        self._lock = Lock()
        self._free = Event()  #: a thread is free, and somebody may wait for one
        self._is_short = False  #: more may wait for their turn than there are threads
        self._busy = 0
        self._suspects = 0
        self._looks = 0

    def start(self) -> None:
        """Start, in threads that end with the process."""
        Thread(target=self._look_for_ever, daemon=True, name="messenger").start()

    def stop(self) -> None:
        """Begin no other turn; those that go on end after the present message."""
        self._stopped.set()
        self._free.set()

    def _look_for_ever(self) -> None:
        pause, tidy_at = LOOK_SECONDS, time.monotonic()
        notes = ProgressNotes(self._runtime())
        while not self._is_over(pause):
            try:
                if time.monotonic() >= tidy_at:
                    tidy_at = time.monotonic() + TIDY_SECONDS
                    look.tidy(self._runtime())
                pause = LOOK_SECONDS if self.look(notes) else IDLE_SECONDS
            except Exception as error:
                log.warning("looking for news failed", exc_info=not is_unreachable(error))
                pause = IDLE_SECONDS

    def _is_over(self, pause: float) -> bool:
        """Wait until it is time to look again, or a thread is free for who waits for one."""
        self._free.wait(pause)
        self._free.clear()
        return self._stopped.is_set()

    def look(self, notes: ProgressNotes) -> bool:
        """Look once; returns whether there is anybody to tell."""
        runtime = self._runtime()
        rung = look.ring(runtime)
        if rung.anybody or rung.came_further:
            notes.write(rung.came_further)
        notices.tell(runtime)
        places = self._places(runtime.settings.message_threads)
        by = self._next_name()
        taken = look.take_turns(runtime, by, places) if places.free > 0 else []
        self._is_short = len(taken) >= places.free
        for one in taken:
            self._begin(one, by)
        following.follow(runtime)
        return rung.anybody

    def _next_name(self) -> str:
        """Who leases now: a thread of ours that has slept through its lease is somebody else."""
        self._looks += 1
        return f"{self._name}:{self._looks}"

    def _places(self, threads: int) -> Places:
        with self._lock:
            return Places(threads - self._busy, max(threads // 2, 1) - self._suspects)

    def _begin(self, one: Leased, by: str) -> None:
        with self._lock:
            self._busy += 1
            self._suspects += bool(one.failures)
        Thread(target=self._serve, args=(one, by), daemon=True, name=f"message {one.id}").start()

    def _serve(self, one: Leased, by: str) -> None:
        try:
            turn = Turn(self._runtime(), one, by, is_stopped=self._stopped.is_set)
            turn.run()
        except Exception as error:
            log.warning(
                "sending failed", subscription=str(one.id), exc_info=not is_unreachable(error)
            )
        finally:
            with self._lock:
                self._busy -= 1
                self._suspects -= bool(one.failures)
            if self._is_short:
                self._free.set()
