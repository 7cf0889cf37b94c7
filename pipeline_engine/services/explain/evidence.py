"""What is known about an execution that does not move; gathered once, by bounded queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from redis import RedisError
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from pipeline_engine.domain import retries
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.definitions import Retries
from pipeline_engine.domain.phases import Phase, phase_of
from pipeline_engine.domain.redaction import Redactor
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.scheduler.plan.plan import Plan
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import presence
from pipeline_engine.services.presence import Carriage
from pipeline_engine.services.visibility import redactor_of
from pipeline_engine.storage import diagnostics, history, lines, shares
from pipeline_engine.storage.diagnostics import Neighbour, OpenStep
from pipeline_engine.storage.lines import Line
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.steps import StepKind
from pipeline_engine.storage.visibility import visible_to

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How many steps of an execution may be on their way, and which are."""

    limit: int | None  #: None if the plug-ins that the plan needs are not all installed here
    members: Sequence[Neighbour]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often the failure of a step is tried again: by the policy that has decided about it."""

    most_attempts: int
    policy: int = 0  #: its place among the policies
    policies: int = 1
    failures: int | None = None  #: that it has decided about; None if all are its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The open steps, and what surrounds them."""

    execution_id: UUID
    now: datetime  #: by the database's clock, as all other times
    steps: Sequence[OpenStep]
    carriage: Carriage | None  #: None while Redis is away
    actions: Mapping[str, frozenset[str]]  #: by worker; one that says nothing is missing
    window: Window
    blockers: Mapping[int, Sequence[Neighbour]]
    inside: Mapping[int, Sequence[Neighbour]]  #: what is open in those that are blocks
    held_items: Mapping[int, int]
    owners: Mapping[str, int]  #: how many have steps in the queues where it has some
    lines: Mapping[int | None, Line]  #: by step; None: the execution itself stands in line
    visible: Set[UUID]  #: executions in front of it that the caller may know of
    awaited: Mapping[int, Sequence[str]]
    deliveries: Mapping[int, Mapping[str, int]]  #: how many, by what became of them
    patience: Mapping[int, Patience]
    republish_after: float
    sweep_late_after: float
    redactor: Redactor


def gather(
    caller: Caller, session: Session, runtime: Runtime, execution_id: UUID, *, now: datetime
) -> Evidence:
    """Look at everything that could explain a standstill of this execution.

    Raises ``ExecutionNotFound``, also for what belongs to another user.
    """
    redactor, connection = redactor_of(caller, session, execution_id), session.connection()
    steps = diagnostics.open_steps(connection, execution_id)
    parked = [step.id for step in steps if step.awaiting_event]
    awaited = dict.fromkeys(parked, ()) | dict(diagnostics.awaited_ids(connection, parked))
    held = [step for step in steps if phase_of(step) is Phase.HELD]
    fan_outs = sorted({s.parent_id for s in held if s.parent_id and s.kind == StepKind.ITEM})
    plan = _plan(runtime, connection, execution_id) if _needs_plan(steps) else None
    carriage = _carriage(runtime)
    in_line = _lines(connection, execution_id, steps)
    return Evidence(
        execution_id=execution_id,
        now=now,
        steps=steps,
        carriage=carriage,
        actions=_actions(runtime, carriage),
        window=_window(connection, execution_id, steps, plan),
        blockers=diagnostics.blockers(
            connection, execution_id, [s.id for s in steps if s.remaining]
        ),
        inside=diagnostics.open_inside(connection, _expanded(steps)),
        held_items=diagnostics.held_items(connection, fan_outs) if fan_outs else {},
        owners=_owners(connection, steps),
        lines=in_line,
        visible=_visible(caller, session, in_line.values()),
        awaited=awaited,
        deliveries=diagnostics.delivery_counts(connection, parked) if parked else {},
        patience=_patience(connection, steps, plan),
        republish_after=runtime.settings.republish_after_seconds,
        sweep_late_after=runtime.settings.sweep_late_after,
        redactor=redactor,
    )


