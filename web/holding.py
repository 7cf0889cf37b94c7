"""How a view asks the door to hold its answer back, or to go on with it for a long time."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from uuid import UUID

from pipeline_engine.services.streams import Follow

#: The name in a WSGI environ under which a door offers a ``Desk``.
DESK = "pipeline_engine.desk"


@dataclass(frozen=True, slots=True)
class Hold:
    """An answer that is to be held back until an execution has ended."""

    execution_id: UUID
    seconds: float
    body_now: Callable[[], bytes]  #: the body as it would be now; called in a thread


@dataclass(frozen=True, slots=True)
class Right:
    """The right to an answer that goes on; it may be taken away meanwhile."""

    key: Hashable  #: the same for all who have it by the same credential
    holds: Callable[[], bool]  #: called in a thread


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that goes on as things happen."""

    follow: Follow
    first: bytes  #: what is said before anything else
    right: Right


@dataclass(frozen=True, slots=True)
class Told:
    """What one follower is told next, and where he is afterwards."""

    body: bytes
    follow: Follow
    has_more: bool
    is_over: bool


class Desk:
    """Where one request leaves its wish; without one (another server), the view waits itself."""

    __slots__ = ("hold", "stream")

    def __init__(self) -> None:
        self.hold: Hold | None = None
        self.stream: Stream | None = None
