"""Named places to die: where a test can make a process fail, to prove that nothing is lost.

Nothing happens unless ``PE_FAILPOINTS`` arms a place (docs/howto/inject-faults.md).
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Self

from pipeline_engine.errors import PipelineEngineError

#: Prefix of a value that names a folder; a file in it arms a place while the process runs.
ARMED_BY_FILE = "armed-by-file:"


class Failpoint(StrEnum):
    """A place where a process can fail: its name, its number in the failure model, its moment.

    Not here: F09 (a message is acknowledged when it is received, which is F04) and F17 (PostgreSQL
    undoes a migration that was broken off).
    """

    number: str
    place: str

    AFTER_START_BEFORE_SEND = (
        "after_start_before_send",
        "F01",
        "an execution is committed, its first steps are not sent",
    )
    BEFORE_SEND = "before_send", "F02", "messages are about to leave for the broker"
    AFTER_SEND = "after_send", "F03", "messages have left for the broker"
    AFTER_RECEIVE_BEFORE_CLAIM = (
        "after_receive_before_claim",
        "F04",
        "a worker has the ids of steps, and has claimed none of them",
    )
    AFTER_CLAIM_BEFORE_EXECUTE = (
        "after_claim_before_execute",
        "F05",
        "a step is claimed, its action has not begun",
    )
    IN_EXECUTE = "in_execute", "F06", "an action has had its effect, its result is not read yet"
    AFTER_EXECUTE_BEFORE_COMMIT = (
        "after_execute_before_commit",
        "F07",
        "results are written, and not committed",
    )
    AFTER_COMMIT_BEFORE_HAND_OVER = (
        "after_commit_before_hand_over",
        "F08",
        "results are committed, what they set free is not sent",
    )
    CONTINUATION = (
        "continuation",
        "F10",
        "a delivery, a join or a clean-up is committed, what it set free is not sent",
    )
    BEFORE_INBOX_INSERT = "before_inbox_insert", "F11", "a delivery has come in, and is not kept"
    AFTER_INBOX_COMMIT = (
        "after_inbox_commit",
        "F12",
        "a delivery is committed, its sender has no answer",
    )
    BEFORE_JOIN = "before_join", "F13", "a worker has the message of a join, and has not joined"
    SWEEP_BEFORE_SEND = (
        "sweep_before_send",
        "F14",
        "the sweep has committed what it found, and has not sent it",
    )
    SWEEP_AFTER_SEND = "sweep_after_send", "F15", "the sweep has sent what it found"
    IN_RETENTION = "in_retention", "F16", "a batch of old executions is half deleted"
    BEFORE_MESSAGE = "before_message", "F18", "a subscriber is about to be told of an event"
    AFTER_MESSAGE = (
        "after_message",
        "F18b",
        "a subscriber was told of an event, and that is not written down",
    )
    FIRE_BEFORE_COMMIT = (
        "fire_before_commit",
        "F19",
        "due times of schedules are in the ledger and started, and nothing of it is committed",
    )
    FIRE_BEFORE_SEND = (
        "fire_before_send",
        "F20",
        "due times are committed, the first steps of their executions are not sent",
    )
    IN_BELLS = "in_bells", "F21", "what beat rings for is half written"
    IN_TRIGGER = (
        "in_trigger",
        "F22",
        "executions that events have started are stored, and not committed",
    )
    BEFORE_WEBHOOK_INSERT = (
        "before_webhook_insert",
        "F23",
        "a webhook delivery has come in, and is not kept",
    )
    AFTER_WEBHOOK_COMMIT = (
        "after_webhook_commit",
        "F24",
        "a webhook delivery is committed, its sender has no answer and no worker knows",
    )
    BEFORE_WEBHOOK_START = (
        "before_webhook_start",
        "F25",
        "a worker has webhook deliveries, what they start is written, and not committed",
    )
    AFTER_WEBHOOK_START = (
        "after_webhook_start",
        "F26",
        "what webhook deliveries start is committed, its first steps are not sent",
    )
    ARCHIVED = "archived", "F27", "old executions are in the archive, and not deleted yet"

    def __new__(cls, name: str, number: str, place: str) -> Self:
        """Make a member that is equal to its name."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.number = number
        member.place = place
        return member


class FaultInjected(PipelineEngineError):
    """A fault from PE_FAILPOINTS."""

    code = "fault_injected"


