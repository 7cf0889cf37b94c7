"""Pipelines of a workflow: start one, cancel it, and read how it has ended.

An execution and the row that names it are committed together, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from pipeline_engine.domain.audit_log import Act, Record
from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.domain.guardrails import RunStatus
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.errors import ExecutionNotFound
from pipeline_engine.guardrails import shipping
from pipeline_engine.guardrails.rules import rollback
from pipeline_engine.guardrails.rules.endings import End
from pipeline_engine.guardrails.rules.inputs import PAYLOAD_TYPES, PIPELINES, params
from pipeline_engine.guardrails.rules.requests import MOST_RULES
from pipeline_engine.guardrails.rules.rollback import Undone
from pipeline_engine.guardrails.rules.steps import State, Step
from pipeline_engine.scheduler import trees
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.services import executions, queries
from pipeline_engine.services.pages import Page
from pipeline_engine.services.queries import StartedRecord, StepRecord
from pipeline_engine.storage.tables.guardrails import GuardrailRun, GuardrailWorkflow
from pipeline_engine.storage.tables.steps import StepKind

#: Whom the system's own workflows are for, where a pipeline wants to know.
OF_SYSTEM = "system"
GONE = {"code": "execution_gone", "message": "The execution was deleted before its end was seen"}
STATUSES: Mapping[str, RunStatus] = {
    ExecutionStatus.COMPLETED: RunStatus.COMPLETED,
    ExecutionStatus.FAILED: RunStatus.FAILED,
    ExecutionStatus.INTERRUPTED: RunStatus.CANCELLED,
}
#: The steps of the shipped pipelines whose outputs count also if the execution has failed.
ONBOARDS, LINKS, DEPLOYS = "onboard_models", "update_rules", "deploy_models"


def begin(
    tx: Transaction,
    caller: Caller,
    workflow: GuardrailWorkflow,
    step: Step,
    state: State,
    *,
    number: int,
) -> GuardrailRun:
    """Start the pipeline of *step*. Raises what any start raises."""
    request = executions.StartRequest(
        params=params(
            step,
            state,
            workflow_id=str(workflow.id),
            user_id=workflow.user_id or OF_SYSTEM,
        ),
        user_id=workflow.user_id,
        payload_type=PAYLOAD_TYPES[step],
        notification_workflow_id=str(workflow.id),
    )
    pipeline_id = shipping.shipped_id(tx.connection, PIPELINES[step])
    started = executions.start_in(as_owner(caller, workflow.user_id), tx, pipeline_id, request)
    return GuardrailRun(
        workflow_id=workflow.id,
        user_id=workflow.user_id,
        step_number=int(step),
        pipeline=PIPELINES[step],
        number=number,
        execution_id=started.id,
        status=RunStatus.RUNNING.value,
    )


def as_owner(caller: Caller, owner: str | None) -> Caller:
    """*caller*, who owns it, as one who acts for *owner*: a group, for one of its members."""
    if owner == caller.user_id or caller.is_service:
        return caller.acting_for(owner)
    others = (caller.owners | {caller.user_id or ""}) - {owner or ""}
    return replace(caller, user_id=owner, others=others)


def stop(
    runtime: Runtime, caller: Caller, execution_id: UUID, owner: str | None, reason: str | None
) -> None:
    """Let an execution come to its end; what takes back what it has done goes on.

    Nothing happens if it has ended, or was told so already: a second cancel of an execution would
    stop its handlers, too, so this is not the one of ``services.executions``.
    """
    record = Record.of(caller, Act.EXECUTION_CANCEL, execution_id, owner, force=False)
    trees.cancel(runtime, execution_id, because=reason, record=record)


def end_of(session: Session, run: GuardrailRun) -> End | None:
    """How a run has ended; null as long as its execution goes on."""
    try:
        found = queries.started_execution(SYSTEM, session, run.execution_id)
    except ExecutionNotFound:
        return End(status=RunStatus.FAILED, at=datetime.now(UTC), error=GONE)
    if not ExecutionStatus(found.status).is_final:
        return None
    steps = queries.steps(SYSTEM, session, run.execution_id)
    status = STATUSES[found.status]
    is_deployment = run.step_number == Step.DEPLOYMENT
    return End(
        status=status,
        at=found.finished_at or datetime.now(UTC),
        outputs=found.outputs or {},
        error=None if status is RunStatus.COMPLETED else _error(found),
        onboarded=[*_onboarded(session, steps)],
        endpoints=[str(one) for one in _left_by(steps, DEPLOYS, "endpoint_ids")],
        rollback=_rollback(session, found, steps)
        if is_deployment and status is not RunStatus.COMPLETED
        else None,
    )


def _error(found: StartedRecord) -> dict[str, Any]:
    error = found.error or {}
    return {name: error.get(name) for name in ("code", "message", "step_id")}


def _onboarded(session: Session, steps: Sequence[StepRecord]) -> Iterator[dict[str, Any]]:
    """The models that are there now, rule by rule."""
    linked = _left_by(steps, LINKS, "rules")
    # budapp may have told the id of a model after its last event only.
    ids = {one.get("rule_id"): one.get("model_id") for one in linked if isinstance(one, Mapping)}
    for line in _left_by(steps, ONBOARDS, "results") or _onboarded_so_far(session, steps):
        if isinstance(line, Mapping):
            rule_id = line.get("rule_id")
            model_id = line.get("model_id") or ids.get(rule_id)
            if model_id:
                uri = line.get("model_uri")
                yield {"rule_id": rule_id, "model_uri": uri, "model_id": model_id}


def _onboarded_so_far(session: Session, steps: Sequence[StepRecord]) -> Iterator[Any]:
    """What the models of an onboarding have left that was cancelled, and says nothing of all."""
    for step in steps:
        if step.step_id == ONBOARDS:
            items = _parts(session, step)
            yield from (one.outputs for one in items if one.status == StepStatus.COMPLETED)


def _left_by(steps: Iterable[StepRecord], step_id: str, name: str) -> Sequence[Any]:
    """What a step of the pipeline has left under a name, if that is a list."""
    left = ((one.outputs or {}).get(name) for one in steps if one.step_id == step_id)
    return next((one for one in left if isinstance(one, list)), [])


def _rollback(
    session: Session, found: StartedRecord, steps: Iterable[StepRecord]
) -> dict[str, Any]:
    kinds = (StepKind.HANDLER, StepKind.COMPENSATION)
    undone = [
        Undone(
            step_id=one.step_id,
            has_failed=one.status in (StepStatus.FAILED, StepStatus.TIMEOUT),
            outputs=one.outputs or {},
            error=one.error_message,
        )
        for step in steps
        if step.kind in kinds
        for one in _parts(session, step)
    ]
    return rollback.result(undone, (found.error or {}).get("compensation"))


def _parts(session: Session, step: StepRecord) -> Sequence[StepRecord]:
    """A step, or its items: what undoes a fan-out undoes each of its items."""
    if step.items is None:
        return [step]
    page = Page(size=MOST_RULES)
    items = queries.below(SYSTEM, session, step.execution_id, parent_id=step.id, page=page)
    return items.entries
