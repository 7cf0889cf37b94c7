"""What the end of a step means for those that wait for it: trigger rules over counters.

Pure: rows hold the counters, this module decides. Names follow the field's standard
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
    NOT_NEEDED = "not_needed"  #: a step that depends on it has gone on without it
    CONCURRENCY = "concurrency_limit"  #: there was no place for it, and it was not to wait
    ABORTED = "aborted"  #: the execution failed, timed out or was cancelled first


@dataclass(frozen=True, slots=True)
class Contribution:
    """What ends of steps add to the counters of a step that depends on them."""

    ended: int = 0
    succeeded: int = 0
    failed: int = 0
    blocking: int = 0  #: failed without leave to be ignored
    branched: int = 0  #: skipped because a conditional went the other way

    def __add__(self, other: Contribution) -> Contribution:
        return Contribution(
            self.ended + other.ended,
            self.succeeded + other.succeeded,
            self.failed + other.failed,
            self.blocking + other.blocking,
            self.branched + other.branched,
        )


NOTHING = Contribution()  #: of no end at all


@dataclass(frozen=True, slots=True)
class Dependencies:
    """How the dependencies of one step stand."""

    total: int
    remaining: int
    succeeded: int
    failed: int
    blocking: int
    branched: int

    def counted(self, ends: Contribution) -> Dependencies:
        """The same after these ends; the SQL of ``queueing.count_ends`` in Python."""
        return Dependencies(
            self.total,
            self.remaining - ends.ended,
            self.succeeded + ends.succeeded,
            self.failed + ends.failed,
            self.blocking + ends.blocking,
            self.branched + ends.branched,
        )

    def before(self, ends: Contribution) -> Dependencies:
        """What was known until these ends were counted."""
        return Dependencies(
            self.total,
            self.remaining + ends.ended,
            self.succeeded - ends.succeeded,
            self.failed - ends.failed,
            self.blocking - ends.blocking,
            self.branched - ends.branched,
        )


class Verdict(StrEnum):
    """What to do with a step after a change of its dependencies."""

    WAIT = "wait"
    RUN = "run"
    SKIP_BRANCH = SkipReason.BRANCH.value
    SKIP_RULE = SkipReason.RULE.value
    SKIP_UPSTREAM_FAILED = SkipReason.UPSTREAM_FAILED.value


# These run although the execution is failing; ALWAYS even when it was cancelled.
SURVIVES_FAILURE = frozenset(
    {
        TriggerRule.ALL_DONE,
        TriggerRule.ONE_DONE,
        TriggerRule.ONE_FAILED,
        TriggerRule.ALL_FAILED,
        TriggerRule.ALWAYS,
    }
)
SURVIVES_CANCEL = frozenset({TriggerRule.ALWAYS})

#: Trigger rules that may be met while dependencies are still open.
EAGER = frozenset(
    {
        TriggerRule.ONE_SUCCESS,
        TriggerRule.ONE_FAILED,
        TriggerRule.ONE_DONE,
        TriggerRule.AT_LEAST,
    }
)

_SKIPPED = Contribution(ended=1)
_SUCCESS = Contribution(ended=1, succeeded=1)
_TOLERATED = Contribution(ended=1, failed=1)
_FAILURE = Contribution(ended=1, failed=1, blocking=1)
_BRANCHED = Contribution(ended=1, branched=1)
_BLOCKED = Contribution(ended=1, blocking=1)


def contribution(
    status: StepStatus, *, skip_reason: SkipReason | None = None, tolerated: bool = False
) -> Contribution:
    """How the end of a step counts for its dependants.

    A step skipped by its own condition, by its trigger rule, for want of a place, or because a step
    has gone on without it, stops nobody.
    """
    if status is StepStatus.COMPLETED:
        return _SUCCESS
    if status in {StepStatus.FAILED, StepStatus.TIMEOUT}:
        return _TOLERATED if tolerated else _FAILURE
    if skip_reason is SkipReason.BRANCH:
        return _BRANCHED
    if skip_reason is SkipReason.UPSTREAM_FAILED:
        return _FAILURE
    return _BLOCKED if skip_reason is SkipReason.ABORTED else _SKIPPED


def is_unhandled_failure(status: StepStatus, *, tolerated: bool) -> bool:
    """Whether this end of a step makes the execution fail."""
    return status in {StepStatus.FAILED, StepStatus.TIMEOUT} and not tolerated


def reaction(
    rule: TriggerRule, at_least: int | None, now: Dependencies, ends: Contribution
) -> Verdict:
    """What follows for a waiting step from these ends, which *now* has counted already.

    WAIT also if it was clear before: the transaction that counted the deciding end has acted.
    """
    if rule in EAGER and decide(rule, at_least, now.before(ends)) is not Verdict.WAIT:
        return Verdict.WAIT
    return decide(rule, at_least, now)


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
    match rule:
        case TriggerRule.ONE_SUCCESS:
            return counted.succeeded >= 1
        case TriggerRule.ONE_FAILED:
            return counted.failed >= 1
        case TriggerRule.ONE_DONE:
            return counted.succeeded + counted.failed >= 1
        case TriggerRule.AT_LEAST:
            return counted.succeeded >= (at_least or 1)
        case _:
            return counted.remaining == 0 and _is_met_in_the_end(rule, counted)


def _is_met_in_the_end(rule: TriggerRule, counted: Dependencies) -> bool:
    match rule:
        case TriggerRule.NONE_FAILED:
            return counted.blocking == 0
        case TriggerRule.ALL_SUCCESS:
            return counted.succeeded == counted.total
        case TriggerRule.ALL_FAILED:
            return counted.failed == counted.total
        case _:
            return True


def _can_still_be_met(rule: TriggerRule, at_least: int | None, counted: Dependencies) -> bool:
    if rule is TriggerRule.AT_LEAST:
        return counted.succeeded + counted.remaining >= (at_least or 1)
    return True
