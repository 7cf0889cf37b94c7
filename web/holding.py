"""How a view asks the door to hold its answer back until an execution has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

#: The name in a WSGI environ under which a door offers a ``Desk``.
DESK = "pipeline_engine.desk"


@dataclass(frozen=True, slots=True)
class Hold:
    """An answer that is to be held back."""

    execution_id: UUID
    seconds: float
    body_now: Callable[[], bytes]  #: the body as it would be now; called in a thread


class Desk:
    """Where one request leaves its wish; without one (another server), the view waits itself."""

    __slots__ = ("hold",)

    def __init__(self) -> None:
        self.hold: Hold | None = None
