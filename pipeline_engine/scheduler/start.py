"""Starting and cancelling executions; what the API and the ``run_pipeline`` action share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from pipeline_engine.domain import concurrency
from pipeline_engine.domain.audit_log import Act, Record
from pipeline_engine.domain.authority import Authority
from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.domain.concurrency import Need, needs_of_execution
from pipeline_engine.domain.definitions import PipelineDefinition, merge_params
from pipeline_engine.domain.identity import new_id
from pipeline_engine.domain.masking import NOTHING_HIDDEN, Masker, remember
from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.domain.scopes import Scope, missing_among, needs
from pipeline_engine.domain.states import PipelineStatus
from pipeline_engine.domain.subscriptions import TargetType, topics_of
from pipeline_engine.errors import (
    AmbiguousName,
    DraftNotExecutable,
    IdempotencyKeyReused,
    InvalidParams,
    PermissionDenied,
    PipelineArchived,
    PipelineNotFound,
    TooManyOpenExecutions,
)
from pipeline_engine.scheduler.actions.results import storable
from pipeline_engine.scheduler.advance import abort, admission, places
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.outbox import send
from pipeline_engine.scheduler.plan.plan import Plan
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.safe import may_use
from pipeline_engine.scheduler.transaction import Transaction, retry_on_conflict, transaction
from pipeline_engine.storage import pipelines, subscriptions
from pipeline_engine.storage.admission import put_in_line
from pipeline_engine.storage.new_executions import NewExecution, begin_execution, stored_with_key
from pipeline_engine.storage.pipelines import NewestRevision
from pipeline_engine.storage.places import stop_clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client, a schedule or another pipeline asks for."""

    params: dict[str, Any] = field(default_factory=dict)
    user_id: str | None = None
    caller: Caller = SYSTEM  #: with whose rights it acts
    execution_id: UUID | None = None  #: chosen before; null makes a new one
    initiator: str = "api"
    callback_topics: tuple[str, ...] | None = None
    subscriber_ids: str | None = None
    payload_type: str | None = None
    notification_workflow_id: str | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None
    parent_step_id: int | None = None
    parent_call: str | None = None
    parent_execution_id: UUID | None = None
    root_execution_id: UUID | None = None
    masker: Masker = NOTHING_HIDDEN  #: what of the params is secret although it is not declared so


@dataclass(frozen=True, slots=True)
class Startable:
    """A revision that can be executed, and the name that its executions get."""

    revision_id: UUID
    pipeline_id: UUID | None
    name: str
    plan: Plan
    owner: str | None  #: of the definition; null is the system
    of_system: bool  #: the definition is the system's


@dataclass(frozen=True, slots=True)
class Started:
    """An execution that was asked for, and what was stored of it."""

    id: UUID
    startable: Startable
    params: dict[str, Any]  #: with the defaults of the definition, secrets sealed
    is_new: bool  #: if not, the same request has stored it before, and it may have ended


def start(tx: Transaction, startable: Startable, request: Request) -> Started:
    """Store an execution, or find the one that the same request stored before.

    Raises ``PermissionDenied``, ``InvalidParams``, ``IdempotencyKeyReused`` and
    ``TooManyOpenExecutions``.
    """
    check_rights(startable.plan, request.caller)
    if request.user_id is not None:
        # For whom actions act: what a client or a step says of that is not believed.
        request = replace(request, params={**request.params, "user_id": request.user_id})
    startable, params = _with_params(tx.runtime, startable, request)
    definition = startable.plan.definition
    execution = NewExecution(
        id=request.execution_id or new_id(),
        revision_id=startable.revision_id,
        pipeline_id=startable.pipeline_id,
        name=startable.name,
        given_params=request.params,
        params=params,
        timeout=timedelta(seconds=definition.settings.timeout_seconds),
        initiator=request.initiator,
        user_id=request.user_id,
        authority=request.caller.authority(startable.owner, of_system=startable.of_system),
        callback_topics=request.callback_topics,
        subscriber_ids=request.subscriber_ids,
        payload_type=request.payload_type,
        notification_workflow_id=request.notification_workflow_id,
        parent_step_id=request.parent_step_id,
        parent_call=request.parent_call,
        parent_execution_id=request.parent_execution_id,
        root_execution_id=request.root_execution_id,
        idempotency_key=request.idempotency_key,
        request_hash=_fingerprint(tx.runtime, request.request_hash),
        record=_record(startable, request),
    )
    execution = _sealed(tx.runtime, definition, request.masker, execution)
    full = _full_quota(tx, request.user_id)
    begun = None if full else begin(tx, startable.plan, execution)
    if begun is not None:
        _tell_topics(tx, execution, request)
    found = begun or _started_before(tx, request)
    if found is None:
        raise full or TooManyOpenExecutions
    return Started(found, startable, execution.params, is_new=begun is not None)


