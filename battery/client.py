"""A client as the promise wants it: patient, and repeating itself with the same key."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from threading import Event, Lock, local
from typing import Any

TIMEOUT_SECONDS = 10.0
PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 0.2


class NotAccepted(Exception):
    """The installation did not take a request that it has to take."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; no status if nothing did."""

    status: int | None
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_accepted(self) -> bool:
        """Whether the installation has promised something."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def invites_a_repeat(self) -> bool:
        """Whether a patient client asks again: nothing came, or the server was not able to."""
        return self.status is None or self.status >= 500


class Api:
    """The API at one address; every thread has a connection of its own."""

    def __init__(self, address: tuple[str, int], token: str) -> None:
        self._address = address
        self._token = token
        self._mine = local()
        self._lock = Lock()
        self.answers: Counter[int] = Counter()
        self.excused = 0  #: how many internal errors were asked for by a failpoint

    def send(
        self,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        *,
        token: str | None = None,
    ) -> Answer:
        """Post once."""
        told = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {token or self._token}",
            **(headers or {}),
        }
        try:
            answer = self._exchange(path, json.dumps(body), told)
        except (OSError, HTTPException):
            self._forget_connection()
            return Answer(None)
        self._count(answer)
        return answer

    def insist(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Post until there is an answer to live with.  Raises ``NotAccepted``."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while (answer := self.send(path, body, headers)).invites_a_repeat:
            if time.monotonic() > ends_at:
                raise NotAccepted(f"{path}: nothing but {answer} for {PATIENCE_SECONDS:g} s")
            Event().wait(PAUSE_SECONDS)
        return answer

    def excuse(self, count: int) -> None:
        """Do not count so many internal errors from now on: a failpoint is to raise them."""
        with self._lock:
            self.excused = count

    def _exchange(self, path: str, text: str, headers: Mapping[str, str]) -> Answer:
        connection: HTTPConnection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = HTTPConnection(*self._address, timeout=TIMEOUT_SECONDS)
            self._mine.connection = connection
        connection.request("POST", path, text, dict(headers))
        response = connection.getresponse()
        content = response.read()
        return Answer(response.status, _object(content))

    def _forget_connection(self) -> None:
        connection: HTTPConnection | None = getattr(self._mine, "connection", None)
        if connection is not None:
            connection.close()
            self._mine.connection = None

    def _count(self, answer: Answer) -> None:
        assert answer.status is not None
        with self._lock:
            if answer.status == 500 and self.excused:
                self.excused -= 1
            else:
                self.answers[answer.status] += 1


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
