"""Cancel a workflow: at once where nothing runs, else when what runs has been taken back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.guardrails import Phase
from pipeline_engine.guardrails import runs
from pipeline_engine.guardrails.records import Known, open_run, state_of, view_of, write
from pipeline_engine.guardrails.rules import rollback
from pipeline_engine.guardrails.rules.endings import cancel_asked
from pipeline_engine.guardrails.settling import known, settle_locked
from pipeline_engine.guardrails.submission import to_be_changed
from pipeline_engine.guardrails.views import CancelView
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import audit_log
from pipeline_engine.services.audit_log import Act

PENDING = "pending"


def cancel(
    caller: Caller, runtime: Runtime, workflow_id: UUID, *, reason: str | None
) -> CancelView:
    """Store that it is cancelled, tell what runs, and say what has come of it so far.

    Raises ``GuardrailWorkflowNotFound`` and ``GuardrailWorkflowEnded``.
    """
    found, is_new = _intend(caller, runtime, workflow_id, reason)
    run = open_run(found.runs)
    if run is not None and is_new:
        # If this process dies here, the follower does it.
        runs.stop(runtime, caller, run.execution_id, run.user_id, found.state.reason)
        found, _ = _intend(caller, runtime, workflow_id, reason)
    return _view(found)


def _intend(
    caller: Caller, runtime: Runtime, workflow_id: UUID, reason: str | None
) -> tuple[Known, bool]:
    """The workflow, which is cancelled now; true if it was not before."""
    with runtime.sessions.begin() as session:
        row = to_be_changed(caller, session, workflow_id)
        settle_locked(session, row)
        before = state_of(row)
        after = cancel_asked(before, reason)
        if after != before:
            write(row, after)
            act = Act.GUARDRAIL_CANCEL
            audit_log.record(caller, session, act, row.id, row.user_id, phase=before.phase.value)
            session.flush()
            session.refresh(row)
        return known(session, [row])[0], after != before


def _view(found: Known) -> CancelView:
    derived = found.state.derived
    nothing: dict[str, Any] = rollback.result((), ())
    result = derived.get("rollback") or nothing
    is_over = found.state.phase is not Phase.CANCELLING
    return CancelView(
        workflow=view_of(found),
        status=result["status"] if is_over else PENDING,
        cleaned_up=result["cleaned_up"],
        preserved={"onboarded_models": derived.get("onboarded_models") or [], **result["kept"]},
        errors=result["errors"],
    )