def _with_params(
    runtime: Runtime, startable: Startable, request: Request
) -> tuple[Startable, dict[str, Any]]:
    """The params with their defaults, and the plan with what they give to it.

    Raises ``InvalidParams``.
    """
    params, problems = merge_params(startable.plan.definition, request.params)
    if problems:
        raise InvalidParams(problems=problems)
    masker = request.masker or runtime.masker
    plan = runtime.plans.fitting(startable.revision_id, startable.plan, params, masker)
    if problems := [*concurrency.problems(plan.definition, params, masker)]:
        raise InvalidParams(problems=problems)
    return replace(startable, plan=plan), params


def _tell_topics(tx: Transaction, execution: NewExecution, request: Request) -> None:
    """Subscribe the topics that are to be told of it: through the sidecar, or Redis without one."""
    settings = tx.runtime.settings
    given = (request.callback_topics, settings.notify_service_topic, request.subscriber_ids)
    if names := topics_of(*given):
        target = TargetType.DAPR if settings.dapr_http_endpoint else TargetType.REDIS_CHANNEL
        topics = subscriptions.Topics(names, target, by=request.caller.principal)
        subscriptions.follow(
            tx.connection,
            execution.id,
            topics,
            owner=execution.user_id,
            pipeline_id=execution.pipeline_id,
        )


def _record(startable: Startable, request: Request) -> Record | None:
    """What the audit log says of it; what a step starts is part of what its execution does."""
    if request.parent_step_id is not None:
        return None
    pipeline_id = startable.pipeline_id and str(startable.pipeline_id)
    of_what = {"pipeline": startable.name, "pipeline_id": pipeline_id}
    return Record.of(request.caller, Act.EXECUTION_START, None, request.user_id, **of_what)


def check_rights(plan: Plan, caller: Caller) -> None:
    """Refuse what a step would be refused; it asks again, as actions change.

    Raises ``PermissionDenied``.
    """
    if plan.named and not may_use(caller.rights):
        raise PermissionDenied(
            f"The definition names secrets: starting it needs {Scope.SECRETS_USE}."
        )
    check_demands(plan, caller, who="the execution")


def check_demands(plan: Plan, caller: Caller, *, who: str) -> None:
    """Refuse actions that ask for a right which *caller* lacks; *who* that is, in words.

    Raises ``PermissionDenied``.
    """
    for step_id, action, words in plan.demands:
        if missing := missing_among(caller.rights, words):
            raise PermissionDenied(
                f"Step {step_id!r}: {needs(action, missing, who=who)}",
                step_id=step_id,
                action=action,
                missing=missing,
            )


def _sealed(
    runtime: Runtime, definition: PipelineDefinition, masker: Masker, execution: NewExecution
) -> NewExecution:
    """The execution with its secrets sealed: declared ones, and what quotes others."""
    declared = definition.secret_parameters
    if not declared and not masker:
        return execution
    known = remember(masker.hiding(execution.params.get(name) for name in declared))
    place = str(execution.id)
    given, params = (
        runtime.sealer.seal(params, place, masker=known, whole=declared)
        for params in (execution.given_params, execution.params)
    )
    if params is None:
        return execution
    return replace(
        execution, given_params=given or execution.given_params, params=params, sealed=True
    )


def _full_quota(tx: Transaction, owner: str | None) -> TooManyOpenExecutions | None:
    most = tx.runtime.settings.quota("open_executions", owner)
    if most is None:
        return None
    used = tx.runtime.open_executions.take_place(tx.connection, owner, most=most)
    if used is None:
        return None
    return TooManyOpenExecutions(
        f"{owner or 'The system'} has {used} open executions, and may have {most};"
        " wait until some have ended",
        quota="open_executions",
        limit=most,
        used=used,
    )


def _fingerprint(runtime: Runtime, request_hash: str | None) -> str | None:
    """A hash as it is stored: of one without a key a short secret could be guessed."""
    return None if request_hash is None else runtime.sealer.fingerprint(request_hash.encode())


def _is_same(runtime: Runtime, stored: str | None, given: str | None) -> bool:
    # Equal: neither request had one, or it was stored by a version that kept the hash itself.
    return stored == given or (given is not None and runtime.sealer.is_of(stored, given.encode()))


def _started_before(tx: Transaction, request: Request) -> UUID | None:
    if request.idempotency_key is None:
        return None
    stored = stored_with_key(tx.connection, request.user_id, request.idempotency_key)
    if stored is None:
        return None
    execution_id, request_hash = stored
    if not _is_same(tx.runtime, request_hash, request.request_hash):
        raise IdempotencyKeyReused
    return execution_id


