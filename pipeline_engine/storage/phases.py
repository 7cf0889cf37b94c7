"""The phases of ``domain/phases.py`` as conditions on a row of ``step_executions``.

The columns stand without an alias, so a condition goes where one table of that name is in reach.
The statuses come first, and as they stand in the predicates of the partial indexes: PostgreSQL
uses such an index only where it can prove its predicate from the condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pipeline_engine.domain.phases import Phase

OPEN = "status IN ('PENDING', 'RETRYING', 'RUNNING')"  #: every phase but ``ENDED``

#: Condition of each phase; exactly one is true of every row.
IS: Mapping[Phase, str] = MappingProxyType(
    {
        Phase.WAITING: "status = 'PENDING' AND queued_at IS NULL AND NOT in_line AND NOT held"
        " AND due_at IS NULL",
        Phase.HELD: "status = 'PENDING' AND queued_at IS NULL AND NOT in_line AND held",
        Phase.IN_LINE: "status IN ('PENDING', 'RETRYING') AND queued_at IS NULL AND in_line",
        Phase.DELAYED: "status = 'PENDING' AND queued_at IS NULL AND NOT in_line AND NOT held"
        " AND due_at IS NOT NULL",
        Phase.QUEUED: "status IN ('PENDING', 'RETRYING') AND queued_at IS NOT NULL",
        Phase.RUNNING: "status = 'RUNNING' AND NOT awaiting_event AND items_open IS NULL"
        " AND NOT cancelling",
        Phase.PARKED: "status = 'RUNNING' AND awaiting_event AND due_at IS NULL",
        Phase.TIMER: "status = 'RUNNING' AND awaiting_event AND due_at IS NOT NULL",
        Phase.RETRYING: "status = 'RETRYING' AND queued_at IS NULL AND NOT in_line",
        Phase.EXPANDED: "status = 'RUNNING' AND NOT awaiting_event AND items_open > 0",
        Phase.JOINING: "status = 'RUNNING' AND NOT awaiting_event AND items_open = 0",
        Phase.CLEANING_UP: "status = 'RUNNING' AND NOT awaiting_event AND items_open IS NULL"
        " AND cancelling",
        Phase.ENDED: "status IN ('COMPLETED', 'FAILED', 'SKIPPED', 'TIMEOUT')",
    }
)

#: Expression for the name of a row's phase.
NAME = " ".join(["CASE", *[f"WHEN {IS[phase]} THEN '{phase}'" for phase in Phase], "END"])


def any_of(phases: Iterable[Phase]) -> str:
    """The condition that a row is in one of these phases."""
    return _either(IS[phase] for phase in phases)


def _either(conditions: Iterable[str]) -> str:
    return f"({' OR '.join(f'({condition})' for condition in conditions)})"


_HAS_WAKE = "(due_at IS NOT NULL OR leased_until IS NOT NULL)"
#: Condition under which a step of a phase will move, where the phase alone does not say so.
_MOVED_BY = {
    Phase.RETRYING: "due_at IS NOT NULL",
    Phase.RUNNING: "leased_until IS NOT NULL",
    Phase.JOINING: _HAS_WAKE,
    Phase.CLEANING_UP: _HAS_WAKE,
}
_SURE = (Phase.IN_LINE, Phase.DELAYED, Phase.QUEUED, Phase.PARKED, Phase.TIMER)

#: Condition of steps that a message, the clock, a worker or the outside will move.
WILL_MOVE = _either(
    [f"{IS[phase]} AND {by}" for phase, by in _MOVED_BY.items()] + [IS[phase] for phase in _SURE]
)
#: Condition of steps that nothing will move, not even the end of another (``is_lost``).
IS_LOST = _either(
    [f"{IS[phase]} AND NOT ({by})" for phase, by in _MOVED_BY.items()]
    + [f"{IS[Phase.WAITING]} AND remaining = 0"]
)
