"""Trigger rules over counted dependencies."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline_engine.domain.definitions import TriggerRule
from pipeline_engine.domain.readiness import (
    NOTHING,
    SURVIVES_CANCEL,
    SURVIVES_FAILURE,
    Contribution,
    Dependencies,
    SkipReason,
    Verdict,
    contribution,
    decide,
    reaction,
)
from pipeline_engine.domain.states import StepStatus

SUCCESS = contribution(StepStatus.COMPLETED)
FAILURE = contribution(StepStatus.FAILED)
TOLERATED = contribution(StepStatus.FAILED, tolerated=True)
SKIPPED = contribution(StepStatus.SKIPPED, skip_reason=SkipReason.CONDITION)
BRANCHED = contribution(StepStatus.SKIPPED, skip_reason=SkipReason.BRANCH)
RULED_OUT = contribution(StepStatus.SKIPPED, skip_reason=SkipReason.RULE)
UPSTREAM = contribution(StepStatus.SKIPPED, skip_reason=SkipReason.UPSTREAM_FAILED)
ABORTED = contribution(StepStatus.SKIPPED, skip_reason=SkipReason.ABORTED)
EVERY_END = (SUCCESS, FAILURE, TOLERATED, SKIPPED, BRANCHED, RULED_OUT, UPSTREAM, ABORTED)

WAIT, RUN = Verdict.WAIT, Verdict.RUN
BY_BRANCH, BY_RULE, BY_FAILURE = (
    Verdict.SKIP_BRANCH,
    Verdict.SKIP_RULE,
    Verdict.SKIP_UPSTREAM_FAILED,
)


def counted(*ends: Contribution, still_open: int = 0) -> Dependencies:
    return Dependencies(
        total=len(ends) + still_open,
        remaining=still_open,
        succeeded=sum(end.succeeded for end in ends),
        failed=sum(end.failed for end in ends),
        blocking=sum(end.blocking for end in ends),
        branched=sum(end.branched for end in ends),
    )


def verdict(rule: TriggerRule, *ends: Contribution, still_open: int = 0, at_least: int = 2):
    return decide(rule, at_least, counted(*ends, still_open=still_open))


# Per rule: one success and one of each other kind of end.
@pytest.mark.parametrize(
    ("rule", "success", "failure", "tolerated", "skipped", "branched", "aborted"),
    [
        (TriggerRule.NONE_FAILED, RUN, BY_FAILURE, RUN, RUN, RUN, BY_FAILURE),
        (TriggerRule.ALL_SUCCESS, RUN, BY_FAILURE, BY_RULE, BY_RULE, BY_RULE, BY_FAILURE),
        (TriggerRule.ALL_DONE, RUN, RUN, RUN, RUN, RUN, RUN),
        (TriggerRule.ALWAYS, RUN, RUN, RUN, RUN, RUN, RUN),
        (TriggerRule.ONE_SUCCESS, RUN, RUN, RUN, RUN, RUN, RUN),
        (TriggerRule.ONE_FAILED, BY_RULE, RUN, RUN, BY_RULE, BY_RULE, BY_RULE),
        (TriggerRule.ALL_FAILED, BY_RULE, BY_RULE, BY_RULE, BY_RULE, BY_RULE, BY_RULE),
        (TriggerRule.AT_LEAST, RUN, BY_FAILURE, BY_RULE, BY_RULE, BY_RULE, BY_FAILURE),
    ],
)
def test_each_rule_decides_by_how_the_dependencies_ended(
    rule, success, failure, tolerated, skipped, branched, aborted
):
    second = {
        SUCCESS: success,
        FAILURE: failure,
        TOLERATED: tolerated,
        SKIPPED: skipped,
        BRANCHED: branched,
        ABORTED: aborted,
    }

    assert {end: verdict(rule, SUCCESS, end) for end in second} == second


def test_all_failed_runs_when_nothing_but_failures_is_left():
    assert verdict(TriggerRule.ALL_FAILED, FAILURE, TOLERATED) is RUN


@pytest.mark.parametrize("rule", [TriggerRule.NONE_FAILED, TriggerRule.ALL_SUCCESS])
def test_a_step_behind_untaken_branches_only_is_on_an_untaken_branch_itself(rule):
    assert verdict(rule, BRANCHED, BRANCHED) is BY_BRANCH


@pytest.mark.parametrize("rule", [TriggerRule.ALL_DONE, TriggerRule.ALWAYS])
def test_a_step_that_asks_for_any_end_runs_behind_untaken_branches_too(rule):
    assert verdict(rule, BRANCHED, BRANCHED) is RUN


def test_the_step_where_branches_meet_runs_although_one_of_them_was_not_taken():
    assert verdict(TriggerRule.NONE_FAILED, BRANCHED, SUCCESS) is RUN


@pytest.mark.parametrize("end", [SKIPPED, RULED_OUT])
def test_a_step_that_was_skipped_by_itself_does_not_stop_those_behind_it(end):
    assert verdict(TriggerRule.NONE_FAILED, end) is RUN


def test_a_failure_stops_the_whole_chain_behind_it():
    assert verdict(TriggerRule.NONE_FAILED, UPSTREAM) is BY_FAILURE


@pytest.mark.parametrize("rule", [TriggerRule.ONE_SUCCESS, TriggerRule.AT_LEAST])
def test_an_eager_rule_does_not_wait_for_the_others(rule):
    assert verdict(rule, SUCCESS, still_open=5, at_least=1) is RUN


def test_one_failed_runs_at_the_first_failure():
    assert verdict(TriggerRule.ONE_FAILED, SUCCESS, FAILURE, still_open=3) is RUN


def test_at_least_is_given_up_as_soon_as_too_few_are_left():
    ends = (SUCCESS, SKIPPED, SKIPPED)

    assert verdict(TriggerRule.AT_LEAST, *ends, still_open=2, at_least=3) is WAIT
    assert verdict(TriggerRule.AT_LEAST, *ends, still_open=1, at_least=3) is BY_RULE


@pytest.mark.parametrize("rule", list(TriggerRule))
def test_a_step_without_dependencies_is_not_left_waiting(rule):
    assert decide(rule, 1, counted()) is not WAIT


@given(
    st.sampled_from(TriggerRule),
    st.lists(st.sampled_from(EVERY_END), min_size=1, max_size=8),
    st.integers(1, 8),
)
def test_no_rule_waits_once_everything_has_ended(rule, ends, at_least):
    assert decide(rule, at_least, counted(*ends)) is not WAIT


@given(
    st.sampled_from(TriggerRule),
    st.lists(st.sampled_from(EVERY_END), min_size=2, max_size=8),
    st.integers(1, 8),
)
def test_a_verdict_stands_whatever_ends_later(rule, ends, at_least):
    verdicts = [
        decide(rule, at_least, counted(*ends[:ended], still_open=len(ends) - ended))
        for ended in range(len(ends) + 1)
    ]

    decided = [found for found in verdicts if found is not WAIT]
    assert {found is RUN for found in decided} in ({True}, {False})


def test_what_survives_a_cancel_survives_a_failure():
    assert SURVIVES_CANCEL < SURVIVES_FAILURE


@given(
    st.sampled_from(TriggerRule),
    st.lists(st.lists(st.sampled_from(EVERY_END), min_size=1), min_size=1, max_size=5),
    st.integers(1, 8),
)
def test_exactly_one_of_the_ends_decides_however_they_come_together(rule, waves, at_least):
    # A definition that asks for more successes than there are dependencies is refused.
    assume(at_least <= sum(map(len, waves)))
    now = counted(still_open=sum(map(len, waves)))

    reactions = []
    for wave in waves:
        together = sum(wave, start=NOTHING)
        now = now.counted(together)
        reactions.append(reaction(rule, at_least, now, together))

    assert len([found for found in reactions if found is not WAIT]) == 1
    assert now == counted(*[end for wave in waves for end in wave])
