"""What attempts write down is kept: with their ends, and meanwhile once a second.

An attempt in the hands of a transaction leaves its lines to that. One that runs outside of any
hands them over when it ends; a thread stores what it has said so far, so that it can be followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Any
from uuid import UUID
from weakref import WeakSet

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from pipeline_engine.config import Settings
from pipeline_engine.domain import json_guard
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.domain.masking import Masker
from pipeline_engine.sdk.action_log import shown
from pipeline_engine.storage import step_logs
from pipeline_engine.storage.step_logs import Line

log = structlog.get_logger(__name__)

SECONDS = 1.0
MOST_TEXT = 8_192  #: characters of a message, and of all facts as JSON
MOST_NAME = 100  #: characters of the name of a fact
CUT = "… (cut)"


@dataclass(eq=False)
class Attempt:
    """The lines of one attempt that are not stored yet."""

    execution_id: UUID
    step_execution_id: int
    attempt: int
    masker: Masker
    most: int  #: lines, before what follows is only counted
    _lines: list[Line] = field(default_factory=list)
    _said: int = 0
    _lock: Lock = field(default_factory=Lock)
    #: Held while lines are on their way to the database.
    in_flight: Lock = field(default_factory=Lock)

    def add(self, level: str, message: str, facts: Mapping[str, Any]) -> None:
        """Take in a line; what is too much is counted, and said once."""
        with self._lock:
            self._said += 1
            if self._said <= self.most:
                self._lines.append(self._line(level, message, facts))
            elif self._said == self.most + 1:
                text = f"This attempt has written {self.most} lines; no more are kept"
                self._lines.append(self._line("warning", text, {}))

    def lines(self) -> Sequence[Line]:
        """What is not stored yet."""
        with self._lock:
            return tuple(self._lines)

    def take(self) -> list[Line]:
        """The same; whoever takes it stores it, or puts it back."""
        with self._lock:
            lines, self._lines = self._lines, []
            return lines

    def put_back(self, lines: Sequence[Line]) -> None:
        """Have lines again that could not be stored."""
        with self._lock:
            self._lines[:0] = lines

    def _line(self, level: str, message: str, facts: Mapping[str, Any]) -> Line:
        now = datetime.now(UTC)
        step, number = self.step_execution_id, self.attempt
        text, known = self._text(message, MOST_TEXT), self._facts(facts)
        return Line(self.execution_id, step, number, now, level, text, known)

    def _text(self, said: str, most: int) -> str:
        # Masked before it is cut: the half of a secret would not be known as one.
        return _cut(self.masker.mask(_storable(said)), most)

    def _facts(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """What can be stored of *facts*: what is no JSON as text, and no more than fits."""
        kept: dict[str, Any] = {}
        room = MOST_TEXT
        for name, value in facts.items():
            key = self._text(str(name), MOST_NAME)
            known = self.masker.mask(_known(value))
            size = len(json_guard.dumps({key: known}))
            if size > room:
                text = known if isinstance(known, str) else json_guard.dumps(known)
                known = _cut(text, max(room - len(key), 0))
                size = room
            room -= size
            kept[key] = known
            if room <= 0:
                break
        return kept


class LogLines:
    """The lines that the attempts of this process have written and nobody has stored."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._most = settings.log_lines_per_attempt
        self._open: WeakSet[Attempt] = WeakSet()
        self._lock = Lock()
        self._thread: Thread | None = None
        self._stopped = Event()

    def of(
        self, execution_id: UUID, step_execution_id: int, attempt: int, masker: Masker
    ) -> Attempt:
        """The lines of an attempt, in the hands of its caller."""
        return Attempt(execution_id, step_execution_id, attempt, masker, self._most)

    def follow(self, attempt: Attempt) -> None:
        """Store what it says once a second, until nobody has it any more."""
        with self._lock:
            self._open.add(attempt)
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._store_for_ever, daemon=True, name="log-lines")
                self._thread.start()

    def write(self, connection: Connection, lines: Sequence[Line]) -> None:
        """Store lines in an open transaction."""
        step_logs.insert(connection, lines, most=self._most)

    def let_go(self, attempt: Attempt) -> None:
        """Leave what it has not stored to whoever writes down its end; wait for what is stored."""
        with self._lock:
            self._open.discard(attempt)
        with attempt.in_flight:  # else the end could be seen before, or what comes back be missed
            return

    def store(self, *attempts: Attempt) -> None:
        """Store what these have said so far, or without any what all have."""
        with ExitStack() as held:
            with self._lock:
                chosen = attempts or tuple(self._open)
                for one in chosen:
                    held.enter_context(one.in_flight)
            self._store([(one, one.take()) for one in chosen])

    def _store(self, said: Sequence[tuple[Attempt, list[Line]]]) -> None:
        lines = [line for _, own in said for line in own]
        if not lines:
            return
        try:
            with self._engine.begin() as connection:
                self.write(connection, lines)
        except BaseException:
            for one, own in said:
                one.put_back(own)
            raise

    def stop(self) -> None:
        """Store no more; what runs on hands its lines over with its end."""
        self._stopped.set()

    def _store_for_ever(self) -> None:
        while not self._stopped.wait(SECONDS):
            try:
                self.store()
            except SQLAlchemyError as error:
                log.warning("log lines wait for the database", error=str(error))


def _storable(said: str) -> str:
    return said.encode(errors="replace").decode().replace("\0", "\\0")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(most - len(CUT), 0)] + CUT


def _known(value: Any) -> Any:
    if isinstance(value, str):
        return _storable(value)
    try:
        return json_guard.as_stored(json_guard.check(value, max_bytes=MOST_TEXT))
    except JsonRejected:
        return _storable(shown(value))
