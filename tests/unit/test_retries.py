"""When a failed step is tried again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_engine.domain import retries
from pipeline_engine.domain.actions import RetryPolicy
from pipeline_engine.domain.definitions import PipelineSettings, RetryConfig, StepDefinition

DEFAULT = RetryConfig(max_attempts=9)
STEP = StepDefinition(id="a", name="A", action="log")


def test_the_waits_between_four_attempts_are_those_that_clients_know():
    config = RetryConfig(
        max_attempts=4, backoff_seconds=5, backoff_multiplier=3, max_backoff_seconds=20
    )

    assert [retries.backoff(config, failed) for failed in (1, 2, 3)] == [5, 15, 20]


def test_the_first_wait_is_capped_as_well():
    assert retries.backoff(RetryConfig(backoff_seconds=60, max_backoff_seconds=10), 1) == 10


def test_jitter_takes_any_part_of_the_wait():
    config = RetryConfig(backoff_seconds=8)

    assert retries.delay(config, 1, lambda: 0.0) == 0
    assert retries.delay(config, 1, lambda: 0.25) == 2
    assert retries.delay(config, 2, lambda: 0.5) == 8


@given(
    st.builds(
        RetryConfig,
        backoff_seconds=st.floats(0, 1e8),
        backoff_multiplier=st.floats(1, 100),
        max_backoff_seconds=st.floats(0, 1e8),
    ),
    st.integers(0, 10**6),
    st.floats(0, 1),
)
def test_a_delay_is_never_negative_and_never_over_the_cap(config, failed, luck):
    assert 0 <= retries.delay(config, failed, lambda: luck) <= config.max_backoff_seconds


@pytest.mark.parametrize(("failed", "again"), [(1, True), (2, True), (3, False), (4, False)])
def test_a_step_is_tried_as_often_as_it_says_and_no_more(failed, again):
    assert retries.should_retry(RetryConfig(max_attempts=3), failed, None, True) is again


def test_an_action_that_knows_better_is_not_tried_again():
    assert not retries.should_retry(RetryConfig(retry_on=("gone",)), 1, "gone", retryable=False)


@pytest.mark.parametrize(
    ("code", "again"), [("timeout", True), ("quota", False), ("other", False), (None, False)]
)
def test_retry_on_is_a_list_of_what_is_worth_it(code, again):
    config = RetryConfig(retry_on=("timeout", "quota"), no_retry_on=("quota",))

    assert retries.should_retry(config, 1, code, True) is again


@pytest.mark.parametrize(("code", "again"), [("quota", False), ("other", True), (None, True)])
def test_no_retry_on_alone_leaves_everything_else(code, again):
    assert retries.should_retry(RetryConfig(no_retry_on=("quota",)), 1, code, True) is again


@pytest.mark.parametrize(
    "code", ["json_rejected", "invalid_result", "outcome_unknown", "cancelled"]
)
def test_what_was_done_or_called_off_is_repeated_only_if_the_policy_names_it(code):
    assert not retries.should_retry(RetryConfig(), 1, code, True)
    assert retries.should_retry(RetryConfig(retry_on=(code,)), 1, code, True)


def test_the_nearest_retry_configuration_counts():
    own, pipelines = RetryConfig(max_attempts=1), RetryConfig(max_attempts=2)
    retrying = StepDefinition(id="a", name="A", action="log", retry=own)
    settings = PipelineSettings(retry_policy=pipelines)
    policy = RetryPolicy(max_attempts=4)

    def chosen(step, settings, policy):
        return retries.config_for(step, settings, action_policy=policy, default=DEFAULT)

    assert chosen(retrying, settings, policy) is own
    assert chosen(STEP, settings, policy) is pipelines
    assert chosen(STEP, PipelineSettings(), policy).max_attempts == 4
    assert chosen(STEP, PipelineSettings(), None) is DEFAULT


def test_the_policy_of_an_action_is_read_in_the_words_of_a_definition():
    policy = RetryPolicy(5, 3.0, initial_interval_seconds=2.0, max_interval_seconds=7.0)

    assert retries.from_policy(policy) == RetryConfig(
        max_attempts=5, backoff_seconds=2.0, backoff_multiplier=3.0, max_backoff_seconds=7.0
    )


@pytest.mark.parametrize(("asked", "wait"), [(None, 5), (2, 5), (30, 30), (9_999, 60)])
def test_what_the_other_side_asks_for_is_granted_up_to_the_longest_wait(asked, wait):
    config = RetryConfig(backoff_seconds=10, max_backoff_seconds=60)

    assert retries.delay(config, 1, lambda: 0.5, at_least=asked) == wait
