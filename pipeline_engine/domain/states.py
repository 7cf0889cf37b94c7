"""Which statuses exist, and which moves between them.

Making a move is the business of ``storage/transitions.py`` alone. What a step in one of these
statuses waits for is its phase (``domain/phases.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class PipelineStatus(StrEnum):
    """Where a stored definition is in its life."""

    DRAFT = "DRAFT"  #: has no steps yet; cannot be executed
    ACTIVE = "ACTIVE"  #: ready for execution
    ARCHIVED = "ARCHIVED"  #: kept for its history; cannot be executed


class ExecutionStatus(StrEnum):
    """Where one run of a pipeline is in its life."""

    PENDING = "PENDING"  #: stored; no step has started
    RUNNING = "RUNNING"  #: at least one step has started
    COMPLETED = "COMPLETED"  #: every step ended, none with an unhandled failure
    FAILED = "FAILED"  #: ended by a failure or by its time-out
    INTERRUPTED = "INTERRUPTED"  #: cancelled by a client

    @property
    def is_final(self) -> bool:
        """No move leads out of this status."""
        return not EXECUTION_MOVES[self]


class StepStatus(StrEnum):
    """Where one step of one execution is in its life.

    A step that is parked, or whose items run, is RUNNING, too.
    """

    PENDING = "PENDING"  #: waits for its dependencies, for the window or for a worker
    RUNNING = "RUNNING"  #: a worker has it, or it is parked
    COMPLETED = "COMPLETED"  #: ended well; its outputs can be referred to
    FAILED = "FAILED"  #: ended with an error
    SKIPPED = "SKIPPED"  #: never ran, or was stopped with its execution
    RETRYING = "RETRYING"  #: failed, and waits for its next attempt
    TIMEOUT = "TIMEOUT"  #: ended because its time was up

    @property
    def is_final(self) -> bool:
        """No move leads out of this status."""
        return not STEP_MOVES[self]


EXECUTION_MOVES: Mapping[ExecutionStatus, frozenset[ExecutionStatus]] = MappingProxyType(
    {
        ExecutionStatus.PENDING: frozenset(
            {
                ExecutionStatus.RUNNING,
                ExecutionStatus.COMPLETED,
                ExecutionStatus.FAILED,
                ExecutionStatus.INTERRUPTED,
            }
        ),
        ExecutionStatus.RUNNING: frozenset(
            {ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.INTERRUPTED}
        ),
        ExecutionStatus.COMPLETED: frozenset(),
        ExecutionStatus.FAILED: frozenset(),
        ExecutionStatus.INTERRUPTED: frozenset(),
    }
)

STEP_MOVES: Mapping[StepStatus, frozenset[StepStatus]] = MappingProxyType(
    {
        # A cheap step goes from PENDING to its end in one transaction.
        StepStatus.PENDING: frozenset(set(StepStatus) - {StepStatus.PENDING}),
        # Back to PENDING when the worker died and the action may be repeated.
        StepStatus.RUNNING: frozenset(set(StepStatus) - {StepStatus.RUNNING}),
        StepStatus.RETRYING: frozenset(set(StepStatus) - {StepStatus.PENDING, StepStatus.RETRYING}),
        StepStatus.COMPLETED: frozenset(),
        StepStatus.FAILED: frozenset(),
        StepStatus.SKIPPED: frozenset(),
        StepStatus.TIMEOUT: frozenset(),
    }
)

FINAL_STEP_STATUSES = frozenset(status for status, moves in STEP_MOVES.items() if not moves)
OPEN_STEP_STATUSES = frozenset(StepStatus) - FINAL_STEP_STATUSES
FINAL_EXECUTION_STATUSES = frozenset(s for s, moves in EXECUTION_MOVES.items() if not moves)
