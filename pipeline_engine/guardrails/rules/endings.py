"""What the end of a pipeline, or a cancel, makes of a workflow.

The same function says it to whoever changes the row and to whoever only reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from pipeline_engine.domain.guardrails import Phase, RunStatus
from pipeline_engine.errors import GuardrailWorkflowEnded
from pipeline_engine.guardrails.rules.machine import ENDED, MOVES, Event
from pipeline_engine.guardrails.rules.model_status import needs_onboarding, onboarded
from pipeline_engine.guardrails.rules.steps import Fields, State, Step, is_recommended

TOO_LATE = "The deployment was completed before it could be cancelled"
CANCELLED_OUTSIDE = "The execution was cancelled"
NO_MODEL = "The pipeline has completed, and some rules were given no model"


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How the execution of a pipeline has ended, and what it has left."""

    status: RunStatus
    at: datetime
    outputs: Fields = field(default_factory=dict)
    error: Fields | None = None  #: ``{code, message}``
    onboarded: Sequence[Fields] = ()  #: models that it has onboarded, also if it has failed
    endpoints: Sequence[str] = ()  #: those that it has made
    rollback: Fields | None = None  #: what was taken back

    @property
    def results(self) -> dict[str, Any]:
        """What is kept with the run, and stays when its step is begun again."""
        taken_back = {} if self.rollback is None else {"rollback": self.rollback}
        return {**self.outputs, **taken_back}


def ended(state: State, step: Step, end: End) -> State:
    """*state* after the pipeline of *step* has ended."""
    if end.status is not RunStatus.COMPLETED:
        return _moved(_with_what_is_left(state, end), ENDED[end.status], _reason(end))
    new = _RESULTS[step](state, end)
    if step is Step.DEPLOYMENT:
        is_late = state.phase is Phase.CANCELLING
        phase = MOVES[state.phase, Event.DEPLOYED]
        return replace(new, phase=phase, reason=TOO_LATE if is_late else None)
    if step is Step.ONBOARDING and needs_onboarding(new.statuses or ()):
        return _moved(new, Event.RUN_FAILED, NO_MODEL)
    return _moved(new, Event.RUN_COMPLETED, None)


def _moved(state: State, event: Event, reason: str | None) -> State:
    """*state* in its next phase; why it is cancelled is known already."""
    kept = state.reason if state.phase is Phase.CANCELLING else reason
    return replace(state, phase=MOVES[state.phase, event], reason=kept)


def cancel_asked(state: State, reason: str | None) -> State:
    """*state* after its user has cancelled it. Raises ``GuardrailWorkflowEnded``."""
    if state.phase is Phase.COMPLETED:
        raise GuardrailWorkflowEnded("The workflow is completed; nothing is left to cancel.")
    if state.phase in (Phase.CANCELLING, Phase.CANCELLED):
        return state
    phase = MOVES[state.phase, Event.CANCEL_ASKED]
    return replace(state, phase=phase, reason=reason or "It was cancelled by its user")


def _reason(end: End) -> str:
    if end.status is RunStatus.CANCELLED:
        return CANCELLED_OUTSIDE
    return str((end.error or {}).get("message") or "The pipeline has failed")


def _with_what_is_left(state: State, end: End) -> State:
    left: dict[str, Any] = _with_models(state, end)
    if end.rollback is not None:
        left["rollback"] = end.rollback
    return replace(state, derived={**state.derived, **left})


def _with_models(state: State, end: End) -> dict[str, Any]:
    """The models that were onboarded ever; they stay, whatever becomes of the workflow.

    One for each rule: what a repeat of the step has brought counts.
    """
    if not end.onboarded:
        return {}
    known = [*(state.derived.get("onboarded_models") or ()), *end.onboarded]
    return {"onboarded_models": [*{one.get("rule_id"): one for one in known}.values()]}


def _after_onboarding(state: State, end: End) -> State:
    statuses = onboarded(state.statuses or (), end.onboarded)
    new = {**state.derived, **_with_models(state, end), "model_statuses": statuses}
    return replace(state, derived=new)


def _after_recommendation(state: State, end: End) -> State:
    clusters = sorted(end.outputs.get("recommended_clusters") or (), key=_cheapest_first)
    configs = end.outputs.get("per_model_configs") or []
    found = {"recommended_clusters": clusters, "per_model_configs": configs}
    new = replace(state, derived={**state.derived, **found})
    if is_recommended(new, new.given.get("cluster_id")):
        return new
    given = {name: value for name, value in new.given.items() if name != "cluster_id"}
    return replace(new, given=given)


def _cheapest_first(cluster: Fields) -> tuple[float, float, str]:
    """Cheap ones first, and those with the most room; what costs nobody knows what comes last."""
    cost, room = cluster.get("cost_per_million_tokens"), cluster.get("headroom_gb")
    return (
        float("inf") if cost is None else float(cost),
        -float(room or 0),
        str(cluster.get("cluster_id")),
    )


def _after_deployment(state: State, end: End) -> State:
    named = ("profile_id", "deployment_id", "endpoint_urls")
    found = {name: end.outputs[name] for name in named if end.outputs.get(name) is not None}
    found["deployed_endpoint_ids"] = list(end.endpoints)
    return replace(state, derived={**state.derived, **found})


_RESULTS: Mapping[Step, Callable[[State, End], State]] = MappingProxyType(
    {
        Step.ONBOARDING: _after_onboarding,
        Step.CLUSTER_RECOMMENDATION: _after_recommendation,
        Step.DEPLOYMENT: _after_deployment,
    }
)
