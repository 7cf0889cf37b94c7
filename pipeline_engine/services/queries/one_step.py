"""One step, or one item, with all that is known of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.expressions import Fuel
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.errors import PipelineEngineError, StepNotFound
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.shown_scope import ShownStep
from pipeline_engine.services.pages import Page
from pipeline_engine.services.queries.attempts import KINDS, Attempt, attempts_in
from pipeline_engine.services.queries.parked import ParkedStep, parked
from pipeline_engine.services.queries.steps import StepRecord, step
from pipeline_engine.services.visibility import redactor_of
from pipeline_engine.storage import history, rows
from pipeline_engine.storage.parked import ParkedFilter

#: Of a step in one of these no action was given anything.
NEVER_GIVEN = frozenset({StepStatus.PENDING, StepStatus.SKIPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class OneStep(StepRecord):
    """A step execution, what its action was given, its attempts, and what it waits for."""

    params: Mapping[str, Any] | None  #: null before it has begun
    params_problem: PipelineEngineError | None  #: why they cannot be told
    attempts: Sequence[Attempt]
    waits_for: ParkedStep | None
    outputs_bytes: int  #: of their JSON text


def one_step(
    caller: Caller, session: Session, runtime: Runtime, execution_id: UUID, step_execution_id: int
) -> OneStep:
    """One step with its params, secrets masked.

    Raises ``ExecutionNotFound`` and ``StepNotFound``, also for what belongs to another user.
    """
    record = step(caller, session, execution_id, step_execution_id)
    redactor, connection = redactor_of(caller, session, execution_id), session.connection()
    told = history.of_step(connection, execution_id, step_execution_id, KINDS)
    params, problem = _params(caller, session, runtime, record)
    waits = ParkedFilter(step_execution_id=step_execution_id)
    return OneStep(
        **{field.name: getattr(record, field.name) for field in fields(StepRecord)},
        params=params,
        params_problem=problem,
        attempts=attempts_in(told, redactor),
        waits_for=next(iter(parked(caller, session, waits, Page(size=1)).entries), None),
        outputs_bytes=len(json_guard.dumps(record.outputs).encode()),
    )


def _params(
    caller: Caller, session: Session, runtime: Runtime, record: StepRecord
) -> tuple[Mapping[str, Any] | None, PipelineEngineError | None]:
    if record.status in NEVER_GIVEN or record.holds_steps:
        return None, None
    try:
        seen = seen_from(caller, session, runtime, record.execution_id, record.id)
        began_at = record.started_at.isoformat() if record.started_at else None
        return json_guard.check(seen.params(now=began_at)), None
    except PipelineEngineError as error:  # an action that is not installed here, for example
        return None, error


def seen_from(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    execution_id: UUID,
    step_execution_id: int | None,
    *,
    fuel: Fuel | None = None,
) -> ShownStep:
    """What the templates of a step may use, as *caller* is shown it.

    Raises ``ExecutionNotFound`` and ``StepNotFound``.
    """
    redactor, connection = redactor_of(caller, session, execution_id), session.connection()
    [facts] = rows.execution_facts(connection, [execution_id])
    if fuel is None:
        fuel = Fuel(deadline=time.monotonic() + runtime.settings.cheap_step_seconds)
    seen = ShownStep.of(runtime, connection, facts, redactor, fuel)
    if step_execution_id is None:
        return seen
    row = rows.step_of(connection, execution_id, step_execution_id)
    if row is None:
        raise StepNotFound(f"Execution {execution_id} has no step {step_execution_id}")
    return seen.at(row)
