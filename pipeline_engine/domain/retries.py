"""When a failed step is tried again, and how long it waits for that."""

from __future__ import annotations

from collections.abc import Callable

from pipeline_engine.domain.actions import RetryPolicy
from pipeline_engine.domain.definitions import PipelineSettings, RetryConfig, StepDefinition

#: Codes of failures that are retried only if ``retry_on`` names them: an answer that cannot be
#: stored, an unknown outcome, and a cancelled child. Another attempt would repeat what was done
#: already, or what was stopped on purpose.
ONLY_WHEN_NAMED = frozenset({"json_rejected", "invalid_result", "outcome_unknown", "cancelled"})

# More doublings than any cap leaves standing; keeps the power inside a float.
MAX_EXPONENT = 100


def config_for(
    step: StepDefinition,
    settings: PipelineSettings,
    *,
    action_policy: RetryPolicy | None,
    default: RetryConfig,
) -> RetryConfig:
    """The retry configuration of *step*: its own, the pipeline's, its action's, the default."""
    if step.retry is not None:
        return step.retry
    if settings.retry_policy is not None:
        return settings.retry_policy
    return default if action_policy is None else from_policy(action_policy)


def from_policy(policy: RetryPolicy) -> RetryConfig:
    """What an action recommends for itself, in the words of a definition."""
    return RetryConfig(
        max_attempts=policy.max_attempts,
        backoff_seconds=policy.initial_interval_seconds,
        backoff_multiplier=policy.backoff_multiplier,
        max_backoff_seconds=policy.max_interval_seconds,
    )


def should_retry(
    config: RetryConfig, failed_attempts: int, error_code: str | None, retryable: bool
) -> bool:
    """Whether another attempt is allowed after *failed_attempts* (1 after the first failure).

    An action that says ``retryable=False`` is believed, and ``no_retry_on`` beats ``retry_on``.
    """
    if not retryable or failed_attempts >= config.max_attempts:
        return False
    if error_code in config.no_retry_on:
        return False
    if config.retry_on:
        return error_code in config.retry_on
    return error_code not in ONLY_WHEN_NAMED


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
) -> float:
    """How many seconds to wait after *failed_attempts*, with full jitter.

    *random* gives numbers in [0, 1): any wait between nothing and the full back-off is equally
    likely, so that steps which failed together do not come back together. *at_least* is what
    the other side asked for; it is granted up to the longest wait of the configuration.
    """
    asked = min(at_least or 0.0, config.max_backoff_seconds)
    return max(asked, random() * backoff(config, failed_attempts))
