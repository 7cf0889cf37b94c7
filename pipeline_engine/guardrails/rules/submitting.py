"""What a request does to a workflow: it says something, moves it, and may start a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline_engine.domain.guardrails import Phase
from pipeline_engine.domain.issues import Issue
from pipeline_engine.errors import (
    GuardrailPipelineRunning,
    GuardrailStepNotReached,
    GuardrailWorkflowEnded,
    InvalidGuardrailStep,
)
from pipeline_engine.guardrails.rules.machine import MOVES, STARTED, Event
from pipeline_engine.guardrails.rules.model_status import needs_deployment, needs_onboarding
from pipeline_engine.guardrails.rules.requests import StepRequest
from pipeline_engine.guardrails.rules.steps import (
    State,
    Step,
    is_recommended,
    left_before,
    with_given,
)


@dataclass(frozen=True, slots=True)
class Move:
    """What a request makes of a workflow, and the step whose pipeline it starts."""

    state: State
    starts: Step | None = None


def said(state: State, request: StepRequest) -> State:
    """*state* with what *request* says, before peers are asked about it.

    Raises ``GuardrailWorkflowEnded``, and ``GuardrailPipelineRunning`` unless it says the same
    again.
    """
    if state.phase.is_final:
        raise GuardrailWorkflowEnded(f"The workflow is {state.phase}; begin another one.")
    is_standalone = {**state.given, **request.fields}.get("is_standalone")
    if request.fields.get("endpoint_ids") and is_standalone:
        raise _refused("/endpoint_ids", "one_of", "The workflow is standalone")
    new = with_given(state, request.fields)
    if state.phase.is_running and (new != state or request.step_number > state.current_step):
        raise GuardrailPipelineRunning(
            f"The workflow is {state.phase}: wait until its pipeline has ended, or cancel it."
        )
    return new


def moved(before: State, new: State, request: StepRequest) -> Move:
    """What comes of a request; *new* is what ``said`` has made of *before*, with its statuses.

    Raises ``GuardrailStepNotReached`` and ``InvalidGuardrailStep``.
    """
    if before.phase.is_running:  # the same again
        return Move(before)
    _check_cluster(new, request)
    left = left_before(new, request.step_number)
    if left:
        raise _not_reached(request.step_number, left)
    starts = _starts(before, new, request)
    if starts is not None:
        phase = MOVES[before.phase, STARTED[starts]]
        begun = replace(new, phase=phase, current_step=int(starts), reason=None)
        return Move(_without_rollback(begun), starts)
    if _is_nothing_new(before, new, request):
        return Move(before)
    phase = MOVES[before.phase, Event.SUBMITTED]
    return Move(replace(new, phase=phase, current_step=request.step_number, reason=None))


def _without_rollback(state: State) -> State:
    """What was taken back of a run before stands with that run: this one has its own."""
    derived = {name: value for name, value in state.derived.items() if name != "rollback"}
    return replace(state, derived=derived)


def _is_nothing_new(before: State, new: State, request: StepRequest) -> bool:
    """Whether a step is said again that was said: a late repeat leads nobody back."""
    is_repeat = new == before and request.step_number <= before.current_step
    return is_repeat and before.phase is Phase.COLLECTING


def _starts(before: State, new: State, request: StepRequest) -> Step | None:
    """The step whose pipeline is due."""

    def is_at(arriving: str, *steps: Step) -> bool:
        """Whether one of *steps* was asked for, or the field that it waits for arrives."""
        arrives = new.given.get(arriving) is not None
        arrives = arrives and before.given.get(arriving) != new.given[arriving]
        return request.step_number in steps or arrives

    if _may_start_onboarding(new) and is_at("credential_id", Step.ONBOARDING):
        return Step.ONBOARDING
    asked = (Step.DEPLOYMENT_SPECS, Step.CLUSTER_RECOMMENDATION)
    if _may_start_recommendation(new) and is_at("deploy_config", *asked):
        return Step.CLUSTER_RECOMMENDATION
    return Step.DEPLOYMENT if request.trigger_workflow else None


def _may_start_onboarding(state: State) -> bool:
    is_needed = state.statuses is not None and needs_onboarding(state.statuses)
    is_known = "credential_id" in state.given and not left_before(state, Step.ONBOARDING)
    return is_needed and is_known


def _may_start_recommendation(state: State) -> bool:
    is_needed = state.statuses is not None and needs_deployment(state.statuses)
    # No cluster had room: one may have by now.
    is_open = not state.recommended
    return is_needed and is_open and not left_before(state, Step.CLUSTER_RECOMMENDATION)


def _check_cluster(state: State, request: StepRequest) -> None:
    cluster_id = request.fields.get("cluster_id")
    if cluster_id is None or cluster_id != state.given.get("cluster_id"):
        return  # it was said for something that is forgotten
    if state.recommended and not is_recommended(state, cluster_id):
        message = "It is none of the clusters that were recommended (recommended_clusters)"
        raise _refused("/cluster_id", "not_recommended", message)


def _refused(pointer: str, code: str, message: str) -> InvalidGuardrailStep:
    problems = [Issue(pointer, code, message)]
    return InvalidGuardrailStep("1 problem(s) with it.", problems=problems)


def _not_reached(step: int, left: Sequence[tuple[int, list[str]]]) -> GuardrailStepNotReached:
    words = ", ".join(f"{number} ({Step(number).name.lower()})" for number, _ in left)
    return GuardrailStepNotReached(
        f"Step {step} comes after these, which are not done yet: {words}.",
        missing=[{"step": number, "fields": fields} for number, fields in left],
    )
