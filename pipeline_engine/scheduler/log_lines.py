"""What attempts write down is kept: with their ends, and meanwhile once a second.

An attempt in the hands of a transaction leaves its lines to that. One that runs outside of any
hands them over when it ends; a thread stores what it has said so far, so that it can be followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from pipeline_engine.storage import step_logs
from pipeline_engine.storage.step_logs import Line

log = structlog.get_logger(__name__)

SECONDS = 1.0
MOST_TEXT = 8_192  #: characters of a message, and of all facts as JSON
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
        text = self.masker.mask(_text(message))
        known = self.masker.mask(_facts(facts))
        now = datetime.now(UTC)
        step, number = self.step_execution_id, self.attempt
        return Line(self.execution_id, step, number, now, level, text, known)


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
            if self._thread is None:
                self._thread = Thread(target=self._store_for_ever, daemon=True, name="log-lines")
                self._thread.start()

    def write(self, connection: Connection, lines: Sequence[Line]) -> None:
        """Store lines in an open transaction."""
        step_logs.insert(connection, lines, most=self._most)

    def let_go(self, attempt: Attempt) -> None:
        """Leave what it has not stored to whoever writes down its end."""
        with self._lock:
            self._open.discard(attempt)

    def store(self, *attempts: Attempt) -> None:
        """Store what these have said so far, or without any what all have."""
        with self._lock:
            said = [(one, one.take()) for one in attempts or tuple(self._open)]
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


def _text(said: str) -> str:
    text = said.encode(errors="replace").decode().replace("\0", "\\0")
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - len(CUT)] + CUT


def _facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What can be stored of *facts*; anything that is no JSON as text, and no more than fits."""
    kept: dict[str, Any] = {}
    room = MOST_TEXT
    for name, value in facts.items():
        known = _known(value)
        size = len(json_guard.dumps({str(name): known}))
        if size > room:
            known = _text(str(value))[: max(room - len(str(name)) - len(CUT), 0)] + CUT
            size = room
        room -= size
        kept[_text(str(name))[:100]] = known
        if room <= 0:
            break
    return kept


def _known(value: Any) -> Any:
    try:
        return json_guard.as_stored(json_guard.check(value, max_bytes=MOST_TEXT))
    except JsonRejected:
        return _text(_shown(value))


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - foreign code: its repr may raise anything
        return f"({type(error).__name__} in the repr of {type(value).__name__})"
