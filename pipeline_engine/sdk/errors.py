"""How an action says that it failed, when returning a result would be in the way."""

from __future__ import annotations

from typing import Any

from pipeline_engine.errors import PipelineEngineError


class ActionError(PipelineEngineError):
    """The action failed.

    Raise it, or an error of your own that extends it. The message is the error of the step,
    *error_code* its code. With *retryable* false no other attempt is made; otherwise
    *retry_after_seconds* is the least pause before the next one.
    """

    code = "action_failed"

    def __init__(
        self,
        message: str | None = None,
        *,
        error_code: str | None = None,
        retryable: bool = True,
        retry_after_seconds: float | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message, **facts)
        self.error_code = error_code or self.code
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds  #: seconds before the next attempt, at least


class InvalidActionParams(ActionError):
    """The action cannot work with the params that it was given."""

    code = "invalid_params"

    def __init__(self, message: str | None = None, **facts: Any) -> None:
        # The same params would be refused again.
        super().__init__(message, retryable=False, **facts)


class ContradictoryResult(ActionError, ValueError):
    """A result says two things that cannot both be true, such as a failure that waits."""

    code = "contradictory_result"

    def __init__(self, message: str | None = None, **facts: Any) -> None:
        # The action would say the same again.
        super().__init__(message, retryable=False, **facts)


class ServiceError(ActionError):
    """A peer service refused a request, or could not be reached."""

    code = "service_error"

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        retryable: bool = True,
        retry_after_seconds: float | None = None,
        may_be_done: bool = False,
    ) -> None:
        super().__init__(
            message, retryable=retryable, retry_after_seconds=retry_after_seconds, status=status
        )
        self.status = status  #: the HTTP status; 0 when there was no answer
        self.may_be_done = may_be_done  #: whether the service may have done it all the same


class OutcomeUnknown(ServiceError):
    """Nobody knows whether a service has done what it must not be asked twice."""

    code = "outcome_unknown"

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message, status=status, retryable=False, may_be_done=True)


class CircuitOpen(ServiceError):
    """The service did not answer lately, so it was not asked again so soon."""

    code = "circuit_open"


class InvalidUrl(InvalidActionParams):
    """The URL cannot be read, or not in one way only."""


class RequestBlocked(ActionError):
    """The request would reach an address that pipelines may not reach."""

    code = "request_blocked"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, retryable=False)