def called_pipeline(
    tx: Transaction, caller: Caller, authority: Authority, name_or_id: str
) -> Startable:
    """The newest revision of the pipeline that a step means, in an execution of *caller*.

    Whoever has written the definition has to see it, too, and a name means what it means to him:
    otherwise the pipeline of that name of whoever starts it would be given what it passes on.
    Raises ``PipelineNotFound``, ``AmbiguousName``, ``PipelineArchived`` and
    ``DraftNotExecutable``.
    """
    callers = (caller.as_written_by(authority.secrets_of), caller)
    pipeline_id = _as_id(name_or_id)
    found = pipelines.newest(tx.connection, pipeline_id, callers) if pipeline_id else None
    if found is not None:
        return _startable(tx, found, name_or_id)
    by_system = authority.of_system and authority.secrets_of is None
    return pipeline_named(tx, callers, name_or_id, of_system=by_system)


def pipeline_named(
    tx: Transaction, callers: Sequence[Caller], name: str, *, of_system: bool = False
) -> Startable:
    """The newest revision of the pipeline with this name that all of *callers* may execute.

    A name means a pipeline of the first of them before one of the system, and that one before any
    other; with *of_system* one of the system only.

    Raises ``PipelineNotFound``, ``AmbiguousName``, ``PipelineArchived`` and
    ``DraftNotExecutable``.
    """
    if storable(name) != name:  # no pipeline has such a name
        return _startable(tx, None, name)
    found = pipelines.newest_named(tx.connection, name, callers, of_system=of_system)
    if len(found) > 1:
        raise AmbiguousName.of(name, [row.id for row in found])
    return _startable(tx, found[0] if found else None, name)


def pipeline_with_id(tx: Transaction, callers: Sequence[Caller], pipeline_id: UUID) -> Startable:
    """The newest revision of a pipeline that all of *callers* may execute.

    Raises ``PipelineNotFound``, ``PipelineArchived`` and ``DraftNotExecutable``.
    """
    found = pipelines.newest(tx.connection, pipeline_id, callers)
    return _startable(tx, found, str(pipeline_id))


def _startable(tx: Transaction, found: NewestRevision | None, wanted: str) -> Startable:
    if found is None:
        raise PipelineNotFound(f"Pipeline not found: {wanted}", pipeline_id=wanted)
    if found.status == PipelineStatus.ARCHIVED:
        raise PipelineArchived(pipeline_id=str(found.id))
    if found.status != PipelineStatus.ACTIVE:
        raise DraftNotExecutable
    plan = tx.runtime.plans.of(tx.connection, found.revision_id)
    return Startable(
        found.revision_id, found.id, found.name, plan, found.user_id, of_system=found.of_system
    )


def _as_id(name_or_id: str) -> UUID | None:
    try:
        return UUID(name_or_id)
    except ValueError:
        return None


def cancel(
    runtime: Runtime,
    execution_id: UUID,
    *,
    because: str | None,
    force: bool = False,
    code: str = AbortReason.CANCELLED.value,
) -> bool:
    """Store the intent to cancel and stop what can be stopped; False if nothing was left to stop.

    With *force* handlers and compensations are stopped, too.
    """
    reason = AbortReason.CANCELLED

    def attempt() -> tuple[Transaction, bool]:
        with transaction(runtime) as tx:
            words = tx.masker_of(execution_id).mask(because) if because else abort.MESSAGES[reason]
            error = {"code": code, "message": words}
            endings = abort.give_up(tx, execution_id, reason=reason, error=error, force=force)
            advance(tx, endings or ())
        return tx, endings is not None

    tx, was_stopped = retry_on_conflict(attempt)
    send(tx)
    return was_stopped


def begin(tx: Transaction, plan: Plan, execution: NewExecution) -> UUID | None:
    """Store an execution and queue its first steps; None if its idempotency key is taken."""
    begun = begin_execution(tx.connection, execution, plan.first_steps)
    if begun is None:
        return None
    if not places.admits_execution(tx, begun.id, _needs(plan, execution)):
        put_in_line(tx.connection, [row.id for row in begun.roots])
        stop_clock(tx.connection, begun.id)
        return begun.id
    # The others were stored as queued: the same question was asked when the plan was made.
    held = [row for row in begun.roots if admission.of(plan, row).is_held]
    if held:
        admission.admit(tx, held)
    held_back = {row.id for row in held}
    tx.ready.extend(row for row in begun.roots if row.id not in held_back)
    return begun.id


def _needs(plan: Plan, execution: NewExecution) -> Sequence[Need]:
    definition = plan.definition
    if not definition.needs_place:
        return ()
    return needs_of_execution(
        definition,
        execution.params,
        owner=execution.user_id,
        pipeline_id=execution.pipeline_id,
    )
