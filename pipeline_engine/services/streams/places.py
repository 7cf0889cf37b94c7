"""Where a follower is, what he follows, and the ids by which he comes back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from pipeline_engine.domain.callers import Caller
from pipeline_engine.storage.positions import Position

#: 2**63 - 1 has 19 digits: with 18 every number is one that PostgreSQL knows.
NUMBER = re.compile(r"\d{1,18}", re.ASCII)


class Place(NamedTuple):
    """How far a follower is: all in front of it was told, or was not for him."""

    position: Position
    number: int = 0  #: of the event there, in the history of its execution


class Sight(NamedTuple):
    """Everything that a caller may see, or of that what belongs to one pipeline."""

    caller: Caller
    pipeline_id: UUID | None = None

    def has(self, owner: str | None, pipeline_id: UUID | None) -> bool:
        """Whether an execution of *owner* and of this pipeline is in it."""
        only = self.caller.only_pipelines
        if not self.caller.owns(owner) or (only is not None and pipeline_id not in only):
            return False
        return self.pipeline_id is None or self.pipeline_id == pipeline_id


@dataclass(frozen=True, slots=True)
class Follow:
    """What one follower is to be told."""

    what: UUID | Sight  #: an execution, or all that somebody sees
    place: Place
    types: frozenset[str] | None = None  #: of events; null means all

    @property
    def at(self) -> str:
        """The id by which a client comes back to this place."""
        is_of_execution = isinstance(self.what, UUID)
        return str(self.place.number if is_of_execution else self.place.position)


class Gap(StrEnum):
    """Why events may be missing between what a follower knows and what he is told next."""

    UNKNOWN_ID = "unknown_id"  #: nothing here has this id: what follows is new
    DELETED = "deleted"  #: what came behind it was deleted: what is left of it follows


class Ended(NamedTuple):
    """How an execution has ended; null if it was deleted."""

    status: str | None


def number_of(given: str) -> int | None:
    """The number of an event in the history of its execution, if *given* is one."""
    return int(given) if NUMBER.fullmatch(given) else None
