"""Which phase follows which: the table, and nothing but that.

``submitting.py`` says what a request is, and ``endings.py`` what the end of a pipeline leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from pipeline_engine.domain.guardrails import Phase, RunStatus
from pipeline_engine.guardrails.rules.steps import Step


class Event(StrEnum):
    """What can happen to a workflow."""

    SUBMITTED = "submitted"  #: a step was said that starts nothing
    ONBOARDING_STARTED = "onboarding_started"
    RECOMMENDATION_STARTED = "recommendation_started"
    DEPLOYMENT_STARTED = "deployment_started"
    RUN_COMPLETED = "run_completed"  #: that of the deployment is told apart, for it is the last
    DEPLOYED = "deployed"
    RUN_FAILED = "run_failed"
    RUN_CANCELLED = "run_cancelled"
    CANCEL_ASKED = "cancel_asked"


#: Every move that there is. A cancel that comes when the deployment has just ended is too late.
MOVES: Mapping[tuple[Phase, Event], Phase] = MappingProxyType(
    {
        (Phase.COLLECTING, Event.SUBMITTED): Phase.COLLECTING,
        (Phase.COLLECTING, Event.ONBOARDING_STARTED): Phase.ONBOARDING,
        (Phase.COLLECTING, Event.RECOMMENDATION_STARTED): Phase.RECOMMENDING,
        (Phase.COLLECTING, Event.DEPLOYMENT_STARTED): Phase.DEPLOYING,
        (Phase.COLLECTING, Event.CANCEL_ASKED): Phase.CANCELLED,
        (Phase.ONBOARDING, Event.RUN_COMPLETED): Phase.COLLECTING,
        (Phase.ONBOARDING, Event.RUN_FAILED): Phase.FAILED,
        (Phase.ONBOARDING, Event.RUN_CANCELLED): Phase.FAILED,
        (Phase.ONBOARDING, Event.CANCEL_ASKED): Phase.CANCELLING,
        (Phase.RECOMMENDING, Event.RUN_COMPLETED): Phase.COLLECTING,
        (Phase.RECOMMENDING, Event.RUN_FAILED): Phase.FAILED,
        (Phase.RECOMMENDING, Event.RUN_CANCELLED): Phase.FAILED,
        (Phase.RECOMMENDING, Event.CANCEL_ASKED): Phase.CANCELLING,
        (Phase.DEPLOYING, Event.DEPLOYED): Phase.COMPLETED,
        (Phase.DEPLOYING, Event.RUN_FAILED): Phase.FAILED,
        (Phase.DEPLOYING, Event.RUN_CANCELLED): Phase.FAILED,
        (Phase.DEPLOYING, Event.CANCEL_ASKED): Phase.CANCELLING,
        (Phase.FAILED, Event.SUBMITTED): Phase.COLLECTING,
        (Phase.FAILED, Event.ONBOARDING_STARTED): Phase.ONBOARDING,
        (Phase.FAILED, Event.RECOMMENDATION_STARTED): Phase.RECOMMENDING,
        (Phase.FAILED, Event.DEPLOYMENT_STARTED): Phase.DEPLOYING,
        (Phase.FAILED, Event.CANCEL_ASKED): Phase.CANCELLED,
        (Phase.CANCELLING, Event.CANCEL_ASKED): Phase.CANCELLING,
        (Phase.CANCELLING, Event.RUN_COMPLETED): Phase.CANCELLED,
        (Phase.CANCELLING, Event.RUN_FAILED): Phase.CANCELLED,
        (Phase.CANCELLING, Event.RUN_CANCELLED): Phase.CANCELLED,
        (Phase.CANCELLING, Event.DEPLOYED): Phase.COMPLETED,
    }
)
STARTED: Mapping[Step, Event] = MappingProxyType(
    {
        Step.ONBOARDING: Event.ONBOARDING_STARTED,
        Step.CLUSTER_RECOMMENDATION: Event.RECOMMENDATION_STARTED,
        Step.DEPLOYMENT: Event.DEPLOYMENT_STARTED,
    }
)
ENDED: Mapping[RunStatus, Event] = MappingProxyType(
    {
        RunStatus.COMPLETED: Event.RUN_COMPLETED,
        RunStatus.FAILED: Event.RUN_FAILED,
        RunStatus.CANCELLED: Event.RUN_CANCELLED,
    }
)