def _owners(connection: Connection, steps: Sequence[OpenStep]) -> dict[str, int]:
    queues = {step.queue for step in steps if phase_of(step) is Phase.QUEUED}
    return {queue: len(shares.waiting(connection, queue).names) for queue in queues}


def _lines(
    connection: Connection, execution_id: UUID, steps: Sequence[OpenStep]
) -> dict[int | None, Line]:
    ids = [step.id for step in steps if phase_of(step) is Phase.IN_LINE]
    found = lines.lines(connection, execution_id, ids) if ids else []
    return {line.place.step_execution_id: line for line in found}


def _visible(caller: Caller, session: Session, in_line: Iterable[Line]) -> Set[UUID]:
    ids = {holder.execution_id for line in in_line for holder in line.holders}
    if not ids:
        return frozenset()
    seen = select(Execution.id).where(Execution.id.in_(ids), visible_to(Execution, caller))
    return frozenset(session.scalars(seen))


def _carriage(runtime: Runtime) -> Carriage | None:
    try:
        return presence.look(runtime.redis, runtime.settings.key_prefix)
    except RedisError as error:
        log.info("redis_unreachable", error=str(error))
        return None


def _actions(runtime: Runtime, carriage: Carriage | None) -> Mapping[str, frozenset[str]]:
    try:
        workers = {w for their in (carriage.workers.values() if carriage else ()) for w in their}
        return presence.actions_of(runtime.redis, runtime.settings.key_prefix, workers)
    except RedisError as error:
        log.info("redis_unreachable", error=str(error))
        return {}


# ── What the definition says ─────────────────────────────────────────────────────────────


def _needs_plan(steps: Sequence[OpenStep]) -> bool:
    return any(phase_of(step) is Phase.RETRYING or _waits_for_window(step) for step in steps)


def _waits_for_window(step: OpenStep) -> bool:
    return phase_of(step) is Phase.HELD and step.kind != StepKind.ITEM


def _expanded(steps: Sequence[OpenStep]) -> list[int]:
    return [step.id for step in steps if phase_of(step) is Phase.EXPANDED]


def _plan(runtime: Runtime, connection: Connection, execution_id: UUID) -> Plan | None:
    try:
        return runtime.plan(connection, execution_id)
    except PipelineEngineError as error:  # stored by another version of the engine
        log.info("plan_unreadable", execution=str(execution_id), code=error.code)
        return None


def _window(
    connection: Connection, execution_id: UUID, steps: Sequence[OpenStep], plan: Plan | None
) -> Window:
    if not any(_waits_for_window(step) for step in steps):
        return Window(limit=None, members=())
    limit = plan.definition.settings.max_parallel_steps if plan else None
    return Window(limit=limit, members=diagnostics.in_window(connection, execution_id))


def _patience(
    connection: Connection, steps: Sequence[OpenStep], plan: Plan | None
) -> dict[int, Patience]:
    retrying = [step for step in steps if plan and phase_of(step) is Phase.RETRYING]
    found = {step.id: _patience_with(connection, step, plan) for step in retrying if plan}
    return {step_execution_id: its for step_execution_id, its in found.items() if its}


def _patience_with(connection: Connection, step: OpenStep, plan: Plan) -> Patience | None:
    policies = _policies(step, plan)
    deciding = retries.deciding(policies, step.error_code)
    if deciding is None:
        return None
    if len(policies) == 1:
        return Patience(most_attempts=deciding.max_attempts)
    codes = history.failures_before(connection, step.id)
    return Patience(
        most_attempts=deciding.max_attempts,
        policy=policies.index(deciding),
        policies=len(policies),
        failures=retries.failures_of(deciding, policies, codes),
    )


def _policies(step: OpenStep, plan: Plan) -> Retries:
    definition = plan.definition_for(step.step_id, step.action)
    try:
        return plan.plan(definition, step.action).retry
    except PipelineEngineError:  # its plug-in is not installed here
        return ()
