"""Workflows as rows, and what the rules and the clients make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func

from pipeline_engine.domain.guardrails import Phase, RunStatus
from pipeline_engine.guardrails.rules.endings import End
from pipeline_engine.guardrails.rules.inputs import models_to_deploy, models_to_reuse
from pipeline_engine.guardrails.rules.model_status import counts
from pipeline_engine.guardrails.rules.steps import ALL_FIELDS, State, next_step, skipped
from pipeline_engine.guardrails.views import RunView, WorkflowView
from pipeline_engine.storage.tables.guardrails import GuardrailRun, GuardrailWorkflow

#: What is told beside the fields that were given, in the order of the reference service.
DERIVED = (
    *("model_statuses", "models_requiring_onboarding", "models_requiring_deployment"),
    *("models_reusable", "skip_to_step", "credential_required"),
    *("pipeline_execution_id", "pipeline_status", "pipeline_results"),
    *("recommended_clusters", "per_model_configs", "models_to_deploy", "models_to_reuse"),
    *("deployment_id", "deployed_endpoint_ids", "profile_id", "endpoint_urls"),
    *("onboarded_models", "rollback"),
)
IN_PROGRESS = "in_progress"
#: What clients call the phases; of all that are not here ``in_progress``.
WORDS: Mapping[Phase, str] = {
    phase: phase.value for phase in (Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED)
}


@dataclass(frozen=True, slots=True)
class Known:
    """A workflow with its runs, as it is now: an end that nobody has written yet counts."""

    row: GuardrailWorkflow
    runs: Sequence[GuardrailRun]
    state: State
    end: End | None = None  #: of the last run, if that is to be written yet


def state_of(row: GuardrailWorkflow) -> State:
    """What the rules know of a row."""
    return State(
        phase=Phase(row.phase),
        current_step=row.current_step,
        given=row.given,
        derived=row.derived,
        reason=row.reason,
    )


def columns_of(state: State) -> dict[str, Any]:
    """The columns that *state* is kept in."""
    return {
        "phase": state.phase.value,
        "current_step": int(state.current_step),
        "given": dict(state.given),
        "derived": dict(state.derived),
        "reason": state.reason,
    }


def write(row: GuardrailWorkflow, state: State) -> None:
    """Let a row that is locked be *state*."""
    for name, value in columns_of(state).items():
        setattr(row, name, value)
    row.lock_version += 1
    row.updated_at = func.now()


def open_run(runs: Sequence[GuardrailRun]) -> GuardrailRun | None:
    """The one that has not ended; there is one at most."""
    return next((run for run in runs if run.ended_at is None), None)


def status_of(phase: Phase) -> str:
    """What clients call a phase."""
    return WORDS.get(phase, IN_PROGRESS)


def view_of(known: Known) -> WorkflowView:
    """What is told of a workflow."""
    row, state = known.row, known.state
    runs = _runs(known)
    return WorkflowView(
        id=row.id,
        user_id=row.user_id,
        status=status_of(state.phase),
        phase=state.phase.value,
        current_step=int(state.current_step),
        next_step=next_step(state),
        total_steps=row.total_steps,
        skipped_steps=_skipped(state, runs),
        reason=state.reason,
        # An end that is not written yet is written before anything else changes the row.
        version=row.lock_version + (known.end is not None),
        created_at=row.created_at,
        updated_at=row.updated_at,
        workflow_steps=_fields(known, runs),
        runs=runs,
    )


def _skipped(state: State, runs: Sequence[RunView]) -> list[int]:
    """The steps that are passed over; what a pipeline has done is not."""
    done = {run.step_number for run in runs if run.status == RunStatus.COMPLETED}
    return [step for step in skipped(state) if step not in done]


def _runs(known: Known) -> list[RunView]:
    views = [_run(run) for run in known.runs]
    if known.end is None:
        return views
    end = known.end
    ended = replace(
        views[-1],
        status=end.status.value,
        error=end.error,
        ended_at=end.at,
        results=end.results,
    )
    return [*views[:-1], ended]


def _run(run: GuardrailRun) -> RunView:
    return RunView(
        step_number=run.step_number,
        pipeline=run.pipeline,
        execution_id=run.execution_id,
        number=run.number,
        status=run.status,
        started_at=run.started_at,
        ended_at=run.ended_at,
        error=run.error,
        results=run.results,
    )


def _fields(known: Known, runs: Sequence[RunView]) -> dict[str, Any]:
    state = known.state
    told: dict[str, Any] = {**dict.fromkeys((*ALL_FIELDS, *DERIVED)), **state.given}
    told |= {name: state.derived[name] for name in DERIVED if name in state.derived}
    if state.statuses is not None:
        told |= counts(state.statuses)
        told["models_to_deploy"] = models_to_deploy(state)
        told["models_to_reuse"] = models_to_reuse(state)
    if runs:
        told["pipeline_execution_id"] = str(runs[-1].execution_id)
        told["pipeline_status"] = runs[-1].status
        told["pipeline_results"] = runs[-1].results
    return told
