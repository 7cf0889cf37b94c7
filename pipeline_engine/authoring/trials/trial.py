"""What is tried, and what was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pipeline_engine.authoring.trials.log import LogLine


class Ending(StrEnum):
    """What a trial came to."""

    REFUSED = "refused"  #: its params do not fit; nothing was called
    COMPLETED = "completed"
    FAILED = "failed"
    PARKED = "parked"  #: it waits, and no event is left
    TIMED_OUT = "timed_out"

    @property
    def is_well(self) -> bool:
        """Whether the action has done what it should, as far as one can see."""
        return self in {Ending.COMPLETED, Ending.PARKED}


@dataclass(frozen=True, slots=True)
class Heard:
    """One event, and what the action made of it."""

    event: Mapping[str, Any]
    meant: str  #: the answer of ``on_event``, or ``nobody`` if no step would wait for it
    note: str | None = None


@dataclass
class Trial:
    """How the run ended, and what was seen on the way."""

    ending: Ending = Ending.FAILED
    outputs: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    error_code: str | None = None
    retryable: bool | None = None
    waited_for: dict[str, Any] | None = None
    heard: list[Heard] = field(default_factory=list)
    progress: list[tuple[float, float | None]] = field(default_factory=list)
    log: list[LogLine] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def fail(self, error: str | None, code: str, *, ending: Ending = Ending.FAILED) -> None:
        """Note how it went wrong."""
        self.ending, self.error, self.error_code = ending, error, code


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be tried."""

    params: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]] = ()
    timeout_seconds: float | None = None
    wake: bool = False  #: let its time come, if it is parked until one
    cancel: bool = False  #: cancel it at the end, if it is parked then
