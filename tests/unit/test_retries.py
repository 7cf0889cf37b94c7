"""When a failed step is tried again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_engine.domain import retries
from pipeline_engine.domain.actions import RetryPolicy
from pipeline_engine.domain.definitions import Jitter, PipelineSettings, RetryConfig, StepDefinition

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


@pytest.mark.parametrize(
    ("code", "again"), [("timeout", True), ("quota", False), ("other", False), (None, False)]
)
def test_retry_on_is_a_list_of_what_is_worth_it(code, again):
    policy = RetryConfig(retry_on=("timeout", "quota"), no_retry_on=("quota",))

    assert retries.speaks_of(policy, code) is again


@pytest.mark.parametrize(("code", "again"), [("quota", False), ("other", True), (None, True)])
def test_no_retry_on_alone_leaves_everything_else(code, again):
    assert retries.speaks_of(RetryConfig(no_retry_on=("quota",)), code) is again


@pytest.mark.parametrize(
    "code", ["json_rejected", "invalid_result", "outcome_unknown", "cancelled"]
)
def test_what_was_done_or_called_off_is_repeated_only_if_the_policy_names_it(code):
    assert not retries.speaks_of(RetryConfig(), code)
    assert not retries.speaks_of(RetryConfig(retry_on=("*",)), code)
    assert retries.speaks_of(RetryConfig(retry_on=(code,)), code)


BUSY = RetryConfig(retry_on=("http_429",), max_attempts=50)
DOWN = RetryConfig(retry_on=("http_5xx", "timeout"), max_attempts=4)
USUAL = RetryConfig()


@pytest.mark.parametrize(
    ("code", "policy"), [("http_429", BUSY), ("http_503", DOWN), ("timeout", DOWN), ("x", USUAL)]
)
def test_of_several_policies_the_first_that_speaks_of_a_failure_decides(code, policy):
    assert retries.deciding((BUSY, DOWN, USUAL), code) is policy


def test_a_failure_that_no_policy_speaks_of_is_the_last():
    assert retries.deciding((BUSY, DOWN), "other") is None
    assert retries.deciding((), "other") is None


def test_each_policy_counts_what_it_has_decided_about():
    before = ["http_429", "http_503", "http_429", "timeout", None]

    counted = [retries.failures_of(one, (BUSY, DOWN), before) for one in (BUSY, DOWN)]

    assert counted == [2, 2]


def test_the_nearest_retry_configuration_counts():
    own, pipelines = (RetryConfig(max_attempts=1),), (RetryConfig(max_attempts=2),)
    retrying = StepDefinition(id="a", name="A", action="log", retry=own)
    settings = PipelineSettings(retry_policy=pipelines)
    policy = RetryPolicy(max_attempts=4)

    def chosen(step, settings, policy):
        return retries.policies_for(step, settings, action_policy=policy, default=DEFAULT)

    assert chosen(retrying, settings, policy) is own
    assert chosen(STEP, settings, policy) is pipelines
    assert chosen(STEP, PipelineSettings(), policy)[0].max_attempts == 4
    assert chosen(STEP, PipelineSettings(), None) == (DEFAULT,)


def test_without_jitter_a_retry_waits_all_of_its_back_off():
    config = RetryConfig(backoff_seconds=8, jitter=Jitter.NONE)

    assert retries.delay(config, 2, lambda: 0.0) == 16


@pytest.mark.parametrize(("elapsed", "wait"), [(0, 10), (55, 5), (60, 0), (99, 0)])
def test_the_last_attempt_begins_when_the_time_for_all_of_them_is_up(elapsed, wait):
    config = RetryConfig(backoff_seconds=10, jitter=Jitter.NONE, max_elapsed_seconds=60)

    assert retries.delay(config, 1, lambda: 0.5, elapsed=elapsed) == wait


def test_the_policy_of_an_action_is_read_in_the_words_of_a_definition():
    policy = RetryPolicy(5, 3.0, initial_interval_seconds=2.0, max_interval_seconds=7.0)

    assert retries.from_policy(policy) == RetryConfig(
        max_attempts=5, backoff_seconds=2.0, backoff_multiplier=3.0, max_backoff_seconds=7.0
    )


@pytest.mark.parametrize(("asked", "wait"), [(None, 5), (2, 5), (30, 30), (9_999, 60)])
def test_what_the_other_side_asks_for_is_granted_up_to_the_longest_wait(asked, wait):
    config = RetryConfig(backoff_seconds=10, max_backoff_seconds=60)

    assert retries.delay(config, 1, lambda: 0.5, at_least=asked) == wait
