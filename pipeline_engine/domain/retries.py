"""When a failed step is tried again, and how long it waits for that."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pipeline_engine.domain.actions import RetryPolicy
from pipeline_engine.domain.definitions import (
    Jitter,
    PipelineSettings,
    Retries,
    RetryConfig,
    StepDefinition,
)
from pipeline_engine.domain.error_codes import is_among

#: Codes of failures that are retried only if ``retry_on`` names them: an answer that cannot be
#: stored, an unknown outcome, and a cancelled child. Another attempt would repeat what was done
#: already, or what was stopped on purpose.
ONLY_WHEN_NAMED = frozenset({"json_rejected", "invalid_result", "outcome_unknown", "cancelled"})

# More doublings than any cap leaves standing; keeps the power inside a float.
MAX_EXPONENT = 100


def policies_for(
    step: StepDefinition,
    settings: PipelineSettings,
    *,
    action_policy: RetryPolicy | None,
    default: RetryConfig,
) -> Retries:
    """How *step* is tried again: its own word, the pipeline's, its action's, the default."""
    return (
        step.retry
        or settings.retry_policy
        or (default if action_policy is None else from_policy(action_policy),)
    )


def from_policy(policy: RetryPolicy) -> RetryConfig:
    """What an action recommends for itself, in the words of a definition."""
    return RetryConfig(
        max_attempts=policy.max_attempts,
        backoff_seconds=policy.initial_interval_seconds,
        backoff_multiplier=policy.backoff_multiplier,
        max_backoff_seconds=policy.max_interval_seconds,
    )


def deciding(policies: Retries, error_code: str | None) -> RetryConfig | None:
    """The policy that decides about a failure: the first that speaks of it."""
    return next((policy for policy in policies if speaks_of(policy, error_code)), None)


def speaks_of(policy: RetryConfig, error_code: str | None) -> bool:
    """Whether failures with this code are tried again; ``no_retry_on`` beats ``retry_on``."""
    if is_among(error_code, policy.no_retry_on):
        return False
    if error_code in ONLY_WHEN_NAMED:  # a pattern is no name
        return error_code in policy.retry_on
    return not policy.retry_on or is_among(error_code, policy.retry_on)


def failures_of(policy: RetryConfig, policies: Retries, error_codes: Iterable[str | None]) -> int:
    """How many of these failures *policy* has decided about."""
    return sum(deciding(policies, code) is policy for code in error_codes)


def backoff(config: RetryConfig, failed_attempts: int) -> float:
    """The longest wait in seconds after *failed_attempts*: exponential, with a cap."""
    exponent = min(max(failed_attempts - 1, 0), MAX_EXPONENT)
    longest = config.backoff_seconds * float(config.backoff_multiplier) ** exponent
    return min(longest, config.max_backoff_seconds)


def delay(
    config: RetryConfig,
    failed_attempts: int,
    random: Callable[[], float],
    *,
    at_least: float | None = None,
    elapsed: float = 0.0,
) -> float:
    """How many seconds to wait after *failed_attempts*.

    *random* gives numbers in [0, 1): with full jitter any wait between nothing and the full
    back-off is equally likely, so that steps which failed together do not come back together.
    *at_least* is what the other side asked for; it is granted up to the longest wait of the
    configuration. The last attempt begins, *elapsed* seconds after the first, when the time for
    all of them is up.
    """
    asked = min(at_least or 0.0, config.max_backoff_seconds)
    share = 1.0 if config.jitter is Jitter.NONE else random()
    wait = max(asked, share * backoff(config, failed_attempts))
    if config.max_elapsed_seconds is None:
        return wait
    return min(wait, max(config.max_elapsed_seconds - elapsed, 0.0))
