"""One turn of one subscription: what waits, and then what is new, each message in its order.

Whoever is about to send has leased the subscription. A message is sent first and written down
afterwards: killed in between, it is sent again under the same id.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.subscriptions import EndReason, MessageStatus, Origin
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.messaging.couriers import Clock, Courier, courier_for
from pipeline_engine.messaging.verdicts import Try, Verdict, pause_after
from pipeline_engine.messaging.writing import Writer
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage import messages, news
from pipeline_engine.storage.messages import Message, Progress, Settled
from pipeline_engine.storage.news import Leased, Numbers, Reading
from pipeline_engine.storage.positions import Position

TURN_SECONDS = 5.0  #: after which the next one comes
READ_AHEAD = 200  #: events that are read at once
#: Messages, and seconds, after which it is written down how far one is.
WRITE_AFTER, WRITE_AFTER_SECONDS = 50, 0.5
MOST_WAITING = 1000  #: messages of one subscription; no more is read before they are settled
BROKEN_SECONDS = 30.0  #: until the next turn after one that has raised
MOST_DEAD_IN_A_ROW = 10  #: refused messages, until the subscription is given up


class TurnOver(Exception):
    """Somebody else has a word: the subscription was changed, paused, deleted or given away."""


def utc_now() -> datetime:
    """What the clock says."""
    return datetime.now(UTC)


def lease_seconds(runtime: Runtime) -> float:
    """How long a turn may be silent before somebody else may have the next one.

    It is not for longer than one try, and the moment until that is written down.
    """
    settings = runtime.settings
    return settings.message_timeout_seconds + settings.lease_seconds


@dataclass(slots=True)
class Turn:
    """Sends what one subscription is to be told, for a few seconds."""

    runtime: Runtime
    one: Leased
    by: str  #: who has leased it
    now: Clock = utc_now
    is_stopped: Callable[[], bool] = lambda: False
    _courier: Courier = field(init=False)
    _writer: Writer = field(init=False)
    _cursor: Position = field(init=False)
    _numbers: Numbers = field(default_factory=Numbers)
    _settled: list[Settled] = field(default_factory=list)
    _failures: int = 0
    _dead_in_a_row: int = 0
    _sent: bool = False
    _error: str | None = None
    _is_full: bool = False
    _ends_at: float = 0.0
    _written_at: float = 0.0

    def __post_init__(self) -> None:
        self._courier, self._writer = courier_for(self.runtime, self.one), Writer(self.one)
        self._cursor = self.one.cursor
        self._failures, self._dead_in_a_row = self.one.failures, self.one.dead_in_a_row

    def run(self) -> None:
        """Send until there is nothing left, the receiver takes nothing, or the time is over."""
        self._written_at = time.monotonic()
        self._ends_at = self._written_at + TURN_SECONDS
        try:
            if self.one.has_test:
                self._send_due(tests=True)
            if not self.one.is_early:
                self._send_due(tests=False)
                self._send_news()
            self._write_down()
        except TurnOver:
            pass
        except Exception:
            # It is nothing that a receiver has done, and would be the same at once.
            self._end(broken_seconds=BROKEN_SECONDS)
            raise
        self._end()

    def _end(self, *, broken_seconds: float = 0.0) -> None:
        self._courier.close()
        with self.runtime.engine.begin() as connection:
            messages.give_back(
                connection,
                self.one.id,
                by=self.by,
                is_full=self._is_full,
                broken_seconds=broken_seconds,
            )

    @property
    def _goes_on(self) -> bool:
        return time.monotonic() < self._ends_at and not self.is_stopped()

    # ── What is sent ─────────────────────────────────────────────────────────────────────

    def _send_due(self, *, tests: bool) -> None:
        """Try again what waits; behind one that is sent the next of its execution is due."""
        while self._goes_on:
            with self.runtime.engine.connect() as connection:
                due = messages.due(connection, self.one.id, tests=tests, most=READ_AHEAD)
            if not due:
                return
            self._send(due, held_up=set())
            self._write_down()

    def _send_news(self) -> None:
        with self.runtime.engine.connect() as connection:
            held_up, waiting = messages.held_up(connection, self.one.id)
        self._is_full = waiting >= MOST_WAITING
        is_all = self._is_full
        while self._goes_on and not is_all:
            with self.runtime.engine.begin() as connection:
                reading = self._read(connection)
                written = self._writer.write(connection, reading.events)
                if written:
                    self._keep_lease(connection)
            if not self._send(written, held_up=held_up, moves=True):
                return
            self._cursor, is_all = reading.reached, reading.is_all

    def _read(self, connection: Connection) -> Reading:
        return news.read(connection, self.one, self._cursor, most=READ_AHEAD, numbers=self._numbers)

    def _keep_lease(self, connection: Connection) -> None:
        """Go on for as long as a try may take. Raises ``TurnOver``.

        What was read may be committed and not on disk yet, and its numbers be used again after a
        crash. This commit waits for the disk, and with it for all that came before.
        """
        seconds = lease_seconds(self.runtime)
        if not messages.keep_lease(connection, self.one.id, by=self.by, seconds=seconds):
            raise TurnOver

    def _send(self, written: Iterable[Message], *, held_up: set[UUID], moves: bool = False) -> bool:
        """Send these in their order; false if the time was over before the last one."""
        for message in written:
            if not self._goes_on:
                return False
            if message.execution_id in held_up:
                waits = Settled(message=message, status=MessageStatus.WAITING)
                self._note(waits, moves=moves)
            elif not self._deliver(message, moves=moves) and message.execution_id is not None:
                held_up.add(message.execution_id)
        return True

    def _deliver(self, message: Message, *, moves: bool) -> bool:
        """Try once; false if the messages behind it have to wait for the next try."""
        failpoint(Failpoint.BEFORE_MESSAGE)
        tried = self._courier.deliver(message, self.now())
        failpoint(Failpoint.AFTER_MESSAGE)
        if message.origin is Origin.TEST:
            self._note(_tested(message, tried), moves=False)
            return True
        if tried.verdict is Verdict.SENT:
            self._failures = self._dead_in_a_row = 0
            self._sent = True
            sent = Settled(message=message, status=MessageStatus.SENT, tried=tried.document())
            self._note(sent, moves=moves)
            return True
        return self._failed(message, tried, moves=moves)

    # ── What has come of it ──────────────────────────────────────────────────────────────

    def _failed(self, message: Message, tried: Try, *, moves: bool) -> bool:
        self._failures += 1
        self._error = tried.error
        again = replace(message, attempts=message.attempts + 1)
        is_last = again.attempts >= self.runtime.settings.message_tries
        if tried.verdict is Verdict.GONE or is_last:
            return self._give_up(again, tried, moves=moves)
        pause = pause_after(again.attempts, tried, self.runtime.settings)
        waits = Settled(
            message=again,
            status=MessageStatus.WAITING,
            tried=tried.document(),
            due_in_seconds=pause,
        )
        self._note(waits, moves=moves)
        if tried.verdict is Verdict.AWAY:
            self._stop(pause_seconds=pause)
        return False

    def _give_up(self, message: Message, tried: Try, *, moves: bool) -> bool:
        """The message is dead; so is the subscription, if its receiver takes no other either."""
        self._dead_in_a_row += 1
        gone = tried.verdict is Verdict.GONE
        note = EndReason.GONE.value if gone else f"{message.attempts} tries have failed"
        self._note(
            Settled(message=message, status=MessageStatus.DEAD, tried=tried.document(), note=note),
            moves=moves,
        )
        if gone:
            self._stop(failed=EndReason.GONE)
        if tried.verdict is Verdict.AWAY:
            self._stop(failed=EndReason.RECEIVER_AWAY)
        if self._dead_in_a_row >= MOST_DEAD_IN_A_ROW:
            self._stop(failed=EndReason.MESSAGES_REFUSED)
        return True

    def _note(self, settled: Settled, *, moves: bool) -> None:
        self._settled.append(settled)
        if moves:
            self._cursor = settled.message.position
        is_long_ago = time.monotonic() - self._written_at > WRITE_AFTER_SECONDS
        if len(self._settled) >= WRITE_AFTER or is_long_ago:
            self._write_down()

    def _stop(self, *, pause_seconds: float = 0.0, failed: EndReason | None = None) -> None:
        self._write_down(pause_seconds=pause_seconds, failed=failed)
        raise TurnOver

    def _write_down(self, *, pause_seconds: float = 0.0, failed: EndReason | None = None) -> None:
        """Make lasting how far this turn came. Raises ``TurnOver``."""
        progress = Progress(
            cursor=self._cursor,
            settled=self._settled,
            failures=self._failures,
            dead_in_a_row=self._dead_in_a_row,
            sent=self._sent,
            error=self._error,
            pause_seconds=pause_seconds,
            failed=failed,
        )
        with self.runtime.engine.begin() as connection:
            kept = self._kept(connection, progress)
        self._settled, self._error, self._sent = [], None, False
        self._written_at = time.monotonic()
        if kept is None or kept != (self.one.status, self.one.lock_version):
            raise TurnOver

    def _kept(self, connection: Connection, progress: Progress) -> messages.Kept | None:
        seconds = lease_seconds(self.runtime)
        return messages.write_down(connection, self.one, progress, by=self.by, seconds=seconds)


def _tested(message: Message, tried: Try) -> Settled:
    """A test is tried once, and says nothing of the subscription."""
    if tried.verdict is Verdict.SENT:
        return Settled(message=message, status=MessageStatus.SENT, tried=tried.document())
    return Settled(
        message=replace(message, attempts=1),
        status=MessageStatus.DEAD,
        tried=tried.document(),
        note=tried.error,
    )
