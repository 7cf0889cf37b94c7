"""Following an execution: how it stands, whenever something has happened to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from threading import Event, Thread

from pipeline_engine.client.http import ApiRefused, ApiUnreachable, Client
from pipeline_engine.client.snapshot import Snapshot, take
from pipeline_engine.client.streams import stream

#: Pause between two looks while nobody says that something has happened …
POLL_SECONDS = 0.25
#: … and while somebody would: what is left goes by, and not everything is an event.
QUIET_SECONDS = 1.0


def follow(
    client: Client, execution_id: str, *, every_seconds: float = POLL_SECONDS
) -> Iterator[Snapshot]:
    """Yield an execution again and again, the last time when it has ended.

    The API says when something has happened (its stream of events), and is asked only then and
    once a second; one that has no stream is asked every *every_seconds*.
    """
    with closing(Bell(client, execution_id)) as bell:
        while True:
            snapshot = take(client, execution_id)
            yield snapshot
            if snapshot.status.is_final:
                return
            bell.wait(since=snapshot.taken_at, pause=every_seconds)


class Bell:
    """Rings when something happens to an execution, as long as the API says so."""

    def __init__(self, client: Client, execution_id: str) -> None:
        self._rung = Event()
        self._is_closed = False
        self._thread = Thread(target=self._listen, args=(client, execution_id), daemon=True)
        self._thread.start()

    def wait(self, *, since: float, pause: float) -> None:
        """Come back when there may be something new, at most every *pause* seconds."""
        if self._thread.is_alive():
            self._rung.wait(QUIET_SECONDS)
        self._rung.clear()
        time.sleep(max(0.0, since + pause - time.monotonic()))

    def close(self) -> None:
        """Listen no more."""
        self._is_closed = True

    def _listen(self, client: Client, execution_id: str) -> None:
        try:
            for _ in stream(client, execution_id, goes_on=lambda: not self._is_closed):
                self._rung.set()
        except (ApiRefused, ApiUnreachable):
            return  # an older API has no stream, and is asked every so often
        finally:
            self._rung.set()
