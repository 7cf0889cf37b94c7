"""A stream of events that survives the loss of its connection."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from pipeline_engine.client.http import BUSY, ApiRefused, ApiUnreachable, Client
from pipeline_engine.client.sse import Message, Reader

#: Of these a server lets nobody hear without sending a sign of life.
SILENCE_SECONDS = 45.0
RETRY_SECONDS = (0.5, 1.5)
#: Without a single word for so long there is no server.
PATIENCE_SECONDS = 60.0
CHUNK_BYTES = 65_536
END = "end"


@dataclass(frozen=True, slots=True)
class Streamed:
    """One event: of the history, or a ``gap`` behind which some may be missing, or the ``end``."""

    type: str
    data: dict[str, Any]
    last_id: str


def stream(
    client: Client,
    execution_id: str | None = None,
    *,
    last_id: str = "",
    event_types: Collection[str] = (),
    pipeline_id: str | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
    goes_on: Callable[[], bool] = lambda: True,
) -> Iterator[Streamed]:
    """Yield what happens: in one execution up to its end, or in all that the client may see.

    A connection that is lost is made again, and goes on behind *last_id*, the id of the last event
    that was yielded. *goes_on* is asked with every sign of life, some seconds apart: false ends
    the stream. Raises ``ApiRefused``, and ``ApiUnreachable`` after *patience_seconds* without an
    answer.
    """
    path = f"executions/{execution_id}/stream" if execution_id else "stream"
    query = {"event_types": ",".join(event_types) or None, "pipeline_id": pipeline_id}
    reader, patience = Reader(last_id), Patience(patience_seconds)
    while True:
        try:
            with client.begin(path, query, _headers(reader), SILENCE_SECONDS) as answer:
                patience.begin_anew()
                for message in _messages(answer, reader, goes_on):
                    patience.begin_anew()
                    yield Streamed(message.name, json.loads(message.data), message.last_id)
                    if message.name == END:
                        return
            if answer.status_code == HTTPStatus.NO_CONTENT or not goes_on():
                return
        except (requests.RequestException, HTTPError, ApiRefused) as error:
            patience.bear(error, client.url)
        reader.start_again()
        time.sleep(patience.pause(reader.retry_seconds))


class Patience:
    """For how long a client tries again, and how soon."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.begin_anew()

    def begin_anew(self) -> None:
        """The server has said something."""
        self._ends_at = time.monotonic() + self._seconds
        self._is_lost = False

    def bear(self, error: Exception, url: str) -> None:
        """Raise ``ApiRefused`` or ``ApiUnreachable`` if trying again is of no use."""
        self._is_lost = True
        is_late = time.monotonic() > self._ends_at
        if isinstance(error, ApiRefused):
            if is_late or error.status not in BUSY:
                raise error
        elif is_late:
            raise ApiUnreachable(f"The API at {url} does not answer.") from error

    def pause(self, asked_for: float | None) -> float:
        """Seconds until the next try: what the server has asked for, if it was that who closed."""
        own = random.uniform(*RETRY_SECONDS)
        return own if self._is_lost or asked_for is None else asked_for


def _headers(reader: Reader) -> dict[str, str]:
    known = {"Last-Event-ID": reader.last_id} if reader.last_id else {}
    return {"Accept": "text/event-stream", "Accept-Encoding": "identity", **known}


def _messages(
    answer: requests.Response, reader: Reader, goes_on: Callable[[], bool]
) -> Iterator[Message]:
    # What has come so far, however much it is: others wait until they have all that they ask for.
    while chunk := answer.raw.read1(CHUNK_BYTES):
        if not goes_on():
            return
        yield from reader.feed(chunk)
