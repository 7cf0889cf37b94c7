"""Where a step really is: its status, and the columns that say what it waits for.

Clients see seven statuses; what has to happen next depends on more. A phase is the whole of it:
every row has exactly one, and each names what brings the step on. ``storage/phases.py`` has the
same as SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from pipeline_engine.domain.states import StepStatus


class Phase(StrEnum):
    """Where a step is, and what brings it on."""

    WAITING = "waiting"
    """PENDING, for the steps in front of it; the end of one of them brings it on."""

    HELD = "held"
    """PENDING and ready, but the window of its execution or fan-out is full; an end makes room."""

    IN_LINE = "in_line"
    """PENDING or RETRYING, for a place of its key or of its execution's; an end frees one."""

    DELAYED = "delayed"
    """PENDING and ready, until its time: an item with a delay, or a step whose turn has failed."""

    QUEUED = "queued"
    """PENDING or RETRYING, and a message for it ought to be on its way; a worker takes it."""

    RUNNING = "running"
    """RUNNING, under the lease of a worker; the worker ends it, or the sweep if it has died."""

    PARKED = "parked"
    """RUNNING, for the outside world, until its deadline; it holds no worker."""

    TIMER = "timer"
    """Parked, and the clock wakes it unless an event is first."""

    RETRYING = "retrying"
    """RETRYING, until its back-off is over."""

    EXPANDED = "expanded"
    """RUNNING, for the items of its fan-out; the last of them to end wakes the join."""

    JOINING = "joining"
    """RUNNING; all its items have ended, and a message, or the sweep, wakes the join."""

    CLEANING_UP = "cleaning_up"
    """RUNNING but stopped; a message, or the sweep, lets its action clean up, then it ends."""

    ENDED = "ended"
    """COMPLETED, FAILED, SKIPPED or TIMEOUT; nothing brings it anywhere."""


class PhaseColumns(Protocol):
    """The columns that decide about the phase of a row."""

    @property
    def status(self) -> str:
        """One of the seven that clients see."""

    @property
    def held(self) -> bool:
        """Ready, and without a place in its window."""

    @property
    def in_line(self) -> bool:
        """Without a place of the key that it needs one of."""

    @property
    def queued_at(self) -> object:
        """When a message was last due to be sent; which time it is does not matter here."""

    @property
    def due_at(self) -> object:
        """When the clock cares for it next."""

    @property
    def awaiting_event(self) -> bool:
        """Parked."""

    @property
    def cancelling(self) -> bool:
        """Stopped: its attempt is fenced, and it has not ended."""

    @property
    def items_open(self) -> int | None:
        """How many items have not ended; None for a step that has none."""


class WakeColumns(PhaseColumns, Protocol):
    """The columns that decide whether anything will move a row."""

    @property
    def remaining(self) -> int:
        """How many dependencies have not ended."""

    @property
    def leased_until(self) -> object:
        """Until when a worker has it."""


def phase_of(row: PhaseColumns) -> Phase:
    """The phase of a row, whatever its columns say."""
    status = StepStatus(row.status)
    if status.is_final:
        return Phase.ENDED
    if status is StepStatus.RUNNING:
        return _begun(row)
    return Phase.QUEUED if row.queued_at is not None else _not_queued(row, status)


def _not_queued(row: PhaseColumns, status: StepStatus) -> Phase:
    if row.in_line:
        return Phase.IN_LINE
    if status is StepStatus.RETRYING:
        return Phase.RETRYING
    if row.held:
        return Phase.HELD
    return Phase.WAITING if row.due_at is None else Phase.DELAYED


def _begun(row: PhaseColumns) -> Phase:
    if row.awaiting_event:
        return Phase.PARKED if row.due_at is None else Phase.TIMER
    if row.items_open is not None:
        return Phase.EXPANDED if row.items_open else Phase.JOINING
    return Phase.CLEANING_UP if row.cancelling else Phase.RUNNING


def is_lost(row: WakeColumns) -> bool:
    """Whether nothing will ever move an open row; there must be none.

    The other phases cannot be lost: being in one of them means that something moves the step.
    """
    match phase_of(row):
        case Phase.WAITING:
            return row.remaining == 0
        case Phase.RETRYING:
            return row.due_at is None
        case Phase.RUNNING:
            return row.leased_until is None
        case Phase.JOINING | Phase.CLEANING_UP:
            return row.due_at is None and row.leased_until is None
        case _:
            return False


#: Phases that an attempt may lead to, apart from the final ones.
_OUTCOMES = frozenset({Phase.RETRYING, Phase.PARKED, Phase.TIMER, Phase.EXPANDED})
#: Phases that may follow each phase; a test compares the statements that make the moves with it.
PHASE_MOVES: Mapping[Phase, frozenset[Phase]] = MappingProxyType(
    {
        # A cheap step that nobody else can reach runs without having been queued.
        Phase.WAITING: frozenset(
            {Phase.HELD, Phase.IN_LINE, Phase.QUEUED, Phase.ENDED, *_OUTCOMES}
        ),
        Phase.HELD: frozenset({Phase.QUEUED, Phase.DELAYED, Phase.ENDED}),
        # Waiting for a moment, until it is queued or held, if its execution had to have a place. A
        # failure for want of one is tried again as any other.
        Phase.IN_LINE: frozenset({Phase.QUEUED, Phase.WAITING, Phase.RETRYING, Phase.ENDED}),
        Phase.DELAYED: frozenset({Phase.QUEUED, Phase.ENDED}),
        # A cheap step goes from here to its end in one transaction.
        Phase.QUEUED: frozenset({Phase.RUNNING, Phase.IN_LINE, Phase.ENDED, *_OUTCOMES}),
        # Queued or delayed when its attempt was lost, and may be made again.
        Phase.RUNNING: frozenset(
            {Phase.QUEUED, Phase.DELAYED, Phase.CLEANING_UP, Phase.ENDED, *_OUTCOMES}
        ),
        Phase.PARKED: frozenset({Phase.RETRYING, Phase.CLEANING_UP, Phase.ENDED}),
        # The action that the clock wakes may park once more.
        Phase.TIMER: frozenset({Phase.PARKED, Phase.RETRYING, Phase.CLEANING_UP, Phase.ENDED}),
        Phase.RETRYING: frozenset({Phase.QUEUED, Phase.ENDED}),
        Phase.EXPANDED: frozenset({Phase.JOINING}),
        # A join may ask for more items, or wait for the outside world; a block may be tried again.
        Phase.JOINING: frozenset(
            {Phase.EXPANDED, Phase.PARKED, Phase.TIMER, Phase.RETRYING, Phase.ENDED}
        ),
        # After a time-out a retry may follow.
        Phase.CLEANING_UP: frozenset({Phase.RETRYING, Phase.ENDED}),
        Phase.ENDED: frozenset(),
    }
)
