"""When a step may start: trigger rules over counted dependencies.

Pure: rows hold the counters, this module holds the rule. Names follow the field's standard
(Airflow's trigger rules); what differs is said at each rule in docs/reference/definition.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline_engine.domain.definitions import TriggerRule
from pipeline_engine.domain.states import StepStatus


class SkipReason(StrEnum):
    """Why a step was skipped."""

    CONDITION = "condition"  #: its own condition was false
    BRANCH = "branch"  #: it is on a side that a conditional did not take
    RULE = "rule"  #: its trigger rule cannot be met any more
    UPSTREAM_FAILED = "upstream_failed"  #: a step that it depends on failed
    ABORTED = "aborted"  #: the execution failed, timed out or was cancelled first


@dataclass(frozen=True, slots=True)
class Contribution:
    """What the end of one step adds to the counters of those that depend on it."""

    succeeded: int = 0
    failed: int = 0
    blocking: int = 0  #: failed, and nobody said that this may be ignored
    branched: int = 0  #: skipped because a conditional went the other way


@dataclass(frozen=True, slots=True)
class Dependencies:
    """How the dependencies of one step stand."""

    total: int
    remaining: int
    succeeded: int
    failed: int
    blocking: int
    branched: int


class Verdict(StrEnum):
    """What to do with a step whose dependencies have changed."""

    WAIT = "wait"
    RUN = "run"
    SKIP_BRANCH = SkipReason.BRANCH.value
    SKIP_RULE = SkipReason.RULE.value
    SKIP_UPSTREAM_FAILED = SkipReason.UPSTREAM_FAILED.value


# These run although the execution is failing; ALWAYS even when it was cancelled.
SURVIVES_FAILURE = frozenset(
    {TriggerRule.ALL_DONE, TriggerRule.ONE_FAILED, TriggerRule.ALL_FAILED, TriggerRule.ALWAYS}
)
SURVIVES_CANCEL = frozenset({TriggerRule.ALWAYS})

#: Rules that may be met while dependencies are still open.
EAGER = frozenset({TriggerRule.ONE_SUCCESS, TriggerRule.ONE_FAILED, TriggerRule.AT_LEAST})

_NOTHING = Contribution()
_SUCCESS = Contribution(succeeded=1)
_TOLERATED = Contribution(failed=1)
_FAILURE = Contribution(failed=1, blocking=1)
_BRANCHED = Contribution(branched=1)
_BLOCKED = Contribution(blocking=1)


def contribution(
    status: StepStatus, *, skip_reason: SkipReason | None = None, tolerated: bool = False
) -> Contribution:
    """How the end of a step counts for its dependants.

    A step skipped by its own condition, or by its trigger rule, stops nobody.
    """
    if status is StepStatus.COMPLETED:
        return _SUCCESS
    if status in {StepStatus.FAILED, StepStatus.TIMEOUT}:
        return _TOLERATED if tolerated else _FAILURE
    if skip_reason is SkipReason.BRANCH:
        return _BRANCHED
    if skip_reason is SkipReason.UPSTREAM_FAILED:
        return _FAILURE
    return _BLOCKED if skip_reason is SkipReason.ABORTED else _NOTHING


def decide(rule: TriggerRule, at_least: int | None, counted: Dependencies) -> Verdict:
    """Whether a step with these dependencies runs, waits or is skipped."""
    if _is_met(rule, at_least, counted):
        if rule in _DEFAULTS and counted.total and counted.branched == counted.total:
            return Verdict.SKIP_BRANCH
        return Verdict.RUN
    if counted.remaining and _can_still_be_met(rule, at_least, counted):
        return Verdict.WAIT
    if counted.total and counted.branched == counted.total:
        return Verdict.SKIP_BRANCH
    if counted.blocking and rule not in SURVIVES_FAILURE:
        return Verdict.SKIP_UPSTREAM_FAILED
    return Verdict.SKIP_RULE


_DEFAULTS = frozenset({TriggerRule.NONE_FAILED, TriggerRule.ALL_SUCCESS})


def _is_met(rule: TriggerRule, at_least: int | None, counted: Dependencies) -> bool:
    ended = counted.remaining == 0
    return {
        TriggerRule.NONE_FAILED: ended and counted.blocking == 0,
        TriggerRule.ALL_SUCCESS: ended and counted.succeeded == counted.total,
        TriggerRule.ALL_FAILED: ended and counted.failed == counted.total,
        TriggerRule.ALL_DONE: ended,
        TriggerRule.ALWAYS: ended,
        # These three need not wait for the rest.
        TriggerRule.ONE_SUCCESS: counted.succeeded >= 1,
        TriggerRule.ONE_FAILED: counted.failed >= 1,
        TriggerRule.AT_LEAST: counted.succeeded >= (at_least or 1),
    }[rule]


def _can_still_be_met(rule: TriggerRule, at_least: int | None, counted: Dependencies) -> bool:
    if rule is TriggerRule.AT_LEAST:
        return counted.succeeded + counted.remaining >= (at_least or 1)
    return True