class FaultKind(StrEnum):
    """What can happen at a failpoint."""

    KILL = "kill"  #: the process ends itself, without a chance to tidy up
    RAISE = "raise"
    SLEEP = "sleep"
    STOP = "stop"  #: the process is frozen until it is sent SIGCONT


@dataclass(frozen=True, slots=True)
class Fault:
    """What is to happen: at the nth hit of a process, or a pause at every hit."""

    kind: FaultKind
    hit: int = 1
    seconds: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read ``kill``, ``kill:3``, ``raise``, ``stop``, ``sleep:0.5``. Raises ``ValueError``."""
        word, _, number = text.strip().partition(":")
        if word not in set(FaultKind):
            raise ValueError(f"{word!r} is no fault; known are {', '.join(FaultKind)}.")
        if word == FaultKind.SLEEP:
            return cls(FaultKind.SLEEP, seconds=_seconds(number))
        return cls(FaultKind(word), hit=_count(number or "1"))

    def is_due(self, hits: int) -> bool:
        """Whether it happens at this hit."""
        return self.kind is FaultKind.SLEEP or hits == self.hit

    def strike(self, place: Failpoint) -> None:
        """Let it happen. Raises ``FaultInjected``, or does not come back."""
        match self.kind:
            case FaultKind.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case FaultKind.STOP:
                os.kill(os.getpid(), signal.SIGSTOP)
            case FaultKind.SLEEP:
                time.sleep(self.seconds)
            case FaultKind.RAISE:
                raise FaultInjected(f"Injected at {place} ({place.number}): {place.place}")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ValueError(f"{text!r} is no number of a hit, such as 1.")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{text!r} is no number of seconds, such as 0.5.")
    return seconds


@dataclass(frozen=True, slots=True)
class Faults:
    """What ``PE_FAILPOINTS`` asks for: faults by place, or a folder that names them later."""

    by_place: Mapping[Failpoint, Fault]
    folder: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Read ``place=fault,place=fault`` or ``armed-by-file:/folder``. Raises ``ValueError``."""
        if text.startswith(ARMED_BY_FILE):
            folder = Path(text.removeprefix(ARMED_BY_FILE))
            if not folder.is_absolute():
                raise ValueError(f"{ARMED_BY_FILE} wants the absolute path of a folder.")
            return cls(MappingProxyType({}), folder)
        return cls(MappingProxyType(dict(map(_assignment, text.split(",")))))

    def due(self, place: Failpoint, hits: int) -> Fault | None:
        """The fault that is to happen at this hit of *place*."""
        if self.folder is not None:
            return _taken(self.folder / place)
        fault = self.by_place.get(place)
        return fault if fault and fault.is_due(hits) else None


def _assignment(text: str) -> tuple[Failpoint, Fault]:
    name, equals, fault = text.strip().partition("=")
    if not equals:
        raise ValueError(f"{text.strip()!r} is not of the form place=fault.")
    known = {place.value: place for place in Failpoint}
    if name not in known:
        raise ValueError(f"{name!r} is no failpoint; known are {', '.join(known)}.")
    return known[name], Fault.parse(fault)


def _taken(file: Path) -> Fault | None:
    """Take the fault out of a file; of all processes that reach the place, one gets it."""
    try:
        text = file.read_text()
        if not text:  # made, and not written yet
            return None
        file.unlink()
    except FileNotFoundError:
        return None
    fault = Fault.parse(text)
    if fault.hit != 1:
        raise ValueError(f"{text!r}: a file arms the next hit, and no later one.")
    return fault


@dataclass(slots=True)
class Armed:
    """The faults of this process, and how often it has come past each place."""

    faults: Faults
    hits: Counter[Failpoint] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def reach(self, place: Failpoint) -> None:
        """Count the hit, and let happen what is due."""
        with self._lock:
            self.hits[place] += 1
            fault = self.faults.due(place, self.hits[place])
        if fault is not None:
            fault.strike(place)


_armed: list[Armed] = []  # at most one; empty in every process that is not under test


def failpoint(place: Failpoint) -> None:
    """Mark a place where this process can be made to fail."""
    if _armed:
        _armed[0].reach(place)


def arm(text: str | None) -> None:
    """Let the faults of ``PE_FAILPOINTS`` happen in this process from now on, and no others."""
    _armed[:] = [Armed(Faults.parse(text))] if text else []


def armed() -> Armed | None:
    """What this process is armed with."""
    return _armed[0] if _armed else None
