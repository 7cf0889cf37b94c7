"""The words of a guardrail deployment workflow that rows are kept in."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """What a workflow is about at the moment."""

    COLLECTING = "collecting"  #: it waits for what its user says next
    ONBOARDING = "onboarding"
    RECOMMENDING = "recommending"
    DEPLOYING = "deploying"
    COMPLETED = "completed"
    FAILED = "failed"  #: a pipeline has; the step that started it may be sent again
    CANCELLING = "cancelling"  #: what ran is being taken back
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing moves it any more."""
        return self in (Phase.COMPLETED, Phase.CANCELLED)

    @property
    def is_running(self) -> bool:
        """Whether a pipeline of it runs; as long as that is so, nothing else is started."""
        return self in (Phase.ONBOARDING, Phase.RECOMMENDING, Phase.DEPLOYING, Phase.CANCELLING)


class RunStatus(StrEnum):
    """What has become of a pipeline that a workflow has started."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
